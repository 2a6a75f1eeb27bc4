//! What takes the environment folder away, and what brings it besides caches: removals, unpacked
//! archives, artifacts.

use super::commands::shown;
use super::event::EventKind;
use super::followed::CommandOrigin;
use super::state::{as_written, in_workspace};
use super::timeline::{Here, TimelineBuilder};
use crate::base::glob::Pattern;
use crate::base::text::Span;
use crate::rules::folders::{ArtifactAction, DownloadCommand, folders, is_option, takes_whole};
use crate::rules::is_action;
use crate::shell::{Command, UnwrappedCommand};
use crate::tool::known_folder;

/// The condition of what a script may leave out, for people.
const IN_SCRIPT: &str = "a condition of the script holds";

/// Something that deletes files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// As written: `rm -rf .nox`.
    pub what: String,
    /// Paths and patterns relative to the workspace.
    targets: Vec<String>,
    /// They are somewhere else then, and may come back.
    moved: bool,
    /// Everything ignored below this folder goes, but for what fits `excluded`.
    ignored_in: Option<String>,
    excluded: Vec<String>,
    /// Below these folders, what fits all of these names.
    found_in: Vec<String>,
    found: Vec<String>,
}

impl Removal {
    /// Deletes a folder of the workspace.
    pub fn of_folder(what: String, folder: String) -> Self {
        Self { what, targets: vec![folder], ..Self::default() }
    }

    /// Whether the environments in `folder` are deleted.
    pub fn takes(&self, folder: &str) -> bool {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let excluded = |k: &String| {
            let k = k.trim_matches('/');
            k == name
                || k == folder
                || Pattern::parse(k).is_ok_and(|p| !p.negated && p.matches(name))
        };
        let below = |root: &String| is_within(folder, root);
        let fits = |pattern: &String| {
            let pattern = pattern.rsplit('/').next().unwrap_or(pattern);
            pattern == name || Pattern::parse(pattern).is_ok_and(|p| p.matches(name))
        };
        let found = self.found_in.iter().any(below) && self.found.iter().all(fits);
        found
            || self.targets.iter().any(|target| takes(target, folder))
            || (self.ignored_in.iter().any(below) && !self.excluded.iter().any(excluded))
    }
}

fn is_within(folder: &str, root: &str) -> bool {
    root.is_empty() || folder == root || folder.starts_with(&format!("{root}/"))
}

/// Whether deleting `target` deletes the environments in `folder`.
fn takes(target: &str, folder: &str) -> bool {
    if is_within(folder, target) {
        return true;
    }
    // A single environment, or all of them; what begins with a dot isn't an environment.
    if let Some(inside) = target.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
        return !inside.contains('/') && !inside.starts_with('.');
    }
    // A shell's `*` leaves names alone that begin with a dot.
    let hidden = |name: &str| name.starts_with('.');
    let same_depth = target.split('/').count() == folder.split('/').count();
    let dots = target.split('/').zip(folder.split('/')).all(|(t, f)| hidden(t) == hidden(f));
    target.contains(['*', '?', '['])
        && same_depth
        && dots
        && Pattern::parse(target).is_ok_and(|p| p.matches(folder))
}

/// Files that come into the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// As written: `uses: actions/download-artifact@v5`.
    pub what: String,
    /// The folder that they fill, relative to the workspace; `None` when not known.
    pub folder: Option<String>,
    /// The artifact that brings them.
    pub artifact: Option<Artifact>,
}

impl Arrival {
    /// Whether it brings the environments in `folder`.
    pub fn brings(&self, folder: &str) -> bool {
        // What begins with a dot isn't an environment: `.nox/.cache`.
        let inside = |filled: &str| {
            let inside = filled.strip_prefix(folder)?.strip_prefix('/')?;
            Some(!inside.starts_with('.'))
        };
        self.folder
            .as_deref()
            .is_some_and(|filled| filled == folder || inside(filled) == Some(true))
    }
}

/// The names under which files are passed between jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// How the name begins and ends, as far as that is known.
    begins: String,
    ends: String,
    /// `begins` is the whole name.
    is_exact: bool,
}

impl Artifact {
    fn new(text: &str, known: bool) -> Self {
        const OPEN: [char; 4] = ['*', '?', '[', '{'];
        const CLOSED: [char; 4] = ['*', '?', ']', '}'];
        let begin = if known { text.len() } else { text.find("${{").unwrap_or(text.len()) };
        let begin = text[..begin].find(OPEN).unwrap_or(begin);
        let end = text.rfind(CLOSED).map_or(0, |at| at + 1);
        Self {
            begins: text[..begin].to_owned(),
            ends: text[end..].to_owned(),
            is_exact: known && begin == text.len() && !text.is_empty(),
        }
    }

    /// Whether both may mean the same files.
    pub fn may_be(&self, other: &Self) -> bool {
        let fits = |whole: &Self, part: &Self| {
            whole.begins.starts_with(&part.begins) && whole.begins.ends_with(&part.ends)
        };
        match (self.is_exact, other.is_exact) {
            (true, true) => self.begins == other.begins,
            (true, false) => fits(self, other),
            (false, true) => fits(other, self),
            (false, false) => {
                let begin = self.begins.starts_with(&other.begins)
                    || other.begins.starts_with(&self.begins);
                begin && (self.ends.ends_with(&other.ends) || other.ends.ends_with(&self.ends))
            }
        }
    }

    /// For people: the name, or how it begins.
    pub fn shown(&self) -> String {
        if self.is_exact { self.begins.clone() } else { format!("{}…{}", self.begins, self.ends) }
    }
}

impl TimelineBuilder<'_> {
    /// Notes what a command deletes or unpacks; whether it does any of that.
    pub(super) fn folder_command(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        unwrapped: &UnwrappedCommand,
    ) -> bool {
        let Some(name) = unwrapped.program.program_name() else { return false };
        let words: Vec<&str> = unwrapped.args.iter().filter_map(|w| w.value.as_deref()).collect();
        let data = folders();
        let what = || shown(origin.text, command.span);
        let Some(Some((folder, _))) = self.folder_of(origin, &unwrapped.directory, &unwrapped.host)
        else {
            return false;
        };
        let span = self.span_in_step(origin, command.span);
        if let Some(remover) = data.remover(&name, &words) {
            let mut operands: Vec<&str> = words.iter().copied().filter(|w| !is_option(w)).collect();
            if remover.moves {
                let Some((mut moved, into)) = remover.moved(&words) else { return false };
                self.moved_back(&folder, &moved, into);
                let tool = self.repository.answers.tool().name();
                moved.retain(|path| takes_whole(path, tool));
                if moved.is_empty() {
                    return false;
                }
                operands = moved;
            }
            let targets = operands.into_iter().filter_map(|path| target(&folder, path)).collect();
            let moved = remover.moves;
            let removal = Removal { what: what(), targets, moved, ..Removal::default() };
            self.push_at(origin, command, span, EventKind::Removal(removal));
            return true;
        }
        if name == "find"
            && let Some((places, names)) = data.find.deletes(&words)
        {
            let places = if places.is_empty() { vec!["."] } else { places };
            let found_in = places.iter().filter_map(|place| target(&folder, place)).collect();
            let found = names.into_iter().map(str::to_owned).collect();
            let removal = Removal { what: what(), found_in, found, ..Removal::default() };
            self.push_at(origin, command, span, EventKind::Removal(removal));
            return true;
        }
        if let Some((rule, rest)) = data.download(&name, &words) {
            let arrival = downloaded_by(what(), &folder, rule, rest);
            self.push_at(origin, command, span, EventKind::Arrival(arrival));
            return true;
        }
        let (git, into) = data.git_command(&words);
        if name == "git" && data.cleans_ignored(git) {
            let Some(folder) = in_workspace(&folder, into.unwrap_or(".")) else { return true };
            let mut excluded = Vec::new();
            let mut targets = Vec::new();
            let mut rest = git.iter().skip(1);
            while let Some(word) = rest.next() {
                if data.git_clean.excludes.iter().any(|e| e == word) {
                    excluded.extend(rest.next().map(|k| (*k).to_owned()));
                } else if let Some(k) =
                    data.git_clean.excludes.iter().find_map(|e| attached(word, e))
                {
                    excluded.push(k.to_owned());
                } else if !word.starts_with('-') {
                    targets.extend(target(&folder, word));
                }
            }
            let ignored_in = targets.is_empty().then_some(folder);
            let removal =
                Removal { what: what(), targets, ignored_in, excluded, ..Removal::default() };
            self.push_at(origin, command, span, EventKind::Removal(removal));
            return true;
        }
        if let Some(unpacker) = data.unpacker(&name, &words) {
            let filled = self.unpacked(origin, &folder, &words, &unpacker.into);
            let arrival = Arrival { what: what(), folder: filled, artifact: None };
            self.push_at(origin, command, span, EventKind::Arrival(arrival));
            return true;
        }
        false
    }

    /// What was moved away comes back to where it was: it is not removed.
    fn moved_back(&mut self, folder: &str, moved: &[&str], into: &str) {
        let name = |path: &&str| path.rsplit('/').next().map(|name| format!("{into}/{name}"));
        let places = moved.iter().filter_map(name).chain([into.to_owned()]);
        let places: Vec<String> = places.filter_map(|place| target(folder, &place)).collect();
        for event in &mut self.events {
            if let EventKind::Removal(removal) = &mut event.kind
                && removal.moved
            {
                let whole = |taken: &String| taken.trim_end_matches(['*', '/']).to_owned();
                removal.targets.retain(|taken| !places.contains(&whole(taken)));
            }
        }
    }

    fn push_at(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        span: Span,
        kind: EventKind,
    ) {
        let outer = self.via.len();
        self.via.extend(origin.via.iter().cloned());
        if origin.file_script.is_some() {
            self.via.push(self.place_of(origin, command.span));
        }
        let before = self.events.len();
        let is_removal = matches!(kind, EventKind::Removal(_));
        self.push(origin.here, span, kind);
        if is_removal && (command.conditional || origin.conditional) {
            for event in &mut self.events[before..] {
                event.condition.get_or_insert_with(|| IN_SCRIPT.to_owned());
            }
        }
        self.via.truncate(outer);
    }

    /// The folder that an unpacked archive fills: where its name or the command that packed it says
    /// that it holds environments.
    fn unpacked(
        &self,
        origin: &CommandOrigin<'_>,
        folder: &str,
        words: &[&str],
        into: &[String],
    ) -> Option<String> {
        let mut base = folder.to_owned();
        let mut archive = None;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if into.iter().any(|o| o == word) {
                base = in_workspace(folder, rest.next()?)?;
            } else if archive.is_none() && !is_option(word) && word.contains('.') {
                archive = Some(*word);
            }
        }
        let archive = archive?.rsplit('/').next()?;
        let others = self.repository.folder_scripts.iter();
        let packed = others.filter(|script| **script != origin.script.text).find_map(|script| {
            script.lines().filter(|line| line.contains(archive)).find_map(packed_folder)
        });
        let tool = self.repository.answers.tool().name();
        let inside = match packed {
            Some(inside) => inside,
            None if archive.contains(tool) => format!(".{tool}"),
            None => return None,
        };
        if is_within(&base, &inside) && !base.is_empty() {
            return Some(base);
        }
        in_workspace(&base, &inside)
    }

    /// A step that passes files between jobs; whether it is one.
    pub(super) fn artifact(&mut self, here: Here<'_>, action: &str) -> bool {
        let data = folders();
        let find =
            |list: &'static [ArtifactAction]| list.iter().find(|a| is_action(&a.action, action));
        let named = |builder: &Self, rule: &ArtifactAction| {
            let given = [Some(&rule.name), rule.pattern.as_ref()];
            let input = given.into_iter().flatten().find_map(|name| here.step.input(name));
            match input {
                Some(scalar) => match builder.scope_at(here).text(&scalar.text) {
                    Some(text) => Artifact::new(&text, true),
                    None => Artifact::new(&scalar.text, false),
                },
                None => match &rule.default {
                    Some(name) => Artifact::new(name, true),
                    None => Artifact::new("", false),
                },
            }
        };
        let upload = find(&data.uploads);
        if let Some(rule) = upload {
            let artifact = named(self, rule);
            self.push(here, here.step.span, EventKind::Upload(artifact));
        }
        let Some(rule) = find(&data.downloads) else { return upload.is_some() };
        let artifact = named(self, rule);
        let base = match here.step.input(&rule.path) {
            None => Some(String::new()),
            Some(path) => {
                self.scope_at(here).text(&path.text).and_then(|path| in_workspace("", &path))
            }
        };
        let what = format!("uses: {}", here.step.uses.as_ref().map_or(action, |u| &u.text));
        let folder = base.map(|base| self.downloaded(base, &artifact));
        let arrival = Arrival { what, folder, artifact: Some(artifact) };
        self.push(here, here.step.span, EventKind::Arrival(arrival));
        true
    }

    /// The folder that a downloaded artifact fills. One of several paths keeps its folders, and
    /// those that hold `.nox` fill that.
    fn downloaded(&self, base: String, artifact: &Artifact) -> String {
        let mut uploads = self.repository.uploads.iter().filter_map(|(name, path)| {
            let folder = path.lines().map(str::trim).find(|line| line.contains(known_folder()))?;
            let same = Artifact::new(name, !name.contains("${{"));
            same.may_be(artifact).then_some(folder)
        });
        let Some(folder) = uploads.next() else { return base };
        let folder = folder.trim_start_matches("./").trim_end_matches(['/', '*']);
        in_workspace(&base, folder).unwrap_or(base)
    }
}

/// The environment folder that a line packs: `tar -czf envs.tgz .nox`.
fn packed_folder(line: &str) -> Option<String> {
    let word = line
        .split([' ', '\t', '"', '\''])
        .find(|word| word.trim_end_matches('/').rsplit('/').next() == Some(known_folder()))?;
    Some(word.trim_start_matches("./").trim_end_matches('/').to_owned())
}

/// What a command brings that downloads files between jobs; these are its words.
fn downloaded_by(what: String, folder: &str, rule: &DownloadCommand, words: &[&str]) -> Arrival {
    let value = |options: &[String]| {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if options.iter().any(|option| option == word) {
                return words.next().map(|value| (*value).to_owned());
            }
            let attached = |option: &String| word.strip_prefix(option.as_str())?.strip_prefix('=');
            if let Some(value) = options.iter().find_map(attached) {
                return Some(value.to_owned());
            }
        }
        None
    };
    let name = value(&rule.name).or_else(|| value(&rule.pattern));
    let into = value(&rule.path);
    Arrival {
        what,
        folder: in_workspace(folder, into.as_deref().unwrap_or(".")),
        artifact: Some(Artifact::new(&name.unwrap_or_default(), true)),
    }
}

/// The value of an option in the same word: `--exclude=x`, `-ex`.
fn attached<'w>(word: &'w str, option: &str) -> Option<&'w str> {
    let rest = word.strip_prefix(option)?;
    if option.starts_with("--") { rest.strip_prefix('=') } else { Some(rest) }
}

/// A path of a command as one of the workspace; an absolute one stays.
fn target(folder: &str, path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    in_workspace(folder, &path).or_else(|| path.starts_with('/').then(|| as_written(&path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_removal_takes() {
        for (target, folder, expected) in [
            (".nox", ".nox", true),
            ("", ".nox", true),
            (".nox/*", ".nox", true),
            (".nox/tests", ".nox", true),
            (".nox/.cache", ".nox", false),
            (".nox/*/tmp", ".nox", false),
            ("*", ".nox", false),
            (".*", ".nox", true),
            (".nox*", ".nox", true),
            ("build", ".nox", false),
            ("sdk", "sdk/.nox", true),
            ("sdk/dist", "sdk/.nox", false),
            ("/var/envs", "/var/envs", true),
        ] {
            assert_eq!(takes(target, folder), expected, "{target} {folder}");
        }
        let clean = |excluded: &[&str]| Removal {
            ignored_in: Some(String::new()),
            excluded: excluded.iter().map(|k| (*k).to_owned()).collect(),
            ..Removal::default()
        };
        let find = |place: &str, name: &str| Removal {
            found_in: vec![place.to_owned()],
            found: vec![name.to_owned()],
            ..Removal::default()
        };
        assert!(find("", ".nox").takes("sdk/.nox"));
        assert!(find("", "*/.no*").takes(".nox"));
        assert!(!find("docs", ".nox").takes(".nox"));
        assert!(!find("", "__pycache__").takes(".nox"));
        assert!(clean(&[]).takes("sdk/.nox"));
        assert!(clean(&["dist"]).takes(".nox"));
        assert!(!clean(&[".nox"]).takes(".nox"));
    }

    #[test]
    fn names_of_artifacts() {
        let name = |text: &str| Artifact::new(text, !text.contains("${{"));
        for (up, down, expected) in [
            ("${{ matrix.os }}-logs", "${{ matrix.os }}.tar.xz", false),
            ("${{ matrix.os }}-logs", "dist", false),
            ("${{ matrix.os }}-wheel", "*-wheel", true),
            ("dist", "dist", true),
            ("coverage", "dist", false),
            ("wheels-linux", "wheels-*", true),
            ("wheels-${{ matrix.os }}", "wheels-linux", true),
            ("coverage-${{ matrix.os }}", "wheels-*", false),
        ] {
            assert_eq!(name(up).may_be(&name(down)), expected, "{up} {down}");
        }
        assert!(name("coverage").may_be(&Artifact::new("", false)), "all of them");
    }
}
