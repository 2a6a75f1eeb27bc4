//! A word of a command: what is written, what it evaluates to as far as that is known, and where it
//! stands.

use crate::base::text::Span;

/// Where the text of a part comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartSource {
    /// Written in the script.
    Script,
    /// The value of a `${{ … }}`.
    Hole,
    /// The value of a shell variable or of a command substitution.
    Variable,
}

/// A stretch of a word with one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPart {
    /// `None` when it is not known.
    pub text: Option<String>,
    /// The values it can have, where they are known to be several (a loop variable).
    pub choices: Vec<String>,
    /// In the original script.
    pub span: Span,
    pub source: PartSource,
    /// Whether it is in quotes, so that it cannot become several words.
    pub quoted: bool,
}

impl WordPart {
    /// What something else than the script's own text gives: a variable, a launcher, another program.
    pub(super) fn computed(text: Option<String>, span: Span, quoted: bool) -> Self {
        Self { text, choices: Vec::new(), span, source: PartSource::Variable, quoted }
    }
}

/// Longer values are taken as unknown: `x="$x$x"` in a hostile script doubles at every line.
const MAX_VALUE: usize = 64 * 1024;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As written in the original script, quotes included.
    pub raw: String,
    /// The text after quote removal and expansion; `None` when a part of it is not known.
    pub value: Option<String>,
    /// In the original script.
    pub span: Span,
    pub parts: Vec<WordPart>,
}

impl Word {
    pub fn new(raw: &str, span: Span, parts: Vec<WordPart>) -> Self {
        let value = parts.iter().map(|p| p.text.as_deref()).collect::<Option<String>>();
        Self { raw: raw.to_owned(), value: value.filter(|v| v.len() <= MAX_VALUE), span, parts }
    }

    /// The word at the same place of the script, with another value.
    pub(super) fn with_value(&self, text: &str) -> Word {
        let part = WordPart::computed(Some(text.to_owned()), self.span, true);
        Word { value: Some(text.to_owned()), parts: vec![part], ..self.clone() }
    }

    /// What the word is known to start with.
    pub fn static_prefix(&self) -> String {
        self.parts.iter().map_while(|p| p.text.as_deref()).collect()
    }

    /// The word without the first `length` bytes of its value, which are known: `x` of
    /// `--option=x`.
    pub(super) fn without_prefix(&self, length: usize) -> Word {
        let (mut left, mut parts) = (length, Vec::new());
        for part in &self.parts {
            let text = part.text.as_deref().unwrap_or_default();
            let cut = left.min(text.len());
            left -= cut;
            let verbatim =
                part.source == PartSource::Script && text.len() == part.span.end - part.span.start;
            let span = Span::new(part.span.start + if verbatim { cut } else { 0 }, part.span.end);
            match text.get(cut..) {
                Some("") if part.text.is_some() => {}
                Some(rest) => parts.push(WordPart {
                    text: part.text.as_ref().map(|_| rest.to_owned()),
                    span,
                    ..part.clone()
                }),
                None => parts.push(WordPart { text: None, ..part.clone() }),
            }
        }
        // The raw text begins like the value where no quote or escape comes before the cut.
        let plain = self.raw.get(..length).is_some_and(|raw| self.static_prefix().starts_with(raw));
        let start = if plain { length } else { 0 };
        Word::new(&self.raw[start..], Span::new(self.span.start + start, self.span.end), parts)
    }

    /// What the word is known to end with.
    pub fn static_suffix(&self) -> String {
        let known = self.parts.iter().rev().take_while(|p| p.text.is_some()).count();
        self.parts[self.parts.len() - known..].iter().filter_map(|p| p.text.as_deref()).collect()
    }

    /// Whether it can stand for any number of words: an unknown value outside quotes.
    pub fn may_be_several(&self) -> bool {
        self.parts.iter().any(|p| p.text.is_none() && p.choices.is_empty() && !p.quoted)
    }

    /// The values that it can have: one when it is known, several for a loop variable, else empty.
    pub fn choices(&self) -> Vec<String> {
        if let Some(value) = &self.value {
            return vec![value.clone()];
        }
        let mut open = self.parts.iter().enumerate().filter(|(_, p)| p.text.is_none());
        let (Some((at, part)), None) = (open.next(), open.next()) else { return Vec::new() };
        let text =
            |parts: &[WordPart]| parts.iter().filter_map(|p| p.text.as_deref()).collect::<String>();
        let (before, after) = (text(&self.parts[..at]), text(&self.parts[at + 1..]));
        part.choices.iter().map(|c| format!("{before}{c}{after}")).collect()
    }

    /// The name of the program that the word runs: no folder, no `.exe`. Known also for
    /// `$VENV/bin/nox`.
    pub fn program_name(&self) -> Option<String> {
        match &self.value {
            Some(value) => Some(program_name(value).to_owned()),
            None => {
                let suffix = self.static_suffix();
                suffix.contains(['/', '\\']).then(|| program_name(&suffix).to_owned())
            }
        }
    }

    /// Whether the end of the word is written in the script, so that text can be inserted after
    /// it.
    pub(super) fn ends_in_script(&self) -> bool {
        let last = self.parts.iter().rev().find(|p| p.text.as_deref() != Some(""));
        last.is_some_and(|p| p.source == PartSource::Script)
    }
}

/// `path` without folders and without the ending that Windows gives to programs.
pub fn program_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let ending = name.rfind('.').filter(|at| {
        let ending = &name[at + 1..];
        *at > 0 && ["exe", "cmd", "bat"].iter().any(|e| ending.eq_ignore_ascii_case(e))
    });
    ending.map_or(name, |at| &name[..at])
}

/// `text` as one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        for (text, expected) in
            [("tests-3.12", "tests-3.12"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted(text), expected);
        }
    }
}
