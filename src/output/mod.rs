//! Findings as text for people and programs.

pub mod concise;
pub mod full;
pub mod github;
pub mod json;
pub mod markdown;
#[cfg(test)]
mod sample;
pub mod sarif;
pub mod summary;
pub mod timeline;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::finding::{Finding, Location, Problem};
use crate::base::text::{Position, Text};

pub use crate::base::printable::{markdown_cell, printable, printable_name, without_commands};

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// With the source around each finding.
    Full,
    /// One line each.
    Concise,
    /// One array.
    Json,
    /// Annotations of a workflow run.
    Github,
    /// SARIF 2.1.0.
    Sarif,
    /// For a job summary.
    Markdown,
}

/// How formats for people look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    pub colour: bool,
    /// Also what does not count for the exit code.
    pub verbose: bool,
    /// Also infos, because they count for the exit code.
    pub infos: bool,
    /// Columns of the terminal, if there is one.
    pub width: Option<usize>,
}

/// The texts of one repository and how its paths are shown.
#[derive(Debug, Default)]
pub struct Sources {
    root: PathBuf,
    current: PathBuf,
    texts: BTreeMap<String, Arc<Text>>,
}

impl Sources {
    /// `root` and the `current` folder are absolute; `texts` are named relative to `root`.
    pub fn new(root: &Path, current: &Path, texts: BTreeMap<String, Arc<Text>>) -> Self {
        Self { root: root.to_owned(), current: current.to_owned(), texts }
    }

    pub fn text(&self, path: &str) -> Option<&Text> {
        self.texts.get(path).map(Arc::as_ref)
    }

    /// `path` of the repository relative to the current folder, with `/`.
    pub fn display(&self, path: &str) -> String {
        relative(&self.current, &self.root.join(path))
    }

    /// Start and end of a location; the beginning of the file if its text is not known.
    pub fn positions(&self, location: &Location) -> (Position, Position) {
        let start = Position { line: 1, column: 1 };
        let place = |offset| self.text(&location.path).map_or(start, |text| text.position(offset));
        (place(location.span.start), place(location.span.end))
    }
}

/// `path` seen from the folder `from`, with `/`; both absolute.
pub fn relative(from: &Path, path: &Path) -> String {
    let common = from.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return path.display().to_string();
    }
    let up = from.components().skip(common).map(|_| Cow::Borrowed(".."));
    let down = path.components().skip(common).map(|c| c.as_os_str().to_string_lossy());
    let parts: Vec<Cow<str>> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// A finding and the texts it points into.
#[derive(Debug, Clone)]
pub struct Reported {
    pub finding: Finding,
    pub sources: Arc<Sources>,
}

impl Reported {
    pub fn path(&self) -> String {
        self.sources.display(&self.finding.primary.path)
    }

    pub fn start(&self) -> Position {
        self.sources.positions(&self.finding.primary).0
    }
}

/// Everything there is to say after a run.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Reported>,
    pub problems: Vec<Problem>,
    /// Places where something could not be decided.
    pub undecided: Vec<(Location, Arc<Sources>)>,
    /// Jobs of which it is open whether they build environments.
    pub undecided_jobs: usize,
    /// How many fixes were applied.
    pub fixed: usize,
    /// They were only printed, as `--diff` does.
    pub dry: bool,
    /// How many files were checked.
    pub files: usize,
    /// The current folder, from which paths are shown.
    pub current: PathBuf,
}

impl Report {
    /// Puts everything in the order in which it is shown: by path, line, column and check.
    pub fn sort(&mut self) {
        self.findings
            .sort_by_cached_key(|r| (r.path(), r.start(), r.finding.rule, r.finding.job.clone()));
        self.problems.sort_by(|a, b| (&a.path, a.position).cmp(&(&b.path, b.position)));
        self.undecided.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// The findings that formats for people show.
    pub fn shown(&self, look: Look) -> impl Iterator<Item = &Reported> {
        let counts = move |f: &Finding| f.is_actionable() || (look.infos && f.withheld.is_none());
        self.findings.iter().filter(move |r| look.verbose || counts(&r.finding))
    }

    /// The path of a problem as it is shown.
    pub fn problem_path(&self, problem: &Problem) -> String {
        if problem.path.is_absolute() {
            relative(&self.current, &problem.path)
        } else {
            problem.path.display().to_string()
        }
    }
}

/// Writes `report` in `format`.
pub fn write(out: &mut dyn Write, report: &Report, format: Format, look: Look) -> io::Result<()> {
    match format {
        Format::Full => full::write(out, report, look),
        Format::Concise => concise::write(out, report, look),
        Format::Json => json::write(out, report),
        Format::Github => github::write(out, report, look),
        Format::Sarif => sarif::write(out, report),
        Format::Markdown => markdown::write(out, report, look),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_from_the_current_folder() {
        let table = [
            ("/a/b", "/a/b/c.yml", "c.yml"),
            ("/a/b/x/y", "/a/b/c.yml", "../../c.yml"),
            ("/a", "/a/b/c.yml", "b/c.yml"),
            ("/a/b", "/a/b", "."),
        ];
        for (from, path, expected) in table {
            assert_eq!(relative(Path::new(from), Path::new(path)), expected);
        }
    }

    #[test]
    fn findings_come_in_one_order() {
        let mut report = sample::report();
        report.findings.reverse();
        report.sort();
        let order: Vec<(String, usize)> =
            report.findings.iter().map(|r| (r.path(), r.start().line)).collect();
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(order, sorted);
    }
}
