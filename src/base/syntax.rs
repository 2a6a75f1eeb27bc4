//! Syntax trees of scripts and modules. The last ones are cached for all threads, because the legs
//! of a matrix read the same texts again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tree_sitter::{Parser, Tree};

/// Trees in the cache.
const MAX_CACHED: usize = 64;
/// Trees of longer texts are not cached.
const MAX_CACHED_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    Bash,
    PowerShell,
    Python,
}

struct CachedTree {
    grammar: Grammar,
    text: Box<str>,
    tree: Tree,
}

/// The newest in front.
static CACHE: Mutex<VecDeque<CachedTree>> = Mutex::new(VecDeque::new());

thread_local! {
    static PARSERS: RefCell<[Option<Parser>; 3]> = RefCell::default();
}

/// The tree of `text`, mistakes included; `None` only where the grammar cannot be loaded.
pub fn parse(grammar: Grammar, text: &str) -> Option<Tree> {
    if let Some(cached) =
        cache().iter().find(|cached| cached.grammar == grammar && *cached.text == *text)
    {
        return Some(cached.tree.clone());
    }
    let tree = PARSERS.with_borrow_mut(|parsers| {
        let parser = &mut parsers[grammar as usize];
        if parser.is_none() {
            *parser = loaded(grammar);
        }
        parser.as_mut()?.parse(text, None)
    })?;
    if text.len() <= MAX_CACHED_BYTES {
        let mut cache = cache();
        cache.truncate(MAX_CACHED - 1);
        cache.push_front(CachedTree { grammar, text: text.into(), tree: tree.clone() });
    }
    Some(tree)
}

fn cache() -> MutexGuard<'static, VecDeque<CachedTree>> {
    CACHE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
    use super::{Grammar, MAX_CACHED, parse};

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
            for other in 0..2 * MAX_CACHED {
                assert_eq!(
                    kind(Grammar::Bash, &"x".repeat(other + 1)),
                    ("program".to_owned(), other + 1)
                );
            }
        }
    }
}
