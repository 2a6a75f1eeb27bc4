//! A script in a tracked file, with the way from its offsets to those of the file.

use crate::base::text::Span;
use crate::shell::word::quoted;
use crate::shell::{Expanded, Shell, Word};

/// A script that a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct FileScript {
    /// The file, relative to the repository root.
    pub path: String,
    pub shell: Shell,
    pub script: String,
    /// Expressions of the file's own language in `script`, with what they become (`None`: not
    /// known).
    pub holes: Vec<(Span, Option<String>)>,
    /// Where it is in the file.
    pub span: Span,
    /// How much of `script`, from its start, is the text at `span`, byte for byte.
    pub(super) verbatim: usize,
    /// Where it starts, relative to the repository root.
    pub folder: String,
    /// The words it is given, where they are known.
    pub arguments: Option<Vec<Option<String>>>,
    pub env: Vec<(String, Option<String>)>,
    /// What it is in its file: "target `test`".
    pub label: String,
    /// A green run of the file's entry may leave it out.
    pub conditional: bool,
}

impl FileScript {
    /// The text of `file` at `span`.
    pub(super) fn verbatim(
        path: &str,
        file: &str,
        span: Span,
        folder: &str,
        label: String,
    ) -> Self {
        let script = file.get(span.range()).unwrap_or_default().to_owned();
        Self { verbatim: script.len(), ..Self::computed(path, span, script, folder, label) }
    }

    /// A script that the text at `span` means.
    pub(super) fn computed(
        path: &str,
        span: Span,
        script: String,
        folder: &str,
        label: String,
    ) -> Self {
        Self {
            path: path.to_owned(),
            shell: Shell::Bash,
            script,
            holes: Vec::new(),
            span,
            verbatim: 0,
            folder: folder.to_owned(),
            arguments: None,
            env: Vec::new(),
            label,
            conditional: false,
        }
    }

    /// The value of a scalar that is at `span`, quotes included.
    pub(super) fn scalar(
        path: &str,
        file: &str,
        span: Span,
        value: &str,
        folder: &str,
        label: String,
    ) -> Self {
        let raw = file.get(span.range()).unwrap_or_default();
        match raw.find(value).filter(|_| !value.is_empty()) {
            Some(at) => {
                let span = Span::new(span.start + at, span.start + at + value.len());
                Self::verbatim(path, file, span, folder, label)
            }
            None => Self::computed(path, span, value.to_owned(), folder, label),
        }
    }

    /// Marks every `open … close` of the script, with what `value` knows of it.
    pub(super) fn with_holes(
        mut self,
        open: &str,
        close: &str,
        value: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut at = 0;
        while let Some(start) =
            self.script.get(at..).and_then(|rest| rest.find(open)).map(|found| at + found)
        {
            let inside = start + open.len();
            let Some(end) = self.script[inside..].find(close).map(|found| inside + found) else {
                break;
            };
            self.holes.push((
                Span::new(start, end + close.len()),
                value(self.script[inside..end].trim()),
            ));
            at = end + close.len();
        }
        self
    }

    /// Adds words after the script, as wrappers do that hand their arguments on.
    pub(super) fn append<'w>(&mut self, words: impl IntoIterator<Item = &'w Word>) {
        for word in words {
            self.script.push(' ');
            match &word.value {
                Some(value) => self.script.push_str(&quoted(value)),
                None => {
                    let start = self.script.len();
                    self.script.push('?');
                    self.holes.push((Span::new(start, self.script.len()), None));
                }
            }
        }
    }

    /// The script as the shell gets it.
    pub fn expanded(&self) -> Expanded {
        Expanded::new(&self.script, &self.holes)
    }

    /// The place in the file of a stretch of the script.
    pub fn locate(&self, span: Span) -> Span {
        if span.start >= self.verbatim {
            return self.span;
        }
        let start = self.span.start + span.start;
        Span::new(start, (self.span.start + span.end.min(self.verbatim)).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_to_the_file() {
        let file = "a = \"nox -s x\"";
        let mut file_script =
            FileScript::scalar("f", file, Span::new(4, 14), "nox -s x", "", String::new());
        assert_eq!(file_script.locate(Span::new(0, 3)), Span::new(5, 8));
        let word = file_script.script.len();
        file_script.script.push_str(" more");
        assert_eq!(
            file_script.locate(Span::new(4, word + 5)),
            Span::new(9, 13),
            "what was added ends with the script"
        );
        let computed = FileScript::scalar("f", file, Span::new(4, 14), "other", "", String::new());
        assert_eq!(computed.locate(Span::new(0, 3)), Span::new(4, 14));
    }

    #[test]
    fn holes_of_templates() {
        let file_script =
            FileScript::verbatim("f", "nox -s {{ x }} {{y", Span::new(0, 18), "", String::new())
                .with_holes("{{", "}}", |name| (name == "x").then(|| "tests".to_owned()));
        assert_eq!(file_script.expanded().text(), "nox -s tests {{y");
    }
}
