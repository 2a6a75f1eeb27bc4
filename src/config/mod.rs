//! Settings of a repository: `.github/cachelint.yml` or `[tool.cachelint]` in `pyproject.toml`.

pub mod check_name;
pub mod path_pattern;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::base::evidence::Evidence;
use crate::base::finding::{Problem, Severity};
use crate::base::text::{MAX_TOML_BYTES, Position, Text, read_bounded, unreadable};
use crate::rules::checks;

pub use check_name::{CheckName, CheckNames};
pub use path_pattern::PathPattern;

/// Looked for in the repository root, the first one that exists counts.
const FILES: [&str; 7] = [
    ".github/cachelint.yml",
    ".github/cachelint.yaml",
    ".forgejo/cachelint.yml",
    ".forgejo/cachelint.yaml",
    ".gitea/cachelint.yml",
    ".gitea/cachelint.yaml",
    "pyproject.toml",
];

/// A settings file of its own that is larger is refused: a parser of YAML takes quadratic time for
/// brackets in brackets.
const MAX_YAML_BYTES: u64 = 64 * 1024;
/// The way out where settings can't be understood at all.
const ISOLATED: &str = "`cachelint --isolated` runs without settings";
/// Entries of a list of settings.
const MAX_ENTRIES: usize = 500;

/// Everything a repository can decide about how it is checked and fixed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a map of settings")]
pub struct Config {
    /// Checks to run, by name or by how their names begin; all if empty.
    pub select: Vec<CheckNames>,
    /// Checks not to run.
    pub ignore: Vec<CheckNames>,
    /// Workflows and actions not to report on or fix, as patterns relative to the repository root.
    pub exclude: Vec<PathPattern>,
    /// Severity of a check in place of its own.
    #[cfg_attr(test, schemars(extend("propertyNames" = {"$ref": "#/definitions/CheckName"})))]
    pub severity: BTreeMap<CheckName, Severity>,
    /// Checks not to report in files that match a pattern relative to the repository root.
    pub per_path_ignores: BTreeMap<PathPattern, Vec<CheckNames>>,
    /// Whether a fix lets nox reuse environments (`insert`), or only adds the cache step and leaves
    /// the commands to you (`report`).
    pub reuse: ReuseSetting,
    /// Whether inserted cache steps get restore keys.
    pub restore_keys: bool,
    /// Expressions or words to add to every key, such as `${{ vars.CACHE_EPOCH }}`.
    pub key_parts: Vec<String>,
    /// Files to add to the hash of what is installed, relative to the repository root.
    pub key_files: Vec<String>,
    /// Reference of the cache action to insert, such as `actions/cache@v6`.
    pub cache_action: Option<String>,
    /// How inserted actions are pinned.
    pub pin: Pin,
    /// Actions that are known to run nox, as `owner/name` or `./path`.
    pub nox_actions: Vec<String>,
    /// What run logs say, from the command line.
    #[serde(skip)]
    pub evidence: Option<Arc<Evidence>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            select: Vec::new(),
            ignore: Vec::new(),
            exclude: Vec::new(),
            severity: BTreeMap::new(),
            per_path_ignores: BTreeMap::new(),
            reuse: ReuseSetting::default(),
            restore_keys: true,
            key_parts: Vec::new(),
            key_files: Vec::new(),
            cache_action: None,
            pin: Pin::default(),
            nox_actions: Vec::new(),
            evidence: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReuseSetting {
    /// A fix changes the nox commands so that they reuse environments.
    #[default]
    Insert,
    /// A fix inserts the cache step and leaves the commands alone; the finding says what to change.
    Report,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Pin {
    /// As in the rest of the file.
    #[default]
    Auto,
    Tag,
    Sha,
}

impl Config {
    /// The settings files of the repository at `root`, a canonical path; the first one counts. A
    /// link out of the repository isn't one of them.
    pub fn files_of(root: &Path) -> Vec<PathBuf> {
        let inside = |path: &Path| {
            std::fs::canonicalize(path).is_ok_and(|real| real.is_file() && real.starts_with(root))
        };
        let paths = FILES.iter().map(|name| root.join(name));
        paths.filter(|path| inside(path) && speaks_of_cachelint(path)).collect()
    }

    /// The settings of the repository at `root`; the defaults if it has none.
    pub fn of_repository(root: &Path) -> Result<Self, Problem> {
        match Self::files_of(root).first() {
            Some(path) => Self::from_file(path),
            None => Ok(Self::default()),
        }
    }

    /// Whether the file at `path`, relative to the root with `/`, is left out.
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches(path))
    }

    /// The settings in the file at `path`: TOML or YAML by its name.
    pub fn from_file(path: &Path) -> Result<Self, Problem> {
        let fail = |message: String| problem(path, message);
        let bytes = read_bounded(path).map_err(|e| fail(unreadable(&e)))?;
        let text = Text::new(path, bytes).map_err(|e| fail(e.to_string()))?;
        let is_toml = path.extension().is_some_and(|e| e == "toml");
        let most = if is_toml { MAX_TOML_BYTES } else { MAX_YAML_BYTES };
        if text.as_str().len() as u64 > most {
            let way_out =
                if is_toml { "; move the settings to `.github/cachelint.yml`" } else { "" };
            return Err(fail(format!("is larger than {} KiB{way_out}", most / 1024)));
        }
        let config = if is_toml { from_toml(&text, path)? } else { from_yaml(&text, path)? };
        if config.longest_list() > MAX_ENTRIES {
            return Err(fail(format!("has a list of more than {MAX_ENTRIES} entries")));
        }
        Ok(config)
    }

    fn longest_list(&self) -> usize {
        let lists = [self.select.len(), self.ignore.len(), self.exclude.len(), self.severity.len()];
        let others = [self.key_parts.len(), self.key_files.len()];
        let checks =
            self.per_path_ignores.values().map(Vec::len).chain([self.per_path_ignores.len()]);
        lists.into_iter().chain(others).chain(checks).max().unwrap_or(0)
    }

    /// Whether `check` runs at all.
    pub fn runs(&self, check: &str) -> bool {
        let names = |list: &[CheckNames]| list.iter().any(|names| names.contains(check));
        (self.select.is_empty() || names(&self.select)) && !names(&self.ignore)
    }

    /// Whether `check` is reported in the file at `path`, relative to the root with `/`.
    pub fn reports(&self, check: &str, path: &str) -> bool {
        let ignored = |(pattern, checks): (&PathPattern, &Vec<CheckNames>)| {
            checks.iter().any(|names| names.contains(check)) && pattern.matches(path)
        };
        self.runs(check) && !self.per_path_ignores.iter().any(ignored)
    }

    /// The severity that the user gave to `check`, else `own`.
    pub fn severity_of(&self, check: &str, own: Severity) -> Severity {
        self.severity
            .iter()
            .find(|(name, _)| name.0 == check)
            .map_or(own, |(_, severity)| *severity)
    }
}

/// Whether a file of this name holds settings of cachelint.
pub fn is_settings_file(path: &Path) -> bool {
    FILES.iter().any(|name| path.ends_with(name))
}

/// A `pyproject.toml` without our table, even a broken one, isn't read. One that can't be read may
/// hold settings, so its owner learns that.
fn speaks_of_cachelint(path: &Path) -> bool {
    if !path.ends_with("pyproject.toml") {
        return true;
    }
    let Ok(bytes) = read_bounded(path) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains("cachelint") {
        return false;
    }
    if bytes.len() as u64 > MAX_TOML_BYTES {
        // As of a broken one, its author learns why its settings have no effect.
        return true;
    }
    match toml::from_str::<toml::Table>(&text) {
        Ok(whole) => whole.get("tool").is_some_and(|tool| tool.get("cachelint").is_some()),
        // It may hold settings, so its author learns where it is broken.
        Err(_) => true,
    }
}

#[derive(Deserialize)]
struct PyProject {
    #[serde(default)]
    tool: ToolTable,
}

#[derive(Deserialize, Default)]
struct ToolTable {
    cachelint: Option<Config>,
}

fn from_toml(text: &Text, path: &Path) -> Result<Config, Problem> {
    let fail = |e: toml::de::Error| {
        let position = e.span().map(|span| text.position(span.start));
        let line = position.map_or("", |position| text.line(position.line - 1));
        let setting = line.split_once('=').map_or("", |(name, _)| name.trim());
        mistake(path, position, setting, e.message())
    };
    let whole: PyProject = toml::from_str(text.as_str()).map_err(fail)?;
    match whole.tool.cachelint {
        Some(config) => Ok(config),
        None if path.ends_with("pyproject.toml") => Ok(Config::default()),
        None => toml::from_str(text.as_str()).map_err(fail),
    }
}

fn from_yaml(text: &Text, path: &Path) -> Result<Config, Problem> {
    let parsed: Result<Option<Config>, _> = serde_yaml::from_str(text.as_str());
    parsed.map(Option::unwrap_or_default).map_err(|e| {
        let position = e.location().map(|l| Position { line: l.line(), column: l.column() });
        let message = without_positions(&e.to_string());
        // The parser puts the name of the setting first: `pin: unknown variant`.
        let named = message.split_once(": ").filter(|(name, _)| !name.contains(' '));
        let (setting, message) = named.unwrap_or(("", &message));
        mistake(path, position, setting, message)
    })
}

/// A message without "at line 2 column 1", which is a field of its own.
fn without_positions(message: &str) -> String {
    let mut parts = message.split(" at line ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
        let rest = number(part);
        out += &rest.strip_prefix(" column ").map_or(rest.clone(), number);
    }
    out
}

fn problem(path: &Path, message: String) -> Problem {
    let help = Some(ISOLATED.to_owned());
    Problem { path: PathBuf::from(path), position: None, message, help }
}

/// What a deserializer says about a setting, in the words of the documentation.
fn mistake(path: &Path, position: Option<Position>, setting: &str, message: &str) -> Problem {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let list = || known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let near = checks::nearest(wrong, known.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`?"));
    let subject = if setting.is_empty() { String::new() } else { format!("`{setting}`: ") };
    let (message, help) = if message.starts_with("unknown field ") {
        let all = || format!("the settings are {}", list());
        (format!("there is no setting `{wrong}`"), Some(near.unwrap_or_else(all)))
    } else if message.starts_with("unknown variant ") {
        (format!("{subject}`{wrong}` isn't one of {}", list()), near)
    } else if message.starts_with("invalid type: ")
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        (format!("{subject}must be {}", plain_type(expected)), None)
    } else {
        (format!("{subject}{message}"), Some(ISOLATED.to_owned()))
    };
    Problem { path: PathBuf::from(path), position, message, help }
}

fn plain_type(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "a string" | "string or map" => "text",
        "field identifier" => "the name of a setting",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, content: &str) -> Result<Config, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        Config::of_repository(folder.path())
    }

    /// Where the tests run as root, no permission keeps them from reading.
    #[cfg(unix)]
    #[test]
    fn settings_that_cannot_be_read_are_not_taken_for_none() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(folder.path()).unwrap();
        let path = root.join("pyproject.toml");
        std::fs::write(&path, "[tool.cachelint]\nreuse = 'report'\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
        let kept_out = std::fs::read(&path).is_err();
        assert_eq!(Config::of_repository(&root).is_err(), kept_out);
    }

    #[test]
    fn the_same_settings_in_both_places() {
        let toml = "[project]\nname = 'x'\n[tool.cachelint]\nignore = ['constant-key']\nreuse = 'report'\n\
                    restore-keys = false\n[tool.cachelint.severity]\n'nox/missing-cache' = 'warning'\n\
                    [tool.cachelint.per-path-ignores]\n'.github/workflows/r*.yml' = ['missing-cache']\n";
        let yaml = "ignore: [constant-key]\nreuse: report\nrestore-keys: false\nseverity:\n  nox/missing-cache: warning\n\
                    per-path-ignores:\n  .github/workflows/r*.yml: [missing-cache]\n";
        let config = load("pyproject.toml", toml).unwrap();
        assert_eq!(load(".forgejo/cachelint.yml", yaml).unwrap(), config);
        assert_eq!((config.reuse, config.restore_keys), (ReuseSetting::Report, false));
        assert!(!config.runs("nox/constant-key") && config.runs("nox/missing-cache"));
        assert!(!config.reports("nox/missing-cache", ".github/workflows/release.yml"));
        assert!(config.reports("nox/missing-cache", ".github/workflows/ci.yml"));
        assert_eq!(config.severity_of("nox/missing-cache", Severity::Error), Severity::Warning);
        assert_eq!(config.severity_of("nox/wrong-path", Severity::Error), Severity::Error);
    }

    #[test]
    fn nothing_said_is_the_default() {
        for (name, content) in [
            ("pyproject.toml", "[tool.ruff]\n"),
            ("pyproject.toml", "broken = ["),
            (".github/cachelint.yml", ""),
            (".github/cachelint.yml", "# nothing\n"),
            ("other.toml", "x = 1"),
        ] {
            assert_eq!(load(name, content), Ok(Config::default()), "{name} {content:?}");
        }
    }

    #[test]
    fn large_settings_are_refused_before_they_are_read() {
        let yaml = ".github/cachelint.yml";
        let tables: String = (0..60_000).map(|i| format!("[tool.a{i}.b{i}]\n")).collect();
        for (name, content, wording) in [
            (yaml, "{a: ".repeat(30_000), "larger than"),
            (yaml, format!("exclude: [{}]\n", "a, ".repeat(600)), "more than 500 entries"),
            (
                yaml,
                format!("per-path-ignores: {{a: [{}]}}\n", "nox, ".repeat(600)),
                "more than 500",
            ),
            ("pyproject.toml", format!("[tool.cachelint]\n{tables}"), "larger than 1024 KiB"),
        ] {
            let problem = load(name, &content).unwrap_err();
            assert!(problem.message.contains(wording), "{}", problem.message);
        }
    }

    #[test]
    fn mistakes_name_the_place_and_the_nearest_word() {
        let at = |line, column| Some(Position { line, column });
        let table = [
            (
                "pyproject.toml",
                "[tool.cachelint]\nselct = []\n",
                at(2, 1),
                "there is no setting `selct`",
            ),
            (
                "pyproject.toml",
                "[tool.cachelint]\nreuse = 'inser'\n",
                at(2, 9),
                "`reuse`: `inser` isn't one of `insert`, `report`",
            ),
            (
                "pyproject.toml",
                "[tool.cachelint]\nignore = ['mising-cache']\n",
                at(2, 10),
                "did you mean `missing-cache`?",
            ),
            ("pyproject.toml", "[tool.cachelint\n", at(1, 16), ""),
            (
                ".github/cachelint.yml",
                "restore_keys: true\n",
                at(1, 1),
                "there is no setting `restore_keys`",
            ),
            (
                ".gitea/cachelint.yml",
                "\nignore: [constant-kye]\n",
                at(2, 9),
                "did you mean `constant-key`?",
            ),
            (
                ".github/cachelint.yml",
                "key-parts: [a\n",
                at(2, 1),
                "did not find expected ',' or ']', while parsing",
            ),
            (".github/cachelint.yml", "- a\n", at(1, 1), "must be a map of settings"),
            (
                ".github/cachelint.yml",
                "severity: {missing-cache: fatal}\n",
                at(1, 27),
                "`severity.missing-cache`: `fatal` isn't one of `info`, `warning`, `error`",
            ),
            (
                "pyproject.toml",
                "[tool.cachelint]\nexclude = 'a'\n",
                at(2, 11),
                "`exclude`: must be a list",
            ),
            (
                ".github/cachelint.yml",
                "restore-keys: maybe\n",
                at(1, 15),
                "`restore-keys`: must be `true` or `false`",
            ),
        ];
        for (name, content, position, wording) in table {
            let problem = load(name, content).unwrap_err();
            assert!(problem.message.contains(wording), "{}", problem.message);
            assert!(
                problem.path.ends_with(name) && !problem.message.contains(" at line "),
                "{}",
                problem.message
            );
            assert_eq!(problem.position, position, "{content:?}");
        }
        let help = |content| load(".github/cachelint.yml", content).unwrap_err().help;
        assert_eq!(help("selct: []\n").unwrap(), "did you mean `select`?");
        assert_eq!(help("reuse: inser\n").unwrap(), "did you mean `insert`?");
        assert!(help("colour: red\n").unwrap().starts_with("the settings are `select`, `ignore`"));
    }
}
