//! What publishes, from `rules/publishers.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publishers {
    pub actions: Vec<PublishingAction>,
    pub commands: Vec<PublishingCommand>,
    /// Events that run with the default branch's cache without being trusted.
    pub low_trust_events: Vec<String>,
    pub release_events: Vec<String>,
    /// Variables that hold the right to upload: what has them set publishes. A `*` at the end
    /// stands for any rest.
    pub credentials: Vec<String>,
    /// Words that may come before the program in a command of a session.
    pub runners: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishingAction {
    pub action: String,
    /// A clause for messages: "uploads to a package index".
    pub what: String,
    /// Does not publish when this input has one of `unless_values` (the empty one: when it is
    /// absent).
    pub unless_input: Option<String>,
    #[serde(default)]
    pub unless_values: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishingCommand {
    /// The program and its sub-commands.
    pub words: Vec<String>,
    /// An option without which it publishes nothing.
    #[serde(default)]
    needs: Option<String>,
    pub what: String,
}

static DATA: LazyLock<Publishers> = LazyLock::new(|| super::embedded!("publishers"));

pub fn publishers() -> &'static Publishers {
    &DATA
}

impl Publishers {
    /// What an action publishes; `input` gives the value of one of its inputs.
    pub fn action(&self, action: &str, input: impl Fn(&str) -> Option<String>) -> Option<&str> {
        let known = self.actions.iter().find(|a| super::is_action(&a.action, action))?;
        if let Some(name) = &known.unless_input {
            let value = input(name).unwrap_or_default();
            if known.unless_values.contains(&value) {
                return None;
            }
        }
        Some(&known.what)
    }

    /// What a command of a session publishes.
    pub fn words(&self, words: &[&str]) -> Option<&str> {
        let mut rest = words;
        let runs = |runner: &&Vec<String>, rest: &[&str]| {
            runner.len() < rest.len() && runner.iter().zip(rest).all(|(a, b)| a == b)
        };
        while let Some(runner) = self.runners.iter().find(|runner| runs(runner, rest)) {
            rest = &rest[runner.len()..];
        }
        let (program, arguments) = rest.split_first()?;
        self.command(program, arguments)
    }

    /// Whether a variable of this name holds the right to upload.
    pub fn is_credential(&self, name: &str) -> bool {
        self.credentials.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => known == name,
        })
    }

    /// What a command publishes: its program and, options passed over, its sub-commands.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Option<&str> {
        let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
        let known = self.commands.iter().find(|c| {
            c.words.first().is_some_and(|w| w == program)
                && {
                    let mut plain = arguments.iter().filter(|a| !a.starts_with('-'));
                    c.words[1..].iter().all(|wanted| plain.next() == Some(&wanted.as_str()))
                }
                && c.needs.as_deref().is_none_or(|option| {
                    let is_set = |rest: &str| rest.is_empty() || rest == "=true";
                    arguments.iter().any(|a| a.strip_prefix(option).is_some_and(is_set))
                })
        })?;
        Some(&known.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_actions_that_publish() {
        let data = publishers();
        assert!(data.command("twine", &["upload", "dist/*"]).is_some());
        assert!(data.command("uv", &["--quiet", "publish"]).is_some());
        assert!(data.command("twine", &["check", "dist/*"]).is_none());
        assert!(data.command("uv", &["pip", "install", "publish"]).is_none());
        assert!(data.action("docker/build-push-action", |_| None).is_none());
        assert!(data.action("docker/build-push-action", |_| Some("true".into())).is_some());
        assert!(data.action("PyPA/gh-action-pypi-publish", |_| None).is_some());
        assert!(data.words(&["python", "-m", "twine", "upload", "dist/*"]).is_some());
        assert!(data.words(&["uv", "run", "flit", "publish"]).is_some());
        assert!(data.words(&["python", "-m", "pytest", "upload"]).is_none());
        assert!(data.words(&["twine", "check", "upload"]).is_none());
        assert!(data.words(&["docker", "buildx", "build", "--push", "."]).is_some());
        assert!(data.words(&["docker", "buildx", "build", "--push=false", "."]).is_none());
        assert!(data.words(&["docker", "build", "-t", "x", "."]).is_none());
        let forgejo = |way: &str| data.action("actions/forgejo-release", |_| Some(way.into()));
        assert!(forgejo("upload").is_some() && forgejo("download").is_none());
        assert!(data.is_credential("POETRY_PYPI_TOKEN_PYPI"));
        assert!(!data.is_credential("CODECOV_TOKEN"));
    }
}
