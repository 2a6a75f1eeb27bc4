//! What the words of a text lead to: tracked files that they name, and what those spell, perhaps
//! through others.
//!
//! A text leads nowhere only where it is written out: a script that puts words together, and one
//! that names a file which does, may run anything.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use regex::Regex;

use super::files::RepoFiles;
use crate::actions::context::ENV_FILE;
use crate::base::path::split;
use crate::repo::discover::kind_by_place;
use crate::rules::publishers::publishers;
use crate::rules::setup_actions::setup_actions;
use crate::rules::wrappers::WRAPPERS;
use crate::tool::{self, Files};

/// Files followed from one text; beyond them it counts as leading anywhere.
const MAX_FILES: usize = 2_000;
/// Endings of files that are called without them: as modules, by `call`, or with a variable in the
/// name.
const LEFT_OUT: [&str; 8] = ["py", "sh", "bash", "ps1", "bat", "cmd", "just", "mk"];
/// Files that are called by the name of their folder.
const FOLDERS_OWN: [&str; 3] = ["__init__.py", "__main__.py", "mod.just"];

/// Names of the files that a program reads its commands from, by the program.
static READ_BY: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut read: HashMap<&str, Vec<&str>> = HashMap::new();
    for wrapper in &WRAPPERS.wrappers {
        let launchers = wrapper.launched.iter().filter_map(|launcher| launcher.split(' ').next());
        for program in wrapper.programs.iter().map(String::as_str).chain(launchers) {
            let names = wrapper.files.iter().map(|file| file.rsplit('/').next().unwrap_or(file));
            read.entry(program).or_default().extend(names);
        }
    }
    for unread in &WRAPPERS.unread_files {
        for program in &unread.programs {
            read.entry(program).or_default().extend(unread.files.iter().map(String::as_str));
        }
    }
    read.entry(&setup_actions().builds_wheels.program).or_default().push("pyproject.toml");
    read
});

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The tool itself.
    Tool,
    /// The tool, or anything else that a timeline shows: what publishes, and variables that a file
    /// sets for later steps.
    Event,
}

/// Reads what is the same for all repositories.
pub(super) fn preload() {
    LazyLock::force(&READ_BY);
    publishers();
}

/// Whether a shell, a recipe or an expression may put words together that the text does not hold:
/// variables, substitutions, alternatives in braces, escapes of cmd and PowerShell.
pub fn is_composed(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'$' | b'%' | b'{' | b'`' | b'^'))
}

/// The words of one repository's tracked files, each read once.
#[derive(Debug)]
pub struct Words {
    /// Everything leads: for tests that what is left out would not have told anything.
    #[cfg(test)]
    pub all: bool,
    /// Actions of the repository's settings, if there are any.
    own: Option<Result<Regex, regex::Error>>,
    index: OnceLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// Places among the tracked files by the words of their last names.
    names: HashMap<String, Vec<usize>>,
    /// Of each tracked file.
    linked: Vec<OnceLock<Linked>>,
}

/// What is in a tracked file.
#[derive(Debug, Default)]
struct Linked {
    tool: bool,
    event: bool,
    /// The tool's name is a word in it.
    names_tool: bool,
    /// Files that it may lead to.
    next: Vec<usize>,
}

impl Words {
    /// `own` are published actions that run the tool, besides those that are known to, as
    /// `owner/name`.
    pub fn new(own: &[String]) -> Self {
        let own: Vec<String> = own.iter().map(|name| regex::escape(name)).collect();
        let own = (!own.is_empty()).then(|| Regex::new(&format!("(?i){}", own.join("|"))));
        Self {
            #[cfg(test)]
            all: false,
            own,
            index: OnceLock::new(),
        }
    }

    /// Whether the text itself spells what is looked for.
    pub fn spells(&self, text: &str, goal: Goal) -> bool {
        // The tool's name is part of every published action that is known to run it.
        tool::is_spelled_in(text)
            || self
                .own
                .as_ref()
                .is_some_and(|own| own.as_ref().map_or(true, |name| name.is_match(text)))
            || (goal == Goal::Event && publishes(text))
    }

    /// Whether one of the texts, or a file that their words lead to, spells it.
    pub fn lead(&self, texts: &[&str], files: &RepoFiles, goal: Goal) -> bool {
        #[cfg(test)]
        if self.all {
            return true;
        }
        if texts.iter().any(|text| self.spells(text, goal)) {
            return true;
        }
        let index = self.index.get_or_init(|| Index::of(files));
        let mut next: Vec<usize> = texts.iter().flat_map(|text| index.named(text)).collect();
        let mut seen: HashSet<usize> = HashSet::new();
        while let Some(file) = next.pop() {
            let (Some(linked), true) = (index.linked.get(file), seen.insert(file)) else {
                continue;
            };
            let linked = linked.get_or_init(|| self.linked(index, files, file));
            if linked.tool || (goal == Goal::Event && linked.event) || seen.len() > MAX_FILES {
                return true;
            }
            next.extend(&linked.next);
        }
        false
    }

    /// Whether the tool's name is a word in a tracked file. Thousands of steps may ask for one large
    /// file.
    pub fn file_names_tool(&self, path: &str, files: &RepoFiles) -> bool {
        let index = self.index.get_or_init(|| Index::of(files));
        let file = files.tracked().place(path);
        let Some((file, linked)) = file.and_then(|at| Some((at, index.linked.get(at)?))) else {
            return false;
        };
        linked.get_or_init(|| self.linked(index, files, file)).names_tool
    }

    fn linked(&self, index: &Index, files: &RepoFiles, file: usize) -> Linked {
        let path = files.tracked().at(file).unwrap_or_default();
        let Some(text) = files.read(path) else {
            // What can't be read is said where it is asked for. A script that is only too large to
            // be read may call the tool.
            let tool = path.ends_with(".py") && files.is_too_large(path);
            return Linked { tool, event: true, ..Linked::default() };
        };
        let tool = is_composed(&text) || self.spells(&text, Goal::Tool);
        let next = if tool { Vec::new() } else { index.named(&text).into_iter().collect() };
        let event = tool || publishes(&text) || text.contains(ENV_FILE);
        Linked { tool, event, names_tool: names_tool(&text), next }
    }
}

/// Whether the tool's name is a word of a text.
pub fn names_tool(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let tool = tool::known_name();
    text.match_indices(tool).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + tool.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// Whether a text holds the words of a command that publishes, or of one that builds wheels.
fn publishes(text: &str) -> bool {
    let holds = |words: &Vec<String>| words.iter().rev().all(|word| text.contains(word.as_str()));
    publishers().commands.iter().any(|command| holds(&command.words))
        || text.contains(&setup_actions().builds_wheels.program)
}

/// The words of a text: names of files are in them without their folders.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-') || !c.is_ascii();
    text.split(move |c| !part(c)).filter(|word| !word.is_empty())
}

impl Index {
    fn of(files: &RepoFiles) -> Self {
        let mut index = Self::default();
        for (at, path) in files.tracked().iter().enumerate() {
            index.linked.push(OnceLock::new());
            // Workflows and actions are linked by their own words.
            if kind_by_place(path).is_some() {
                continue;
            }
            let (folder, name) = split(path);
            let stem = name
                .rsplit_once('.')
                .filter(|(_, ending)| LEFT_OUT.contains(ending))
                .map(|(stem, _)| stem);
            let stem = match FOLDERS_OWN.contains(&name) {
                true => folder.rsplit('/').next(),
                false => stem,
            };
            for word in words(name).chain(stem.into_iter().flat_map(words)) {
                let known = index.names.entry(word.to_owned()).or_default();
                if known.last() != Some(&at) {
                    known.push(at);
                }
            }
        }
        index
    }

    /// The tracked files that the words of a text may name: scripts, modules, and what the wrappers
    /// among them read.
    fn named(&self, text: &str) -> HashSet<usize> {
        let mut found = HashSet::new();
        if self.names.is_empty() {
            return found;
        }
        let mut add = |name: &str| found.extend(self.names.get(name).into_iter().flatten());
        let words: HashSet<&str> = words(text).map(|word| word.trim_end_matches('.')).collect();
        for word in &words {
            add(word);
            if let Some((_, module)) = word.rsplit_once('.') {
                add(module);
            }
            READ_BY.get(word).into_iter().flatten().for_each(|file| add(file));
        }
        // `run-${{ matrix.os }}.sh`: only the ends of the name are written.
        let begin = |word: &&&str| {
            word.ends_with(['-', '_']) && word.contains(|c: char| c.is_alphanumeric())
        };
        let begins: Vec<&&str> = words.iter().filter(begin).collect();
        let ends: Vec<&&str> = words.iter().filter(|word| word.starts_with('.')).collect();
        if !begins.is_empty() || !ends.is_empty() {
            let fits = |name: &str| {
                begins.iter().any(|b| name.starts_with(**b))
                    || ends.iter().any(|e| name.ends_with(**e))
            };
            found.extend(
                self.names.iter().filter(|(name, _)| fits(name)).flat_map(|(_, files)| files),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Words};
    use crate::repo::RepoFiles;
    use crate::testing;

    #[test]
    fn what_publishes_counts_only_as_an_event() {
        let folder = testing::repository(&[
            ("Makefile", "release:\n\tuv publish\n"),
            ("c.sh", "echo A=1 >> $GITHUB_ENV"),
            ("a.sh", "pytest"),
            ("b.sh", "nox"),
        ]);
        let (files, words) = (RepoFiles::new(folder.path()), Words::new(&["me/tests".to_owned()]));
        for (text, tool, event) in [
            ("pytest", false, false),
            ("nox -s x", true, true),
            ("uv pip install build && uv run build", false, false),
            ("twine check dist/* && twine upload dist/*", false, true),
            ("make", false, true),
            ("sh ./a.sh", false, false),
            ("sh ./b.sh", true, true),
            ("sh ./c.sh", true, true),
            ("cibuildwheel", false, true),
            ("uses: me/tests@v1", true, true),
        ] {
            let lead = |goal| words.lead(&[text], &files, goal);
            assert_eq!((lead(Goal::Tool), lead(Goal::Event)), (tool, event), "{text}");
        }
        assert!(words.lead(&["pytest", "b.sh"], &files, Goal::Tool), "any of them");
    }

    #[test]
    fn a_file_is_searched_for_the_tool_once() {
        let folder = testing::repository(&[("a.sh", "x\nnox"), ("b.sh", "tox # noxious -nox-\n")]);
        let (files, words) = (RepoFiles::new(folder.path()), Words::new(&[]));
        let names_tool = |path: &str| words.file_names_tool(path, &files);
        assert!(names_tool("a.sh") && !names_tool("b.sh") && !names_tool("c.sh"));
        let index = words.index.get().unwrap();
        assert!(index.linked.iter().all(|linked| linked.get().is_some()), "as remembered");
    }

    #[test]
    fn a_python_file_that_is_too_large_to_read_may_call_the_tool() {
        let large = "#\n".repeat(3 << 20);
        let folder = testing::repository(&[("a.py", &large), ("b.json", &large), ("c.py", "x")]);
        let (files, words) = (RepoFiles::new(folder.path()), Words::new(&[]));
        for (text, leads) in [("python a.py", true), ("jq . b.json", false), ("c.py", false)] {
            assert_eq!(words.lead(&[text], &files, Goal::Tool), leads, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_that_cannot_be_read_are_left_to_who_follows_them() {
        let folder = testing::repository(&[("b.sh", "nox")]);
        std::os::unix::fs::symlink("b.sh", folder.path().join("a.sh")).unwrap();
        let (files, words) = (RepoFiles::new(folder.path()), Words::new(&[]));
        assert!(!words.lead(&["sh a.sh"], &files, Goal::Tool));
        assert!(words.lead(&["sh a.sh"], &files, Goal::Event));
    }
}
