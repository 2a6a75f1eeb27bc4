//! Programs that run commands written in a file of the repository, from `rules/wrappers.yaml`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// The contents of `rules/wrappers.yaml`.
pub static WRAPPERS: LazyLock<Wrappers> = LazyLock::new(|| super::embedded!("wrappers"));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrappers {
    pub wrappers: Vec<Wrapper>,
    /// Functions with which a Python script runs a command.
    pub python_functions: BTreeSet<String>,
    /// Interpreters of languages that are not read.
    pub unread_interpreters: BTreeSet<String>,
    /// Programs that run the commands in files of such languages.
    pub unread_files: Vec<UnreadFile>,
}

/// A program that runs commands from a file that is not read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnreadFile {
    pub programs: Vec<String>,
    /// The file, by preference; it may lie in a folder around.
    pub files: Vec<String>,
}

/// How the file of a wrapper is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrapperKind {
    Make,
    Just,
    Task,
    PackageJson,
    Hatch,
    Pdm,
    Rye,
    Pipenv,
    Pixi,
    Poe,
    Invoke,
    Tox,
    PreCommit,
    Mise,
}

/// A program that runs entries of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrapper {
    pub reader: WrapperKind,
    #[serde(default)]
    pub programs: Vec<String>,
    /// Launchers (`hatch run`) whose program may be an entry instead.
    #[serde(default)]
    pub launched: Vec<String>,
    /// The file, by preference.
    pub files: Vec<String>,
    /// Folders whose files are entries, too.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Whether the file may lie in a folder around.
    #[serde(default)]
    pub parents: bool,
    /// Words before the entry's name: `run`.
    #[serde(default)]
    pub subcommands: Vec<String>,
    /// Subcommands that are entries themselves.
    #[serde(default)]
    pub shorthands: Vec<String>,
    /// Programs that need no subcommand.
    #[serde(default)]
    pub bare: Vec<String>,
    /// Operands that never name an entry.
    #[serde(default)]
    pub builtin: Vec<String>,
    /// Whether `A=b` among the operands sets a variable.
    #[serde(default)]
    pub assignments: bool,
    /// Options whose value does not matter here.
    #[serde(default)]
    pub value: BTreeSet<String>,
    /// Options without value.
    #[serde(default)]
    pub flag: BTreeSet<String>,
    /// Options that name the folder it runs in.
    #[serde(default)]
    pub directory: BTreeSet<String>,
    /// Options that name the file.
    #[serde(default)]
    pub file: BTreeSet<String>,
    /// Options that name entries, separated by commas.
    #[serde(default)]
    pub names: BTreeSet<String>,
    /// With these nothing is run, or nothing that can be known.
    #[serde(default)]
    pub stop: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    // What the types cannot rule out.
    impl Wrappers {
        fn problems(&self) -> Vec<String> {
            let mut out = Vec::new();
            let mut programs = BTreeSet::new();
            for wrapper in &self.wrappers {
                let reader = wrapper.reader;
                for name in wrapper.programs.iter().chain(&wrapper.launched) {
                    if !programs.insert(name) {
                        out.push(format!("`{name}` twice"));
                    }
                }
                if wrapper.files.is_empty()
                    || (wrapper.programs.is_empty() && wrapper.launched.is_empty())
                {
                    out.push(format!("{reader:?}: needs a file and a program"));
                }
                let mut options = BTreeSet::new();
                let lists = [
                    &wrapper.value,
                    &wrapper.flag,
                    &wrapper.directory,
                    &wrapper.file,
                    &wrapper.names,
                    &wrapper.stop,
                ];
                for option in lists.into_iter().flatten() {
                    if !option.starts_with('-') || option.contains('=') {
                        out.push(format!("{reader:?}: `{option}` is no option"));
                    }
                    if !options.insert(option) {
                        out.push(format!("{reader:?}: `{option}` twice"));
                    }
                }
            }
            out
        }
    }

    #[test]
    fn the_rules_are_valid() {
        assert_eq!(WRAPPERS.problems(), Vec::<String>::new());
        assert!(WRAPPERS.wrappers.iter().any(|w| w.reader == WrapperKind::Make));
    }

    #[test]
    fn bad_rules_are_refused() {
        let read = |wrapper: &str| {
            let text = format!(
                "wrappers: [{{reader: make, {wrapper}}}]\npython_functions: []\nunread_interpreters: []\nunread_files: []"
            );
            serde_yaml::from_str::<Wrappers>(&text).unwrap().problems()
        };
        assert_eq!(
            read("programs: [make], files: [Makefile], flag: [-n], stop: [-n]"),
            ["Make: `-n` twice"]
        );
        assert_eq!(
            read("programs: [make], files: [Makefile], flag: [n]"),
            ["Make: `n` is no option"]
        );
        assert_eq!(read("programs: [make, make], files: [Makefile]"), ["`make` twice"]);
        assert_eq!(read("files: [Makefile]"), ["Make: needs a file and a program"]);
    }
}
