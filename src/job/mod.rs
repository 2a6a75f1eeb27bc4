//! One instance of a job read in order, as the few events that matter for caching.

pub mod actions;
pub mod commands;
pub mod context;
pub mod event;
mod extent;
pub mod folder;
mod hop;
pub mod instance;
pub mod key_template;
mod listed;
mod origin;
mod outputs;
pub mod shown;
pub mod state;
pub mod summary;
pub mod timeline;
pub mod undecided;
mod wheels;

pub use event::{CacheForm, CacheStep, Event, EventKind, Gate, Invocation, Site};
pub use instance::{Instance, Instances, Unit};
pub use timeline::{Timeline, build, most_work};
pub use undecided::Undecided;

#[cfg(test)]
mod tests;
