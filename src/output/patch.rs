//! What a fix would change, as a diff inside the finding.

use std::io::{self, Write};

use super::{Look, printable};
use crate::base::finding::Edit;
use crate::base::text::{Span, Text};
use crate::edit::apply::apply;
use crate::edit::diff::write_diff;

/// Lines shown before and after the changed ones.
const CONTEXT_LINES: usize = 2;
/// A change that reaches over more than this is left to `--diff`.
const MAX_BYTES: usize = 64 * 1024;
/// A diff of more lines is cut here.
const MAX_LINES: usize = 40;
/// A diff that is only a few lines longer isn't cut, since that would save nothing.
const MIN_CUT: usize = 3;

/// Writes the changed lines of `text` with a little of what is around them.
pub fn write_patch(out: &mut dyn Write, text: &Text, edits: &[Edit], look: Look) -> io::Result<()> {
    let Some((old, new)) = around(text, edits) else { return Ok(()) };
    let mut diff = Vec::new();
    write_diff(&mut diff, "x", old, &new, false)?;
    let diff = String::from_utf8_lossy(&diff);
    let (green, red, dim, off) =
        if look.colour { ("\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m") } else { ("", "", "", "") };
    let lines: Vec<&str> = diff.lines().skip(3).filter(|line| !line.starts_with('\\')).collect();
    let most = if lines.len() <= MAX_LINES + MIN_CUT { lines.len() } else { MAX_LINES };
    for line in lines.iter().take(most) {
        let line = printable(line.trim_end_matches('\r'));
        let style = match line.chars().next() {
            Some('+') => green,
            Some('-') => red,
            _ => "",
        };
        let off = if style.is_empty() { "" } else { off };
        if line.starts_with("@@") {
            writeln!(out, "    {dim}…{off}")?;
        } else {
            writeln!(out, "    {style}{}{off}", line.trim_end())?;
        }
    }
    if lines.len() > most {
        writeln!(out, "    … {} more lines (`--diff`)", lines.len() - most)?;
    }
    Ok(())
}

/// The lines that `edits` touch and those around them, before and after.
fn around<'t>(text: &'t Text, edits: &[Edit]) -> Option<(&'t str, String)> {
    let first = edits.iter().map(|edit| edit.span.start).min()?;
    let last = edits.iter().map(|edit| edit.span.end).max()?;
    let whole = text.as_str();
    let from = (0..CONTEXT_LINES).fold(line_start(whole, first)?, |at, _| {
        at.checked_sub(1).and_then(|before| line_start(whole, before)).unwrap_or(0)
    });
    let to = (0..=CONTEXT_LINES).fold(last, |at, _| {
        whole.get(at..).and_then(|rest| rest.find('\n')).map_or(whole.len(), |end| at + end + 1)
    });
    let old = whole.get(from..to).filter(|old| old.len() <= MAX_BYTES)?;
    let shifted: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit {
            span: Span::new(edit.span.start - from, edit.span.end - from),
            content: edit.content.clone(),
        })
        .collect();
    let new = apply(old, &shifted).ok()?;
    Some((old, new))
}

fn line_start(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.rfind('\n').map_or(0, |before| before + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(text: &str, edits: &[(usize, usize, &str)]) -> String {
        let text = Text::new("x.yml", text.as_bytes().to_vec()).unwrap();
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(start, end, content)| Edit {
                span: Span::new(*start, *end),
                content: (*content).to_owned(),
            })
            .collect();
        let mut out = Vec::new();
        write_patch(&mut out, &text, &edits, Look::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_changed_lines_and_a_little_around_them() {
        let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n";
        assert_eq!(
            patch(text, &[(15, 15, "new: x\n")]),
            "     b: 2\n     c: 3\n    +new: x\n     d: 4\n     e: 5\n     f: 6\n"
        );
        assert_eq!(
            patch("a: 1\r\nb: \u{1b}2", &[(9, 10, "3")]),
            "     a: 1\n    -b: ?2\n    +b: 32\n"
        );
        assert_eq!(patch("a", &[]), "");
        let long = "x\n".repeat(100);
        assert!(patch("a: 1\n", &[(0, 0, &long)]).ends_with("    … 61 more lines (`--diff`)\n"));
        // 42 of the new lines, and the one after them.
        assert_eq!(patch("a: 1\n", &[(0, 0, &"b: 2\n".repeat(42))]).lines().count(), 43);
    }
}
