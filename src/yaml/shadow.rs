//! Lines that the parser finds too little indented although YAML allows it inside brackets and
//! quotes: a copy of the text with more blanks before them.

use std::collections::BTreeMap;

use super::walk::quoted_end;
use crate::base::text::Text;

/// How much text is parsed again at most, all tries together: a workflow has one or two such lines,
/// if any.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Blanks put before lines.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    /// Zero-based line to number of blanks.
    blanks: BTreeMap<usize, usize>,
    parsed: usize,
}

impl Shadow {
    /// Blanks before the zero-based `line`.
    pub fn blanks(&self, line: usize) -> usize {
        self.blanks.get(&line).copied().unwrap_or(0)
    }

    /// Takes up the parser's complaint `info` at zero-based `line` and `column` of the copy; false
    /// when it is about something that more blanks do not cure, or tried too often.
    pub fn widen(&mut self, text: &Text, info: &str, line: usize, column: usize) -> bool {
        self.parsed += text.as_str().len();
        if self.parsed > MAX_BYTES {
            return false;
        }
        match info {
            "invalid indentation" | "invalid indentation in flow construct" => {
                // Doubled, because how deep is deep enough is not said.
                let blanks = self.blanks.entry(line).or_insert(0);
                *blanks = (*blanks * 2).max(1);
                *blanks <= column + 4096
            }
            "invalid indentation in quoted scalar" => self.widen_quoted(text, line, column),
            _ => false,
        }
    }

    /// Brings all later lines of the quoted scalar to its own column; their indentation is no part
    /// of its value.
    fn widen_quoted(&mut self, text: &Text, line: usize, column: usize) -> bool {
        let start = text.offset_of(line, column.saturating_sub(self.blanks(line)));
        let Some(end) = quoted_end(text.as_str(), start) else { return false };
        let mut widened = false;
        for later in line + 1..=text.line_of(end) {
            widened |= self.blanks.insert(later, column.max(1)).is_none();
        }
        widened
    }

    /// The copy; `None` while nothing had to be changed.
    pub fn copy(&self, text: &Text) -> Option<String> {
        if self.blanks.is_empty() {
            return None;
        }
        let mut copy =
            String::with_capacity(text.as_str().len() + self.blanks.values().sum::<usize>());
        let mut done = 0;
        for (line, blanks) in &self.blanks {
            let start = text.line_start(*line);
            copy.push_str(&text.as_str()[done..start]);
            copy.extend(std::iter::repeat_n(' ', *blanks));
            done = start;
        }
        copy.push_str(&text.as_str()[done..]);
        Some(copy)
    }
}
