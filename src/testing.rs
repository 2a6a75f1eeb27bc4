//! For unit tests: a repository in a temporary folder, checked as the command line would.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::base::finding::{Applicability, Finding, Fix};
use crate::config::Config;
use crate::edit::{apply, verify};
use crate::engine::lint::{Details, Outcome, lint};
use crate::repo::discover::discover;
use crate::repo::read::read_all;
use crate::repo::{RepoFiles, Repository};
use crate::tool::memo::Answers;
use crate::tool::nox::Nox;

/// A noxfile whose one session installs the project.
pub const NOXFILE: &str = "import nox\n\n@nox.session\ndef tests(session):\n    session.install('.')\n    session.run('pytest')\n";

/// What was counted of each repository.
static WORK: Mutex<Option<HashMap<PathBuf, usize>>> = Mutex::new(None);

/// Counts a piece of work that was done for the repository in `root`.
pub fn count_work(root: &Path) {
    let mut work = WORK.lock().unwrap();
    *work.get_or_insert_default().entry(root.to_owned()).or_default() += 1;
}

/// The pieces of work that were counted so far.
pub fn counted_work(root: &Path) -> usize {
    WORK.lock().unwrap().get_or_insert_default().get(root).copied().unwrap_or_default()
}

/// A repository of these files, without a git index: all of them count as tracked.
pub fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    folder
}

/// The repository in a folder, its documents by path.
pub fn read(folder: &Path) -> Repository {
    let found = discover(&[folder.to_owned()], None);
    let (documents, problems) = read_all(folder, &found.repositories[0].files);
    assert_eq!(problems, []);
    Repository::new(RepoFiles::new(folder), &[], Answers::of(Nox::default()), documents)
}

/// Checks a repository of these files.
pub fn outcome(files: &[(&str, &str)], settings: &Config) -> Outcome {
    let folder = repository(files);
    let found = discover(&[folder.path().to_owned()], None);
    assert_eq!(found.problems, []);
    lint(&found.repositories[0].root, &found.repositories[0].files, settings, Details::ALL)
}

/// The findings of `rule` in a workflow beside [`NOXFILE`] and a `pyproject.toml`.
pub fn findings(rule: &str, workflow: &str) -> Vec<Finding> {
    let files = [
        (".github/workflows/ci.yml", workflow),
        ("noxfile.py", NOXFILE),
        ("pyproject.toml", "[project]\n"),
    ];
    outcome(&files, &Config::default()).findings.into_iter().filter(|f| f.rule == rule).collect()
}

/// A workflow of one job with these steps, each line indented as a step's.
pub fn job(head: &str, steps: &str) -> String {
    let indent = |text: &str, by: usize| {
        text.lines().map(|l| format!("{:by$}{l}\n", "")).collect::<String>()
    };
    format!("on: push\njobs:\n  tests:\n{}    steps:\n{}", indent(head, 4), indent(steps, 6))
}

/// What a fix makes of the text, proved as before writing.
pub fn fixed(text: &str, fix: &Fix) -> String {
    let new = apply::apply(text, &fix.edits).unwrap();
    verify::verify(text, &new, &fix.changes).unwrap();
    new
}

/// The only finding's safe fix.
pub fn safe_fix(found: &[Finding]) -> &Fix {
    assert_eq!(found.len(), 1, "{found:#?}");
    let fix = found[0].fix.as_ref().unwrap_or_else(|| panic!("{:?}", found[0].no_fix_reason));
    assert_eq!(fix.applicability, Applicability::Safe);
    fix
}
