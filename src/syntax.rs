//! Syntax trees of scripts and modules. The last ones are kept: the legs of a matrix read the same texts again.

use std::cell::RefCell;
use std::collections::VecDeque;

use tree_sitter::{Parser, Tree};

/// Trees kept for each thread.
const MAX_KEPT: usize = 64;
/// Trees of longer texts are not kept.
const MAX_KEPT_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    Bash,
    PowerShell,
    Python,
}

#[derive(Default)]
struct Parsed {
    parsers: [Option<Parser>; 3],
    /// The newest in front.
    kept: VecDeque<(Grammar, Box<str>, Tree)>,
}

thread_local! {
    static PARSED: RefCell<Parsed> = RefCell::default();
}

/// The tree of `text`, mistakes included; `None` only where the grammar cannot be loaded.
pub fn parse(grammar: Grammar, text: &str) -> Option<Tree> {
    PARSED.with_borrow_mut(|parsed| {
        if let Some(at) = parsed.kept.iter().position(|(g, known, _)| *g == grammar && **known == *text) {
            return parsed.kept.get(at).map(|(_, _, tree)| tree.clone());
        }
        let parser = &mut parsed.parsers[grammar as usize];
        if parser.is_none() {
            *parser = loaded(grammar);
        }
        let tree = parser.as_mut()?.parse(text, None)?;
        if text.len() <= MAX_KEPT_BYTES {
            parsed.kept.truncate(MAX_KEPT - 1);
            parsed.kept.push_front((grammar, text.into(), tree.clone()));
        }
        Some(tree)
    })
}

fn loaded(grammar: Grammar) -> Option<Parser> {
    let language = match grammar {
        Grammar::Bash => tree_sitter_bash::LANGUAGE,
        Grammar::PowerShell => tree_sitter_powershell::LANGUAGE,
        Grammar::Python => tree_sitter_python::LANGUAGE,
    };
    let mut parser = Parser::new();
    parser.set_language(&language.into()).ok().map(|()| parser)
}

#[cfg(test)]
mod tests {
    use super::{Grammar, MAX_KEPT, parse};

    #[test]
    fn a_text_is_read_in_each_grammar_and_after_many_others() {
        let kind = |grammar, text: &str| {
            let tree = parse(grammar, text).unwrap();
            let root = tree.root_node();
            (root.kind().to_owned(), root.end_byte())
        };
        for _ in 0..2 {
            assert_eq!(kind(Grammar::Bash, "a b"), ("program".to_owned(), 3));
            assert_eq!(kind(Grammar::Python, "a b"), ("module".to_owned(), 3));
            assert_eq!(kind(Grammar::PowerShell, "a b"), ("program".to_owned(), 3));
            for other in 0..2 * MAX_KEPT {
                assert_eq!(kind(Grammar::Bash, &"x".repeat(other + 1)), ("program".to_owned(), other + 1));
            }
        }
    }
}
