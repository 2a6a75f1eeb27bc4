//! All workflows and actions of a repository, linked: who calls whom.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use rayon::prelude::*;

use super::document::Document;
use super::files::RepoFiles;
use super::published::{Published, Written};
use super::words::Words;
use super::{prettier, yamllint};
use crate::actions::{Step, StepList, Uses};
use crate::base::path::{inside, join};
use crate::rules::folders::folders;
use crate::rules::forges::forges;
use crate::rules::is_action;
use crate::rules::setup_actions::setup_actions;
use crate::shell::Scripts;
use crate::tool::known_folder;
use crate::tool::memo::Answers;

/// How deep the folder may be that the repository is checked out into.
const MAX_CHECKOUT_DEPTH: usize = 50;

/// A job that calls a reusable workflow or uses an action of the same repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    pub document: usize,
    pub job: usize,
}

/// A repository as a fresh checkout has it.
#[derive(Debug)]
pub struct Repository {
    pub documents: Vec<Document>,
    files: RepoFiles,
    pub words: Words,
    /// What the tool said about calls in this repository.
    pub answers: Answers,
    /// What its scripts run.
    pub scripts: Scripts,
    /// Published actions that the repository's settings say run nox, as `owner/name`.
    pub tool_actions: Vec<String>,
    /// The cache action that the repository's settings name, as `uses:` has it.
    pub cache_action: Option<String>,
    by_path: HashMap<String, usize>,
    callers: HashMap<usize, Vec<Caller>>,
    /// By action, the jobs that have a step with it.
    action_users: HashMap<usize, BTreeSet<Caller>>,
    /// By action, the actions that have a step with it.
    action_parents: HashMap<usize, Vec<usize>>,
    /// The workflows that start when one of this name has run.
    started_by: HashMap<String, Vec<usize>>,
    /// Each once, in the order of the files.
    caches: Vec<Written>,
    /// Name and path of every artifact of several paths that a step uploads, as written, each pair
    /// once. Collected here, because searching all documents again for each job would be quadratic.
    pub uploads: Vec<(String, String)>,
    /// The scripts of steps that name the tool's folder, each once.
    pub folder_scripts: Vec<String>,
    /// The workflows that take artifacts of another run, by the file, path or name of its workflow;
    /// under "" those for which any run may be meant.
    run_takers: HashMap<String, Vec<usize>>,
}

/// The runs that the steps of a document take artifacts from: their workflow as written, "" for any.
fn taken_runs(document: &Document) -> Vec<String> {
    let steps = document.step_lists().flat_map(|list| &list.steps);
    let run = |step: &Step| {
        let uses = Uses::parse(&step.uses.as_ref()?.text)?;
        let rule = folders().downloads.iter().find(|a| is_action(&a.action, uses.name))?;
        let input = rule.from.iter().find_map(|name| step.input(name))?;
        let text = input.text.trim();
        // That of the run itself, or of the one that started it, is looked at anyway.
        let own = ["github.run_id", "workflow_run.id"].iter().any(|id| text.contains(id));
        let any = text.contains("${{") || text.chars().all(|c| c.is_ascii_digit());
        (!own).then(|| if any { String::new() } else { text.to_owned() })
    };
    steps.filter_map(run).collect()
}

/// Name and path of the artifacts that steps of a document upload, as written.
fn uploaded(document: &Document) -> Vec<(String, String)> {
    let steps = document.step_lists().flat_map(|list| &list.steps);
    let upload = |step: &Step| {
        let uses = Uses::parse(&step.uses.as_ref()?.text)?;
        let rule = folders().uploads.iter().find(|a| is_action(&a.action, uses.name))?;
        Some((step.input(&rule.name)?.text.clone(), step.input(&rule.path)?.text.clone()))
    };
    steps.filter_map(upload).collect()
}

/// What the steps of one document write that is looked up for others.
struct Steps {
    caches: Vec<Written>,
    uploads: Vec<(String, String)>,
    /// The scripts that name the tool's folder.
    folder_scripts: Vec<String>,
    taken_runs: Vec<String>,
}

impl Steps {
    fn of(document: &Document) -> Self {
        let steps = document.step_lists().flat_map(|list| &list.steps);
        let scripts = steps.filter_map(|step| step.run.as_ref()).map(|script| &script.text);
        Self {
            caches: Written::all(document),
            uploads: uploaded(document),
            folder_scripts: scripts.filter(|text| text.contains(known_folder())).cloned().collect(),
            taken_runs: taken_runs(document),
        }
    }
}

/// What one document leads to: documents, and the jobs that lead there.
#[derive(Default)]
struct Links {
    /// Workflows that start it.
    starts: HashSet<String>,
    calls: Vec<(usize, usize)>,
    actions: Vec<(usize, usize)>,
    /// The actions that an action itself uses.
    parts: Vec<usize>,
}

impl Repository {
    pub fn new(
        files: RepoFiles,
        tool_actions: &[String],
        answers: Answers,
        mut documents: Vec<Document>,
    ) -> Self {
        documents.sort_by(|a, b| a.path.cmp(&b.path));
        let linted = yamllint::line_limit(&files);
        documents.par_iter_mut().for_each(|document| {
            document.linted = linted.is_some();
            let linted = linted.filter(|limit| yamllint::holds(&document.text, *limit));
            let formatted = prettier::line_limit(&files, &document.path)
                .filter(|limit| prettier::holds(&document.text, &document.tree, *limit));
            document.line_limit = [linted, formatted].into_iter().flatten().min();
        });
        let by_path: HashMap<String, usize> =
            documents.iter().enumerate().map(|(i, d)| (d.path.clone(), i)).collect();
        let steps: Vec<Steps> = documents.par_iter().map(Steps::of).collect();
        // Actions first: what is written for all of a repository tells more.
        let (actions, workflows): (Vec<_>, Vec<_>) =
            documents.iter().zip(&steps).partition(|(document, _)| document.action().is_some());
        let mut caches: Vec<Written> = Vec::new();
        for (_, steps) in actions.into_iter().chain(workflows) {
            for written in &steps.caches {
                if !caches.contains(written) {
                    caches.push(written.clone());
                }
            }
        }
        let (mut uploads, mut folder_scripts) = (Vec::new(), Vec::new());
        let (mut seen_uploads, mut seen_scripts) = (HashSet::new(), HashSet::new());
        let mut run_takers: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, steps) in steps.into_iter().enumerate() {
            for upload in steps.uploads {
                if upload.1.trim().contains('\n') && seen_uploads.insert(upload.clone()) {
                    uploads.push(upload);
                }
            }
            for script in steps.folder_scripts {
                if seen_scripts.insert(script.clone()) {
                    folder_scripts.push(script);
                }
            }
            for run in steps.taken_runs {
                let takers = run_takers.entry(run).or_default();
                if takers.last() != Some(&at) {
                    takers.push(at);
                }
            }
        }
        let mut repository = Self {
            documents,
            files,
            words: Words::new(tool_actions),
            answers,
            scripts: Scripts::default(),
            tool_actions: tool_actions.to_vec(),
            cache_action: None,
            by_path,
            callers: HashMap::new(),
            action_users: HashMap::new(),
            action_parents: HashMap::new(),
            started_by: HashMap::new(),
            caches,
            uploads,
            folder_scripts,
            run_takers,
        };
        repository.link();
        repository
    }

    /// The workflows that take artifacts of a run that may be one of any workflow.
    pub fn takers_of_any_run(&self) -> &[usize] {
        self.run_takers.get("").map_or(&[], Vec::as_slice)
    }

    /// The workflows that ask for a run of `document` by its name.
    pub fn run_takers(&self, document: usize) -> impl Iterator<Item = usize> {
        let own = &self.documents[document];
        let file = own.path.rsplit('/').next().unwrap_or(&own.path);
        let name = own.workflow().and_then(|w| w.name.as_ref()).map(|name| name.text.as_str());
        let keys = [file, own.path.as_str()].into_iter().chain(name);
        keys.filter_map(|key| self.run_takers.get(key)).flatten().copied()
    }

    /// The cache action that the settings name is one wherever it is used.
    pub fn with_cache_action(mut self, uses: Option<&str>) -> Self {
        self.cache_action = uses.map(|uses| uses.trim().to_owned());
        self
    }

    /// Whether `uses` names the cache action of the settings, in whatever version.
    pub fn is_cache_action(&self, uses: &str) -> bool {
        let name = |uses: &str| {
            let uses = uses.trim().trim_end_matches('/');
            match Uses::parse(uses) {
                Some(parts) => parts.name.to_ascii_lowercase(),
                None => uses.to_owned(),
            }
        };
        self.cache_action.as_deref().is_some_and(|own| name(own) == name(uses))
    }

    /// The tracked files.
    pub fn files(&self) -> &RepoFiles {
        &self.files
    }

    /// Whether the tool's name is a word in a tracked file.
    pub fn file_names_tool(&self, path: &str) -> bool {
        self.words.file_names_tool(path, &self.files)
    }

    /// The different ways in which steps of the repository write the cache action or its halves.
    pub fn written_caches(&self) -> impl Iterator<Item = Published<'_>> {
        self.caches.iter().map(Written::published)
    }

    fn link(&mut self) {
        let links: Vec<Links> = self.documents.par_iter().map(|found| self.links(found)).collect();
        for (document, links) in links.into_iter().enumerate() {
            for name in links.starts {
                self.started_by.entry(name).or_default().push(document);
            }
            for (job, target) in links.calls {
                self.callers.entry(target).or_default().push(Caller { document, job });
            }
            for (job, action) in links.actions {
                self.action_users.entry(action).or_default().insert(Caller { document, job });
            }
            for action in links.parts {
                let parents = self.action_parents.entry(action).or_default();
                if parents.last() != Some(&document) {
                    parents.push(document);
                }
            }
        }
    }

    fn links(&self, found: &Document) -> Links {
        let mut links = Links::default();
        if let Some(workflow) = found.workflow() {
            let trigger = workflow.triggers.get("workflow_run");
            links.starts.extend(trigger.into_iter().flat_map(|t| &t.workflows).cloned());
            for (job, definition) in workflow.jobs.iter().enumerate() {
                let called = definition.calls.as_ref();
                let target = called.and_then(|uses| self.called_workflow(&uses.text));
                links.calls.extend(target.map(|target| (job, target)));
                let actions = self.used_actions(&definition.steps);
                links.actions.extend(actions.map(|action| (job, action)));
            }
        }
        links.parts.extend(found.steps(None).into_iter().flat_map(|list| self.used_actions(list)));
        links
    }

    /// The workflows that start when `document` has run.
    pub fn started_by(&self, document: usize) -> &[usize] {
        let own = &self.documents[document];
        let name = own.workflow().and_then(|workflow| workflow.name.as_ref());
        let name = name.map_or(&own.path, |name| &name.text);
        self.started_by.get(name).map_or(&[], Vec::as_slice)
    }

    /// Where a document is on disk.
    pub fn path(&self, document: usize) -> PathBuf {
        self.files.root().join(&self.documents[document].path)
    }

    pub fn document(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// The jobs that call this reusable workflow.
    pub fn callers(&self, document: usize) -> &[Caller] {
        self.callers.get(&document).map_or(&[], Vec::as_slice)
    }

    /// Some step of the repository uses this action.
    pub fn is_called(&self, action: usize) -> bool {
        self.action_users.contains_key(&action) || self.action_parents.contains_key(&action)
    }

    /// The jobs that use an action, directly or through other actions; `None` where they are more
    /// than `most`.
    pub fn users(&self, action: usize, most: usize) -> Option<Vec<Caller>> {
        let mut actions = vec![action];
        let mut seen = HashSet::from([action]);
        let mut users = BTreeSet::new();
        while let Some(next) = actions.pop() {
            users
                .extend(self.action_users.get(&next).into_iter().flatten().take(most + 1).copied());
            if users.len() > most {
                return None;
            }
            let parents = self.action_parents.get(&next).into_iter().flatten();
            actions.extend(parents.copied().filter(|parent| seen.insert(*parent)));
        }
        Some(users.into_iter().collect())
    }

    /// The actions of the repository that the steps of a list use, which may have checked the
    /// repository out into a folder.
    fn used_actions(&self, list: &StepList) -> impl Iterator<Item = usize> {
        let checkouts = list.steps.iter().filter(|step| {
            let name = step.uses.as_ref().and_then(|uses| Uses::parse(&uses.text));
            name.is_some_and(|uses| setup_actions().is_checkout(uses.name))
        });
        let folders = checkouts.filter_map(|step| join("", &step.input("path")?.text));
        let folders: HashSet<String> = folders.collect();
        list.steps.iter().filter_map(move |step| self.used_by(step, &folders))
    }

    /// The composite action of this repository that a step uses, where it is checked out into the
    /// workspace or one of these folders.
    fn used_by(&self, step: &Step, folders: &HashSet<String>) -> Option<usize> {
        let uses = &step.uses.as_ref()?.text;
        self.action_of(uses).or_else(|| {
            let path = join("", local(uses)?)?;
            let mut parts = path.match_indices('/').take(MAX_CHECKOUT_DEPTH);
            parts.find_map(|(at, _)| {
                let folder = folders.get(&path[..at])?;
                self.action_in(&path[folder.len() + 1..])
            })
        })
    }

    /// The reusable workflow of this repository that a job's `uses:` names.
    pub fn called_workflow(&self, uses: &str) -> Option<usize> {
        let path = local(uses)?;
        let path = join("", path)?;
        self.named(&path).filter(|d| self.documents[*d].workflow().is_some())
    }

    /// The composite action of this repository that a step's `uses:` names, the workspace being the
    /// repository.
    pub fn action_of(&self, uses: &str) -> Option<usize> {
        self.action_in(&join("", local(uses)?)?)
    }

    /// The action in a folder of the repository.
    pub fn action_in(&self, folder: &str) -> Option<usize> {
        ["action.yml", "action.yaml"].iter().find_map(|name| {
            self.named(&inside(folder, name)).filter(|d| self.documents[*d].action().is_some())
        })
    }

    /// The document at a path that a workflow names. Where the folder can't be entered or isn't
    /// checked out, that is said.
    fn named(&self, path: &str) -> Option<usize> {
        let found = self.document(path);
        if found.is_none() {
            self.files.miss(path);
        }
        found
    }

    /// The forge that reads a document.
    pub fn forge_of(&self, document: usize) -> &'static crate::rules::forges::Forge {
        forges().of(&self.documents[document].path)
    }
}

/// The path of a `uses:` that means this repository: `./path` (from the workspace) or `$/path`.
pub fn local(uses: &str) -> Option<&str> {
    uses.strip_prefix("./").or_else(|| uses.strip_prefix("$/")).or(match uses {
        "." | "./" => Some(""),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{NOXFILE, read, repository};

    #[test]
    fn actions_of_a_checkout_in_a_folder() {
        let workflow = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v6\n        with: {path: deep/src}\n      - uses: ./USED\n";
        let action = "runs: {using: composite, steps: [{run: x, shell: bash}]}\n";
        for (used, is_called) in
            [("deep/src/ci/a", true), ("ci/a", true), ("other/ci/a", false), ("deep/ci/a", false)]
        {
            let workflow = workflow.replace("USED", used);
            let files = [(".github/workflows/w.yml", &*workflow), ("ci/a/action.yml", action)];
            let folder = repository(&files);
            let found = read(folder.path());
            let action = found.document("ci/a/action.yml").unwrap();
            assert_eq!(found.is_called(action), is_called, "{used}");
        }
    }

    #[test]
    fn the_users_of_an_action_are_known_up_to_a_number() {
        let action = |uses: &str| format!("runs:\n  using: composite\n  steps: [{{{uses}}}]\n");
        let (inner, outer) =
            (action("run: nox, shell: bash"), action("uses: ./.github/actions/inner"));
        let job = |i: usize| {
            let name = if i.is_multiple_of(2) { "inner" } else { "outer" };
            format!("  t{i}:\n    steps:\n      - uses: ./.github/actions/{name}\n")
        };
        let text = format!("on: push\njobs:\n{}", (0..60).map(job).collect::<String>());
        let files = [
            (".github/actions/inner/action.yml", inner.as_str()),
            (".github/actions/outer/action.yml", outer.as_str()),
            (".github/workflows/w.yml", text.as_str()),
            ("noxfile.py", NOXFILE),
        ];
        let folder = repository(&files);
        let found = read(folder.path());
        let number = |path: &str, most| {
            let action = found.document(path).unwrap();
            found.users(action, most).map(|users| users.len())
        };
        assert_eq!(number(".github/actions/inner/action.yml", 60), Some(60));
        assert_eq!(number(".github/actions/inner/action.yml", 59), None);
        assert_eq!(number(".github/actions/outer/action.yml", 59), Some(30));
        let inner = found.document(".github/actions/inner/action.yml").unwrap();
        assert!(found.is_called(inner));
    }
}
