//! A scalar rewritten in the way it is written: one line, or the lines of a block.

use crate::actions::{Scalar, Step};
use crate::base::finding::Edit;
use crate::base::text::Span;
use crate::fix::fold::{HEADER, folded};
use crate::fix::quote::{double_quoted, scalar as quoted};
use crate::repo::Document;
use crate::yaml::{Kind, ScalarStyle};

/// Spaces by which a new block is indented below its key.
const NESTING: usize = 2;

/// Replaces a one-line value; returns the edit and the new value. `None` where the scalar is shared
/// through an anchor.
pub fn set_line(
    document: &Document,
    step: &Step,
    scalar: &Scalar,
    line: &str,
) -> Option<(Edit, String)> {
    let content = match folded_value(document, step, scalar, line) {
        Some(block) => block,
        None if is_flow(document, step) => double_quoted(line),
        None => quoted(line),
    };
    Some((replaced(document, scalar, content)?, line.to_owned()))
}

/// Replaces a one-line value by a folded block, where the file limits its lines to less than this
/// one needs.
pub fn fold(document: &Document, step: &Step, scalar: &Scalar, line: &str) -> Option<Edit> {
    replaced(document, scalar, folded_value(document, step, scalar, line)?)
}

/// The whole value replaced, on the line of its key, also where the old one has a line of its own
/// because it was too long.
fn replaced(document: &Document, scalar: &Scalar, content: String) -> Option<Edit> {
    let style = style(document, scalar)?;
    let start = start(document, scalar);
    let gap = if start < scalar.span.start { " " } else { "" };
    let (first, others) = content.split_at(content.find(['\r', '\n']).unwrap_or(content.len()));
    let mut content = format!("{gap}{first}{}{others}", header_comment(document, scalar));
    if is_block(style) && ends_line(document, scalar.span) {
        content.push_str(document.text.newline().as_str());
    }
    Some(Edit { span: Span::new(start, scalar.span.end), content })
}

/// Where a value begins, or the end of its key where it has a line of its own in a file that limits
/// its lines.
fn start(document: &Document, scalar: &Scalar) -> usize {
    let before = &document.text.as_str()[..scalar.span.start];
    let key = before.trim_end();
    let apart = before[key.len()..].contains('\n') && key.ends_with(':');
    if apart && document.line_limit.is_some() { key.len() } else { scalar.span.start }
}

fn folded_value(document: &Document, step: &Step, scalar: &Scalar, line: &str) -> Option<String> {
    let limit = document.line_limit?;
    let start = start(document, scalar);
    let gap = usize::from(start < scalar.span.start);
    let column = document.text.position(start).column - 1 + gap;
    let rest = document.text.as_str()[scalar.span.end..].lines().next().unwrap_or_default();
    let commented = !rest.trim().is_empty() && !ends_line(document, scalar.span);
    let width = quoted(line).chars().count() + header_comment(document, scalar).chars().count();
    if column + width <= limit || commented || is_flow(document, step) {
        return None;
    }
    let indent = key_column(document, scalar.span.start) + NESTING;
    let newline = document.text.newline().as_str();
    let lines = folded(line, limit.saturating_sub(indent))?;
    let body: Vec<String> = lines.iter().map(|l| format!("{}{l}", " ".repeat(indent))).collect();
    Some(format!("{HEADER}{newline}{}", body.join(newline)))
}

/// Replaces a value of one item a line; returns the edit and the new value.
pub fn set_lines(
    document: &Document,
    step: &Step,
    scalar: &Scalar,
    lines: &[String],
) -> Option<(Edit, String)> {
    let style = style(document, scalar)?;
    if let ([line], false) = (lines, is_block(style)) {
        return set_line(document, step, scalar, line);
    }
    if is_flow(document, step) {
        let value = lines.join("\n");
        return Some((Edit { span: scalar.span, content: double_quoted(&value) }, value));
    }
    let newline = document.text.newline().as_str();
    let written = &document.text.as_str()[scalar.span.range()];
    let (comment, moved) = if is_block(style) {
        (header_comment(document, scalar), 0)
    } else {
        // It would become a part of the last line.
        let comment = comment_after(document, scalar);
        (comment, comment.len())
    };
    let header = written.lines().next().unwrap_or_default().trim_end();
    let header = header.strip_suffix(comment).unwrap_or(header);
    let kept = style == ScalarStyle::Literal && matches!(header, "|" | "|-");
    let header = if kept { header } else { "|" };
    let indent = match written.lines().skip(1).find(|l| !l.trim().is_empty()) {
        Some(line) if is_block(style) => line.len() - line.trim_start_matches(' ').len(),
        _ => key_column(document, scalar.span.start) + NESTING,
    };
    let body: Vec<String> =
        lines.iter().map(|line| format!("{}{line}", " ".repeat(indent))).collect();
    let end = if !is_block(style) || ends_line(document, scalar.span) { newline } else { "" };
    let mut content = format!("{header}{comment}{newline}{}", body.join(newline));
    // A one-line scalar leaves its line break after it.
    if is_block(style) {
        content.push_str(end);
    }
    let value = lines.join("\n") + if header == "|-" { "" } else { "\n" };
    let span = Span::new(scalar.span.start, scalar.span.end + moved);
    Some((Edit { span, content }, value))
}

/// A new `name: value` line after the line(s) of `scalar`, at the same indentation; values of
/// several lines as a block.
pub fn add_after(
    document: &Document,
    step: &Step,
    scalar: &Scalar,
    name: &str,
    lines: &[String],
) -> Option<(Edit, String)> {
    let style = style(document, scalar)?;
    if is_flow(document, step) {
        return None;
    }
    let newline = document.text.newline().as_str();
    let column = key_column(document, scalar.span.start);
    let (outer, inner) = (" ".repeat(column), " ".repeat(column + NESTING));
    let mut added = format!("{outer}{name}: |{newline}");
    lines.iter().for_each(|line| added.push_str(&format!("{inner}{line}{newline}")));
    let value = lines.join("\n") + "\n";
    let end = if is_block(style) && ends_line(document, scalar.span) {
        scalar.span.end
    } else {
        document.text.line_start(document.text.line_of(scalar.span.end) + 1)
    };
    let text = document.text.as_str();
    if !text[..end].ends_with('\n') {
        let added = format!("{newline}{}", added.trim_end_matches(['\r', '\n']));
        // A block without a last line break has none to give.
        return Some((Edit { span: Span::at(end), content: added }, value));
    }
    Some((Edit { span: Span::at(end), content: added }, value))
}

fn style(document: &Document, scalar: &Scalar) -> Option<ScalarStyle> {
    let node = document.tree.node(scalar.node);
    match node.kind {
        Kind::Scalar { style, .. } if !node.anchored && node.tag.is_none() => Some(style),
        _ => None,
    }
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

/// The comment in the header of a block (`>- # why`), which a rewritten value keeps, with the blanks
/// before it.
fn header_comment<'a>(document: &'a Document, scalar: &Scalar) -> &'a str {
    if !style(document, scalar).is_some_and(is_block) {
        return "";
    }
    let written = &document.text.as_str()[scalar.span.range()];
    let header = written.lines().next().unwrap_or_default().trim_end();
    let Some((indicators, _)) = header.split_once('#') else { return "" };
    &header[indicators.trim_end().len()..]
}

/// The comment that ends the line of a value, with the blanks before it.
fn comment_after<'a>(document: &'a Document, scalar: &Scalar) -> &'a str {
    let rest = document.text.as_str()[scalar.span.end..].lines().next().unwrap_or_default();
    if rest.trim_start().starts_with('#') { rest.trim_end() } else { "" }
}

/// The inputs, or the whole step, are written as `{ … }`.
fn is_flow(document: &Document, step: &Step) -> bool {
    let tree = &document.tree;
    let flow =
        |node| matches!(tree.node(tree.resolve(node)).kind, Kind::Mapping { flow: true, .. });
    flow(step.node) || tree.get(step.node, "with").is_some_and(flow)
}

fn ends_line(document: &Document, span: Span) -> bool {
    document.text.as_str()[span.range()].ends_with('\n')
}

/// The column of the key on whose line `offset` stands, or on the line before where the value has a
/// line of its own.
fn key_column(document: &Document, offset: usize) -> usize {
    let mut line = document.text.line_of(offset);
    let own = document.text.line(line);
    if line > 0 && own.len() - own.trim_start().len() == offset - document.text.line_start(line) {
        line -= 1;
    }
    let text = document.text.line(line);
    text.len() - text.trim_start_matches([' ', '-']).len()
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::testing;

    const BEFORE: &str = "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with:\n    \
                          python-version: '3.12'\n- uses: actions/cache@v6\n  with:\n";

    /// The workflow of these inputs and commands after the fix of each finding.
    fn fixed(inputs: &str, commands: &str, files: &[(&str, &str)]) -> Vec<String> {
        let inputs: String = inputs.lines().map(|line| format!("    {line}\n")).collect();
        let workflow =
            testing::job("runs-on: ubuntu-latest", &format!("{BEFORE}{inputs}{commands}"));
        let path = ".github/workflows/ci.yml";
        let project = ("pyproject.toml", "[project]\n");
        let own = [(path, workflow.as_str()), ("noxfile.py", testing::NOXFILE), project];
        let found = testing::outcome(&[&own, files].concat(), &Config::default()).findings;
        let fixes = found.iter().filter_map(|finding| finding.fix.as_ref());
        fixes.map(|fix| testing::fixed(&workflow, fix)).collect()
    }

    #[test]
    fn the_comment_of_a_block_stays_with_a_new_value() {
        let inputs = "path: >- # why path\n  .nox/\nkey: >- # why key\n  constant\nrestore-keys: |-   # why restore\n  foo\n";
        let narrow = [(".yamllint", "rules: {line-length: {max: 80}}\n")];
        for files in [&[][..], &narrow] {
            let all = fixed(inputs, "- run: nox -r -s tests\n", files);
            for text in &all {
                for comment in ["path: >- # why path\n", " # why key\n", "   # why restore\n"] {
                    assert_eq!(text.matches(comment).count(), 1, "{comment}: {text}");
                }
            }
            let keys = all.iter().filter(|text| !text.contains("  constant\n"));
            assert!(keys.count() > 0, "{all:#?}");
            let restore_keys = all.iter().filter(|text| !text.contains("  foo\n"));
            assert!(restore_keys.count() > 0, "{all:#?}");
        }
    }

    #[test]
    fn the_comment_after_a_line_moves_to_the_header_of_a_block() {
        let inputs = "path: sub/.nox # why path\nkey: nox-${{ hashFiles('noxfile.py') }}\n";
        let commands = "- run: nox --envdir a/.nox -r\n- run: nox --envdir b/.nox -r\n";
        let all = fixed(inputs, commands, &[]);
        let block = "path: | # why path\n            a/.nox\n            b/.nox\n          key:";
        assert!(all.iter().any(|text| text.contains(block)), "{all:#?}");
    }
}
