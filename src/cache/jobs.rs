//! All jobs of a repository that may run the tool, with their caches, so that one can be compared
//! with the others.

use std::collections::HashMap;

use super::existing::{ExistingCache, caches};
use crate::job::context::Subject;
use crate::job::key_template::Rendered;

pub struct AllJobs<'a> {
    pub subjects: &'a [Subject<'a>],
    /// Of each subject.
    caches: Vec<Vec<ExistingCache<'a>>>,
    /// Subjects and their caches by the key, where that is the same on every run.
    by_key: HashMap<String, Vec<(usize, usize)>>,
}

impl<'a> AllJobs<'a> {
    pub fn new(subjects: &'a [Subject<'a>]) -> Self {
        let caches: Vec<Vec<ExistingCache<'a>>> = subjects.iter().map(caches).collect();
        let mut by_key: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (subject, cached) in
            caches.iter().enumerate().flat_map(|(s, all)| (0..all.len()).map(move |c| (s, c)))
        {
            let rendered = &caches[subject][cached].rendered;
            if rendered.whole {
                by_key.entry(rendered.text.clone()).or_default().push((subject, cached));
            }
        }
        Self { subjects, caches, by_key }
    }

    /// The caches of a job, by its place among the subjects.
    pub fn caches(&self, job: usize) -> &[ExistingCache<'a>] {
        &self.caches[job]
    }

    /// The caches of all jobs.
    pub fn all(&self) -> impl Iterator<Item = &ExistingCache<'a>> {
        self.caches.iter().flatten()
    }

    /// Every cache under the same key, with its job.
    pub fn under(
        &self,
        key: &Rendered,
    ) -> impl Iterator<Item = (&'a Subject<'a>, &ExistingCache<'a>)> {
        let same = if key.whole { self.by_key.get(&key.text) } else { None };
        same.into_iter()
            .flatten()
            .map(|(subject, cached)| (&self.subjects[*subject], &self.caches[*subject][*cached]))
    }
}
