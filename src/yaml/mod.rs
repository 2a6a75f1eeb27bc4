//! YAML text to a spanned tree. The only part that knows the YAML parser; it knows nothing of
//! workflows.

mod build;
pub mod parse;
pub mod scalar;
mod scalar_map;
pub mod tree;

pub use parse::{YamlError, parse};
pub use scalar::ScalarMap;
pub use tree::{Entry, Item, Kind, Node, NodeId, ScalarStyle, Tree};

#[cfg(test)]
mod tests;
