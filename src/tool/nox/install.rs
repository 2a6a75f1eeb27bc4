//! Which tracked files decide what sessions install, read from the installers' words.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::base::glob::path_fits;
use crate::rules::nox::rules;
use crate::tool::Files;

use super::file_facts::FileFacts;
use super::metadata;
use super::noxfile::{Effects, Install, PythonValue, join};

/// What the sessions of a call install.
#[derive(Debug, Default)]
pub struct Installs {
    /// Tracked files, relative to the repository root.
    pub files: BTreeSet<String>,
    /// A package by name without an exact version.
    pub unpinned: bool,
    /// A project of the repository is installed as a copy.
    pub copies_source: bool,
    /// Names of files that could not be known.
    pub computed: bool,
    /// Some word is not known, and may name a file.
    unknown: bool,
    /// Something is fixed neither by a lock nor by a list of exact versions.
    pub unlocked: bool,
    /// Why the content of what is installed can change while all tracked files stay: a clause.
    pub unfollowed: Option<String>,
    /// The word that asks for the newest versions there are: `--pre`.
    pub newest: Option<String>,
}

/// The most requirement files that are followed.
const MAX_FILES: usize = 200;
/// Files that decide what the sessions of one call install.
const MAX_INSTALL_FILES: usize = 1_000;
/// The most local projects that are installed together.
const MAX_PROJECTS: usize = 50;

/// Where installs are looked at.
#[derive(Clone, Copy)]
pub struct InstallPlace<'a> {
    /// The noxfile's, relative to the repository root.
    pub folder: &'a str,
    pub files: &'a dyn Files,
    /// What `files` say.
    pub facts: &'a FileFacts,
}

/// Collects from all bodies.
/// `loaded` are files that the noxfile reads while it loads; `hands_archives`: the call gives its
/// sessions words that name packages built before.
pub fn collect(
    effects: &[Rc<Effects>],
    loaded: &[String],
    place: InstallPlace<'_>,
    hands_archives: bool,
) -> Installs {
    let InstallPlace { folder, files, facts } = place;
    let at = Some(folder.to_owned());
    let installs = Installs::default();
    let mut found = InstallCollector { installs, folder, at, exports: &[], files, facts };
    for path in loaded.iter().filter(|path| !is_prose(path)) {
        found.file(&join(folder, path));
    }
    let builds = effects.iter().any(|effect| effect.builds);
    for effect in effects {
        // What a body reads that installs nothing has another purpose: changelog entries, a version
        // to print.
        if !effect.installs.is_empty() || effect.opaque || effect.runs {
            for path in effect.reads.iter().filter(|path| !is_prose(path)) {
                found.file(&join(folder, path));
            }
        }
        found.exports = &effect.exports;
        for install in &effect.installs {
            found.at.clone_from(&install.folder);
            for file in &install.files {
                let file = found.place(file);
                found.file(&file);
            }
            found.install(install);
        }
        found.installs.computed |= effect.opaque;
        let built = effect.builds || effect.seeks_archives || (effect.shares && builds);
        if std::mem::take(&mut found.installs.unknown) && (built || hands_archives) {
            found.unfollowed("sessions may install what the job has built".to_owned());
        }
    }
    if found.installs.computed {
        found.project(folder);
        found.candidates();
    }
    found.includes();
    found.bound();
    found.installs
}

struct InstallCollector<'a> {
    installs: Installs,
    /// The noxfile's folder.
    folder: &'a str,
    /// Where the session is at this install; `None` when not known.
    at: Option<String>,
    /// Files that decide what is in requirement files that the session writes.
    exports: &'a [String],
    files: &'a dyn Files,
    facts: &'a FileFacts,
}

impl InstallCollector<'_> {
    fn file(&mut self, path: &str) {
        if self.files.is_tracked(path) {
            self.installs.files.insert(path.to_owned());
        }
    }

    /// The files that define the project in `folder`, and its lock files.
    fn project(&mut self, folder: &str) {
        let mut folders = vec![folder.to_owned()];
        let mut at = 0;
        // Local projects that it depends on are installed with it.
        while let Some(folder) = folders.get(at).cloned() {
            at += 1;
            for name in rules().project_files.iter().chain(&rules().lock_files) {
                self.file(&join(&folder, name));
            }
            let project = self.facts.project(&folder, self.files);
            self.installs.files.extend(project.files.iter().cloned());
            let more = project.folders.iter().filter(|f| !f.starts_with(['/', '.']));
            for next in more.take(MAX_PROJECTS) {
                if !folders.contains(next) && folders.len() < MAX_PROJECTS {
                    folders.push(next.clone());
                }
            }
        }
    }

    /// What a path in the words of an install means, relative to the repository root.
    fn place(&mut self, path: &str) -> String {
        if self.at.is_none() {
            self.unfollowed("a session installs from a folder that isn't known".to_owned());
        }
        join(self.at.as_deref().unwrap_or(self.folder), path)
    }

    fn unfollowed(&mut self, why: String) {
        self.installs.unfollowed.get_or_insert(why);
    }

    /// Some lock of the project that is installed is tracked.
    fn has_lock(&mut self, names: &[String]) -> bool {
        let mut locks = rules().lock_files.iter().filter(|name| names.contains(name));
        locks.any(|name| {
            let path = self.place(name);
            self.files.is_tracked(&path)
        })
    }

    /// The project in the folder where the session is.
    fn own_project(&mut self) {
        let folder = self.place("");
        self.project(&folder);
    }

    fn install(&mut self, install: &Install) {
        // Words that say nothing of versions: the installer takes the newest.
        let locked = self.words(install) && !(install.args.is_empty() && install.files.is_empty());
        let by_lock = self.has_lock(&install.files);
        let reads_lock = install.files.iter().any(|f| rules().lock_files.contains(f));
        self.installs.unlocked |= if reads_lock { !by_lock } else { !locked };
    }

    /// A file of requirements; whether it fixes all of them.
    fn requirements(&mut self, path: &str) -> bool {
        if !self.files.is_tracked(path) {
            self.unfollowed(format!("`{path}` isn't in the repository"));
        }
        self.file(path);
        self.facts.requirements(path, self.files).as_ref().as_ref().is_some_and(|says| says.locked)
    }

    /// Every tracked file that looks like a requirement file.
    fn candidates(&mut self) {
        let found = self.facts.candidates(self.folder, self.files);
        self.installs.files.extend(found.iter().cloned());
    }

    /// Follows the words of an install; whether they are all fixed, or under a list that fixes
    /// everything.
    fn words(&mut self, install: &Install) -> bool {
        self.newest(install);
        let mut words = install.args.iter();
        let (mut free, mut listed, mut fixed) = (false, false, true);
        while let Some(word) = words.next() {
            let Some(text) = word.text() else {
                if let Some(shape) = attached_file(word.shape()).filter(|_| word.is_partly()) {
                    fixed &= self.named(Some(&PythonValue::Partly(shape.to_owned())));
                    listed = true;
                    continue;
                }
                self.installs.computed |=
                    matches!(word, PythonValue::Unknown | PythonValue::Partly(_));
                self.installs.unknown |= may_be_file(word);
                free = true;
                continue;
            };
            if install.conda && matches!(text, "-c" | "--channel" | "-n" | "--name" | "-p") {
                words.next();
            } else if is_file_option(text) {
                fixed &= self.named(words.next());
                listed = true;
            } else if let Some(name) = attached_file(text) {
                fixed &= self.named(Some(&PythonValue::str(name)));
                listed = true;
            } else if text == "-e" || text == "--editable" {
                if let Some(path) = words.next().and_then(PythonValue::text) {
                    free |= self.local(path);
                }
            } else if let Some(path) =
                text.strip_prefix("--editable=").or_else(|| text.strip_prefix("-e"))
            {
                free |= self.local(path);
            } else if text == "--group" || text == "--only-group" || text == "--all-groups" {
                self.own_project();
                free = true;
                if text != "--all-groups" {
                    words.next();
                }
            } else if text.starts_with("--group=") || text.starts_with("--only-group=") {
                self.own_project();
                free = true;
            } else if text == "--find-links" || text == "-f" {
                self.links(words.next());
            } else if let Some(place) = text.strip_prefix("--find-links=") {
                self.links(Some(&PythonValue::str(place)));
            } else if rules().value_options.iter().any(|o| o == text) {
                words.next();
            } else if !text.starts_with('-') {
                free |= self.package(text, matches!(word, PythonValue::Path(_)), install.conda);
            }
        }
        if listed { fixed } else { !free }
    }

    /// Notes a word that asks for the newest versions of more than the installers themselves.
    fn newest(&mut self, install: &Install) {
        let mut texts = install.args.iter().filter_map(PythonValue::text);
        let asks = |text: &&str| {
            rules().newest_options.iter().any(|option| option == text)
                || (text.contains("://")
                    && rules().newest_places.iter().any(|part| text.contains(part.as_str())))
        };
        let Some(word) = texts.clone().find(asks) else { return };
        let is_installer = |text: &str| rules().installer_packages.iter().any(|own| own == text);
        let mut packages = texts.by_ref().filter(|text| !text.starts_with('-'));
        if packages.any(|text| !is_installer(text))
            || install.args.iter().any(|w| w.text().is_none())
        {
            self.installs.newest.get_or_insert_with(|| word.to_owned());
        }
    }

    /// A file of requirements by its name; whether it fixes all of them.
    fn named(&mut self, name: Option<&PythonValue>) -> bool {
        let tracked = name.and_then(PythonValue::text).is_some_and(|name| {
            let path = join(self.at.as_deref().unwrap_or(self.folder), name);
            self.files.is_tracked(&path)
        });
        let is_lock = |file: &&String| rules().lock_files.contains(file);
        let mut locks = self.exports.iter().filter(is_lock);
        if !tracked && locks.any(|lock| self.files.is_tracked(&join(self.folder, lock))) {
            for file in self.exports {
                self.file(&join(self.folder, file));
            }
            return true;
        }
        match name {
            Some(PythonValue::Str(name) | PythonValue::Path(name)) => {
                let path = self.place(name);
                self.requirements(&path)
            }
            Some(PythonValue::Partly(shape)) => self.every(shape),
            _ => {
                self.installs.computed = true;
                self.unfollowed("the name of a requirement file is computed".to_owned());
                false
            }
        }
    }

    /// Every tracked file that a name with unknown parts can mean.
    fn every(&mut self, shape: &str) -> bool {
        let whole = self.place(shape);
        let below = self.at.as_deref().unwrap_or(self.folder);
        let found = self.facts.shaped(&whole, below, self.files);
        let found = found.as_ref().as_deref().unwrap_or_default();
        if found.is_empty() || found.len() > MAX_FILES {
            self.installs.computed = true;
            self.unfollowed(format!("the name of the requirement file `{shape}` is computed"));
            return false;
        }
        // Every file is read, also after one that is not fixed.
        let fixed: Vec<bool> = found.iter().map(|path| self.requirements(path)).collect();
        fixed.into_iter().all(|fixed| fixed)
    }

    /// A place where packages are looked for besides the index.
    fn links(&mut self, place: Option<&PythonValue>) {
        let Some(place) = place.and_then(PythonValue::text) else {
            return self.unfollowed("`--find-links` names an unknown place".to_owned());
        };
        let folder = if place.contains("://") { String::new() } else { self.place(place) };
        let tracked = self.facts.has_files(&folder, self.files);
        if !place.contains("://") && !tracked {
            self.unfollowed(format!("`--find-links {place}` installs what the job has built"));
        }
    }

    /// A word that isn't an option: a folder of the repository, an address, or a package. Whether
    /// something of it is not fixed.
    fn package(&mut self, text: &str, is_path: bool, conda: bool) -> bool {
        if text.contains("://") {
            if let Some(address) = metadata::moving(text) {
                self.unfollowed(format!("`{address}` can change at any time"));
            }
            return true;
        }
        let source = text.split_once('@').map_or(text, |(_, after)| after.trim());
        if is_path || source.starts_with('.') || source.contains('/') || is_archive(source) {
            self.installs.copies_source |= self.is_project(source);
            return self.local(source);
        }
        self.installs.unpinned |= !(text.contains("==") || (conda && text.contains('=')));
        true
    }

    /// A project of the repository, or a file that the job has built; whether it brings packages
    /// that it does not fix.
    fn local(&mut self, path: &str) -> bool {
        let path = path.split('[').next().unwrap_or_default();
        if path.contains("://") {
            if let Some(address) = metadata::moving(path) {
                self.unfollowed(format!("`{address}` can change at any time"));
            }
            return true;
        }
        if is_archive(path) {
            let archive = self.place(path);
            if self.files.is_tracked(&archive) {
                self.file(&archive);
            } else {
                self.unfollowed(format!("the job builds `{path}`"));
            }
            return true;
        }
        let folder = self.place(path);
        if !self.facts.has_files(&folder, self.files) {
            self.unfollowed(format!("`{path}` isn't in the repository"));
        }
        self.project(&folder);
        let project = self.facts.project(&folder, self.files);
        if let Some(address) = &project.moving {
            self.unfollowed(format!("`{address}` can change at any time"));
        }
        project.depends
    }

    /// Whether the path is a project of the repository.
    fn is_project(&mut self, path: &str) -> bool {
        let folder = self.place(path.split('[').next().unwrap_or_default());
        rules().project_files.iter().any(|name| self.files.is_tracked(&join(&folder, name)))
    }

    /// Leaves out what would make a key too long.
    fn bound(&mut self) {
        if self.installs.files.len() > MAX_INSTALL_FILES {
            let all = std::mem::take(&mut self.installs.files);
            self.installs.files = all.into_iter().take(MAX_INSTALL_FILES).collect();
            self.unfollowed(format!(
                "more than {MAX_INSTALL_FILES} files decide what sessions install"
            ));
        }
    }

    /// Requirement files that the found ones include.
    fn includes(&mut self) {
        let mut queue: Vec<String> = self.installs.files.iter().cloned().collect();
        // A file can include another one on each of its lines.
        let mut asked = BTreeSet::new();
        while let Some(path) = queue.pop() {
            if self.installs.files.len() > MAX_FILES
                || !(path.ends_with(".txt") || path.ends_with(".in"))
            {
                continue;
            }
            let says = self.facts.requirements(&path, self.files);
            let Some(says) = says.as_ref() else { continue };
            if let Some(address) = &says.moving {
                self.unfollowed(format!("`{address}` in `{path}` can change at any time"));
            }
            for included in &says.included {
                if included.lists && asked.insert(included.path.clone()) {
                    let inner = self.facts.requirements(&included.path, self.files);
                    self.installs.unlocked |= inner.as_ref().as_ref().is_some_and(|s| !s.locked);
                }
                if self.installs.files.insert(included.path.clone()) {
                    queue.push(included.path.clone());
                }
            }
        }
    }
}

/// Whether a word that is not known can name a file: `x==*` cannot.
fn may_be_file(word: &PythonValue) -> bool {
    match word {
        PythonValue::Unknown => true,
        PythonValue::Partly(shape) => shape.starts_with('*') || shape.contains('/'),
        _ => false,
    }
}

/// A file that holds one package.
pub fn is_archive(path: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|end| path.ends_with(end))
}

/// A text for people, whose name says that it lists no packages.
fn is_prose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    rules().prose_files.iter().any(|shape| path_fits(shape, name))
}

pub(super) fn is_file_option(word: &str) -> bool {
    rules().file_options.iter().any(|option| option == word)
}

/// The file in `-rname`, `-r=name`, `--constraint=name`.
pub(super) fn attached_file(word: &str) -> Option<&str> {
    if word.starts_with("--") {
        let (option, name) = word.split_once('=')?;
        return is_file_option(option).then_some(name);
    }
    let name = word.strip_prefix("-r").or_else(|| word.strip_prefix("-c"))?;
    Some(name.strip_prefix('=').unwrap_or(name)).filter(|n| !n.is_empty())
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
            assert_eq!(path_fits(shape, name), expected, "{shape} {name}");
        }
    }
}
