//! What a run finds, whatever it leaves out and whichever files were asked for.

use super::{Details, Discovered, Outcome, check, lint, read, resolved, undecided};
use crate::base::finding::Finding;
use crate::cache::all_jobs::AllJobs;
use crate::config::Config;
use crate::job::JobRef;
use crate::job::context::JobContext;
use crate::repo::discover::discover;
use crate::testing;

/// How workflows may concern each other, or not.
fn many_kinds() -> (tempfile::TempDir, usize) {
    let job = |steps: &str| {
        let setup = "{uses: actions/checkout@v4}\n{uses: actions/setup-python@v5, with: {python-version: '3.12'}}";
        let own: String =
            setup.lines().chain(steps.lines()).map(|step| format!("      - {step}\n")).collect();
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
        let workflow = format!("{comment}{}", push("{run: pytest}").replace("{run: pytest}", uses));
        files.push((format!(".github/workflows/hidden-{number}.yml"), workflow));
    }
    files.push((".github/actions/a/action.yml".to_owned(), action.to_owned()));
    let session = "@nox.session\ndef lint(session):\n    session.install('ruff')\n";
    files.push(("noxfile.py".to_owned(), format!("{}\n{session}", testing::NOXFILE)));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    (testing::repository(&files), hidden.len())
}

/// A workflow of one job that runs `script`, with variables and legs to put names together.
fn composing(script: &str) -> String {
    format!(
        "on: push\nenv: {{P: no, A: te, B: st.sh}}\njobs:\n  t:\n    runs-on: ubuntu-latest\n    \
         strategy: {{matrix: {{k: [lint, test]}}}}\n    steps:\n      - uses: actions/checkout@v4\n      - {{uses: \
         actions/setup-python@v5, with: {{python-version: '3.12'}}}}\n      - run: {script}\n"
    )
}

/// What the filter leaves out would not have told anything, and a comment that names the tool
/// changes nothing.
#[test]
fn the_filter_leaves_out_nothing_that_counts() {
    let scripts = [
        ("plain", "nox"),
        ("nothing", "pytest -q"),
        ("leg", "./ci/run-${{ matrix.k }}"),
        ("leg-alone", "sh ci/${{ matrix.k }}"),
        ("variables", "sh scripts/$A$B"),
        ("half", "${P}x"),
        ("format", "${{ format('{0}{1}', 'no', 'x') }}"),
        ("recipe", "make ${{ matrix.k }}"),
        ("recipe-alone", "make lint"),
        ("script", "sh scripts/test.sh"),
        ("other-script", "sh scripts/other.sh"),
        ("task", "hatch run all"),
        ("launched", "uvx nox"),
        ("powershell", "'& $env:P' # no\n        shell: pwsh"),
        ("quoted", "n'o'x"),
        ("number", r#""n\x6fx""#),
        ("wheels", "pipx run cibuildwheel"),
    ];
    let mut files: Vec<(String, String)> = scripts
        .iter()
        .map(|(name, script)| (format!(".github/workflows/{name}.yml"), composing(script)))
        .collect();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fix");
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let name = path.file_stem().unwrap().to_str().unwrap();
        // The same with the call out of sight, and with none.
        for (kind, call) in
            [("as-is", "nox"), ("composed", "${P}x"), ("made", "make lint"), ("none", "tox")]
        {
            let workflow = text.replace("run: nox", &format!("run: {call}"));
            files.push((format!(".github/workflows/{name}-{kind}.yml"), workflow));
        }
    }
    for (path, content) in [
        ("noxfile.py", testing::NOXFILE),
        ("ci/run-lint", "nox -s lint"),
        ("ci/run-test", "nox -s tests"),
        ("ci/lint", "nox"),
        ("scripts/test.sh", "nox"),
        ("scripts/other.sh", "pytest"),
        ("Makefile", "T = no\nlint:\n\t$(T)x\ntest:\n\tnox\n"),
        ("pyproject.toml", "[tool.hatch.envs.default.scripts]\nall = 'nox -s {args:tests}'\n"),
    ] {
        files.push((path.to_owned(), content.to_owned()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
    let folder = testing::repository(&files);
    let found = discover(&[folder.path().to_owned()], None).repositories.remove(0);
    let settings = Config::default();
    let [with, without] = [false, true].map(|all| {
        let (mut repository, problems) = read(&found.root, &found.files, &settings);
        repository.words.all = all;
        let outcome = check(&repository, &found.files, &settings, Details::ALL);
        (problems, outcome.findings, outcome.undecided, outcome.timelines)
    });
    assert!(with.1.len() > 100, "{}", with.1.len());
    assert_eq!(format!("{:#?}", with.1), format!("{:#?}", without.1));
    assert_eq!(format!("{:#?}", with), format!("{without:#?}"));
    for name in
        ["plain", "leg", "leg-alone", "variables", "half", "format", "recipe", "recipe-alone"]
    {
        let path = format!(".github/workflows/{name}.yml");
        assert!(with.1.iter().any(|f| f.primary.path == path), "{name}");
    }
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
        // An action stands for the workflows that use it, too.
        let (repository, _) = read(&found.root, &found.files, &settings);
        let document = repository.document(path).expect("it is read");
        let users = repository.users(document, 1_000).into_iter().flatten();
        let users: Vec<&str> = users.map(|u| &*repository.documents[u.document].path).collect();
        let meant = |found: &str| found == path || users.contains(&found);
        let concerns = |f: &&Finding| {
            let places = f.related.iter().chain([&f.primary]).map(|place| &place.path);
            places.chain(f.fix.iter().map(|fix| &fix.path)).any(|named| named == path)
        };
        let findings = whole.findings.iter().filter(|f| meant(&f.primary.path));
        let findings: Vec<_> = findings.filter(concerns).collect();
        assert_eq!(format!("{findings:#?}"), format!("{:#?}", alone.findings), "{path}");
        let timelines: Vec<_> = whole.timelines.iter().filter(|t| meant(&t.path)).collect();
        assert_eq!(format!("{timelines:#?}"), format!("{:#?}", alone.timelines), "{path}");
    }
}

/// Lints these files by the settings among them, as if those were named for which `is_requested`.
fn linted(files: &[(&str, &str)], is_requested: impl Fn(&Config, &str) -> bool) -> Outcome {
    let folder = testing::repository(files);
    let settings = folder.path().join("cachelint.toml");
    let settings = Config::from_file(&settings).expect("they are settings");
    let mut found = discover(&[folder.path().to_owned()], None).repositories.remove(0);
    for file in &mut found.files {
        file.requested = is_requested(&settings, &file.relative);
    }
    lint(&found.root, &found.files, &settings, Details::ALL)
}

/// An action that was named leads to the workflows that use it, for what concerns the action: not to
/// their other jobs, nor to workflows that the settings exclude.
#[test]
fn an_action_brings_in_no_file_that_nobody_named() {
    let action =
        |run: &str| format!("runs:\n  using: composite\n  steps: [{{run: {run}, shell: bash}}]\n");
    let setup = "      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n        with: {python-version: '3.12'}\n";
    let uses = "      - uses: ./.github/actions/a\n";
    let workflow = format!(
        "on: push\njobs:\n  user:\n    runs-on: ubuntu-latest\n    steps:\n{setup}{uses}  other:\n    \
         runs-on: ubuntu-latest\n    steps:\n{setup}      - run: make x\n      - run: nox -s tests\n"
    );
    let name = ".github/workflows/release.yml";
    for (run, excluded, expected) in [
        ("echo hi", false, &[][..]),
        ("nox -s tests", false, &["user"]),
        ("nox -s tests", true, &[]),
    ] {
        let action = action(run);
        let settings = if excluded { format!("exclude = ['{name}']\n") } else { String::new() };
        let files = [
            ("cachelint.toml", settings.as_str()),
            (".github/actions/a/action.yml", action.as_str()),
            (name, workflow.as_str()),
            ("noxfile.py", testing::NOXFILE),
            ("pyproject.toml", "[project]\n"),
        ];
        let outcome = linted(&files, |_, path| path != name);
        let mut jobs: Vec<&str> = outcome.findings.iter().map(|f| f.job.as_str()).collect();
        jobs.dedup();
        assert_eq!(jobs, expected, "{run} {excluded}");
        let timelines: Vec<&str> = outcome.timelines.iter().map(|t| t.job.as_str()).collect();
        assert_eq!(timelines, expected, "{run} {excluded}");
        let open = |label: &str| label.starts_with("other:");
        assert!(!outcome.undecided.iter().any(|place| open(&place.label)), "{run} {excluded}");
    }
}

/// What the settings exclude isn't edited for a job of another file either.
#[test]
fn a_fix_in_an_excluded_action_is_withheld() {
    let name = ".github/actions/a/action.yml";
    let action =
        "runs:\n  using: composite\n  steps:\n    - run: nox -s tests\n      shell: bash\n";
    let workflow = "on: push\njobs:\n  user:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - \
                    uses: actions/setup-python@v6\n        with: {python-version: '3.12'}\n      - uses: ./.github/actions/a\n";
    for excluded in [false, true] {
        let settings = if excluded { format!("exclude = ['{name}']\n") } else { String::new() };
        let files = [
            ("cachelint.toml", settings.as_str()),
            (name, action),
            (".github/workflows/ci.yml", workflow),
            ("noxfile.py", testing::NOXFILE),
            ("pyproject.toml", "[project]\n"),
        ];
        let outcome = linted(&files, |settings, path| !settings.excludes(path));
        assert!(!outcome.findings.is_empty());
        for finding in &outcome.findings {
            let edited = finding.fix.as_ref().map(|fix| fix.path.as_str());
            let reason = finding.no_fix_reason.as_deref();
            match excluded {
                true => assert!(edited.is_none() && reason.unwrap().contains(name)),
                false => assert_eq!((edited, reason), (Some(name), None)),
            }
        }
    }
}

/// Else a repository costs as much as the square of the jobs of each action.
#[test]
fn the_jobs_of_an_action_are_looked_at_once_for_all_of_them() {
    let job = |i: usize| {
        let setup = "{uses: actions/setup-python@v6, with: {python-version: '3.13'}}";
        format!(
            "  t{i}:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v5\n      - {setup}\n      - uses: ./a{}\n",
            i % 2
        )
    };
    let workflow = format!("on: push\njobs:\n{}", (0..20).map(job).collect::<String>());
    let action = "runs:\n  using: composite\n  steps:\n    - {run: nox, shell: bash}\n";
    let folder = testing::repository(&[
        (".github/workflows/w.yml", workflow.as_str()),
        ("a0/action.yml", action),
        ("a1/action.yml", action),
        ("noxfile.py", testing::NOXFILE),
    ]);
    let repository = testing::read(folder.path());
    let settings = Config::default();
    let document = repository.document(".github/workflows/w.yml").unwrap();
    let job_refs: Vec<JobRef> = (0..20).map(|job| JobRef { document, job: Some(job) }).collect();
    let contexts: Vec<JobContext<'_>> = JobContext::all(&repository, &settings, &job_refs)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let jobs = AllJobs::new(&repository, &contexts);
    let found: Vec<Finding> = (0..20).flat_map(|job| resolved(&jobs, job)).collect();
    assert_eq!(found.len(), 20);
    assert!(
        found.iter().all(|f| f.fix.as_ref().is_some_and(|fix| fix.path.ends_with("action.yml")))
    );
    // For what they may do, and for what they need.
    assert_eq!(jobs.users.looked_at(), 2 * 20);
}

/// Else a repository costs the product of its keys and its files.
#[test]
fn the_hashes_of_all_keys_share_the_comparisons_with_files() {
    let hashes = |jobs: usize| {
        let job = |i: usize| {
            let key = format!("nox-${{{{ hashFiles('**/*{}*/*.py') }}}}", i % jobs);
            format!(
                "  t{i}:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v5\n      - uses: actions/cache@v5\n        with: {{path: .nox, key: \"{key}\"}}\n      - run: nox -r\n"
            )
        };
        format!("on: push\njobs:\n{}", (0..2 * jobs).map(job).collect::<String>())
    };
    for (share, most, expected) in [(1, None, 0), (5, None, 0), (5, Some(0), 1)] {
        let text = hashes(share);
        let folder = testing::repository(&[
            (".github/workflows/w.yml", text.as_str()),
            ("noxfile.py", testing::NOXFILE),
        ]);
        let repository = testing::read(folder.path());
        let settings = Config::default();
        let document = repository.document(".github/workflows/w.yml").unwrap();
        let job_refs: Vec<JobRef> =
            (0..2 * share).map(|job| JobRef { document, job: Some(job) }).collect();
        let mut contexts: Vec<JobContext<'_>> = JobContext::all(&repository, &settings, &job_refs)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert!(contexts.iter().all(|context| context.most_compared == 2_000_000 / share));
        for context in &mut contexts {
            context.most_compared = most.unwrap_or(context.most_compared);
        }
        let open = undecided(&AllJobs::new(&repository, &contexts), 0);
        let open = open.iter().filter(|open| open.label.contains("too many different hashes"));
        assert_eq!(open.count(), expected);
    }
}
