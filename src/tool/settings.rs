//! The settings that are named after the tool.

use crate::config::Config;

/// The setting that lists actions which run the tool.
pub const ACTIONS: &str = "nox-actions";

pub fn actions(config: &Config) -> &[String] {
    &config.nox_actions
}
