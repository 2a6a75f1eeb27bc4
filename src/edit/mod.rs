//! Edits to new text: applied, proved by two other parsers, shown as a diff, written atomically.

pub mod apply;
pub mod diff;
mod value;
pub mod verify;
pub mod write;
