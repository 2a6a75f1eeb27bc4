//! Program wrappers and launchers, from `rules/launchers.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The contents of `rules/launchers.yaml`.
pub static LAUNCHERS: LazyLock<Launchers> = LazyLock::new(|| super::embedded!("launchers"));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launchers {
    /// Option lists that several launchers share, for YAML aliases.
    #[serde(rename = "shared", default)]
    _shared: serde::de::IgnoredAny,
    /// Script that runs a tool when it is executed itself, by tool.
    pub scripts: BTreeMap<String, String>,
    /// Programs that read a script in the language of a shell: `dash` reads that of `sh`.
    pub shells: BTreeMap<String, Language>,
    pub launchers: Vec<Launcher>,
}

/// The language of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Bash,
    Sh,
    PowerShell,
    Cmd,
    Python,
}

/// A program that runs another program given on its command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launcher {
    /// The program and its subcommands: `[uv, tool, run]`.
    pub words: Vec<String>,
    /// Other names of the program.
    #[serde(default)]
    pub also: Vec<String>,
    /// Whether the program's name may end in a version: `python3.13`.
    #[serde(default)]
    pub versioned: bool,
    /// Options before the subcommand.
    #[serde(default)]
    pub global: Options,
    #[serde(default)]
    pub options: Options,
    /// Operands before the program: the duration of `timeout`.
    #[serde(default)]
    pub skip: usize,
    /// Whether `A=b` may come before the program.
    #[serde(default)]
    pub assignments: bool,
    /// Whether the program may be a requirement: `nox@2026.7`, `nox[uv]==2026.7`.
    #[serde(default)]
    pub requirement: bool,
    /// Whether the program may have an environment before it: `test:nox`.
    #[serde(default)]
    pub environment_prefix: bool,
    /// Whether `-3.12` is an option.
    #[serde(default)]
    pub numeric: bool,
    /// Whether options start with `/` too and their case does not matter.
    #[serde(default)]
    pub windows: bool,
    #[serde(default)]
    pub operand: Operand,
    /// Whether the program runs in a container.
    #[serde(default)]
    pub container: bool,
    /// Whether it adds words to the program's that nobody knows before the run.
    #[serde(default)]
    pub appends: bool,
    /// The word after which those words are on its own command line.
    #[serde(default)]
    pub inputs: Option<String>,
    /// Whether its container is defined elsewhere: nobody sees here what it has mounted.
    #[serde(default)]
    pub defined_elsewhere: bool,
    /// The shell of scripts that it is given.
    #[serde(default)]
    pub shell: Option<String>,
}

/// Options by what they take.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Take a value that does not matter here.
    #[serde(default)]
    pub value: WordList,
    /// Take none.
    #[serde(default)]
    pub flag: WordList,
    /// Decide what is run, or where.
    #[serde(default)]
    pub effect: BTreeMap<String, Effect>,
}

/// Words in the order of the rules; reading them into a set takes longer than looking through them.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct WordList(Vec<String>);

impl WordList {
    pub fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word)
    }
}

/// What an option does to the program that is launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Value: the directory it runs in.
    Directory,
    /// Value: the Python that runs it.
    Python,
    /// Value: a Python module, which is the program; what follows are its arguments.
    Module,
    /// Value: a shell script, which is run instead of a program.
    Script,
    /// All that follows is a shell script.
    Joined,
    /// All that follows is the program with its arguments.
    Program,
    /// Value: a script file, which is the program.
    File,
    /// Value: `A=b` for the program's environment.
    Environment,
    /// Value: a mount of the container.
    Mount,
    /// Value: the platform of the container.
    Platform,
    /// Value: the directory inside the container.
    Workdir,
    /// With it no program is run.
    Stop,
}

impl Effect {
    /// Whether the next word is the option's value.
    pub fn takes_value(self) -> bool {
        !matches!(self, Effect::Joined | Effect::Program | Effect::Stop)
    }
}

/// What the first operand of a launcher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operand {
    #[default]
    Program,
    /// A script file for the interpreter that the launcher is.
    Script,
    /// All operands together are a shell script.
    Joined,
    /// The program comes after a `--`; what comes before it is something else.
    Dashes,
}

impl Launcher {
    /// Whether `name` is the program of this launcher.
    pub fn is_program(&self, name: &str) -> bool {
        let base = match self.versioned {
            true => name
                .strip_suffix('t')
                .filter(|n| n.ends_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(name),
            false => name,
        };
        let base = if self.versioned {
            base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
        } else {
            base
        };
        self.words.first().is_some_and(|w| w == base) || self.also.iter().any(|w| w == base)
    }

    /// How it is called: `uv tool run`.
    pub fn label(&self) -> String {
        self.words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    // What the types cannot rule out.
    impl Launchers {
        fn problems(&self) -> Vec<String> {
            let mut out = Vec::new();
            let mut seen = BTreeSet::new();
            for launcher in &self.launchers {
                let label = launcher.label();
                if launcher.words.iter().any(String::is_empty) || launcher.words.is_empty() {
                    out.push("a launcher without words".to_owned());
                }
                for name in launcher.words.iter().take(1).chain(&launcher.also) {
                    if !seen.insert(
                        [std::slice::from_ref(name), launcher.words.get(1..).unwrap_or_default()]
                            .concat(),
                    ) {
                        out.push(format!("{name} … of `{label}` twice"));
                    }
                }
                for options in [&launcher.global, &launcher.options] {
                    out.extend(
                        options
                            .problems(launcher.windows)
                            .into_iter()
                            .map(|p| format!("`{label}`: {p}")),
                    );
                }
                let effects: Vec<Effect> = launcher.options.effect.values().copied().collect();
                let needs_shell = launcher.operand == Operand::Joined
                    || effects.iter().any(|e| matches!(e, Effect::Script | Effect::Joined));
                if needs_shell != launcher.shell.is_some() {
                    out.push(format!("`{label}`: `shell` goes with options that take a script"));
                }
                let inside = effects
                    .iter()
                    .any(|e| matches!(e, Effect::Mount | Effect::Platform | Effect::Workdir));
                if inside && !launcher.container {
                    out.push(format!("`{label}`: options of a container without one"));
                }
            }
            out
        }
    }

    impl Options {
        fn problems(&self, windows: bool) -> Vec<String> {
            let mut out = Vec::new();
            let all = self.value.0.iter().chain(&self.flag.0).chain(self.effect.keys());
            let mut seen = BTreeSet::new();
            for option in all {
                if !(option.starts_with(['-', '+']) || (windows && option.starts_with('/')))
                    || option.contains('=')
                {
                    out.push(format!("`{option}` is no option"));
                }
                if !seen.insert(option) {
                    out.push(format!("`{option}` twice"));
                }
            }
            out
        }
    }

    #[test]
    fn the_rules_are_valid() {
        assert_eq!(LAUNCHERS.problems(), Vec::<String>::new());
        assert!(LAUNCHERS.launchers.len() > 40);
        assert_eq!(LAUNCHERS.scripts.get("nox").map(String::as_str), Some("noxfile.py"));
    }

    #[test]
    fn bad_rules_are_refused() {
        let read = |text: &str| {
            serde_yaml::from_str::<Launchers>(&format!(
                "scripts: {{}}\nshells: {{}}\nlaunchers: {text}"
            ))
        };
        for (text, problem) in [
            ("[{words: []}]", "a launcher without words"),
            ("[{words: [a]}, {words: [b], also: [a]}]", "a … of `b` twice"),
            ("[{words: [a], options: {flag: [b]}}]", "`a`: `b` is no option"),
            ("[{words: [a], options: {flag: [-b], value: [-b]}}]", "`a`: `-b` twice"),
            (
                "[{words: [a], options: {effect: {-c: script}}}]",
                "`a`: `shell` goes with options that take a script",
            ),
            (
                "[{words: [a], options: {effect: {-v: mount}}}]",
                "`a`: options of a container without one",
            ),
        ] {
            assert_eq!(read(text).unwrap().problems(), [problem]);
        }
        assert!(read("[{words: [a], options: {bogus: [-b]}}]").is_err());
    }

    #[test]
    fn versions_belong_to_the_name_only_where_said() {
        let by = |name: &str| {
            LAUNCHERS.launchers.iter().find(|l| l.is_program(name)).map(Launcher::label)
        };
        for name in ["python", "python3", "python3.13", "python3.13t", "pypy3.10", "py"] {
            assert_eq!(by(name).as_deref(), Some("python"), "{name}");
        }
        for name in ["pythonista", "sudo2", "nox", "pytest"] {
            assert_eq!(by(name), None, "{name}");
        }
    }
}
