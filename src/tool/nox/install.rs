//! Which tracked files decide what sessions install, read from the installers' words.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::rules::nox::rules;
use crate::tool::Files;

use super::noxfile::{Effects, Install, Value, join};

/// What the sessions of a call install.
#[derive(Debug, Default)]
pub struct Installs {
    /// Tracked files, relative to the repository root.
    pub files: BTreeSet<String>,
    /// A package by name without an exact version.
    pub unpinned: bool,
    /// Names of files that could not be known.
    pub computed: bool,
}

/// Most requirement files that are followed.
const MAX_FILES: usize = 200;

/// Collects from all bodies. `folder` is the noxfile's, relative to the repository root.
/// `loaded` are files that the noxfile reads while it loads.
pub fn collect(
    effects: &[Rc<Effects>],
    loaded: &[String],
    folder: &str,
    files: &dyn Files,
) -> Installs {
    let mut found = Collector { installs: Installs::default(), folder, files };
    for path in loaded.iter().filter(|path| !is_prose(path)) {
        found.file(&join(folder, path));
    }
    for effect in effects {
        // What a body reads that installs nothing has another purpose: changelog entries, a version
        // to print.
        if !effect.installs.is_empty() || effect.opaque || effect.runs {
            for path in effect.reads.iter().filter(|path| !is_prose(path)) {
                found.file(&join(folder, path));
            }
        }
        for install in &effect.installs {
            for file in &install.files {
                found.file(&join(folder, file));
            }
            found.words(install);
        }
        found.installs.computed |= effect.opaque;
    }
    if found.installs.computed {
        found.project(folder);
        found.candidates();
    }
    found.includes();
    found.installs
}

struct Collector<'a> {
    installs: Installs,
    folder: &'a str,
    files: &'a dyn Files,
}

impl Collector<'_> {
    fn file(&mut self, path: &str) {
        if self.files.is_tracked(path) {
            self.installs.files.insert(path.to_owned());
        }
    }

    /// The files that define the project in `folder`, and its lock files.
    fn project(&mut self, folder: &str) {
        for name in rules().project_files.iter().chain(&rules().lock_files) {
            self.file(&join(folder, name));
        }
    }

    /// Every tracked file that looks like a requirement file.
    fn candidates(&mut self) {
        for path in self.files.tracked_under(self.folder) {
            let below = if self.folder.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(&format!("{}/", self.folder))
            };
            if below
                .is_some_and(|name| rules().candidate_files.iter().any(|shape| fits(shape, name)))
            {
                self.installs.files.insert(path);
            }
        }
    }

    fn words(&mut self, install: &Install) {
        let mut words = install.args.iter();
        while let Some(word) = words.next() {
            let Some(text) = word.text() else {
                self.installs.computed |= *word == Value::Unknown;
                continue;
            };
            if install.conda && matches!(text, "-c" | "--channel" | "-n" | "--name" | "-p") {
                words.next();
            } else if is_file_option(text) {
                self.named(words.next().and_then(Value::text));
            } else if let Some(name) = attached_file(text) {
                self.named(Some(name));
            } else if text == "-e" || text == "--editable" {
                if let Some(path) = words.next().and_then(Value::text) {
                    self.local(path);
                }
            } else if let Some(path) =
                text.strip_prefix("--editable=").or_else(|| text.strip_prefix("-e"))
            {
                self.local(path);
            } else if text == "--group" || text == "--only-group" || text == "--all-groups" {
                self.project(self.folder);
                if text != "--all-groups" {
                    words.next();
                }
            } else if text.starts_with("--group=") || text.starts_with("--only-group=") {
                self.project(self.folder);
            } else if rules().value_options.iter().any(|o| o == text) {
                words.next();
            } else if !text.starts_with('-') {
                self.package(text, matches!(word, Value::Path(_)), install.conda);
            }
        }
    }

    fn named(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.file(&join(self.folder, name)),
            None => self.installs.computed = true,
        }
    }

    /// A word that is no option: a folder of the repository, an address, or a package.
    fn package(&mut self, text: &str, is_path: bool, conda: bool) {
        let source = text.split_once('@').map_or(text, |(_, after)| after.trim());
        if source.contains("://") {
            return;
        }
        if is_path || source.starts_with('.') || source.contains('/') {
            self.local(source);
        } else if !(text.contains("==") || (conda && text.contains('='))) {
            self.installs.unpinned = true;
        }
    }

    fn local(&mut self, path: &str) {
        let path = path.split('[').next().unwrap_or_default();
        if !path.contains("://") && !path.ends_with(".whl") && !path.ends_with(".tar.gz") {
            self.project(&join(self.folder, path));
        }
    }

    /// Requirement files that the found ones include.
    fn includes(&mut self) {
        let mut queue: Vec<String> = self.installs.files.iter().cloned().collect();
        while let Some(path) = queue.pop() {
            if self.installs.files.len() > MAX_FILES
                || !(path.ends_with(".txt") || path.ends_with(".in"))
            {
                continue;
            }
            let Some(text) = self.files.read(&path) else { continue };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for line in text.lines() {
                let mut words = line.split_whitespace();
                let Some(first) = words.next() else { continue };
                let included =
                    if is_file_option(first) { words.next() } else { attached_file(first) };
                let Some(included) =
                    included.map(|name| join(folder, name)).filter(|p| self.files.is_tracked(p))
                else {
                    continue;
                };
                if self.installs.files.insert(included.clone()) {
                    queue.push(included);
                }
            }
        }
    }
}

/// A text for people, whose name says that it lists no packages.
fn is_prose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    rules().prose_files.iter().any(|shape| fits(shape, name))
}

fn is_file_option(word: &str) -> bool {
    rules().file_options.iter().any(|option| option == word)
}

/// The file in `-rname`, `-r=name`, `--constraint=name`.
fn attached_file(word: &str) -> Option<&str> {
    if word.starts_with("--") {
        let (option, name) = word.split_once('=')?;
        return is_file_option(option).then_some(name);
    }
    let name = word.strip_prefix("-r").or_else(|| word.strip_prefix("-c"))?;
    Some(name.strip_prefix('=').unwrap_or(name)).filter(|n| !n.is_empty())
}

/// Whether `name` has the shape, in which one `*` stands for any text without `/`.
fn fits(shape: &str, name: &str) -> bool {
    let Some((start, end)) = shape.split_once('*') else { return shape == name };
    name.strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end))
        .is_some_and(|middle| !middle.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_name_files() {
        for (word, file) in [
            ("-rreq.txt", Some("req.txt")),
            ("-r=req.txt", Some("req.txt")),
            ("--constraint=c.txt", Some("c.txt")),
            ("--requirement=a/b.txt", Some("a/b.txt")),
            ("-r", None),
            ("--resolution=lowest", None),
            ("requests", None),
        ] {
            assert_eq!(attached_file(word), file, "{word}");
        }
    }

    #[test]
    fn shapes_stay_within_one_folder() {
        for (shape, name, expected) in [
            ("requirements*.txt", "requirements.txt", true),
            ("requirements*.txt", "requirements-dev.txt", true),
            ("requirements*.txt", "requirements/dev.txt", false),
            ("requirements/*.txt", "requirements/dev.txt", true),
            ("requirements/*.txt", "requirements/a/dev.txt", false),
            ("*requirements.txt", "dev-requirements.txt", true),
            ("*requirements.txt", "docs/requirements.txt", false),
        ] {
            assert_eq!(fits(shape, name), expected, "{shape} {name}");
        }
    }
}
