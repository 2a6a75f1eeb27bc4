//! Findings as text for people and programs.

pub mod concise;
pub mod full;
pub mod github;
mod group;
pub mod json;
pub mod markdown;
mod patch;
pub mod pull_request;
#[cfg(test)]
mod sample;
pub mod sarif;
pub mod summary;
pub mod timeline;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::base::finding::{Finding, FixDetails, Location, Problem};
use crate::base::text::{Position, Text};

pub use crate::base::printable::{
    markdown_cell, one_line, printable, printable_name, without_commands, write_json,
};

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Each finding with its source and its fix.
    Full,
    /// One line per finding.
    Concise,
    /// A JSON array.
    Json,
    /// Annotations on a workflow run.
    Github,
    /// SARIF 2.1.0.
    Sarif,
    /// Tables for a job summary.
    Markdown,
    /// The description of a pull request that applies the fixes.
    PullRequest,
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
    /// Each applied fix by itself, not only the jobs.
    pub show_fixes: bool,
    /// The reader can run `cachelint rule`.
    pub explains: bool,
}

/// The texts of one repository and how its paths are shown.
#[derive(Debug, Default)]
pub struct Sources {
    root: PathBuf,
    current: PathBuf,
    texts: BTreeMap<String, SourceText>,
    /// Paths that the user gave in a way of their own, absolute or through a link: as resolved,
    /// and as typed.
    typed: Arc<Vec<(PathBuf, PathBuf)>>,
}

impl Sources {
    /// `root` and the `current` folder are absolute; `texts` are named relative to `root`.
    pub fn new(root: &Path, current: &Path, texts: BTreeMap<String, Arc<Text>>) -> Self {
        let texts = texts.into_iter().map(|(path, text)| (path, SourceText::of(text))).collect();
        Self { root: root.to_owned(), current: current.to_owned(), texts, typed: Arc::default() }
    }

    /// With `typed`: paths as they are resolved, and as the user wrote them.
    pub fn with_typed(self, typed: Arc<Vec<(PathBuf, PathBuf)>>) -> Self {
        Self { typed, ..self }
    }

    /// `path` as the user would write it: below what they typed, else from the current folder.
    pub fn as_typed(&self, path: &str) -> String {
        below_typed(&self.typed, &self.root.join(path)).unwrap_or_else(|| self.display(path))
    }

    pub fn text(&self, path: &str) -> Option<&Text> {
        self.texts.get(path).map(|source| source.text.as_ref())
    }

    /// The whole text as [`printable`], made once for all findings in it.
    fn printable_text(&self, path: &str) -> Option<Arc<str>> {
        let source = self.texts.get(path)?;
        let made = source.printable.get_or_init(|| match printable(source.text.as_str()) {
            Cow::Borrowed(_) => source.text.shared(),
            Cow::Owned(changed) => Arc::from(changed),
        });
        Some(Arc::clone(made))
    }

    /// Whether `path` of the repository lies outside the current folder.
    pub fn is_outside(&self, path: &str) -> bool {
        !self.root.join(path).starts_with(&self.current)
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

/// A text that findings point into.
#[derive(Debug)]
struct SourceText {
    text: Arc<Text>,
    printable: OnceLock<Arc<str>>,
}

impl SourceText {
    fn of(text: Arc<Text>) -> Self {
        Self { text, printable: OnceLock::new() }
    }
}

/// The `absolute` path as the user would write it, if it is one that they typed or lies below one.
fn below_typed(typed: &[(PathBuf, PathBuf)], absolute: &Path) -> Option<String> {
    let longest = |(resolved, _): &&(PathBuf, PathBuf)| resolved.components().count();
    let below = typed.iter().filter(|(resolved, _)| absolute.starts_with(resolved));
    let (resolved, typed) = below.max_by_key(longest)?;
    let rest = absolute.strip_prefix(resolved).ok()?;
    let whole = if rest.as_os_str().is_empty() { typed.clone() } else { typed.join(rest) };
    Some(whole.display().to_string())
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
    /// From the current folder, with `/`.
    pub fn path(&self) -> String {
        self.sources.display(&self.finding.primary.path)
    }

    /// As the user would write it.
    pub fn typed_path(&self) -> String {
        self.sources.as_typed(&self.finding.primary.path)
    }

    pub fn start(&self) -> Position {
        self.sources.positions(&self.finding.primary).0
    }
}

/// A finding that a fix has put right, or would.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fixed {
    /// The file that was changed; in JSON from the current folder.
    pub path: String,
    /// Id of the check.
    pub rule: &'static str,
    pub job: String,
    /// What the fix does, as an imperative title.
    pub message: String,
    #[serde(skip)]
    pub details: FixDetails,
}

/// One of several repositories, for the table of all.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Its root; in JSON from the current folder.
    pub repository: String,
    /// Jobs that run nox.
    pub jobs: usize,
    pub findings: usize,
    /// Findings with a safe fix.
    pub fixable: usize,
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
    /// What was fixed, in the order of the files.
    pub fixed: Vec<Fixed>,
    /// They were only printed, as `--diff` does.
    pub dry: bool,
    /// They are ignore comments, not fixes.
    pub ignores: bool,
    /// How many files were checked.
    pub files: usize,
    /// One row for each repository, where there are several and a table is wanted.
    pub repositories: Vec<Row>,
    /// The current folder, from which paths are shown.
    pub current: PathBuf,
    /// Paths as they are resolved, and as the user typed them.
    pub typed: Arc<Vec<(PathBuf, PathBuf)>>,
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

    /// The path of a problem as `format` shows it.
    pub fn problem_path(&self, problem: &Problem, format: Format) -> String {
        if problem.path.is_absolute() {
            self.path_of(&problem.path, format)
        } else {
            problem.path.display().to_string()
        }
    }

    /// An absolute path as `format` shows it: as the user would write it, or for programs from the
    /// current folder.
    pub fn path_of(&self, path: &Path, format: Format) -> String {
        let for_programs = matches!(format, Format::Json | Format::Github | Format::Sarif);
        let typed = below_typed(&self.typed, path).filter(|_| !for_programs);
        typed.unwrap_or_else(|| relative(&self.current, path))
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
        Format::PullRequest => pull_request::write(out, report),
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

    /// Else thousands of findings would each copy the whole file.
    #[test]
    fn a_text_is_made_printable_once() {
        for content in ["on: push\n", "on: \u{202e}\n"] {
            let text = Arc::new(Text::new("w.yml", content.into()).unwrap());
            let texts = [("w.yml".to_owned(), text)].into();
            let sources = Sources::new(Path::new("/r"), Path::new("/r"), texts);
            let printable = || sources.printable_text("w.yml").unwrap();
            assert!(Arc::ptr_eq(&printable(), &printable()));
            assert_eq!(printable().len(), content.len());
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
