//! The text of a pull request, from `rules/pull-request.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

pub static PULL_REQUEST: LazyLock<PullRequest> = LazyLock::new(|| super::embedded!("pull-request"));

/// What is around the table of changes, in Markdown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequest {
    pub title: String,
    pub intro: String,
    pub key_title: String,
    pub key: String,
    pub risks_title: String,
    pub risks: Vec<String>,
    pub undo_title: String,
    pub undo: String,
    /// Where nothing was changed.
    pub nothing: String,
}
