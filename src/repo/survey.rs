//! All files of a repository read: what is wrong with them, which may matter, and which belong
//! together.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use rayon::prelude::*;
use regex::Regex;

use super::document::{Content, Document};
use super::files::join;
use super::index::{Repository, local};
use super::reach::Reach;
use super::shared::{Shared, Written};
use crate::actions::{Action, Workflow};
use crate::base::finding::Problem;
use crate::base::text::Text;
use crate::repo::discover::{Discovered, FileKind};
use crate::rules::cache_actions::cache_actions;

/// Files read at a time.
const BATCH: usize = 64;
/// Documents of one part.
const PART: usize = 32;
/// Up to so many files are looked at all in one part.
const MAX_WHOLE: usize = 1_024;
/// What comments of ours hold.
const OWN_NAME: &str = "cachelint";

/// What others must know of a workflow: how caches are written there, and what it uses or calls of
/// the repository. The first group is the line from the path of that on; escapes and links could
/// hide one.
static CONCERNS_OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let caches = cache_actions().actions.iter().map(|action| regex::escape(&action.repository));
    let caches = caches.collect::<Vec<_>>().join("|");
    let local = r#"uses['"]?\s*:\s*['"]?([.$][^\r\n]*)"#;
    let linked = r#"uses['"]?\s*:\s*[&*!>|#]|&\S+\s+['"]?uses|\?\s+['"]?uses"#;
    let hidden = r#"\\[xuU0-7]|"[^"\n]*\\\r?$"#;
    Regex::new(&format!("(?im){caches}|{local}|{linked}|{hidden}")).ok()
});

/// What reading all files told.
#[derive(Debug)]
pub struct Survey<'a> {
    root: &'a Path,
    shared: Shared,
    problems: Vec<Problem>,
    /// Actions, and documents that name each other.
    together: Vec<Held<'a>>,
    /// Documents that name nobody.
    alone: Vec<Held<'a>>,
}

/// Documents to be looked at together, and what is wrong with the requested ones as far as it is
/// new.
#[derive(Debug)]
pub struct Part {
    pub repository: Repository,
    pub problems: Vec<Problem>,
}

#[derive(Debug)]
enum Held<'a> {
    Read(Box<Document>),
    /// Read again when its turn comes: the texts and trees of thousands of files would fill the
    /// memory.
    Later {
        file: &'a Discovered,
        /// What is wrong with it is wanted, and nobody has looked yet.
        unsaid: bool,
    },
}

/// What was seen of a workflow.
struct Seen<'a> {
    /// None where nothing more will be asked.
    held: Option<Held<'a>>,
    problems: Vec<Problem>,
    caches: Vec<Written>,
    /// May lead to the tool by itself, or holds a comment of ours.
    matters: bool,
    /// Workflows of the repository that it calls.
    calls: Vec<String>,
    /// Calls some, or uses actions of the repository.
    linked: bool,
}

impl<'a> Survey<'a> {
    /// Reads `files`; those that cannot matter are left out.
    pub fn of(root: &'a Path, files: &'a [Discovered], shared: Shared) -> Self {
        Self::with(root, files, shared, MAX_WHOLE)
    }

    /// `whole` is how many files may be looked at in one part.
    pub(crate) fn with(
        root: &'a Path,
        files: &'a [Discovered],
        mut shared: Shared,
        whole: usize,
    ) -> Self {
        let (action_files, workflows): (Vec<&Discovered>, _) =
            files.iter().partition(|file| file.kind == FileKind::Action);
        let mut problems = Vec::new();
        let mut actions = Vec::new();
        for file in action_files {
            let document = read(file);
            problems.extend(said(file, document.as_ref(), root));
            actions.extend(document);
        }
        actions.iter().for_each(|action| shared.add_caches(Written::all(action)));
        let reach = Reach::new(&shared, &actions);
        let mut used = shared.clone();
        let paths: HashSet<&str> = workflows.iter().map(|file| file.relative.as_str()).collect();
        let looking = Looking { root, reach: &reach, paths: &paths, many: files.len() > whole };
        let mut called: HashSet<String> = HashSet::new();
        let mut held = Vec::new();
        for batch in workflows.chunks(BATCH) {
            let all: Vec<_> = batch.par_iter().map(|file| looking.at(file)).collect();
            for (file, seen) in batch.iter().zip(all) {
                match seen {
                    Ok(seen) => {
                        problems.extend(seen.problems);
                        used.add_caches(seen.caches);
                        called.extend(seen.calls);
                        held.extend(seen.held.map(|held| (held, seen.linked, seen.matters)));
                    }
                    Err(problem) => problems.extend(said(file, Err(&problem), root)),
                }
            }
        }
        let many = looking.many;
        drop(reach);
        let mut together: Vec<Held> =
            actions.into_iter().map(|action| Held::Read(Box::new(action))).collect();
        let mut alone = Vec::new();
        for (held, linked, matters) in held {
            if linked || called.contains(held.path()) || (matters && !many) {
                together.push(held);
            } else if matters {
                alone.push(held);
            }
        }
        Self { root, shared: used, problems, together, alone }
    }

    /// The documents that name nobody, none where all are few enough for the [last
    /// part](Self::last).
    pub fn parts(&mut self) -> impl ParallelIterator<Item = Part> {
        let mut alone = std::mem::take(&mut self.alone).into_iter();
        let chunks: Vec<Vec<Held>> = std::iter::from_fn(|| {
            Some(alone.by_ref().take(PART).collect()).filter(|part: &Vec<_>| !part.is_empty())
        })
        .collect();
        let Self { root, shared, .. } = &*self;
        chunks.into_par_iter().map(move |held| part(root, shared, held, Vec::new()))
    }

    /// The documents that name each other, with `more` that are to be looked at beside them.
    pub fn last(self, more: Vec<Document>) -> Part {
        let Part { repository, problems } = part(self.root, &self.shared, self.together, more);
        Part { repository, problems: self.problems.into_iter().chain(problems).collect() }
    }
}

fn part(root: &Path, shared: &Shared, held: Vec<Held>, mut documents: Vec<Document>) -> Part {
    let mut problems = Vec::new();
    let read: Vec<_> = held.into_par_iter().map(|held| held.document(root)).collect();
    for (document, said) in read {
        documents.extend(document);
        problems.extend(said);
    }
    Part { repository: Repository::new(shared.clone(), documents), problems }
}

impl Held<'_> {
    fn path(&self) -> &str {
        match self {
            Held::Read(document) => &document.path,
            Held::Later { file, .. } => &file.relative,
        }
    }

    /// The document, and what is newly wrong with it.
    fn document(self, root: &Path) -> (Option<Document>, Vec<Problem>) {
        match self {
            Held::Read(document) => (Some(*document), Vec::new()),
            Held::Later { file, unsaid } => {
                let document = read(file);
                let problems =
                    if unsaid { said(file, document.as_ref(), root) } else { Vec::new() };
                (document.ok(), problems)
            }
        }
    }
}

/// How workflows are looked at for the first time.
struct Looking<'a> {
    root: &'a Path,
    reach: &'a Reach<'a>,
    /// Of all workflows.
    paths: &'a HashSet<&'a str>,
    /// More than are looked at in one part.
    many: bool,
}

impl Looking<'_> {
    /// Reads a workflow, and parses it unless it certainly concerns nobody else and was not asked
    /// for or is one of many.
    fn at<'f>(&self, file: &'f Discovered) -> Result<Seen<'f>, Problem> {
        let text = file.read()?;
        let unparsed = |held: Option<Held<'f>>| Seen {
            matters: held.is_some(),
            held,
            problems: Vec::new(),
            caches: Vec::new(),
            calls: Vec::new(),
            linked: false,
        };
        if !file.requested && !may_concern_others(text.as_str()) {
            return Ok(unparsed(None));
        }
        let may_matter = |text: &str| text.contains(OWN_NAME) || self.reach.text_may_lead(text);
        if self.many
            && may_matter(text.as_str())
            && !concerns_others(text.as_str(), self.reach, self.paths)
        {
            return Ok(unparsed(Some(Held::Later { file, unsaid: file.requested })));
        }
        let document = parsed_file(file, text)?;
        let jobs = document.workflow().map_or(&[][..], |workflow| &workflow.jobs);
        let matters = document.text.as_str().contains(OWN_NAME)
            || (0..jobs.len()).any(|job| self.reach.may_lead(&document, Some(job), &[]));
        let calls = jobs.iter().filter_map(|job| join("", local(&job.calls.as_ref()?.text)?));
        let calls: Vec<String> = calls.filter(|path| self.paths.contains(path.as_str())).collect();
        let linked = !calls.is_empty() || (matters && self.reach.uses_actions(&document));
        let (problems, caches) = (said(file, Ok(&document), self.root), Written::all(&document));
        // What runs after another workflow may publish what that one has built.
        let called = |workflow: &Workflow| {
            workflow.is_called() || workflow.triggers.get("workflow_run").is_some()
        };
        let asked = linked || matters || document.workflow().is_some_and(called);
        let many = self.many;
        let read = |document| {
            if many { Held::Later { file, unsaid: false } } else { Held::Read(Box::new(document)) }
        };
        let held = asked.then(|| read(document));
        Ok(Seen { held, problems, caches, matters, calls, linked })
    }
}

/// Whether a cache, a path of the repository or a call from elsewhere may stand in a workflow.
fn may_concern_others(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // A single point is the root; an escape may be any of them.
    ["./", "$/", ": .", "'.'", "\".\"", "workflow_call", "workflow_run", "\\"]
        .iter()
        .any(|part| text.contains(part))
        || cache_actions()
            .actions
            .iter()
            .any(|action| text.contains(&action.repository.to_ascii_lowercase()))
}

/// As [`may_concern_others`], for paths of actions and of the workflows at `paths` alone.
fn concerns_others(text: &str, reach: &Reach<'_>, paths: &HashSet<&str>) -> bool {
    let Some(concerns) = CONCERNS_OTHERS.as_ref() else { return true };
    concerns.captures_iter(text).any(|found| {
        let Some(line) = found.get(1) else { return true };
        let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '$' | '/' | '_' | '-');
        let (path, rest) =
            line.as_str().split_at(line.as_str().find(|c| !part(c)).unwrap_or(line.len()));
        let rest = rest.trim_start_matches(['"', '\'']).trim();
        let called = local(path).and_then(|path| join("", path));
        // A path with other characters is left to the parser.
        !(rest.is_empty() || rest.starts_with(['#', ',', '}']))
            || reach.names_action(path)
            || called.is_some_and(|path| paths.contains(path.as_str()))
    })
}

/// What is wrong counts only where it was asked for: another file cannot spoil the answer.
fn said(file: &Discovered, read: Result<&Document, &Problem>, root: &Path) -> Vec<Problem> {
    match read {
        _ if !file.requested => Vec::new(),
        Ok(document) => shapes(document, root),
        Err(problem) => vec![problem.clone()],
    }
}

/// Reads and parses one file.
pub(crate) fn read(file: &Discovered) -> Result<Document, Problem> {
    parsed_file(file, file.read()?)
}

fn parsed_file(file: &Discovered, text: Text) -> Result<Document, Problem> {
    parsed(file.relative.clone(), text, file.kind)
        .map_err(|problem| Problem { path: file.path.clone(), ..problem })
}

fn parsed(path: String, text: Text, kind: FileKind) -> Result<Document, Problem> {
    let tree = crate::yaml::parse(&text).map_err(|e| Problem {
        path: path.clone().into(),
        position: Some(e.position),
        message: e.message,
        help: e.help,
    })?;
    let content = match kind {
        FileKind::Workflow => Content::Workflow(Workflow::read(&tree)),
        FileKind::Action => Content::Action(Action::read(&tree)),
    };
    Ok(Document { path, text, tree, content })
}

/// Parts of a document that Actions would refuse.
fn shapes(document: &Document, root: &Path) -> Vec<Problem> {
    let problems = document.shapes().iter().map(|shape| Problem {
        path: root.join(&document.path),
        position: Some(document.text.position(shape.span.start)),
        message: shape.message.clone(),
        help: None,
    });
    problems.collect()
}

#[cfg(test)]
mod tests {
    use super::CONCERNS_OTHERS;

    #[test]
    fn most_workflows_concern_nobody_else() {
        let concerns = CONCERNS_OTHERS.as_ref().expect("a valid pattern");
        let plain = "on: push\njobs:\n  t:\n    steps:\n      - uses: actions/checkout@v6\n      - run: \"nox\" -s t \\\n";
        assert!(
            !concerns.is_match(&plain.replace("\"nox\"", "nox")),
            "only a string that goes on may hide a path"
        );
        for other in [
            "uses: actions/cache/restore@v5",
            "uses: ./a",
            "uses: *a",
            "run: \"\\x2e\"",
            "a: \"b\\\nc\"",
        ] {
            assert!(concerns.is_match(other), "{other}");
        }
    }
}
