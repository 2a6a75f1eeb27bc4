//! Syntax trees of scripts and modules. The last ones are cached for all threads, because the legs
//! of a matrix read the same texts again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
#[cfg(not(unix))]
use std::sync::LazyLock;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

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

/// What parsing a text may take of this thread's time, whatever its size and for each byte: about
/// ten times as much as an ordinary text takes (0.2 µs for a byte). Mistakes that are nested in each
/// other, and some long pipelines, take time and memory that grow with the square of their size,
/// and the parser doesn't count its steps.
const MOST: (Duration, Duration) = (Duration::from_millis(50), Duration::from_nanos(2_000));
/// Unoptimised tests take longer.
const SLOWER: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// For people, of a text without a tree.
pub const TOO_SLOW: &str = "takes far too long to parse, for example because of many mistakes";

/// The tree of `text`, mistakes included; `None` where parsing takes far too long.
pub fn parse(grammar: Grammar, text: &str) -> Option<Tree> {
    if let Some(cached) =
        cache().iter().find(|cached| cached.grammar == grammar && *cached.text == *text)
    {
        return Some(cached.tree.clone());
    }
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let tree = parse_within((MOST.0 + MOST.1 * size) * SLOWER, grammar, text)?;
    if text.len() <= MAX_CACHED_BYTES {
        let mut cache = cache();
        cache.truncate(MAX_CACHED - 1);
        cache.push_front(CachedTree { grammar, text: text.into(), tree: tree.clone() });
    }
    Some(tree)
}

fn parse_within(most: Duration, grammar: Grammar, text: &str) -> Option<Tree> {
    PARSERS.with_borrow_mut(|parsers| {
        let parser = &mut parsers[grammar as usize];
        if parser.is_none() {
            *parser = loaded(grammar);
        }
        let parser = parser.as_mut()?;
        let start = thread_time();
        let mut go_on = |_: &ParseState| match thread_time() - start {
            taken if taken > most => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let options = ParseOptions::new().progress_callback(&mut go_on);
        let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        // Else it would go on with this text.
        parser.reset();
        tree
    })
}

/// The time that this thread has worked: other programs don't slow it down.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
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
    use std::time::Duration;

    use super::{Grammar, MAX_CACHED, parse, parse_within};

    #[test]
    fn a_text_made_to_be_expensive_has_no_tree_and_the_next_one_has() {
        let text = "a=(\n".repeat(8_000);
        assert!(parse_within(Duration::from_millis(20), Grammar::Bash, &text).is_none());
        assert!(parse(Grammar::Bash, "a b").is_some());
        let plain = "a b\n".repeat(1_000);
        assert!(parse_within(Duration::from_secs(60), Grammar::Bash, &plain).is_some());
    }

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
