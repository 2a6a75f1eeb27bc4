//! Any pattern on any path: an answer in bounded time, and the opposite one for the negated
//! pattern.
#![no_main]

use cachelint::base::glob::{Pattern, PatternSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, path) = input;
    if let Ok(read) = Pattern::parse(pattern) {
        let matches = read.matches(path);
        if let Some(literal) = read.literal() {
            // `.` is the workspace with all that is in it.
            let fits = literal == "." || path.starts_with(literal);
            assert!(!matches || fits, "{pattern:?} names {literal:?}, not {path:?}");
        }
    }
    if let Ok(set) = PatternSet::parse(pattern) {
        let all = set.patterns.iter().filter(|pattern| pattern.matches(path));
        assert_eq!(set.matches(path), all.last().is_some_and(|last| !last.negated));
    }
});
