//! Whether a session is meant by a name, an interpreter, a tag or a keyword.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Candidate, ListSetting};
use crate::tool::{Argument, Interpreter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    Maybe,
    No,
}

impl Match {
    pub(super) fn and(self, other: Match) -> Match {
        match (self, other) {
            (Match::No, _) | (_, Match::No) => Match::No,
            (Match::Yes, Match::Yes) => Match::Yes,
            _ => Match::Maybe,
        }
    }

    pub(super) fn or(self, other: Match) -> Match {
        match (self, other) {
            (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
            (Match::No, Match::No) => Match::No,
            _ => Match::Maybe,
        }
    }

    pub(super) fn when(truth: bool) -> Match {
        if truth { Match::Yes } else { Match::No }
    }
}

/// nox compares names as Python expressions: spaces and the kind of quotes do not count.
pub(super) fn normal(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii_graphic() && b != b'"') {
        return Cow::Borrowed(name);
    }
    name.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '"' { '\'' } else { c }).collect()
}

pub(super) fn by_name(word: &Argument, candidate: &Candidate) -> Match {
    let Some(names) = &candidate.names else { return Match::Maybe };
    // Computed versions or parameters: what is asked for is one of them, if it exists at all.
    let known_version = matches!(candidate.python, Interpreter::Named(_));
    let one_of = |name: &str, wanted: &str| {
        let goes_on =
            |rest: &str| rest.starts_with('(') || (!known_version && rest.starts_with('-'));
        candidate.computed_variants && wanted.strip_prefix(name).is_some_and(goes_on)
    };
    let Some(wanted) = &word.value else {
        let starts = |name: &String| name.starts_with(&word.prefix) || one_of(name, &word.prefix);
        return if names.iter().any(starts) { Match::Maybe } else { Match::No };
    };
    let wanted = normal(wanted);
    if names.iter().any(|name| normal(name) == wanted) {
        return Match::Yes;
    }
    Match::when(names.iter().any(|name| one_of(&normal(name), &wanted)))
}

/// A list of words that sessions are compared with.
pub(super) struct WordSet<'w> {
    known: HashSet<&'w str>,
    all_known: bool,
}

impl<'w> WordSet<'w> {
    pub fn of(list: &'w ListSetting) -> Self {
        Self {
            known: list.known().into_iter().collect(),
            all_known: list.unknown().next().is_none(),
        }
    }
}

pub(super) fn by_python(words: &WordSet<'_>, candidate: &Candidate) -> Match {
    match &candidate.python {
        Interpreter::Unknown => Match::Maybe,
        Interpreter::Named(python) if words.known.contains(python.as_str()) => Match::Yes,
        _ if !words.all_known => Match::Maybe,
        _ => Match::No,
    }
}

pub(super) fn by_tag(words: &WordSet<'_>, candidate: &Candidate) -> Match {
    match &candidate.tags {
        None => Match::Maybe,
        Some(tags) if tags.iter().any(|tag| words.known.contains(tag.as_str())) => Match::Yes,
        Some(tags) if !words.all_known && !tags.is_empty() => Match::Maybe,
        Some(_) => Match::No,
    }
}

/// `-k`: words joined by `and`, `or`, `not` and parentheses; a word holds when it is part of a name
/// or tag.
pub(super) struct Keywords(Vec<String>);

impl Keywords {
    pub fn new(text: &str) -> Self {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        Self(spaced.split_whitespace().map(str::to_owned).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn fit(&self, candidate: &Candidate) -> Match {
        let mut rest = self.0.as_slice();
        match disjunction(&mut rest, candidate, 0) {
            Some(matched) if rest.is_empty() => matched,
            _ => Match::Maybe,
        }
    }
}

fn disjunction(rest: &mut &[String], candidate: &Candidate, depth: usize) -> Option<Match> {
    let mut matched = conjunction(rest, candidate, depth)?;
    while let Some(("or", after)) = rest.split_first().map(|(t, a)| (t.as_str(), a)) {
        *rest = after;
        matched = matched.or(conjunction(rest, candidate, depth)?);
    }
    Some(matched)
}

fn conjunction(rest: &mut &[String], candidate: &Candidate, depth: usize) -> Option<Match> {
    let mut matched = term(rest, candidate, depth)?;
    while let Some(("and", after)) = rest.split_first().map(|(t, a)| (t.as_str(), a)) {
        *rest = after;
        matched = matched.and(term(rest, candidate, depth)?);
    }
    Some(matched)
}

fn term(rest: &mut &[String], candidate: &Candidate, depth: usize) -> Option<Match> {
    const MAX_DEPTH: usize = 50;
    let (first, after) = rest.split_first()?;
    *rest = after;
    match first.as_str() {
        _ if depth > MAX_DEPTH => None,
        "not" => Some(match term(rest, candidate, depth + 1)? {
            Match::Yes => Match::No,
            Match::No => Match::Yes,
            Match::Maybe => Match::Maybe,
        }),
        "(" => {
            let inner = disjunction(rest, candidate, depth + 1)?;
            let (close, after) = rest.split_first()?;
            *rest = after;
            (close == ")").then_some(inner)
        }
        word if word.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            let names = candidate.names.iter().flatten().chain(candidate.tags.iter().flatten());
            let found = names.into_iter().any(|name| name.contains(word));
            let complete = candidate.names.is_some()
                && candidate.tags.is_some()
                && !candidate.computed_variants;
            Some(if found {
                Match::Yes
            } else if complete {
                Match::No
            } else {
                Match::Maybe
            })
        }
        _ => None,
    }
}
