//! Facts about the world, read from `rules/*.yaml` (embedded); what their types cannot rule out,
//! tests do.

pub mod cache_actions;
pub mod checks;
pub mod command_actions;
pub mod folders;
pub mod forges;
pub mod launchers;
pub mod logs;
pub mod nox;
pub mod nox_logs;
pub mod publishers;
pub mod pull_request;
pub mod setup_actions;
pub mod wrappers;

use std::sync::LazyLock;

use serde::de::DeserializeOwned;

/// The rules of `rules/<name>.yaml`, which the build embeds as JSON.
macro_rules! embedded {
    ($name:literal) => {
        $crate::rules::load($name, include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json")))
    };
}
pub(crate) use embedded;

/// Reads embedded rules. They ship with the binary and a test loads each, so bad ones are a bug,
/// not bad input.
fn load<T: DeserializeOwned>(name: &str, json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("internal error: rules/{name}.yaml: {e}"))
}

/// Reads what nearly every check needs, so that it is there when the files have been found.
pub fn preload() {
    LazyLock::force(&launchers::LAUNCHERS);
    nox::rules();
    cache_actions::cache_actions();
}

/// Names of actions are compared as GitHub does: without case.
pub fn is_action(known: &str, used: &str) -> bool {
    known.eq_ignore_ascii_case(used)
}
