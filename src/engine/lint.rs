//! Files of a repository to findings.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::finding::{Finding, Location, Problem};
use crate::base::text::Text;
use crate::check::{self, jobs::Jobs};
use crate::config::Config;
use crate::fix;
use crate::job::context::Subject;
pub use crate::job::shown::JobTimeline;
use crate::job::{Undecided, Unit, shown, undecided};
use crate::repo::discover::Discovered;
use crate::repo::{Content, Document, Part, Reach, RepoFiles, Repository, Shared, Survey};
use crate::tool::Files;
use crate::tool::nox::Nox;

/// What checking a repository tells.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In requested files only, suppressed ones left out, severities as configured.
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
    /// Every text that a finding or a fix may point into, by path relative to the root.
    pub texts: BTreeMap<String, Arc<Text>>,
    /// Places where something could not be decided; the label says what and why.
    pub undecided: Vec<Location>,
    /// Jobs of which it is open whether they build environments.
    pub undecided_jobs: usize,
    pub timelines: Vec<JobTimeline>,
}

/// What is told beside findings. Of thousands of files it fills the memory, so only what will be
/// shown is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Details {
    pub undecided: bool,
    pub timelines: bool,
}

impl Details {
    pub const ALL: Self = Self { undecided: true, timelines: true };
}

impl Outcome {
    fn extend(&mut self, other: Outcome) {
        self.findings.extend(other.findings);
        self.problems.extend(other.problems);
        self.texts.extend(other.texts);
        self.undecided.extend(other.undecided);
        self.undecided_jobs += other.undecided_jobs;
        self.timelines.extend(other.timelines);
    }
}

/// Checks the requested ones of `files`; the others are read because they may be called.
pub fn lint(root: &Path, files: &[Discovered], settings: &Config, details: Details) -> Outcome {
    let shared = Shared::new(root, &settings.nox_actions, Nox::default())
        .with_cache_action(settings.cache_action.as_deref());
    let ahead = shared.clone();
    let (survey, ()) =
        rayon::join(|| Survey::of(root, files, shared), || ahead.answers.read_ahead(&*ahead.files));
    check_all(survey, files, settings, details)
}

fn check_all(
    mut survey: Survey,
    files: &[Discovered],
    settings: &Config,
    details: Details,
) -> Outcome {
    let mut outcome = Outcome::default();
    let requested: HashSet<&str> =
        files.iter().filter(|f| f.requested).map(|f| f.relative.as_str()).collect();
    let alone =
        survey.parts().map(|part| check_part(part, &requested, settings, details, Compared::Later));
    let mut compared = Vec::new();
    for (checked, later) in alone.collect::<Vec<_>>() {
        outcome.extend(checked);
        compared.extend(later);
    }
    let (checked, _) =
        check_part(survey.last(compared), &requested, settings, details, Compared::Here);
    outcome.extend(checked);
    // By file, whatever the parts were.
    outcome.findings.sort_by(|a, b| a.primary.path.cmp(&b.primary.path));
    outcome.undecided.sort_by(|a, b| a.path.cmp(&b.path));
    outcome.timelines.sort_by(|a, b| a.path.cmp(&b.path));
    outcome
}

/// Where jobs are looked at whose caches concern each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Here,
    Later,
}

/// Checks the documents of a part; returns those that are to be compared with others later.
fn check_part(
    part: Part,
    requested: &HashSet<&str>,
    settings: &Config,
    details: Details,
    compared: Compared,
) -> (Outcome, Vec<Document>) {
    let Part { mut repository, problems } = part;
    let mut requested: BTreeSet<usize> = (0..repository.documents.len())
        .filter(|document| requested.contains(repository.documents[*document].path.as_str()))
        .collect();
    let reach = Reach::new(&repository.shared, &repository.documents);
    let leads = |unit: &Unit| {
        let callers = repository.calling(unit.document);
        reach.may_lead(&repository.documents[unit.document], unit.job, &callers)
    };
    // Jobs of other files can share a cache with those that were asked for.
    let documents = 0..repository.documents.len();
    let units: Vec<Unit> =
        documents.into_par_iter().flat_map_iter(|d| units(&repository, d)).filter(leads).collect();
    let subjects: Vec<Subject<'_>> =
        units.par_iter().map(|unit| Subject::new(&repository, settings, *unit)).collect();
    let jobs = Jobs::new(&subjects);
    let mut later: BTreeSet<usize> = BTreeSet::new();
    if compared == Compared::Later {
        let concern = (0..subjects.len()).filter(|job| jobs.concerns_others(*job));
        later.extend(concern.map(|job| subjects[job].unit.document));
        requested.retain(|document| !later.contains(document));
    }
    let asked: Vec<usize> =
        (0..subjects.len()).filter(|s| requested.contains(&subjects[*s].unit.document)).collect();
    let found: Vec<Finding> = asked.par_iter().flat_map_iter(|job| resolved(&jobs, *job)).collect();
    let (mut undecided, mut timelines) = (Vec::new(), Vec::new());
    let mut undecided_jobs = 0;
    for subject in asked.into_iter().map(|job| &subjects[job]) {
        let reported = found
            .iter()
            .any(|f| f.job == subject.name && f.primary.path == subject.document().path);
        let open = !reported && undecided::is_undecided(&subject.timelines);
        undecided_jobs += usize::from(open);
        if details.undecided {
            undecided.extend(self::undecided(subject));
        }
        if details.timelines {
            timelines.extend(timeline(subject));
        }
    }
    let findings = settle(&repository, &requested, found, settings);
    drop(subjects);
    let documents = std::mem::take(&mut repository.documents).into_iter().enumerate();
    let (later, documents): (Vec<_>, Vec<_>) =
        documents.partition(|(document, _)| later.contains(document));
    let documents = documents.into_iter().map(|(_, document)| document).collect();
    let texts = pointed_into(repository.files(), documents, &findings, &undecided);
    let outcome = Outcome { findings, problems, texts, undecided, undecided_jobs, timelines };
    (outcome, later.into_iter().map(|(_, document)| document).collect())
}

/// The findings about a job, each with its fix or the reason why it has none.
fn resolved(jobs: &Jobs<'_>, job: usize) -> Vec<Finding> {
    let mut findings = check::run(jobs, job);
    findings.iter_mut().for_each(|finding| fix::resolve(&jobs.subjects[job], finding));
    findings
}

/// The jobs of a workflow; a composite action only where no job of the repository uses it.
fn units(repository: &Repository, document: usize) -> Vec<Unit> {
    match &repository.documents[document].content {
        Content::Workflow(workflow) => {
            (0..workflow.jobs.len()).map(|job| Unit { document, job: Some(job) }).collect()
        }
        Content::Action(action) if action.composite && !repository.is_called(document) => {
            vec![Unit { document, job: None }]
        }
        Content::Action(_) => Vec::new(),
    }
}

/// Applies settings and comments.
fn settle(
    repository: &Repository,
    requested: &BTreeSet<usize>,
    found: Vec<Finding>,
    settings: &Config,
) -> Vec<Finding> {
    let mut by_path: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in found {
        if settings.reports(finding.rule, &finding.primary.path) {
            by_path.entry(finding.primary.path.clone()).or_default().push(finding);
        }
    }
    let mut kept = Vec::new();
    for document in requested {
        let document = &repository.documents[*document];
        let findings = by_path.remove(&document.path).unwrap_or_default();
        let ran = |check: &str| settings.reports(check, &document.path);
        kept.extend(
            crate::engine::suppress::suppress(
                &document.path,
                &document.text,
                &document.tree,
                findings,
                ran,
            )
            .kept,
        );
    }
    // Last, because findings about comments have a severity too.
    for finding in &mut kept {
        finding.severity = settings.severity_of(finding.rule, finding.severity);
    }
    kept
}

fn undecided(subject: &Subject<'_>) -> Vec<Location> {
    let all = undecided::all(subject.repository, &subject.timelines);
    let place = |u: Undecided| Location {
        label: format!("{}: {}", subject.name, u.place.label),
        ..u.place
    };
    all.into_iter().map(place).collect()
}

fn timeline(subject: &Subject<'_>) -> Option<JobTimeline> {
    let Subject { repository, instances, timelines, .. } = subject;
    subject.runs_tool().then(|| {
        shown::job(repository, &subject.document().path, &subject.name, instances, timelines)
    })
}

/// The texts that findings and fixes point into.
fn pointed_into(
    files: &RepoFiles,
    documents: Vec<Document>,
    findings: &[Finding],
    undecided: &[Location],
) -> BTreeMap<String, Arc<Text>> {
    let places =
        findings.iter().flat_map(|f| f.related.iter().chain([&f.primary])).chain(undecided);
    let fixes = findings.iter().filter_map(|f| f.fix.as_ref()).map(|fix| fix.path.as_str());
    let paths: BTreeSet<&str> = places.map(|place| place.path.as_str()).chain(fixes).collect();
    let documents = documents.into_iter().filter(|d| paths.contains(d.path.as_str()));
    let mut out: BTreeMap<String, Arc<Text>> =
        documents.map(|d| (d.path, Arc::new(d.text))).collect();
    for path in paths {
        if !out.contains_key(path)
            && let Some(content) = files.read(path)
            && let Ok(text) = Text::new(path, content.as_bytes().to_vec())
        {
            out.insert(path.to_owned(), Arc::new(text));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Details, Discovered, Shared, Survey, check_all, lint};
    use crate::base::finding::Finding;
    use crate::config::Config;
    use crate::repo::discover::discover;
    use crate::testing;
    use crate::tool::nox::Nox;

    /// How workflows may concern each other, or not.
    fn many_kinds() -> (tempfile::TempDir, usize) {
        let job = |steps: &str| {
            let setup = "{uses: actions/checkout@v4}\n{uses: actions/setup-python@v5, with: {python-version: '3.12'}}";
            let own: String = setup
                .lines()
                .chain(steps.lines())
                .map(|step| format!("      - {step}\n"))
                .collect();
            format!("jobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n{own}")
        };
        let push = |steps: &str| format!("on: push\n{}", job(steps));
        let cache = |session: &str| {
            let key = "\"nox-${{ hashFiles('noxfile.py') }}\"";
            push(&format!(
                "{{uses: actions/cache@v5.0.1, with: {{path: '.nox', key: {key}}}}}\n{{run: nox -r -s {session}}}"
            ))
        };
        let action = "runs:\n  using: composite\n  steps: [{run: nox -s lint, shell: bash}]\n";
        let called = format!(
            "on: {{workflow_call: {{inputs: {{c: {{type: string}}}}}}}}\n{}",
            job("{run: '${{ inputs.c }}'}")
        );
        let mut files: Vec<(String, String)> = [
            ("plain", push("{run: nox}")),
            ("nothing", push("{run: pytest}")),
            ("idle", push("{run: pytest}").replace("on: push", "on: push # cachelint: ignore[nox/missing-cache]")),
            ("wrong", push("{run: nox}") + "  u: []\n"),
            ("cache", cache("tests")),
            ("other-cache", cache("lint")),
            ("uses", push("{uses: ./.github/actions/a}")),
            ("called", called.clone()),
            ("called-too", called.clone()),
            ("calls", "on: push\njobs:\n  c: {uses: ./.github/workflows/called.yml, with: {c: nox}}\n".to_owned()),
            ("calls-again", "on: push\njobs:\n  c: {uses: './.github/workflows/called.yml', with: {c: nox}}\n  d: {\"uses\": \"./.github/workflows/called-too.yml\", with: {c: nox}}\n".to_owned()),
            ("uncalled", called),
        ]
        .map(|(name, text)| (format!(".github/workflows/{name}.yml"), text))
        .into();
        let hidden = [
            r#"uses: "\x2e/.github/actions/a""#,
            "uses: \"./.github/\\\n          actions/a\"",
            "uses: &x ./.github/actions/a\n      - uses: *x",
            "uses: >-\n          ./.github/actions/a",
            "uses: # here\n          ./.github/actions/a",
            "? uses\n        : ./.github/actions/a",
            "\"uses\" : './.github/actions/a/'",
            "Uses: ./.github/actions/b\n      - {name: b,uses: $/.github/actions/a}",
        ];
        let comment = "# nox, as the repository calls it\n";
        for (number, uses) in hidden.iter().enumerate() {
            let workflow =
                format!("{comment}{}", push("{run: pytest}").replace("{run: pytest}", uses));
            files.push((format!(".github/workflows/hidden-{number}.yml"), workflow));
        }
        files.push((".github/actions/a/action.yml".to_owned(), action.to_owned()));
        let session = "@nox.session\ndef lint(session):\n    session.install('ruff')\n";
        files.push(("noxfile.py".to_owned(), format!("{}\n{session}", testing::NOXFILE)));
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        (testing::repository(&files), hidden.len())
    }

    #[test]
    fn documents_in_parts_give_what_they_give_together() {
        let (folder, hidden) = many_kinds();
        let found = discover(&[folder.path().to_owned()], None).repositories.remove(0);
        let settings = Config::default();
        let [whole, parts] = [usize::MAX, 0].map(|whole| {
            let survey = Survey::with(
                &found.root,
                &found.files,
                Shared::new(&found.root, &settings.nox_actions, Nox::default()),
                whole,
            );
            let outcome = check_all(survey, &found.files, &settings, Details::ALL);
            let texts: Vec<String> = outcome.texts.into_keys().collect();
            (outcome.findings, outcome.problems, outcome.undecided, outcome.timelines, texts)
        });
        let paths = |findings: &[Finding]| {
            findings.iter().map(|f| f.primary.path.clone()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&whole.0), paths(&parts.0));
        assert_eq!(format!("{whole:#?}"), format!("{parts:#?}"));
        let with_findings =
            |name: &str| whole.0.iter().any(|f| f.primary.path.ends_with(&format!("/{name}.yml")));
        let hidden = (0..hidden).map(|number| format!("hidden-{number}"));
        let plain =
            ["plain", "idle", "wrong", "cache", "other-cache", "uses", "called"].map(str::to_owned);
        for name in hidden.chain(plain) {
            assert!(with_findings(&name), "{name}");
        }
        assert!(!with_findings("nothing") && !with_findings("uncalled"));
        assert!(whole.0.iter().any(|f| f.rule == "nox/key-collision"));
        assert_eq!(whole.1.len(), 1, "{:?}", whole.1);
        assert!(
            whole
                .0
                .iter()
                .filter_map(|f| f.fix.as_ref())
                .any(|f| format!("{f:?}").contains("cache@v5.0.1"))
        );
    }

    #[test]
    fn a_file_alone_gives_what_it_gives_among_all() {
        let (folder, _) = many_kinds();
        let found = discover(&[folder.path().to_owned()], None).repositories.remove(0);
        let settings = Config::default();
        let check = |files: &[Discovered]| lint(&found.root, files, &settings, Details::ALL);
        let whole = check(&found.files);
        assert!(found.files.iter().all(|file| file.requested) && !whole.findings.is_empty());
        for asked in &found.files {
            let requested = |file: &Discovered| file.relative == asked.relative;
            let files: Vec<_> = found
                .files
                .iter()
                .map(|file| Discovered { requested: requested(file), ..file.clone() })
                .collect();
            let alone = check(&files);
            let path = asked.relative.as_str();
            let findings: Vec<_> =
                whole.findings.iter().filter(|f| f.primary.path == path).collect();
            assert_eq!(format!("{findings:#?}"), format!("{:#?}", alone.findings), "{path}");
            let timelines: Vec<_> = whole.timelines.iter().filter(|t| t.path == path).collect();
            assert_eq!(format!("{timelines:#?}"), format!("{:#?}", alone.timelines), "{path}");
        }
    }
}
