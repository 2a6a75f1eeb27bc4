//! nox's options and the names that carry meaning in a noxfile, from `rules/nox.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoxRules {
    /// The word that turns reuse on, directly after the program word.
    pub reuse_flag: String,
    pub default_noxfile: String,
    pub default_envdir: String,
    pub default_backend: String,
    /// Words of commands, variables and noxfiles that let nox download a Python.
    pub python_downloads: Vec<String>,
    /// The environment of a noxfile with an inline script header, relative to the folder of the
    /// call.
    pub script_env_dir: String,
    pub backends: Vec<String>,
    pub options: Vec<OptionRule>,
    pub variables: BTreeMap<String, Meaning>,
    /// Beginnings of variables that decide what installers install or build.
    pub installer_variable_prefixes: Vec<String>,
    /// Variables whose words name files that say what is installed.
    pub file_variables: Vec<String>,
    /// What a runner sets itself, unless the workflow does.
    pub runner_variables: BTreeMap<String, String>,
    pub runner_variable_prefixes: Vec<String>,
    /// Packages whose `session` decorator makes nox sessions.
    pub session_packages: BTreeMap<String, SessionPackage>,
    /// Packages, by dotted name, whose import makes sessions.
    pub imported_sessions: BTreeMap<String, ImportedSessions>,
    /// Beginnings of decorator keywords that tell which package made the decorator.
    pub installer_keyword_prefixes: BTreeMap<String, String>,
    pub project_files: Vec<String>,
    pub lock_files: Vec<String>,
    /// Shapes of requirement files, for noxfiles that compute their names.
    pub candidate_files: Vec<String>,
    /// Shapes of names of texts for people.
    pub prose_files: Vec<String>,
    pub installers: Vec<Installer>,
    /// Words of installers that ask for the newest versions there are.
    pub newest_options: Vec<String>,
    /// Parts of the addresses of indexes that have the newest versions there are.
    pub newest_places: Vec<String>,
    /// Packages that install others; that they are kept new says nothing of those.
    pub installer_packages: Vec<String>,
    /// Parts of names of sessions and jobs that exist to try the newest versions.
    pub newest_names: Vec<String>,
    /// Programs that write a requirement file from a lock.
    pub exporters: Vec<Exporter>,
    /// First words of commands that make a package of the project.
    pub builders: Vec<Vec<String>>,
    /// First words of commands that run the rest of their words.
    pub session_launchers: Vec<Vec<String>>,
    /// Commands of sessions that keep something outside the environment.
    pub session_caches: Vec<SessionCache>,
    /// Members of the session object that give folders which nox never empties, and patterns of
    /// their files below the environment folder.
    pub session_leftovers: BTreeMap<String, String>,
    /// First words of commands with which a session calls nox itself.
    pub nested_calls: Vec<Vec<String>>,
    /// Options of `pip install` and `uv pip install` that name a requirement file.
    pub file_options: Vec<String>,
    /// Options of theirs whose next word is something else.
    pub value_options: Vec<String>,
    /// Modules whose functions make no sessions when a noxfile calls them while it loads.
    pub harmless_modules: Vec<String>,
    /// Beginnings of decorators that make no sessions.
    pub harmless_decorators: Vec<String>,
}

/// A folder outside the environments that sessions fill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionCache {
    /// First words of the commands that fill it.
    pub commands: Vec<Vec<String>>,
    /// Where it is, as a line of a cache step's `path`.
    pub path: String,
    /// The variable that moves it.
    pub variable: String,
    /// The tracked file, relative to the noxfile's folder, that decides what is in it.
    pub follows: String,
}

/// One option of the command line under all its names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionRule {
    pub names: Vec<String>,
    pub takes: Takes,
    pub means: Meaning,
    /// The first release that knows it, where that is known and later than 2019.5.30.
    #[serde(default)]
    pub since: Option<String>,
}

/// How many values an option consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Takes {
    None,
    One,
    /// As many as follow until the next option.
    Any,
}

/// What an option decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    Help,
    Version,
    List,
    Usage,
    Json,
    Sessions,
    Tags,
    Keywords,
    Pythons,
    ForcePythons,
    ExtraPythons,
    Noxfile,
    Envdir,
    NoVenv,
    ForceBackend,
    DefaultBackend,
    Reuse,
    NoReuse,
    ReuseVenv,
    ReuseNoInstall,
    NoInstall,
    InstallOnly,
    NoDependencies,
    /// Nothing about environments.
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPackage {
    /// Its installer also removes what is no longer wanted.
    pub exact: bool,
    /// Files its installer reads.
    pub installs: Vec<String>,
    /// The backend its sessions have unless they name one.
    #[serde(default)]
    pub backend: Option<String>,
}

/// Sessions that come with an import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedSessions {
    /// Whether they have environments; all of a package's do, or none.
    pub environments: bool,
}

/// A program that installs into the environment it runs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installer {
    /// The command's first words.
    pub words: Vec<String>,
    pub exact: bool,
    /// Files it reads by itself.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether its further words are read as `pip install` reads them.
    #[serde(default)]
    pub arguments: bool,
}

/// A program that writes a requirement file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    /// The command's first words.
    pub words: Vec<String>,
    /// Files that decide what it writes.
    pub files: Vec<String>,
}

impl NoxRules {
    /// The option of that exact name.
    pub fn option(&self, name: &str) -> Option<&OptionRule> {
        self.options.iter().find(|rule| rule.names.iter().any(|n| n == name))
    }

    /// The only long option that begins with `name`: argparse took such for the whole before nox
    /// 2025.10.14.
    pub fn abbreviated(&self, name: &str) -> Option<&OptionRule> {
        let begins =
            |rule: &&OptionRule| name.len() > 3 && rule.names.iter().any(|n| n.starts_with(name));
        let mut found = self.options.iter().filter(begins);
        found.next().filter(|_| name.starts_with("--") && found.next().is_none())
    }

    /// The package of that module, by its dotted name, if importing it makes sessions.
    pub fn imported_sessions(&self, module: &str) -> Option<(&str, &ImportedSessions)> {
        let is_in = |package: &str| {
            module
                .strip_prefix(package)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.imported_sessions
            .iter()
            .find(|(package, _)| is_in(package))
            .map(|(name, rule)| (name.as_str(), rule))
    }
}

/// The rules; read and validated at first use.
pub fn rules() -> &'static NoxRules {
    static RULES: LazyLock<NoxRules> = LazyLock::new(|| super::embedded!("nox"));
    &RULES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_consistent() {
        let nox = rules();
        let mut names: Vec<&str> =
            nox.options.iter().flat_map(|o| o.names.iter().map(String::as_str)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "an option name stands twice");
        assert!(names.iter().all(|n| n.starts_with('-') && n.len() > 1));
        assert_eq!(nox.option(&nox.reuse_flag).map(|o| o.means), Some(Meaning::Reuse));
        assert!(nox.backends.contains(&nox.default_backend));
        assert!(nox.installers.iter().all(|i| !i.words.is_empty()));
        assert!(
            nox.installer_keyword_prefixes.values().all(|p| nox.session_packages.contains_key(p))
        );
    }
}
