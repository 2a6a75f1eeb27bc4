//! YAML text to a spanned tree. The only part that knows the YAML parser; it knows nothing of
//! workflows.

mod build;
pub mod parse;
pub mod scalar;
pub mod tree;
mod walk;

pub use parse::{YamlError, parse};
pub use scalar::ScalarMap;
pub use tree::{Entry, Item, Kind, Node, NodeId, ScalarStyle, Tree};

#[cfg(test)]
mod tests;
