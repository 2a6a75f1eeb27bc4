//! Lists without brackets that begin with a star, written so that the grammar reads them as Python
//! does.

use std::sync::Arc;

use tree_sitter::Tree;

use crate::base::syntax::{self, Grammar};

/// What may stand before a list without brackets.
const BEFORE: [&str; 3] = ["return", "yield", "in"];

/// Bytes of a line that is looked at: for each star all that is before it is looked at again.
const MAX_LINE: usize = 1_000;

/// The tree of a module, with the text that it was made of.
pub(super) fn parse(text: Arc<str>) -> Option<(Arc<str>, Tree)> {
    let tree = syntax::parse(Grammar::Python, &text)?;
    if !tree.root_node().has_error() {
        return Some((text, tree));
    }
    match readable(&text) {
        Some(text) => syntax::parse(Grammar::Python, &text).map(|tree| (text.into(), tree)),
        None => Some((text, tree)),
    }
}

/// `args = *(posargs or default), "--all"`: after such a star the grammar wants a name, takes the
/// brackets for a mistake, and loses the next statement with them. With a name in between it reads
/// a call, of which nothing is known. `None` where no line needs it.
fn readable(text: &str) -> Option<String> {
    let mut written = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        if line.len() > MAX_LINE {
            written.push_str(line);
            continue;
        }
        while let Some(at) = rest.find("*(").into_iter().chain(rest.find("*[")).min() {
            let (before, after) = rest.split_at(at + 1);
            written.push_str(before);
            if is_bare(&line[..line.len() - rest.len() + at]) {
                written.push('_');
            }
            rest = after;
        }
        written.push_str(rest);
    }
    (written.len() > text.len()).then_some(written)
}

/// Whether what stands before a star on its line begins a list without brackets.
fn is_bare(before: &str) -> bool {
    let open = before.matches(['(', '[', '{']).count();
    let closed = before.matches([')', ']', '}']).count();
    let before = before.trim_end();
    let first = before.ends_with('=') && !before.ends_with("==")
        || before.split_whitespace().next_back().is_some_and(|word| BEFORE.contains(&word));
    let next = before.ends_with(',')
        && (before.contains(" = ") || BEFORE.iter().any(|w| before.trim_start().starts_with(w)));
    open == closed && (first || next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_stay_as_they_are() {
        let line = |items: usize| format!("args = *(a or b), {}\n", "*(c), ".repeat(items));
        assert!(readable(&line(10)).is_some());
        assert_eq!(readable(&line(200)), None);
    }

    #[test]
    fn a_star_before_brackets_keeps_the_next_statement() {
        for (line, expected) in [
            ("args = *(a or b), 'c'", "args = *_(a or b), 'c'"),
            ("args = *[a, b], 'c'", "args = *_[a, b], 'c'"),
            ("args = 'c', *(a or b)", "args = 'c', *_(a or b)"),
            ("return *(a or b), 'c'", "return *_(a or b), 'c'"),
            ("args = [*(a or b), 'c']", "args = [*(a or b), 'c']"),
            ("call(*(a or b), 'c')", "call(*(a or b), 'c')"),
            ("size = a *(b + c)", "size = a *(b + c)"),
        ] {
            let text = format!("def f():\n    {line}\n    run('x')\n");
            let read = readable(&text).unwrap_or_else(|| text.clone());
            assert_eq!(read, format!("def f():\n    {expected}\n    run('x')\n"));
            let (_, tree) = parse(text.as_str().into()).unwrap();
            assert!(!tree.root_node().has_error(), "{line}");
        }
    }
}
