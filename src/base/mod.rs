//! Words and helpers that every part may use; it knows no other part.

pub mod evidence;
pub mod finding;
pub mod glob;
pub mod guard;
pub mod memo;
pub mod path;
pub mod printable;
pub mod remedy;
pub(crate) mod syntax;
pub mod text;
