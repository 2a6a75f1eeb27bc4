//! The repositories whose workflows are mutated: public ones, where they lie beside this one, and
//! fixtures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cachelint::base::finding::Applicability;
use cachelint::config::Config;
use cachelint::engine::fix_loop::repair;
use cachelint::engine::lint::Details;
use cachelint::repo::discover::{DiscoveredRepository, discover};
use rayon::prelude::*;
use tempfile::TempDir;
use walkdir::WalkDir;

const FORGES: [&str; 3] = [".github", ".forgejo", ".gitea"];
/// A workflow that calls others is left out where there are more of them: it is checked together
/// with all.
const MAX_FILES: usize = 6;

/// A workflow or action and the repository it is in.
pub struct Seed {
    pub repository: DiscoveredRepository,
    pub path: String,
    pub text: String,
    /// The text as the fix writes it.
    pub fixed: String,
}

pub struct Seeds {
    pub seeds: Vec<Seed>,
    /// Deleted when the seeds go.
    _folder: TempDir,
}

impl Seeds {
    pub fn read() -> Self {
        Self::of(sources())
    }

    /// A single workflow.
    pub fn simple() -> Self {
        Self::of(vec![Source::Workflow(fixtures().join("fix/simple.yml"))])
    }

    fn of(sources: Vec<Source>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut repositories = Vec::new();
        for (number, make) in sources.into_iter().enumerate() {
            let root = folder.path().join(number.to_string());
            make.write(&root);
            let mut found = discover(&[root], None);
            assert_eq!(found.problems, []);
            repositories.append(&mut found.repositories);
        }
        let seeds: Vec<Seed> = repositories.par_iter().flat_map_iter(of_repository).collect();
        assert!(!seeds.is_empty(), "nothing to mutate");
        Self { seeds, _folder: folder }
    }
}

/// The files that speak of nox, each alone unless it calls others.
fn of_repository(whole: &DiscoveredRepository) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for file in &whole.files {
        let text = fs::read_to_string(&file.path).unwrap();
        let mut repository = whole.clone();
        if !text.contains("./") {
            repository.files.retain(|other| other.path == file.path);
        }
        if text.contains("nox") && repository.files.len() <= MAX_FILES {
            let repaired = repair(
                &repository,
                &Config::default(),
                Details::default(),
                Applicability::Safe,
                false,
            );
            let change =
                repaired.changes.into_iter().find(|change| change.relative == file.relative);
            let fixed = change.map_or_else(|| text.clone(), |change| change.after);
            seeds.push(Seed { repository, path: file.relative.clone(), text, fixed });
        }
    }
    seeds
}

/// Where a repository comes from.
enum Source {
    /// A folder that is one; `FILES.txt` names files that are tracked there but not stored.
    Folder(PathBuf),
    /// A workflow and the folder that has the rest of its project.
    Workflow(PathBuf),
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn sources() -> Vec<Source> {
    let fixtures = fixtures();
    let public = crate::sample::repositories();
    let mut folders = BTreeSet::new();
    for top in [&fixtures].into_iter().chain(&public) {
        let entries = WalkDir::new(top).into_iter().filter_map(Result::ok);
        let forges =
            entries.filter(|e| e.file_name().to_str().is_some_and(|name| FORGES.contains(&name)));
        folders.extend(forges.filter_map(|e| e.path().parent().map(Path::to_owned)));
    }
    let mut sources: Vec<Source> = folders.into_iter().map(Source::Folder).collect();
    for below in ["fix", "mutations"] {
        let entries =
            WalkDir::new(fixtures.join(below)).max_depth(1).sort_by_file_name().into_iter();
        let paths = entries.map(|e| e.unwrap().into_path());
        sources.extend(
            paths.filter(|p| p.extension().is_some_and(|e| e == "yml")).map(Source::Workflow),
        );
    }
    sources
}

impl Source {
    fn write(&self, root: &Path) {
        fs::create_dir_all(root.join(".git")).unwrap();
        match self {
            Self::Folder(folder) => {
                let files = WalkDir::new(folder)
                    .into_iter()
                    .map(Result::unwrap)
                    .filter(|e| e.file_type().is_file());
                for entry in files {
                    put(
                        &root.join(entry.path().strip_prefix(folder).unwrap()),
                        &fs::read(entry.path()).unwrap(),
                    );
                }
                let named = fs::read_to_string(folder.join("FILES.txt")).unwrap_or_default();
                for name in named.lines().skip(1).filter(|l| !l.is_empty() && !l.contains("..")) {
                    if !root.join(name).exists() {
                        put(&root.join(name), b"");
                    }
                }
            }
            Self::Workflow(path) => {
                put(&root.join(".github/workflows/ci.yml"), &fs::read(path).unwrap());
                put(&root.join("noxfile.py"), include_bytes!("../fixtures/mutations/noxfile.py"));
                put(&root.join("pyproject.toml"), b"[project]\nname = 'x'\nversion = '1'\n");
                put(&root.join("requirements.txt"), b"ruff\n");
            }
        }
    }
}

fn put(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
