//! One instance of a job read in order, as the few events that matter for caching.

pub mod actions;
mod arguments;
pub mod commands;
pub mod context;
pub mod event;
mod exported;
mod extent;
mod first_line;
pub mod folder;
mod followed;
mod gated;
mod granted;
pub mod instance;
pub mod key_template;
mod listed_sessions;
mod outputs;
pub mod state;
pub mod summary;
pub mod timeline;
pub mod timeline_view;
pub mod undecided;
mod unset;
mod value_origin;
mod wheels;

pub use event::{CacheForm, CacheStep, Event, EventKind, Gate, Invocation, StepRef};
pub use instance::{Instance, Instances, JobRef, Starts};
pub use timeline::{Timeline, build, most_work};
pub use undecided::Undecided;

#[cfg(test)]
mod tests;
