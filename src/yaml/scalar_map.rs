//! Reads a scalar's source and its value side by side: finds where the source ends and which byte
//! of it made which byte of the value.

use super::tree::ScalarStyle;

/// From byte `value` of the value on, the value's text is at `file`; what comes before that
/// byte ends at `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    pub value: usize,
    pub file: usize,
    /// Differs from `file` after a `\` at the end of a line, which adds nothing to the value, and
    /// at the end of a block scalar, where nothing can be added after the last line break.
    pub before: usize,
}

/// Offset after the scalar that starts at `start` of `source`; `None` when the source does not say
/// `value`. `step` is told where the distance between value and source may change, in ascending
/// order.
pub(super) fn walk(
    source: &str,
    start: usize,
    style: ScalarStyle,
    value: &str,
    step: impl FnMut(Shift),
) -> Option<usize> {
    let mut reader = ScalarReader {
        source: source.as_bytes(),
        value: value.as_bytes(),
        at: start,
        made: 0,
        step,
    };
    match style {
        ScalarStyle::Plain => reader.plain(),
        ScalarStyle::SingleQuoted => reader.quoted(b'\''),
        ScalarStyle::DoubleQuoted => reader.quoted(b'"'),
        ScalarStyle::Literal => reader.block(false),
        ScalarStyle::Folded => reader.block(true),
    }
}

/// True for the bytes that end a token: spaces and line breaks.
pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// True when a `---` or `...` line starts at `at`.
pub(super) fn is_document_marker(source: &[u8], at: usize) -> bool {
    let rest = source.get(at..).unwrap_or_default();
    (rest.starts_with(b"---") || rest.starts_with(b"..."))
        && rest.get(3).is_none_or(|b| is_white(*b))
}

struct ScalarReader<'a, F> {
    source: &'a [u8],
    value: &'a [u8],
    /// How far the source was read.
    at: usize,
    /// How much of the value that source made.
    made: usize,
    step: F,
}

impl<F: FnMut(Shift)> ScalarReader<'_, F> {
    fn here(&mut self) {
        self.after(self.at);
    }

    /// The text before this place ends at `before` already.
    fn after(&mut self, before: usize) {
        (self.step)(Shift { value: self.made, file: self.at, before });
    }

    fn byte(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// The next `count` bytes of the source are in the value as they are.
    fn copy(&mut self, count: usize) -> Option<()> {
        let there = self.source.get(self.at..self.at + count)?;
        if self.value.get(self.made..self.made + count)? != there {
            return None;
        }
        self.at += count;
        self.made += count;
        Some(())
    }

    /// The value continues with `count` times `byte`.
    fn makes(&mut self, byte: u8, count: usize) -> Option<()> {
        let next = self.value.get(self.made..self.made + count)?;
        next.iter().all(|b| *b == byte).then(|| self.made += count)
    }

    fn plain(&mut self) -> Option<usize> {
        self.here();
        let same = self.source.get(self.at..)?.starts_with(self.value);
        if same && !self.value.contains(&b'\n') {
            return Some(self.at + self.value.len());
        }
        while self.made < self.value.len() {
            self.run()?;
            if self.made < self.value.len() {
                self.white()?;
            }
        }
        Some(self.at)
    }

    /// Everything up to the next white byte; a plain scalar has no byte that means something else.
    fn run(&mut self) -> Option<()> {
        let rest = self.source.get(self.at..)?;
        let length = rest.iter().position(|b| is_white(*b)).unwrap_or(rest.len());
        self.copy(length.min(self.value.len() - self.made))
    }

    /// White space inside a flow scalar: kept within a line, folded around line breaks.
    fn white(&mut self) -> Option<()> {
        let rest = self.source.get(self.at..)?;
        let length = rest.iter().position(|b| !is_white(*b)).unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        match rest[..length].iter().filter(|b| **b == b'\n').count() {
            0 => return self.copy(length),
            1 => self.makes(b' ', 1)?,
            breaks => self.makes(b'\n', breaks - 1)?,
        }
        self.at += length;
        self.here();
        Some(())
    }

    fn quoted(&mut self, quote: u8) -> Option<usize> {
        if self.byte()? != quote {
            return None;
        }
        self.at += 1;
        self.here();
        loop {
            let rest = self.source.get(self.at..)?;
            let length = rest.iter().position(|b| *b == quote || *b == b'\\' || is_white(*b))?;
            self.copy(length)?;
            match self.byte()? {
                b'\'' if quote == b'\'' && self.source.get(self.at + 1) == Some(&b'\'') => {
                    self.makes(b'\'', 1)?;
                    self.at += 2;
                    self.here();
                }
                b if b == quote => return (self.made == self.value.len()).then_some(self.at + 1),
                b'\\' if quote == b'"' => self.escape()?,
                b'\\' => self.copy(1)?,
                _ => self.white()?,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let start = self.at;
        let digits = match self.source.get(start + 1)? {
            b'\r' | b'\n' => return self.continuation(),
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let length = char_length(*self.value.get(self.made)?);
        self.made += length;
        self.at += 2 + digits;
        self.here();
        Some(())
    }

    /// `\` before a line break: the break and the indentation after it make nothing, empty lines
    /// make a `\n` each.
    fn continuation(&mut self) -> Option<()> {
        let start = self.at;
        let rest = self.source.get(start + 1..)?;
        let length = rest.iter().position(|b| !is_white(*b))?;
        let breaks = rest[..length].iter().filter(|b| **b == b'\n').count();
        self.makes(b'\n', breaks.checked_sub(1)?)?;
        self.at += 1 + length;
        let before = if breaks == 1 { start } else { self.at };
        self.after(before);
        Some(())
    }

    fn block(&mut self, folded: bool) -> Option<usize> {
        self.at = self.line_end(self.at).1;
        let indent = self.indentation()?;
        self.here();
        let mut end = self.at;
        // The line breaks since the last content line, its own first.
        let mut breaks: Vec<usize> = Vec::new();
        let mut deeper_before = None;
        while self.at < self.source.len() {
            let spaces = self.spaces(self.at, indent);
            let content = self.at + spaces;
            let (line_end, next) = self.line_end(content);
            if line_end == content {
                if next > content {
                    breaks.push(content);
                }
                self.at = next;
                continue;
            }
            if spaces < indent || (indent == 0 && is_document_marker(self.source, content)) {
                break;
            }
            let deeper = matches!(self.source[content], b' ' | b'\t');
            let folds = folded && !deeper && deeper_before == Some(false);
            match breaks.len() {
                1 if folds => self.makes(b' ', 1)?,
                count => self.breaks(&breaks[..count - usize::from(folds)])?,
            }
            self.at = content;
            self.here();
            self.copy(line_end - content)?;
            deeper_before = Some(deeper);
            breaks.clear();
            if next > line_end {
                breaks.push(line_end);
            }
            self.at = next;
            end = next;
        }
        let left = self.value.len() - self.made;
        self.breaks(breaks.get(..left).unwrap_or(&breaks))?;
        // The parser ends a last line without line break with one.
        self.makes(b'\n', self.value.len() - self.made)?;
        if left > 0 {
            let last = self.at;
            self.at = end;
            self.after(last);
        }
        Some(end)
    }

    /// One `\n` for each line break at `places`.
    fn breaks(&mut self, places: &[usize]) -> Option<()> {
        for place in places {
            self.at = *place;
            self.here();
            self.makes(b'\n', 1)?;
        }
        Some(())
    }

    /// Where the line that holds `at` ends, without and with its line break.
    fn line_end(&self, at: usize) -> (usize, usize) {
        let rest = &self.source[at..];
        match rest.iter().position(|b| *b == b'\n') {
            Some(length) if length > 0 && rest[length - 1] == b'\r' => {
                (at + length - 1, at + length + 1)
            }
            Some(length) => (at + length, at + length + 1),
            None => (self.source.len(), self.source.len()),
        }
    }

    fn spaces(&self, at: usize, limit: usize) -> usize {
        self.source[at..].iter().take(limit).take_while(|b| **b == b' ').count()
    }

    /// The indentation that a block scalar's lines lose: what the first line with text has more
    /// than its value.
    fn indentation(&self) -> Option<usize> {
        let source = &self.source[self.at..];
        if let Some(kept) = first_text(self.value) {
            return first_text(source)?.checked_sub(kept);
        }
        match longest_blank(self.value) {
            // Without content no line is deep enough.
            0 => Some(usize::MAX),
            kept => longest_blank(source).checked_sub(kept),
        }
    }
}

/// Leading spaces of the first line that has more than spaces.
fn first_text(lines: &[u8]) -> Option<usize> {
    let text = first_text_offset(lines)?;
    Some(lines[..text].iter().rev().take_while(|b| **b == b' ').count())
}

fn first_text_offset(lines: &[u8]) -> Option<usize> {
    lines.iter().position(|b| !matches!(b, b' ' | b'\r' | b'\n'))
}

/// Length of the longest line among the blank lines at the start of `lines`.
fn longest_blank(lines: &[u8]) -> usize {
    let text = first_text_offset(lines).unwrap_or(lines.len());
    lines[..text]
        .split(|b| *b == b'\n')
        .map(|line| line.iter().filter(|b| **b == b' ').count())
        .max()
        .unwrap_or(0)
}

/// Length in UTF-8 of the character that starts with `lead`.
fn char_length(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}
