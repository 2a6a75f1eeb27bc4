//! All jobs of a repository that may run the tool, with their caches, so that one can be compared
//! with the others.

use std::collections::HashMap;

use rayon::prelude::*;

use super::artifacts::Passing;
use super::existing::{ExistingCache, caches};
use crate::job::context::JobContext;
use crate::job::key_template::RenderedKey;
use crate::repo::Repository;

pub struct AllJobs<'a> {
    pub contexts: &'a [JobContext<'a>],
    pub passing: Passing<'a>,
    /// By job.
    caches: Vec<Vec<ExistingCache<'a>>>,
    /// Jobs and their caches by the key, where that is the same on every run.
    by_key: HashMap<String, Vec<(usize, usize)>>,
}

impl<'a> AllJobs<'a> {
    pub fn new(repository: &'a Repository, contexts: &'a [JobContext<'a>]) -> Self {
        let caches: Vec<Vec<ExistingCache<'a>>> = contexts.par_iter().map(caches).collect();
        let mut by_key: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (context, cached) in
            caches.iter().enumerate().flat_map(|(s, all)| (0..all.len()).map(move |c| (s, c)))
        {
            let rendered = &caches[context][cached].rendered;
            if rendered.complete {
                by_key.entry(rendered.text.clone()).or_default().push((context, cached));
            }
        }
        Self { contexts, passing: Passing::new(repository, contexts), caches, by_key }
    }

    /// The caches of a job, by its position among the contexts.
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
        key: &RenderedKey,
    ) -> impl Iterator<Item = (&'a JobContext<'a>, &ExistingCache<'a>)> {
        let same = if key.complete { self.by_key.get(&key.text) } else { None };
        same.into_iter()
            .flatten()
            .map(|(context, cached)| (&self.contexts[*context], &self.caches[*context][*cached]))
    }
}
