//! Workflows and actions as typed, spanned views of their YAML. Knows no tool.

pub mod action;
pub mod context;
pub mod expr;
pub mod job;
pub mod matrix;
pub mod reader;
pub mod step;
pub mod tree_value;
pub mod triggers;
pub mod uses;
#[allow(clippy::module_inception)]
pub mod workflow;

pub use action::Action;
pub use job::Job;
pub use reader::{Scalar, Shape};
pub use step::{Step, StepList};
pub use triggers::Triggers;
pub use uses::Uses;
pub use workflow::Workflow;
