//! The sessions of a noxfile by their names, so that a call looks only at those that it may mean.

use std::collections::HashMap;

use super::matching::{Match, by_name, normal};
use super::{Candidate, WORDS_PER_STEP};
use crate::tool::Argument;
use crate::tool::nox::noxfile::PythonValue;

/// Every session of a noxfile.
#[derive(Debug)]
pub struct SessionIndex {
    pub all: Vec<Candidate>,
    /// Places in `all`, by each name as nox compares it.
    by_name: HashMap<String, Vec<usize>>,
    /// Places of those that words besides their names can mean.
    computed: Vec<usize>,
    /// Names and tags of all.
    pub(super) words: usize,
}

impl SessionIndex {
    pub(super) fn new(mut all: Vec<Candidate>) -> Self {
        for (place, candidate) in all.iter_mut().enumerate() {
            candidate.place = place;
        }
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        let (mut computed, mut words) = (Vec::new(), 0);
        for (place, candidate) in all.iter().enumerate() {
            words += candidate.names.as_ref().map_or(1, Vec::len);
            words += candidate.tags.as_ref().map_or(0, Vec::len);
            if candidate.names.is_none() || candidate.computed_variants {
                computed.push(place);
                continue;
            }
            for name in candidate.names.iter().flatten() {
                let places = by_name.entry(normal(name).into_owned()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        Self { all, by_name, computed, words }
    }

    /// What it takes to look up one word, in steps.
    pub fn lookup_steps(&self) -> usize {
        1 + self.computed.len() / WORDS_PER_STEP
    }

    /// The sessions that a word means or may mean, in no order, with their places in `all`.
    pub(super) fn meant<'s>(
        &'s self,
        word: &'s Argument,
    ) -> impl Iterator<Item = (usize, Match)> + 's {
        let named = word.value.as_deref().and_then(|name| self.by_name.get(&*normal(name)));
        let any = if word.value.is_none() { 0..self.all.len() } else { 0..0 };
        let computed = self.computed.iter().filter(|_| word.value.is_some());
        let places = named.into_iter().flatten().chain(computed).copied().chain(any);
        places
            .map(|place| (place, by_name(word, &self.all[place])))
            .filter(|(_, matched)| *matched != Match::No)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.meant(&Argument::known(name)).next().is_some()
    }

    /// Sessions of that name; all of a parametrized one.
    pub fn named(&self, wanted: &PythonValue) -> Vec<Candidate> {
        let Some(name) = wanted.text() else { return Vec::new() };
        let word = Argument::known(name);
        let mut places: Vec<usize> = self.meant(&word).map(|(place, _)| place).collect();
        places.sort_unstable();
        places.into_iter().map(|place| self.all[place].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Interpreter;

    fn candidate(names: Option<&[&str]>, computed_variants: bool) -> Candidate {
        Candidate {
            place: 0,
            definition: 0,
            names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            python: Interpreter::Own,
            no_python: false,
            computed_variants,
            tags: None,
        }
    }

    /// The same as if every session were compared with the word.
    #[test]
    fn the_index_finds_what_a_search_would() {
        let all = vec![
            candidate(Some(&["tests-3.12", "tests"]), false),
            candidate(Some(&["tests-3.13", "tests"]), false),
            candidate(Some(&["docs(a='x y')", "docs"]), false),
            candidate(Some(&["lint"]), true),
            candidate(None, false),
        ];
        let index = SessionIndex::new(all.clone());
        let words = ["tests", "tests-3.13", "docs(a=\"x y\")", "docs(a='xy')", "lint-3.9", "none"];
        let words = words.into_iter().map(Argument::known);
        for word in words.chain([Argument::unknown("te", false), Argument::unknown("", true)]) {
            let mut found: Vec<_> = index.meant(&word).collect();
            found.sort_by_key(|(place, _)| *place);
            let searched = all.iter().map(|candidate| by_name(&word, candidate)).enumerate();
            let searched: Vec<_> = searched.filter(|(_, m)| *m != Match::No).collect();
            assert_eq!(found, searched, "{word:?}");
        }
    }
}
