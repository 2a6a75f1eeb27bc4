//! The call of `hashFiles` that a key gets, as short as possible.

use std::collections::{HashMap, HashSet};

use crate::base::path;

/// More files of one folder and ending than this are named by one pattern.
const MAX_LISTED: usize = 3;
/// Files at the root that one pattern names.
const SETUP_FILES: [&str; 2] = ["setup.cfg", "setup.py"];
const SETUP_PATTERN: &str = "setup.*";
/// The folders of a path in whose place a pattern may stand.
const MAX_FOLDERS: usize = 64;

/// `${{ text }}`.
pub(super) fn expression(text: &str) -> String {
    format!("${{{{ {text} }}}}")
}

/// A file as a hash names it: a workflow without the name of the folder that all workflows are in.
pub fn pattern_of(file: &str) -> String {
    match path::split(file).0.strip_suffix("/workflows") {
        Some(forge) if path::split(forge).1.starts_with('.') => {
            format!("{forge}/*/{}", path::split(file).1)
        }
        _ => file.to_owned(),
    }
}

/// A hash of groups of files, in this order.
pub(super) fn hash(groups: &[impl AsRef<[String]>]) -> String {
    let files = groups.iter().flat_map(|group| across_folders(&shortened(group.as_ref())));
    let quote = |file: String| format!("'{}'", pattern_of(&file).replace('\'', "''"));
    let quoted: Vec<String> = files.map(quote).collect();
    expression(&format!("hashFiles({})", quoted.join(", ")))
}

/// Files of one folder and ending as one pattern, where there are so many that a list of them would
/// be long; one more file than needed costs nothing but a rebuild.
fn shortened(files: &[String]) -> Vec<String> {
    let mut groups: HashMap<(&str, &str), Alike<'_>> = HashMap::new();
    for file in files {
        groups.entry(place(file)).and_modify(|alike| alike.add(file)).or_insert(Alike::of(file));
    }
    let has_setup = SETUP_FILES.iter().all(|setup| files.iter().any(|file| file == setup));
    let pattern = |file: &String| {
        if has_setup && SETUP_FILES.contains(&file.as_str()) {
            return SETUP_PATTERN.to_owned();
        }
        let (_, end) = place(file);
        let special = file.contains(['*', '?', '[', '!']);
        match groups.get(&place(file)) {
            Some(alike) if !special && !end.is_empty() && alike.are_several(end) => {
                format!("{}*{end}", alike.start(end))
            }
            _ => file.clone(),
        }
    };
    once(files.iter().map(pattern))
}

/// The folder and the ending of a file.
fn place(file: &str) -> (&str, &str) {
    let (folder, name) = path::split(file);
    (folder, name.rfind('.').map_or("", |dot| &name[dot..]))
}

/// Files of one folder and ending.
struct Alike<'f> {
    count: usize,
    /// How all of them begin.
    common: &'f str,
    shortest: &'f str,
}

impl<'f> Alike<'f> {
    fn of(file: &'f str) -> Self {
        Self { count: 1, common: file, shortest: file }
    }

    fn add(&mut self, file: &'f str) {
        self.count += 1;
        let both = self.common.char_indices().zip(file.chars());
        let end = both.clone().find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        let end = end.unwrap_or(self.common.len().min(file.len()));
        self.common = &self.common[..end];
        if file.len() < self.shortest.len() {
            self.shortest = file;
        }
    }

    fn start(&self, end: &str) -> &'f str {
        self.common.strip_suffix(end).unwrap_or(self.common)
    }

    fn are_several(&self, end: &str) -> bool {
        // `requirements.txt` and `requirements-dev.txt` are as clear as `requirements*.txt`.
        let is_named_after_one =
            end == ".txt" && self.shortest.strip_suffix(end) == Some(self.start(end));
        self.count >= MAX_LISTED || (self.count > 1 && is_named_after_one)
    }
}

/// Files that differ only in one folder as one pattern, where there are that many too. Never in the
/// first folder: a `*` there would also match what the job makes or checks out beside the project.
fn across_folders(files: &[String]) -> Vec<String> {
    // Files that are alike but for one folder have the same text before and after it.
    let mut alike: HashMap<(&str, &str), usize> = HashMap::new();
    for (before, _, after) in files.iter().flat_map(|file| inner_folders(file)) {
        *alike.entry((before, after)).or_default() += 1;
    }
    let pattern = |file: &String| {
        let mut folders = inner_folders(file);
        let differs = folders.find(|(before, _, after)| alike[&(*before, *after)] >= MAX_LISTED);
        match differs.filter(|_| !file.contains(['?', '[', '!'])) {
            Some((before, _, after)) => format!("{before}*{after}"),
            None => file.clone(),
        }
    };
    once(files.iter().map(pattern))
}

/// Each folder of a path but the first, with what stands before and after it.
fn inner_folders(file: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let slashes = file.match_indices('/').map(|(at, _)| at);
    let pairs = slashes.clone().zip(slashes.skip(1)).take(MAX_FOLDERS);
    pairs.map(move |(from, to)| (&file[..=from], &file[from + 1..to], &file[to..]))
}

/// Each of them where it first stands.
fn once(patterns: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    patterns.filter(|pattern| seen.insert(pattern.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn many_files_in_few_words() {
        for (files, expected) in [
            (&["a.py", "b.txt"][..], "'a.py', 'b.txt'"),
            (&["req/a.txt", "req/b.txt", "req/c.txt"], "'req/*.txt'"),
            (
                &["libs/a/noxfile.py", "libs/b/noxfile.py"],
                "'libs/a/noxfile.py', 'libs/b/noxfile.py'",
            ),
            (
                &["libs/a/noxfile.py", "libs/b/noxfile.py", "libs/c/noxfile.py", "libs/c/setup.py"],
                "'libs/*/noxfile.py', 'libs/c/setup.py'",
            ),
            (&["libs/a/x/r.in", "libs/b/x/r.in", "libs/c/x/r.in"], "'libs/*/x/r.in'"),
            (&["a/r.in", "b/r.in", "c/r.in"], "'a/r.in', 'b/r.in', 'c/r.in'"),
            (&[".github/workflows/ci.yml"], "'.github/*/ci.yml'"),
            (&["requirements.txt", "requirements-dev.txt"], "'requirements*.txt'"),
            (
                &["requirements-a.txt", "requirements-b.txt"],
                "'requirements-a.txt', 'requirements-b.txt'",
            ),
            (&["setup.py", "setup.cfg", "setup.txt"], "'setup.*', 'setup.txt'"),
            (&["setup.py", "x.cfg"], "'setup.py', 'x.cfg'"),
            (&["r/a[1].txt", "r/b.txt", "r/c.txt"], "'r/a[1].txt', 'r/*.txt'"),
            (&["r/ä.txt", "r/ö.txt", "r/ü.txt"], "'r/*.txt'"),
            (
                &["a/b/c/d.in", "a/x/c/d.in", "a/y/c/d.in", "a/b/z/d.in"],
                "'a/*/c/d.in', 'a/b/z/d.in'",
            ),
        ] {
            let files: Vec<String> = files.iter().map(|f| (*f).to_owned()).collect();
            assert_eq!(hash(&[files]), format!("${{{{ hashFiles({expected}) }}}}"));
        }
    }
}
