//! One instance of a job read in order, as the few events that matter for caching.

pub mod actions;
pub mod build;
pub mod commands;
pub mod event;
mod extent;
mod hop;
pub mod instance;
mod listed;
mod origin;
pub mod shown;
pub mod state;
pub mod summary;
mod wheels;

pub use build::{Timeline, build};
pub use event::{CacheForm, CacheStep, Event, EventKind, Invocation, Site};
pub use instance::{Instance, Instances, Unit};
