//! Checkouts, interpreters, package caches and actions that run nox, from
//! `rules/setup-actions.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupActions {
    pub checkouts: Vec<String>,
    pub interpreters: Vec<InterpreterAction>,
    pub package_caches: Vec<PackageCache>,
    pub runs_nox: Vec<NoxAction>,
    pub builds_wheels: WheelBuilder,
    /// `owner/repo/path` of published reusable workflows that run nox.
    pub runs_nox_workflows: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterpreterAction {
    pub action: String,
    pub version_input: Option<String>,
    pub version_file_input: Option<String>,
    /// Sets `pythonLocation`, the install folder with the full version, for later steps.
    pub exports_location: bool,
    #[serde(default)]
    pub uv: bool,
    /// Sets the variable that names uv's folder of interpreters for later steps.
    #[serde(default)]
    pub exports_uv_folder: bool,
    #[serde(default)]
    pub conda: bool,
    /// Input that turns a download cache on.
    pub package_cache_input: Option<String>,
    /// The download cache is on unless that input says `false`.
    #[serde(default)]
    pub package_cache_default: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageCache {
    pub installer: String,
    pub path: String,
}

/// A published action that runs nox sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoxAction {
    pub action: String,
    pub folder_input: Option<String>,
    pub sessions_input: Option<String>,
    /// Builds the environments anew whatever was restored.
    #[serde(default)]
    pub rebuilds: bool,
    #[serde(default)]
    pub own_cache: bool,
    /// Checks out by itself, which wipes what an earlier step restored.
    #[serde(default)]
    pub checks_out: bool,
    pub source: String,
}

/// A program that builds wheels, for each Python in an environment of its own, and runs commands
/// that it is set to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelBuilder {
    pub action: String,
    pub program: String,
    /// Of the environment variables that hold its settings.
    pub prefix: String,
    /// Settings that are commands, as they stand in the project file.
    pub settings: Vec<String>,
}

/// An action of which nothing is known but that it runs nox.
pub static SOME_NOX_ACTION: LazyLock<NoxAction> = LazyLock::new(NoxAction::default);

static DATA: LazyLock<SetupActions> = LazyLock::new(|| super::embedded!("setup-actions"));

pub fn setup_actions() -> &'static SetupActions {
    &DATA
}

impl SetupActions {
    pub fn is_checkout(&self, action: &str) -> bool {
        self.checkouts.iter().any(|a| super::is_action(a, action))
    }

    pub fn interpreter(&self, action: &str) -> Option<&InterpreterAction> {
        self.interpreters.iter().find(|a| super::is_action(&a.action, action))
    }

    pub fn runs_nox(&self, action: &str) -> Option<&NoxAction> {
        self.runs_nox.iter().find(|a| super::is_action(&a.action, action))
    }

    pub fn builds_wheels(&self, action: &str) -> bool {
        super::is_action(&self.builds_wheels.action, action)
    }

    /// The installer whose downloads a cached path holds.
    pub fn package_cache(&self, path: &str) -> Option<&str> {
        self.package_caches.iter().find(|c| path.contains(&c.path)).map(|c| c.installer.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_found_without_case_and_only_whole() {
        let data = setup_actions();
        assert!(data.is_checkout("Actions/Checkout"));
        assert!(!data.is_checkout("actions/checkout-more"));
        assert!(data.interpreter("astral-sh/setup-uv").is_some_and(|a| a.uv));
        assert_eq!(data.package_cache("~/.cache/uv"), Some("uv"));
        assert_eq!(data.package_cache(".nox"), None);
    }
}
