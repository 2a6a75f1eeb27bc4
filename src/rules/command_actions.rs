//! Actions that run a command from an input, from `rules/command-actions.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandActions {
    pub actions: Vec<CommandAction>,
    /// Actions that run the commands in a file of the repository.
    pub files: Vec<ActionFile>,
    /// Parts of the names of inputs that other actions run as a command.
    pub inputs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionFile {
    pub action: String,
    pub file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandAction {
    pub action: String,
    /// The input that is a command.
    pub input: String,
    /// It runs in a container that has the workspace mounted.
    #[serde(default)]
    pub container: bool,
}

static DATA: LazyLock<CommandActions> = LazyLock::new(|| super::embedded!("command-actions"));

/// What is known of an action that runs a command.
pub fn command_action(name: &str) -> Option<&'static CommandAction> {
    DATA.actions.iter().find(|action| super::is_action(&action.action, name))
}

/// The file that an action runs, where it is known to run one.
pub fn action_file(name: &str) -> Option<&'static ActionFile> {
    DATA.files.iter().find(|action| super::is_action(&action.action, name))
}

/// Parts of the names of inputs that are commands.
pub fn command_inputs() -> &'static [String] {
    &DATA.inputs
}
