//! Which jobs may lead to the tool at all, by the letters of what they are made of: no other job needs a timeline.
//!
//! Every way to the tool spells its name somewhere: in the job, in an action or workflow of the repository, or in a
//! file that a command of the job names, perhaps through others. What is left out here is certainly without it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use regex::Regex;

use super::document::Document;
use super::index::{Repository, local};
use crate::rules::setup_actions::setup_actions;
use crate::rules::wrappers::WRAPPERS;
use crate::tool::Files;
use crate::workflow::StepList;

/// Words of scripts and paths: names of files stand in them without their folders.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9_.+-]{2,}").ok());
/// Keys of a workflow that no command of a job is made of.
const APART: [&str; 5] = ["jobs", "name", "run-name", "permissions", "concurrency"];
/// Composite actions and called workflows are looked through this deep.
const MAX_DEPTH: usize = 12;
/// Files followed from one job; beyond them the job counts as leading there.
const MAX_FILES: usize = 2_000;

pub struct Reach<'a> {
    repository: &'a Repository,
    spelled: Option<Regex>,
    /// Tracked files by their last name, and modules by the name of their folder.
    names: OnceLock<HashMap<&'a str, Vec<&'a str>>>,
    seen: Mutex<HashMap<&'a str, Arc<Behind<'a>>>>,
}

/// What stands in a tracked file.
#[derive(Default)]
struct Behind<'a> {
    spelled: bool,
    /// Files that it may lead to.
    next: Vec<&'a str>,
}

impl<'a> Reach<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        let own = repository.nox_actions.iter().map(|name| format!("|{}", regex::escape(name))).collect::<String>();
        // The tool's name is part of every published action that runs it. A shell takes quotes and line breaks out of a
        // word; a character written as a number may be any.
        let spelled = Regex::new(&format!(r#"(?i:n[\\'"\r\n]*o[\\'"\r\n]*x{own})|\\[xuU0-7]"#)).ok();
        Self { repository, spelled, names: OnceLock::new(), seen: Mutex::default() }
    }

    /// Whether the job, or the action itself where `job` is `None`, may lead to the tool.
    pub fn may_lead(&self, document: usize, job: Option<usize>) -> bool {
        let mut pieces = self.pieces(document, job);
        // A called workflow runs what its callers pass to it.
        pieces.extend(self.repository.callers(document).iter().map(|c| self.text(c.document)));
        if pieces.iter().any(|piece| self.spells(piece)) {
            return true;
        }
        let steps = self.repository.documents[document].steps(job);
        steps.is_some_and(|list| self.uses(list, MAX_DEPTH)) || self.leads(&pieces)
    }

    fn text(&self, document: usize) -> &'a str {
        self.repository.documents[document].text.as_str()
    }

    /// The job with what the workflow sets for all jobs; the whole file where a job may be made of parts of others.
    fn pieces(&self, document: usize, job: Option<usize>) -> Vec<&'a str> {
        let Document { text, tree, .. } = &self.repository.documents[document];
        let workflow = self.repository.documents[document].workflow().zip(job).zip(tree.root());
        let Some(((workflow, job), root)) = workflow.filter(|_| !tree.has_aliases()) else {
            return vec![text.as_str()];
        };
        let offers = workflow.triggers.list.iter().any(|t| !t.inputs.is_empty());
        let around = tree.entries(root).iter().filter(|e| match tree.str(e.key) {
            Some("on") => offers,
            Some(key) => !APART.contains(&key),
            None => true,
        });
        let nodes = around.map(|e| e.value).chain([workflow.jobs[job].node]);
        nodes.filter_map(|node| text.as_str().get(tree.span(node).range())).collect()
    }

    fn spells(&self, text: &str) -> bool {
        self.spelled.as_ref().is_none_or(|name| name.is_match(text))
    }

    /// Whether some step uses an action of the repository that may lead there.
    fn uses(&self, list: &StepList, depth: usize) -> bool {
        list.steps.iter().filter_map(|s| s.uses.as_ref()).any(|uses| {
            if local(&uses.text).is_none() {
                return false;
            }
            // Where the action lies depends on the checkouts: by its last name it is found in all of them.
            let folder = uses.text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let mut actions = (0..self.repository.documents.len()).filter(|d| {
                let document = &self.repository.documents[*d];
                document.action().is_some() && (folder == "." || document.folder().ends_with(folder))
            });
            actions.any(|action| {
                let steps = self.repository.documents[action].steps(None);
                let deeper = |list| depth == 0 || self.uses(list, depth - 1);
                let text = self.text(action);
                self.spells(text) || steps.is_some_and(deeper) || self.leads(&[text])
            })
        })
    }

    /// Whether the words of `pieces` name a file, perhaps through others, that spells the tool's name.
    fn leads(&self, pieces: &[&str]) -> bool {
        let mut next: Vec<&'a str> = pieces.iter().flat_map(|piece| self.named(piece)).collect();
        let mut seen: HashSet<&str> = HashSet::new();
        while let Some(path) = next.pop() {
            if !seen.insert(path) {
                continue;
            }
            let behind = self.behind(path);
            if behind.spelled || seen.len() > MAX_FILES {
                return true;
            }
            next.extend(&behind.next);
        }
        false
    }

    fn behind(&self, path: &'a str) -> Arc<Behind<'a>> {
        let lock = || self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = lock().get(path) {
            return known.clone();
        }
        let text = self.repository.files.read(path).unwrap_or_default();
        let spelled = self.spells(&text);
        let next = if spelled { Vec::new() } else { self.named(&text).into_iter().collect() };
        let behind = Arc::new(Behind { spelled, next });
        lock().insert(path, behind.clone());
        behind
    }

    /// The tracked files that the words of a text may name: scripts, modules, and what the wrappers among them read.
    fn named(&self, text: &str) -> BTreeSet<&'a str> {
        let names = self.names.get_or_init(|| self.index());
        let Some(words) = &*WORDS else { return names.values().flatten().copied().collect() };
        let mut found = BTreeSet::new();
        let words: HashSet<&str> = words.find_iter(text).map(|word| word.as_str()).collect();
        for word in words {
            let word = word.trim_end_matches('.');
            let module = word.rsplit('.').next().unwrap_or(word);
            found.extend(names.get(word).into_iter().chain(names.get(module)).flatten());
            for wrapper in &WRAPPERS.wrappers {
                let launched = |l: &String| l.split(' ').next() == Some(word);
                if wrapper.programs.iter().any(|p| p == word) || wrapper.launched.iter().any(launched) {
                    let last = |file: &'static str| file.rsplit('/').next().unwrap_or(file);
                    found.extend(wrapper.files.iter().filter_map(|file| names.get(last(file))).flatten());
                }
            }
            if word == setup_actions().builds_wheels.program {
                found.extend(names.get("pyproject.toml").into_iter().flatten());
            }
            // `run-${{ matrix.os }}.sh`: only the ends of the name are written.
            let (begins, ends) = (word.ends_with(['-', '_']), word.starts_with('.'));
            if begins || ends {
                let fits = |name: &str| (begins && name.starts_with(word)) || (ends && name.ends_with(word));
                found.extend(names.iter().filter(|(name, _)| fits(name)).flat_map(|(_, paths)| paths));
            }
        }
        found
    }

    fn index(&self) -> HashMap<&'a str, Vec<&'a str>> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for path in self.repository.files.tracked().iter() {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            // Workflows and actions are linked by their own words.
            if self.repository.document(path).is_some() {
                continue;
            }
            names.entry(name).or_default().push(path);
            if let Some(module) = name.strip_suffix(".py") {
                let folder = folder.rsplit('/').next().unwrap_or_default();
                let module = if module.starts_with("__") { folder } else { module };
                names.entry(module).or_default().push(path);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, setup_actions};
    use crate::config::Config;
    use crate::discover::discover;
    use crate::repo::Repository;
    use crate::testing;

    fn leads(files: &[(&str, &str)], settings: &Config) -> Vec<bool> {
        let folder = testing::repository(files);
        let found = discover(&[folder.path().to_owned()], None);
        let documents = found.repositories[0].files.iter().map(|file| crate::lint::document(file).unwrap()).collect();
        let mut repository = Repository::new(folder.path(), documents);
        repository.nox_actions.clone_from(&settings.nox_actions);
        let workflow = repository.document(".github/workflows/ci.yml").unwrap();
        let jobs = repository.documents[workflow].workflow().unwrap().jobs.len();
        let reach = Reach::new(&repository);
        (0..jobs).map(|job| reach.may_lead(workflow, Some(job))).collect()
    }

    #[test]
    fn every_way_to_the_tool_spells_its_name_somewhere() {
        let run = |script: &str| format!("on: push\njobs:\n  a:\n    steps:\n      - run: {script}\n");
        let noxish = ("noxfile.py", "import nox\n");
        for (what, workflow, others, expected) in [
            ("in the job", run("Nox -s x"), vec![], true),
            ("as a number", run(r#""n\x6fx""#), vec![], true),
            ("in quotes", run("n'o'x -s x"), vec![], true),
            ("nowhere", run("pip install -e .[test] && pytest"), vec![noxish], false),
            ("a script", run("./scripts/test.sh"), vec![("scripts/test.sh", "nox")], true),
            ("a script of another name", run("./scripts/build.sh"), vec![("scripts/test.sh", "nox")], false),
            ("a script of a script", run("sh a.sh"), vec![("a.sh", "./b.sh"), ("b.sh", "nox")], true),
            ("scripts in a circle", run("sh a.sh"), vec![("a.sh", "./b.sh"), ("b.sh", "./a.sh")], false),
            ("a target", run("make test"), vec![("Makefile", "test:\n\tnox\n")], true),
            ("a target without it", run("make test"), vec![("Makefile", "test:\n\tpytest\n")], false),
            ("a task of a launcher", run("hatch run test"), vec![("pyproject.toml", "test = 'nox'")], true),
            ("a module", run("python -m tools.ci"), vec![("tools/ci.py", "import nox")], true),
            ("a package", run("python -m tools"), vec![("tools/__main__.py", "import nox")], true),
            ("a wheel's tests", run("uvx cibuildwheel"), vec![("pyproject.toml", "test-command = 'nox'")], true),
            ("half a name", run("./run-${{ matrix.os }}.sh"), vec![("run-linux.sh", "nox")], true),
        ] {
            let mut files = vec![(".github/workflows/ci.yml", workflow.as_str())];
            files.extend(others);
            assert_eq!(leads(&files, &Config::default()), [expected], "{what}");
        }
    }

    #[test]
    fn jobs_are_told_apart_but_not_from_what_holds_for_all() {
        let own = "on: push\nname: nox\njobs:\n  nox:\n    steps: [{run: nox}]\n  b:\n    steps: [{run: make}]\n";
        let shared = "on: push\nenv: {RUN: nox -s x}\njobs:\n  a:\n    steps: [{run: $RUN}]\n";
        let linked = "on: push\njobs:\n  a:\n    steps: &s [{run: nox}]\n  b:\n    steps: *s\n";
        let input = "on: {workflow_dispatch: {inputs: {c: {default: nox}}}}\njobs:\n  a:\n    steps: [{run: '${{ inputs.c }}'}]\n";
        for (workflow, expected) in
            [(own, vec![true, false]), (shared, vec![true]), (linked, vec![true, true]), (input, vec![true])]
        {
            assert_eq!(leads(&[(".github/workflows/ci.yml", workflow)], &Config::default()), expected, "{workflow}");
        }
    }

    #[test]
    fn actions_and_callers_count() {
        let uses = "on: push\njobs:\n  a:\n    steps: [{uses: ./.github/actions/test}]\n";
        let action = |run: &str| format!("runs:\n  using: composite\n  steps: [{{run: {run}, shell: bash}}]\n");
        for (run, expected) in [("nox", true), ("pytest", false)] {
            let files = [(".github/workflows/ci.yml", uses), (".github/actions/test/action.yml", &action(run))];
            assert_eq!(leads(&files, &Config::default()), [expected], "{run}");
        }
        let called =
            "on: {workflow_call: {inputs: {c: {type: string}}}}\njobs:\n  a:\n    steps: [{run: '${{ inputs.c }}'}]\n";
        let caller = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/ci.yml\n    with: {c: nox}\n";
        assert_eq!(
            leads(&[(".github/workflows/ci.yml", called), (".github/workflows/x.yml", caller)], &Config::default()),
            [true]
        );
        let settings = Config { nox_actions: vec!["me/tests".into()], ..Config::default() };
        let published = "on: push\njobs:\n  a:\n    steps: [{uses: me/tests@v1}]\n";
        for (settings, expected) in [(settings, true), (Config::default(), false)] {
            assert_eq!(leads(&[(".github/workflows/ci.yml", published)], &settings), [expected]);
        }
    }

    #[test]
    fn actions_known_to_run_the_tool_carry_its_name() {
        let known = &setup_actions().runs_nox;
        assert!(!known.is_empty() && known.iter().all(|a| a.action.to_ascii_lowercase().contains("nox")));
    }
}
