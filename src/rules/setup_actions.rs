//! Checkouts, interpreters, package caches and actions that run nox, from
//! `rules/setup-actions.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupActions {
    pub checkouts: Vec<String>,
    pub interpreters: Vec<InterpreterAction>,
    /// Commands after which a script has another `python`, as words.
    pub choosers: Vec<Vec<String>>,
    pub interpreter_folders: Vec<InterpreterFolder>,
    pub images: Images,
    pub package_caches: Vec<PackageCache>,
    /// Actions that set no variables for later steps but these.
    exports: Vec<Exports>,
    /// What may set any variable for later steps.
    pub runs_anything: RunsAnything,
    /// Commands that install packages and change nothing else that a key could depend on.
    pub only_install: Vec<OnlyInstalls>,
    pub runs_nox: Vec<ToolAction>,
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
    /// Input that names the file that says which interpreter is installed.
    pub file_input: Option<String>,
    /// Files of the workspace that do so where no input names a version.
    #[serde(default)]
    pub default_files: Vec<String>,
    /// Sets `pythonLocation`, the install folder with the full version, for later steps.
    pub exports_location: bool,
    /// Its input lists the interpreters for the sessions; `pythonLocation` is nox's own.
    #[serde(default)]
    pub several: bool,
    #[serde(default)]
    pub uv: bool,
    /// Since this release it sets the variable that names uv's folder of interpreters.
    pub exports_uv_folder_since: Option<String>,
    /// What supplies the interpreter if the action does not itself.
    pub manager: Option<Manager>,
    /// Input that turns a download cache on.
    pub package_cache_input: Option<String>,
    /// Since this release the download cache is on unless that input says `false`.
    pub package_cache_default_since: Option<String>,
    /// Inputs that do nothing where that cache is off.
    #[serde(default)]
    pub package_cache_details: Vec<String>,
    /// Input whose value the output of the same name repeats, if it is given.
    pub repeats_input: Option<String>,
    /// Outputs that are the path of a program, with its name.
    #[serde(default)]
    pub program_outputs: BTreeMap<String, String>,
}

/// A program that installs interpreters and puts them first on the path, or runs programs with
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    Conda,
    Mise,
    Pixi,
}

/// Whether the release that `reference` names (`v7`, `v7.1.2`) has what there is `since` a release;
/// `None` for a commit or a branch. A major tag means its newest release.
pub fn has_since(reference: &str, since: &str) -> Option<bool> {
    let numbers = |text: &str| -> Option<Vec<u32>> {
        let text = text.strip_prefix('v').unwrap_or(text);
        text.split('.').map(|part| part.parse().ok()).collect()
    };
    let (named, first) = (numbers(reference)?, numbers(since)?);
    let first = first.get(..named.len().min(first.len()))?;
    (named.len() <= 3 && !reference.is_empty()).then(|| named.as_slice() >= first)
}

/// The same for the release that a comment after a commit names: `v7` may be any of its releases.
pub fn surely_has_since(release: &str, since: &str) -> Option<bool> {
    let oldest = match release.matches('.').count() {
        0 => format!("{release}.0.0"),
        1 => format!("{release}.0"),
        _ => release.to_owned(),
    };
    has_since(release, since).filter(|newest| has_since(&oldest, since) == Some(*newest))
}

/// Words of scripts that run whatever a project tells them to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunsAnything {
    pub programs: Vec<String>,
    /// Of scripts.
    pub endings: Vec<String>,
}

/// The beginning of a command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlyInstalls {
    pub words: Vec<String>,
    /// Beginnings of words with which it changes more.
    #[serde(default)]
    pub except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exports {
    action: String,
    #[serde(default)]
    variables: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageCache {
    pub installer: String,
    pub path: String,
}

/// Where a program keeps the interpreters that it downloads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterpreterFolder {
    pub program: String,
    /// `runner.os`; none means every other system.
    pub os: Option<String>,
    pub path: String,
}

/// Container images whose tags fix the minor version of their Python.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    pub python: Vec<String>,
    pub distributions: Vec<String>,
    pub releases: Vec<String>,
}

/// Whether an image can get another minor version of Python without a change of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// Never; with the version where the tag gives it.
    Fixed(Option<String>),
    Floating,
}

impl Images {
    pub fn read(&self, image: &str) -> Image {
        if image.contains("@sha256:") {
            return Image::Fixed(None);
        }
        let image = image.trim().trim_start_matches("docker://");
        let (path, tag) = match image.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (image, ""),
        };
        let is =
            |names: &[String]| names.iter().any(|n| path == n || path.ends_with(&format!("/{n}")));
        let release = |text: &str| -> Option<String> {
            let text = text.trim_start_matches("python").trim_start_matches("py");
            let mut parts = text.splitn(3, '.');
            let number =
                |p: &str| -> String { p.chars().take_while(char::is_ascii_digit).collect() };
            let (major, minor) = (parts.next()?, number(parts.next()?));
            (number(major) == major && !major.is_empty() && !minor.is_empty())
                .then(|| format!("{major}.{minor}"))
        };
        if is(&self.python) {
            // `python:3.13-slim`, `uv:python3.12-bookworm`, `uv:0.9-python3.12`.
            let named = tag.split('-').find(|part| part.starts_with("py"));
            return match named.or(tag.split('-').next()).and_then(release) {
                Some(minor) => Image::Fixed(Some(minor)),
                None => Image::Floating,
            };
        }
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        let numbered = first.starts_with(|c: char| c.is_ascii_digit());
        if is(&self.distributions) && (numbered || self.releases.iter().any(|r| r == first)) {
            return Image::Fixed(None);
        }
        Image::Floating
    }
}

/// A published action that runs nox sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolAction {
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
    /// Settings that are commands, as they are in the project file.
    pub settings: Vec<String>,
}

/// An action of which nothing is known but that it runs nox.
pub static UNKNOWN_TOOL_ACTION: LazyLock<ToolAction> = LazyLock::new(ToolAction::default);

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

    /// The variables that an action sets for later steps; `None` where they are not known.
    pub fn exports(&self, action: &str) -> Option<&[String]> {
        let known = self.exports.iter().find(|e| super::is_action(&e.action, action))?;
        Some(&known.variables)
    }

    pub fn tool_action(&self, action: &str) -> Option<&ToolAction> {
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

    #[test]
    fn tags_that_fix_the_minor_version() {
        for (image, expected) in [
            ("python:3.13-slim", Image::Fixed(Some("3.13".into()))),
            ("python:3.13.1", Image::Fixed(Some("3.13".into()))),
            ("docker.io/library/python:3.9-alpine", Image::Fixed(Some("3.9".into()))),
            ("ghcr.io/astral-sh/uv:python3.12-bookworm", Image::Fixed(Some("3.12".into()))),
            ("ghcr.io/astral-sh/uv:0.9-python3.12-alpine", Image::Fixed(Some("3.12".into()))),
            ("ghcr.io/astral-sh/uv:python3-bookworm", Image::Floating),
            ("python:3", Image::Floating),
            ("python:3-slim", Image::Floating),
            ("python:slim", Image::Floating),
            ("python", Image::Floating),
            ("localhost:5000/python", Image::Floating),
            ("example.org/ci:v3.1", Image::Floating),
            ("example.org/ci@sha256:00", Image::Fixed(None)),
            ("ubuntu:24.04", Image::Fixed(None)),
            ("debian:bookworm-slim", Image::Fixed(None)),
            ("debian:testing", Image::Floating),
            ("fedora:latest", Image::Floating),
        ] {
            assert_eq!(setup_actions().images.read(image), expected, "{image}");
        }
    }

    #[test]
    fn a_major_tag_means_its_newest_release() {
        for (reference, expected) in [
            ("v6", Some(false)),
            ("v7", Some(true)),
            ("v7.0", Some(false)),
            ("v7.0.9", Some(false)),
            ("v7.1.0", Some(true)),
            ("7.6.0", Some(true)),
            ("v8.2.0", Some(true)),
            ("main", None),
            ("0123456789abcdef0123456789abcdef01234567", None),
        ] {
            assert_eq!(has_since(reference, "7.1.0"), expected, "{reference}");
        }
    }

    #[test]
    fn a_comment_with_a_major_version_means_any_of_its_releases() {
        for (release, expected) in [
            ("v6", Some(false)),
            ("v7", None),
            ("v7.1", Some(true)),
            ("v7.0.9", Some(false)),
            ("v8", Some(true)),
            ("v9.0.0", Some(true)),
            ("tag=v9", None),
        ] {
            assert_eq!(surely_has_since(release, "7.1.0"), expected, "{release}");
        }
    }
}
