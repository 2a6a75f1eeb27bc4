//! Forges and their runners, from `rules/forges.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forges {
    pub forges: Vec<Forge>,
    /// Variables that a runner's process has and the `env` of expressions does not.
    pub process_variables: Vec<String>,
    pub runners: Vec<Runner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    pub name: String,
    /// Where its workflows are, relative to the repository root.
    pub folder: String,
    /// Size all cache entries of a repository may have together, in GiB.
    pub quota_gib: Option<u32>,
    /// Days after which an unused entry is removed.
    pub unused_days: Option<u32>,
    /// Tag, release and commit of actions/cache to insert, where they differ from the newest.
    pub cache_tag: Option<String>,
    pub cache_version: Option<String>,
    pub cache_commit: Option<String>,
    /// Runners without a container may keep the workspace in another folder on every run.
    #[serde(default)]
    pub workspace_may_move: bool,
    /// Programs a job's container must have for actions/cache to work.
    #[serde(default)]
    pub needs_in_image: Vec<String>,
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    pub label: String,
    pub os: String,
}

static DATA: LazyLock<Forges> = LazyLock::new(|| super::embedded!("forges"));

pub fn forges() -> &'static Forges {
    &DATA
}

impl Forges {
    /// The forge that reads a workflow at this repository path; GitHub where the path does not
    /// tell.
    pub fn of(&self, path: &str) -> &Forge {
        self.forges.iter().find(|f| path.starts_with(&f.folder)).unwrap_or(&self.forges[0])
    }

    /// `runner.os` for a runner label.
    pub fn os_of(&self, label: &str) -> Option<&str> {
        let label = label.to_ascii_lowercase();
        self.runners.iter().find(|r| label.starts_with(&r.label)).map(|r| r.os.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_belongs_to_the_forge_whose_folder_it_is_in() {
        for (path, name) in [
            (".github/workflows/ci.yml", "GitHub"),
            (".forgejo/workflows/ci.yml", "Forgejo"),
            (".gitea/workflows/ci.yml", "Gitea"),
            ("action.yml", "GitHub"),
        ] {
            assert_eq!(forges().of(path).name, name);
        }
        assert_eq!(forges().os_of("Ubuntu-24.04"), Some("Linux"));
        assert_eq!(forges().os_of("self-hosted"), None);
    }
}
