//! The call of `hashFiles` that a key gets, as short as possible.

use super::push;
use crate::base::path;

/// More files of one folder and ending than this are named by one pattern.
const MAX_LISTED: usize = 3;
/// Files at the root that one pattern names.
const SETUP_FILES: [&str; 2] = ["setup.cfg", "setup.py"];
const SETUP_PATTERN: &str = "setup.*";

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
    let place = |file: &str| {
        let (folder, name) = path::split(file);
        let end = name.rfind('.').map_or("", |dot| &name[dot..]);
        (folder.to_owned(), end.to_owned())
    };
    let mut out: Vec<String> = Vec::new();
    let is_setup = |file: &&String| SETUP_FILES.contains(&file.as_str());
    for file in files {
        if is_setup(&file) && files.iter().filter(is_setup).count() == SETUP_FILES.len() {
            push(&mut out, SETUP_PATTERN.to_owned());
            continue;
        }
        let (folder, end) = place(file);
        let alike: Vec<&String> =
            files.iter().filter(|f| place(f) == (folder.clone(), end.clone())).collect();
        let special = file.contains(['*', '?', '[', '!']);
        let common = alike.iter().fold(file.as_str(), |so_far, next| {
            let same = so_far.bytes().zip(next.bytes()).take_while(|(a, b)| a == b).count();
            so_far.get(..same).unwrap_or_default()
        });
        let start = common.strip_suffix(end.as_str()).unwrap_or(common);
        // `requirements.txt` and `requirements-dev.txt` are as clear as `requirements*.txt`.
        let is_named_after_one =
            end == ".txt" && alike.iter().any(|f| f.strip_suffix(end.as_str()) == Some(start));
        let several = alike.len() >= MAX_LISTED || (alike.len() > 1 && is_named_after_one);
        if !several || special || end.is_empty() {
            push(&mut out, file.clone());
        } else {
            push(&mut out, format!("{start}*{end}"));
        }
    }
    out
}

/// Files that differ only in one folder as one pattern, where there are that many too. Never in the
/// first folder: a `*` there would also match what the job makes or checks out beside the project.
fn across_folders(files: &[String]) -> Vec<String> {
    let parts = |file: &String| file.split('/').map(str::to_owned).collect::<Vec<String>>();
    let split: Vec<Vec<String>> = files.iter().map(parts).collect();
    let mut out: Vec<String> = Vec::new();
    for (file, own) in files.iter().zip(&split) {
        let is_alike = |other: &[String], at: usize| {
            other.len() == own.len() && (0..own.len()).all(|i| i == at || other[i] == own[i])
        };
        let mut folders = 1..own.len().saturating_sub(1);
        let differs = folders.find(|at| {
            let alike = split.iter().filter(|other| is_alike(other, *at));
            !file.contains(['?', '[', '!']) && alike.count() >= MAX_LISTED
        });
        let pattern = differs.map(|at| {
            let part =
                |(i, part): (usize, &String)| if i == at { "*".to_owned() } else { part.clone() };
            own.iter().enumerate().map(part).collect::<Vec<String>>().join("/")
        });
        push(&mut out, pattern.unwrap_or_else(|| file.clone()));
    }
    out
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
        ] {
            let files: Vec<String> = files.iter().map(|f| (*f).to_owned()).collect();
            assert_eq!(hash(&[files]), format!("${{{{ hashFiles({expected}) }}}}"));
        }
    }
}
