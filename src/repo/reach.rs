//! Which jobs may lead to the tool at all: no other job needs a timeline.
//!
//! A job is left out only where all is written out: its scripts hold nothing that a shell or an
//! expression may put together, nor does any file that their words name, and the tool's name stands
//! in none of them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::document::Document;
use super::files::RepoFiles;
use super::index::{Repository, local};
use super::words::{Goal, Words, is_composed};
use crate::actions::StepList;
use crate::rules::setup_actions::setup_actions;

/// Keys of a workflow that no command of a job is made of.
const APART: [&str; 6] = ["on", "jobs", "name", "run-name", "permissions", "concurrency"];

pub struct Reach<'a> {
    words: &'a Words,
    files: &'a RepoFiles,
    actions: Vec<ReachedAction<'a>>,
}

/// An action of the repository, looked at once however many jobs use it.
struct ReachedAction<'a> {
    document: &'a Document,
    /// The last name of its folder.
    name: &'a str,
    leads: OnceLock<bool>,
    /// The last names of the local actions that it uses.
    uses: OnceLock<BTreeSet<&'a str>>,
}

impl<'a> Reach<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        let action = |document: &'a Document| ReachedAction {
            document,
            name: document.folder().rsplit('/').next().unwrap_or(""),
            leads: OnceLock::new(),
            uses: OnceLock::new(),
        };
        let actions = repository.documents.iter().filter(|d| d.action().is_some());
        Self {
            words: &repository.words,
            files: repository.files(),
            actions: actions.map(action).collect(),
        }
    }

    /// Whether the job, or the action itself where `job` is `None`, may lead to the tool. What
    /// callers pass to a called workflow reaches its commands through expressions only.
    pub fn may_lead(&self, document: &Document, job: Option<usize>) -> bool {
        let workflow = document.workflow();
        let defaults = workflow.zip(job).map(|(w, job)| [&w.defaults, &w.jobs[job].defaults]);
        let mut shells = defaults.into_iter().flatten().filter_map(|d| d.shell.as_ref());
        let list = document.steps(job);
        shells.any(|shell| is_composed(&shell.text))
            || self.leads(&pieces(document, job), list)
            || list.is_some_and(|list| self.used(list).any(|action| self.action_leads(action)))
    }

    /// Whether these texts with these steps may lead to the tool by themselves.
    fn leads(&self, texts: &[&str], list: Option<&StepList>) -> bool {
        let steps = list.into_iter().flat_map(|list| &list.steps);
        let mut scripts = steps.flat_map(|step| step.run.iter().chain(&step.shell));
        scripts.any(|script| is_composed(&script.text))
            || texts.iter().any(|text| text.contains(&setup_actions().builds_wheels.program))
            || self.words.lead(texts, self.files, Goal::Tool)
    }

    fn action_leads(&self, action: &ReachedAction<'a>) -> bool {
        let Document { text, .. } = action.document;
        *action.leads.get_or_init(|| self.leads(&[text.as_str()], action.document.steps(None)))
    }

    /// The actions of the repository that the steps use, and that these use.
    fn used(&self, steps: &StepList) -> impl Iterator<Item = &ReachedAction<'a>> {
        let mut seen = vec![false; self.actions.len()];
        let mut used = Vec::new();
        let mut names: Vec<&str> = local_actions(steps).into_iter().collect();
        while let Some(folder) = names.pop() {
            for (action, seen) in self.actions.iter().zip(&mut seen) {
                if is_named(action.name, folder) && !std::mem::replace(seen, true) {
                    used.push(action);
                    let list = action.document.steps(None);
                    let inner = || list.map(local_actions).unwrap_or_default();
                    names.extend(action.uses.get_or_init(inner));
                }
            }
        }
        used.into_iter()
    }
}

/// The last names of the local actions that the steps use.
fn local_actions(list: &StepList) -> BTreeSet<&str> {
    let uses = list.steps.iter().filter_map(|step| step.uses.as_ref());
    uses.filter(|uses| local(&uses.text).is_some()).map(|uses| last_name(&uses.text)).collect()
}

/// Where an action lies depends on the checkouts: by its last name it is found in all of them.
fn last_name(uses: &str) -> &str {
    uses.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn is_named(action: &str, folder: &str) -> bool {
    matches!(folder, "." | ".." | "$") || action.ends_with(folder)
}

/// The job with what the workflow sets for all jobs; the whole file where a job may be made of
/// parts of others.
fn pieces(document: &Document, job: Option<usize>) -> Vec<&str> {
    let Document { text, tree, .. } = document;
    let workflow = document.workflow().zip(job).zip(tree.root());
    let Some(((workflow, job), root)) = workflow.filter(|_| !tree.has_aliases()) else {
        return vec![text.as_str()];
    };
    let around = tree.entries(root).iter().filter(|entry| match tree.str(entry.key) {
        Some(key) => !APART.contains(&key),
        None => true,
    });
    let nodes = around.map(|e| e.value).chain([workflow.jobs[job].node]);
    nodes.filter_map(|node| text.as_str().get(tree.span(node).range())).collect()
}

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::config::Config;
    use crate::repo::discover::discover;
    use crate::repo::read::read_all;
    use crate::repo::{RepoFiles, Repository};
    use crate::rules::setup_actions::setup_actions;
    use crate::testing;
    use crate::tool::memo::Answers;
    use crate::tool::nox::Nox;

    fn leads(files: &[(&str, &str)], settings: &Config) -> Vec<bool> {
        let folder = testing::repository(files);
        let found = discover(&[folder.path().to_owned()], None);
        let (documents, problems) = read_all(folder.path(), &found.repositories[0].files);
        assert_eq!(problems, []);
        let repository = Repository::new(
            RepoFiles::new(folder.path()),
            &settings.nox_actions,
            Answers::of(Nox::default()),
            documents,
        );
        let workflow = repository.document(".github/workflows/ci.yml").unwrap();
        let jobs = repository.documents[workflow].workflow().unwrap().jobs.len();
        let reach = Reach::new(&repository);
        let document = &repository.documents[workflow];
        (0..jobs).map(|job| reach.may_lead(document, Some(job))).collect()
    }

    #[test]
    fn every_way_to_the_tool_spells_its_name_somewhere() {
        let run =
            |script: &str| format!("on: push\njobs:\n  a:\n    steps:\n      - run: {script}\n");
        let noxish = ("noxfile.py", "import nox\n");
        for (what, workflow, others, expected) in [
            ("in the job", run("Nox -s x"), vec![], true),
            ("as a number", run(r#""n\x6fx""#), vec![], true),
            ("in quotes", run("n'o'x -s x"), vec![], true),
            ("nowhere", run("pip install -e .[test] && pytest"), vec![noxish], false),
            ("a script", run("./scripts/test.sh"), vec![("scripts/test.sh", "nox")], true),
            (
                "a script of another name",
                run("./scripts/build.sh"),
                vec![("scripts/test.sh", "nox")],
                false,
            ),
            (
                "a script of a script",
                run("sh a.sh"),
                vec![("a.sh", "./b.sh"), ("b.sh", "nox")],
                true,
            ),
            (
                "scripts in a circle",
                run("sh a.sh"),
                vec![("a.sh", "./b.sh"), ("b.sh", "./a.sh")],
                false,
            ),
            ("a target", run("make test"), vec![("Makefile", "test:\n\tnox\n")], true),
            (
                "a target without it",
                run("make test"),
                vec![("Makefile", "test:\n\tpytest\n")],
                false,
            ),
            (
                "a task of a launcher",
                run("hatch run test"),
                vec![("pyproject.toml", "test = 'nox'")],
                true,
            ),
            ("a module", run("python -m tools.ci"), vec![("tools/ci.py", "import nox")], true),
            ("a package", run("python -m tools"), vec![("tools/__main__.py", "import nox")], true),
            (
                "a wheel's tests",
                run("uvx cibuildwheel"),
                vec![("pyproject.toml", "test-command = 'nox'")],
                true,
            ),
            ("a script of one letter", run("sh x"), vec![("x", "nox")], true),
            ("a script in other letters", run("sh prüfung.sh"), vec![("prüfung.sh", "nox")], true),
            ("a script of several words", run("sh 'a b.sh'"), vec![("a b.sh", "nox")], true),
            (
                "a name in a variable",
                run("for t in a b; do sh $t.sh; done"),
                vec![("b.sh", "nox")],
                true,
            ),
            ("a document of that name", run("pip install x"), vec![("install.md", "nox")], false),
            ("a batch file without its ending", run("call b"), vec![("b.cmd", "nox")], true),
            (
                "a module of just",
                run("just m t"),
                vec![("justfile", "mod m"), ("m.just", "t:\n nox")],
                true,
            ),
            (
                "a folder of just",
                run("just m t"),
                vec![("justfile", "mod m"), ("m/mod.just", "t:\n nox")],
                true,
            ),
            ("a leg's script", run("./ci/run${{ matrix.k }}"), vec![("ci/run-linux", "nox")], true),
            ("a name of two variables", run("sh scripts/$A$B"), vec![], true),
            ("half the tool", run("${P}x"), vec![], true),
            ("a computed name", run("${{ format('{0}{1}','no','x') }}"), vec![], true),
            ("a variable of cmd", run("call %A%"), vec![], true),
            (
                "a composed recipe",
                run("make test"),
                vec![("Makefile", "T = no\ntest:\n\t$(T)x\n")],
                true,
            ),
            (
                "a composed recipe that nobody names",
                run("pytest"),
                vec![("Makefile", "T = no\ntest:\n\t$(T)x\n")],
                false,
            ),
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
        for (workflow, expected) in [
            (own, vec![true, false]),
            (shared, vec![true]),
            (linked, vec![true, true]),
            (input, vec![true]),
        ] {
            assert_eq!(
                leads(&[(".github/workflows/ci.yml", workflow)], &Config::default()),
                expected,
                "{workflow}"
            );
        }
    }

    #[test]
    fn actions_and_callers_count() {
        let uses = "on: push\njobs:\n  a:\n    steps: [{uses: ./.github/actions/test}]\n";
        let action = |run: &str| {
            format!("runs:\n  using: composite\n  steps: [{{run: {run}, shell: bash}}]\n")
        };
        for (run, expected) in [("nox", true), ("pytest", false)] {
            let files = [
                (".github/workflows/ci.yml", uses),
                (".github/actions/test/action.yml", &action(run)),
            ];
            assert_eq!(leads(&files, &Config::default()), [expected], "{run}");
        }
        for uses in ["./.github/actions/one", "$/tools/one", "./../other/one", "./"] {
            let workflow = format!("on: push\njobs:\n  a:\n    steps: [{{uses: {uses}}}]\n");
            let using = "runs:\n  using: composite\n  steps: [{uses: ./.github/actions/test}, {uses: ./x/one}]\n";
            let files = [
                (".github/workflows/ci.yml", workflow.as_str()),
                (if uses == "./" { "action.yml" } else { "x/one/action.yml" }, using),
                (".github/actions/test/action.yml", &action("nox")),
            ];
            assert_eq!(leads(&files, &Config::default()), [true], "{uses}");
        }
        let called = "on: {workflow_call: {inputs: {c: {type: string}}}}\njobs:\n  a:\n    steps: [{run: '${{ inputs.c }}'}]\n";
        let caller =
            "on: push\njobs:\n  a:\n    uses: ./.github/workflows/ci.yml\n    with: {c: nox}\n";
        assert_eq!(
            leads(
                &[(".github/workflows/ci.yml", called), (".github/workflows/x.yml", caller)],
                &Config::default()
            ),
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
        assert!(
            !known.is_empty()
                && known.iter().all(|a| a.action.to_ascii_lowercase().contains("nox"))
        );
    }
}
