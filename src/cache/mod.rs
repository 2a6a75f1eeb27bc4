//! Caches of environments: what a key must contain, and whether a job may have one.

pub mod artifacts;
pub mod builds;
pub mod hashed;
pub mod interpreter;
pub mod needs;
pub mod packages;
pub mod publish;
pub mod reach;
pub mod separate;
pub mod uncovered;

pub use needs::Needs;
