//! A workflow file.

use super::job::Job;
use super::reader::{Env, RunDefaults, Scalar, Shape, defaults_at, env_at, scalar_at};
use super::triggers::Triggers;
use crate::base::text::Span;
use crate::yaml::Tree;

#[derive(Debug, Clone, Default)]
pub struct Workflow {
    pub name: Option<Scalar>,
    pub triggers: Triggers,
    pub env: Env,
    pub defaults: RunDefaults,
    pub cache_mode: Option<Scalar>,
    pub jobs: Vec<Job>,
    /// Parts that are not of the shape Actions requires; the rest is read all the same.
    pub shapes: Vec<Shape>,
}

impl Workflow {
    /// Reads a parsed file; unknown keys are tolerated, they may be newer than this program.
    pub fn read(tree: &Tree) -> Self {
        let mut shapes = Vec::new();
        let Some(root) = tree.root() else { return Self::default() };
        if !tree.is_mapping(root) {
            let message = "a workflow must be a map with `on` and `jobs`".to_owned();
            return Self {
                shapes: vec![Shape { span: Span::at(tree.span(root).start), message }],
                ..Self::default()
            };
        }
        let mut jobs = Vec::new();
        if let Some(node) = tree.get(root, "jobs") {
            if !tree.is_mapping(node) && !tree.is_null(node) {
                shapes.push(Shape {
                    span: tree.span(node),
                    message: "`jobs` must be a map of jobs".to_owned(),
                });
            }
            for entry in tree.entries(node) {
                jobs.extend(Job::read(tree, entry, &mut shapes));
            }
        }
        Self {
            name: scalar_at(tree, root, "name"),
            triggers: Triggers::read(tree, root),
            env: env_at(tree, root),
            defaults: defaults_at(tree, root),
            cache_mode: scalar_at(tree, root, "cache-mode"),
            jobs,
            shapes,
        }
    }

    /// Whether other workflows may call it.
    pub fn is_called(&self) -> bool {
        self.triggers.list.iter().any(|trigger| trigger.event == "workflow_call")
    }

    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|j| j.id == id)
    }
}
