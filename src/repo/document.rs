//! One workflow or action file: its text, tree and typed view.

use crate::actions::{Action, Shape, StepList, Workflow};
use crate::base::path::parent;
use crate::base::text::Text;
use crate::yaml::Tree;

#[derive(Debug)]
pub enum Content {
    Workflow(Workflow),
    Action(Action),
}

#[derive(Debug)]
pub struct Document {
    /// Relative to the repository root, with `/`.
    pub path: String,
    pub text: Text,
    pub tree: Tree,
    pub content: Content,
    /// The repository has settings of yamllint that limit its lines.
    pub linted: bool,
    /// The most characters that a new line may have: the repository's linter or formatter says so,
    /// and the file keeps to it.
    pub line_limit: Option<usize>,
}

impl AsRef<Document> for Document {
    fn as_ref(&self) -> &Document {
        self
    }
}

impl Document {
    pub fn workflow(&self) -> Option<&Workflow> {
        match &self.content {
            Content::Workflow(workflow) => Some(workflow),
            Content::Action(_) => None,
        }
    }

    pub fn action(&self) -> Option<&Action> {
        match &self.content {
            Content::Action(action) => Some(action),
            Content::Workflow(_) => None,
        }
    }

    pub fn shapes(&self) -> &[Shape] {
        match &self.content {
            Content::Workflow(workflow) => &workflow.shapes,
            Content::Action(action) => &action.shapes,
        }
    }

    /// The steps of a job, or of the action itself when `job` is `None`.
    pub fn steps(&self, job: Option<usize>) -> Option<&StepList> {
        match (&self.content, job) {
            (Content::Workflow(workflow), Some(job)) => workflow.jobs.get(job).map(|j| &j.steps),
            (Content::Action(action), None) => Some(&action.steps),
            _ => None,
        }
    }

    /// The steps of all jobs, or of the action itself.
    pub fn step_lists(&self) -> impl Iterator<Item = &StepList> {
        let jobs = self.workflow().map_or(&[][..], |workflow| &workflow.jobs);
        jobs.iter().map(|job| &job.steps).chain(self.steps(None))
    }

    /// The folder of an action file, where its `./` does *not* start (that is the workspace).
    pub fn folder(&self) -> &str {
        parent(&self.path)
    }
}
