//! `${{ … }}` put into a script as the runner does it, by text, with a way back from every offset
//! to the original.

use std::sync::Arc;

use super::word::{PartSource, Word, WordPart};
use crate::base::text::Span;

/// A script with its expressions replaced by their values, or by a placeholder where the value is
/// not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expanded {
    original: Arc<str>,
    text: String,
    /// Cover `text` without gaps.
    segments: Vec<Stretch>,
}

/// A stretch of the expanded text with one origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stretch {
    start: usize,
    end: usize,
    origin: Span,
    source: PartSource,
    known: bool,
    choices: Vec<String>,
}

impl Stretch {
    /// Whether its bytes are those of the origin, one by one.
    fn verbatim(&self) -> bool {
        self.source == PartSource::Script
            && self.end - self.start == self.origin.end - self.origin.start
    }
}

/// Stands for an unknown value: safe in every shell, in and out of quotes. Recognised by its place,
/// never by its text.
const PLACEHOLDER: &str = "unknown_value";

impl Expanded {
    /// `holes` gives the span of each `${{ … }}` in `script`, in order, with what it evaluates to
    /// (`None`: not known). A hole that overlaps the one before it or does not fit the script is
    /// left as text.
    pub fn new(script: &str, holes: &[(Span, Option<String>)]) -> Self {
        let mut out = Self {
            original: script.into(),
            text: String::with_capacity(script.len()),
            segments: Vec::new(),
        };
        let mut at = 0;
        for (span, value) in holes {
            if span.start < at || span.start > span.end || script.get(span.range()).is_none() {
                continue;
            }
            out.push(&script[at..span.start], Span::new(at, span.start), PartSource::Script, true);
            out.push(
                value.as_deref().unwrap_or(PLACEHOLDER),
                *span,
                PartSource::Hole,
                value.is_some(),
            );
            at = span.end;
        }
        out.push(&script[at..], Span::new(at, script.len()), PartSource::Script, true);
        out
    }

    /// A script that is inside this one as the text of `parts`.
    pub(super) fn nested(&self, parts: &[WordPart]) -> Self {
        let mut out =
            Self { original: self.original.clone(), text: String::new(), segments: Vec::new() };
        for part in parts {
            out.push(
                part.text.as_deref().unwrap_or(PLACEHOLDER),
                part.span,
                part.source,
                part.text.is_some(),
            );
            if let Some(last) = out.segments.last_mut() {
                last.choices.clone_from(&part.choices);
            }
        }
        out
    }

    fn push(&mut self, text: &str, origin: Span, source: PartSource, known: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        self.segments.push(Stretch { start, end, origin, source, known, choices: Vec::new() });
    }

    /// What the shell is given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The script as it was before expansion.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The place in the original script that `span` of the expanded text comes from. An end inside
    /// a hole covers the hole.
    pub fn origin(&self, span: Span) -> Span {
        let at = |offset: usize| self.segments.partition_point(|s| s.end <= offset);
        let first = self.segments.get(at(span.start)).or(self.segments.last());
        let Some(first) = first else { return Span::at(0) };
        let start = if first.verbatim() {
            first.origin.start + (span.start - first.start)
        } else {
            first.origin.start
        };
        if span.end <= span.start {
            return Span::at(start);
        }
        let last = self.segments.get(at(span.end - 1)).or(self.segments.last()).unwrap_or(first);
        let end = if last.verbatim() {
            last.origin.start + (span.end - last.start)
        } else {
            last.origin.end
        };
        Span::new(start, end.max(start))
    }

    /// The text at `span` as parts, one for each origin.
    pub(super) fn parts(&self, span: Span, quoted: bool) -> Vec<WordPart> {
        let from = self.segments.partition_point(|s| s.end <= span.start);
        let inside = self.segments[from..]
            .iter()
            .take_while(|s| s.start < span.end)
            .filter(|s| s.start < s.end);
        let part = |segment: &Stretch| {
            let cut = Span::new(segment.start.max(span.start), segment.end.min(span.end));
            let text = self.text.get(cut.range()).filter(|_| segment.known).map(str::to_owned);
            WordPart {
                text,
                choices: segment.choices.clone(),
                span: self.origin(cut),
                source: segment.source,
                quoted,
            }
        };
        inside.map(part).collect()
    }

    /// The text at `span` with escapes resolved: `escape` before a character for which `applies` is
    /// that character, before a line break nothing.
    pub(super) fn unescape(
        &self,
        span: Span,
        quoted: bool,
        escape: char,
        applies: fn(char) -> bool,
    ) -> Vec<WordPart> {
        let mut out = Vec::new();
        let text = self.text.get(span.range()).unwrap_or_default();
        let (mut run, mut chars) = (0, text.char_indices().peekable());
        while let Some((at, c)) = chars.next() {
            let Some((next_at, next)) = chars.peek().copied() else { break };
            if c != escape || !(applies(next) || next == '\n') {
                continue;
            }
            chars.next();
            out.extend(self.parts(Span::new(span.start + run, span.start + at), quoted));
            run = next_at + next.len_utf8();
            let origin = self.origin(Span::new(span.start + at, span.start + run));
            if next != '\n' {
                let text = Some(next.to_string());
                out.push(WordPart {
                    text,
                    choices: Vec::new(),
                    span: origin,
                    source: PartSource::Script,
                    quoted: true,
                });
            }
        }
        out.extend(self.parts(Span::new(span.start + run, span.end), quoted));
        out
    }

    /// The word at `span` of the expanded text.
    pub(super) fn word(&self, span: Span, parts: Vec<WordPart>) -> Word {
        let origin = self.origin(span);
        Word::new(self.original.get(origin.range()).unwrap_or_default(), origin, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(script: &str, value: Option<&str>) -> Expanded {
        let start = script.find("${{").unwrap();
        let end = script.find("}}").unwrap() + 2;
        Expanded::new(script, &[(Span::new(start, end), value.map(str::to_owned))])
    }

    #[test]
    fn known_values_are_put_in_by_text() {
        let script = hole("a ${{ x }} b", Some("c d"));
        assert_eq!(script.text(), "a c d b");
        assert_eq!(script.origin(Span::new(0, 1)), Span::new(0, 1));
        assert_eq!(
            script.origin(Span::new(2, 3)),
            Span::new(2, 10),
            "a word of a hole is the hole"
        );
        assert_eq!(script.origin(Span::new(6, 7)), Span::new(11, 12));
        assert_eq!(script.origin(Span::new(0, 7)), Span::new(0, 12));
    }

    #[test]
    fn unknown_values_stay_unknown_but_keep_their_place() {
        let script = hole("-s${{ x }}é", None);
        let parts = script.parts(Span::new(0, script.text().len()), false);
        let texts: Vec<_> = parts.iter().map(|p| p.text.as_deref()).collect();
        assert_eq!(texts, [Some("-s"), None, Some("é")]);
        assert_eq!(parts[2].span, Span::new(10, 12));
        let word = script.word(Span::new(0, script.text().len()), parts);
        assert_eq!((word.value.as_deref(), word.static_prefix().as_str()), (None, "-s"));
        assert!(word.parts.iter().any(|p| p.source == PartSource::Hole) && word.may_be_several());
    }

    #[test]
    fn an_empty_value_leaves_the_offsets_right() {
        let script = hole("nox${{ x }} -s", Some(""));
        assert_eq!(script.text(), "nox -s");
        assert_eq!(script.origin(Span::new(4, 6)), Span::new(12, 14));
        assert_eq!(script.origin(Span::new(0, 3)), Span::new(0, 3));
    }

    #[test]
    fn holes_that_do_not_fit_are_text() {
        let bad = [(Span::new(1, 99), None), (Span::new(3, 2), None)];
        assert_eq!(Expanded::new("nox é", &bad).text(), "nox é");
        assert_eq!(Expanded::new("", &[]).origin(Span::new(0, 0)), Span::at(0));
    }
}
