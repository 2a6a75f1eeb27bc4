//! The comments of a YAML text, and the `cachelint:` directives in them.

use crate::base::finding::Edit;
use crate::base::text::{Span, Text};
use crate::rules::checks;
use crate::yaml::{Kind, NodeId, ScalarStyle, Tree};

const MARK: &str = "cachelint:";

/// One `# cachelint: …` in a comment, which may also hold the directives of other tools.
#[derive(Debug)]
pub struct Directive {
    /// Zero-based.
    pub line: usize,
    /// From its `#` to its last character.
    pub span: Span,
    /// What it asks for, or why it can't be read.
    pub content: Result<Ignore, String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Ignore {
    /// Never empty, in order.
    pub checks: Vec<IgnoredCheck>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct IgnoredCheck {
    /// Full id.
    pub check: &'static str,
    /// The name in the text.
    pub span: Span,
}

impl Directive {
    /// Removes the directive: its whole line if nothing else is on it, else also the spaces
    /// before it.
    pub fn removal(&self, text: &Text) -> Edit {
        let start = text.line_start(self.line);
        let next = text.line_start(self.line + 1);
        let (before, after) =
            (&text.as_str()[start..self.span.start], &text.as_str()[self.span.end..next]);
        let rest = after.trim();
        let span = if !rest.is_empty() {
            Span::new(self.span.start, next - after.trim_start().len())
        } else if before.trim().is_empty() && self.line > 0 && !after.ends_with('\n') {
            // The last line leaves with the line break before it: the file ends as it did, without
            // one.
            let above = self.line - 1;
            Span::new(text.line_start(above) + text.line(above).len(), next)
        } else if before.trim().is_empty() {
            Span::new(start, next)
        } else {
            Span::new(start + before.trim_end().len(), self.span.end)
        };
        Edit { span, content: String::new() }
    }
}

/// All directives of a text, in order.
pub fn directives(text: &Text, tree: &Tree) -> Vec<Directive> {
    // Most files have none; they are not worth a walk through the tree.
    if !text.as_str().contains(MARK) {
        return Vec::new();
    }
    comments(text, tree).into_iter().flat_map(|span| in_comment(text, span)).collect()
}

/// Spans of all comments, from `#` to the last character before the line break.
fn comments(text: &Text, tree: &Tree) -> Vec<Span> {
    let scalars = scalar_spans(text, tree);
    let mut found = Vec::new();
    for number in 0..text.line_count() {
        let start = text.line_start(number);
        let line = text.line(number);
        let hashes = line
            .match_indices('#')
            .filter(|(at, _)| *at == 0 || line[..*at].ends_with([' ', '\t']));
        let outside = |at: usize| {
            let before = scalars.partition_point(|s| s.start <= at);
            !before.checked_sub(1).is_some_and(|i| scalars[i].contains(at))
        };
        if let Some((at, _)) = hashes.into_iter().find(|(at, _)| outside(start + at)) {
            found.push(Span::new(start + at, start + line.trim_end().len()));
        }
    }
    found
}

/// Sorted spans of scalars in which a `#` is text. The header line of a block scalar is not part: a
/// comment may be there.
fn scalar_spans(text: &Text, tree: &Tree) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut stack: Vec<NodeId> = tree.root().into_iter().collect();
    while let Some(id) = stack.pop() {
        let node = tree.node(id);
        match node.kind {
            Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
                let content = text.line_start(text.line_of(node.span.start) + 1);
                spans.push(Span::new(content, node.span.end.max(content)));
            }
            Kind::Scalar { .. } => spans.push(node.span),
            Kind::Mapping { entries, .. } => {
                stack.extend(entries.iter().flat_map(|e| [e.key, e.value]))
            }
            Kind::Sequence { items, .. } => stack.extend(items.iter().map(|item| item.node)),
            Kind::Alias(_) => {}
        }
    }
    spans.retain(|s| s.start < s.end);
    spans.sort_unstable();
    spans
}

/// The directives of one comment: `# zizmor: ignore[x] # cachelint: ignore[y] reason`.
fn in_comment(text: &Text, comment: Span) -> Vec<Directive> {
    let Some(content) = text.as_str().get(comment.range()) else { return Vec::new() };
    let starts: Vec<usize> = content
        .match_indices('#')
        .map(|(at, _)| at)
        .filter(|at| {
            *at == 0 || (content[..*at].ends_with([' ', '\t']) && is_directive(&content[at + 1..]))
        })
        .collect();
    let ends = starts.iter().skip(1).copied().chain([content.len()]);
    let mut found = Vec::new();
    for (from, to) in starts.iter().copied().zip(ends) {
        let part = content[from..to].trim_end();
        let body = part[1..].trim_start();
        if let Some(request) = body.strip_prefix(MARK) {
            let offset = comment.start + from;
            found.push(Directive {
                line: text.line_of(offset),
                span: Span::new(offset, offset + part.len()),
                content: parse(request, offset + part.len() - request.len()),
            });
        }
    }
    found
}

/// Whether a comment's text starts as tools' directives do: a word and a colon.
fn is_directive(text: &str) -> bool {
    let word = text.trim_start().split(':').next().unwrap_or_default();
    word.len() < text.trim_start().len()
        && !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Reads ` ignore[a, b] reason`, which is at `offset` of the text.
fn parse(request: &str, offset: usize) -> Result<Ignore, String> {
    const FORM: &str = "write `# cachelint: ignore[nox/missing-cache] reason`";
    let Some(rest) = request.trim_start().strip_prefix("ignore") else {
        return Err(format!("`cachelint:` isn't followed by `ignore`; {FORM}"));
    };
    let Some(list) = rest.strip_prefix('[') else {
        return Err(format!("this comment doesn't say which checks to ignore; {FORM}"));
    };
    let Some((list, reason)) = list.split_once(']') else {
        return Err(format!("the list of checks has no closing `]`; {FORM}"));
    };
    if !reason.is_empty() && !reason.starts_with([' ', '\t']) {
        return Err(format!("a space is missing between `]` and the reason; {FORM}"));
    }
    let mut at = offset + (request.len() - rest.len()) + 1;
    let mut checks = Vec::new();
    for part in list.split(',') {
        let name = part.trim();
        if name.is_empty() {
            return Err(format!("the list of checks has an empty item; {FORM}"));
        }
        let check = checks::find(name).ok_or_else(|| checks::unknown(name))?;
        let start = at + (part.len() - part.trim_start().len());
        checks.push(IgnoredCheck {
            check: check.id.as_str(),
            span: Span::new(start, start + name.len()),
        });
        at += part.len() + 1;
    }
    Ok(Ignore { checks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<Directive> {
        let text = Text::new("ci.yml", line.as_bytes().to_vec()).unwrap();
        in_comment(&text, Span::new(0, line.len()))
    }

    #[test]
    fn well_formed() {
        let table: &[(&str, &[&str])] = &[
            ("# cachelint: ignore[nox/missing-cache] cold on purpose", &["nox/missing-cache"]),
            ("# cachelint: ignore[missing-cache]", &["nox/missing-cache"]),
            (
                "#cachelint:ignore[ missing-cache , constant-key ]",
                &["nox/missing-cache", "nox/constant-key"],
            ),
            ("# zizmor: ignore[x] # cachelint: ignore[wrong-path] a # b", &["nox/wrong-path"]),
            ("# see #12 # cachelint: ignore[wrong-path]", &["nox/wrong-path"]),
        ];
        for (line, expected) in table {
            let found = read(line);
            assert_eq!(found.len(), 1, "{line}");
            let ignore = found[0].content.as_ref().unwrap();
            assert_eq!(
                ignore.checks.iter().map(|e| e.check).collect::<Vec<_>>(),
                *expected,
                "{line}"
            );
            for entry in &ignore.checks {
                assert!(entry.check.ends_with(&line[entry.span.range()]), "{line}");
            }
        }
    }

    #[test]
    fn malformed() {
        let table = [
            ("# cachelint: ignore", "doesn't say which checks"),
            ("# cachelint: ignore missing-cache", "doesn't say which checks"),
            ("# cachelint: ignore[missing-cache", "no closing `]`"),
            ("# cachelint: ignore[]", "empty item"),
            ("# cachelint: ignore[missing-cache,]", "empty item"),
            ("# cachelint: ignore[mising-cache]", "did you mean `missing-cache`?"),
            ("# cachelint: ignore[missing-cache]reason", "space is missing"),
            ("# cachelint: off", "isn't followed by `ignore`"),
        ];
        for (line, wording) in table {
            let message = read(line).remove(0).content.unwrap_err();
            assert!(message.contains(wording), "{line}: {message}");
        }
    }

    #[test]
    fn other_comments_are_not_ours() {
        for line in [
            "# cachelint is nice",
            "# about cachelint: ignore[x]",
            "# zizmor: ignore[x]",
            "#",
            "# see #cachelint",
        ] {
            assert!(read(line).is_empty(), "{line}");
        }
    }
}
