//! Facts about the world, read from `rules/*.yaml` (embedded) and validated completely when first used.

pub mod cache_actions;
pub mod checks;
pub mod forges;
pub mod launchers;
pub mod logs;
pub mod nox;
pub mod publishers;
pub mod setup_actions;
pub mod wrappers;

use serde::de::DeserializeOwned;

/// Reads one embedded rules file. These files ship with the binary and a test loads each, so a bad one is a bug, not bad input.
pub fn load<T: DeserializeOwned>(name: &str, text: &str) -> T {
    serde_yaml::from_str(text).unwrap_or_else(|e| panic!("internal error: rules/{name}: {e}"))
}

/// Names of actions are compared as GitHub does: without case.
pub fn is_action(known: &str, used: &str) -> bool {
    known.eq_ignore_ascii_case(used)
}
