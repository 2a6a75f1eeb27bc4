//! Edits to new text: applied, proved by a second parser, shown as a diff, written atomically.

pub mod apply;
pub mod diff;
pub mod verify;
pub mod write;
