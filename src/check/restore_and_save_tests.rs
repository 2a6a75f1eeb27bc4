//! What happens between restore and save of a cache that is there; all workflows are made up.

use crate::base::finding::Applicability;
use crate::config::Config;
use crate::testing::{job, outcome};

const MISSING_RESTORE_KEYS: &str = "nox/missing-restore-keys";
const KEY: &str = "nox-${{ github.job }}-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', '.github/workflows/ci.yml') }}-${{ hashFiles('requirements.txt') }}";
const NOXFILE: &str =
    "import nox\n@nox.session\ndef lint(session):\n    session.install('-r', 'requirements.txt')\n";

/// The checks that report a job with these steps around a cache of this form.
fn reported(form: &str, path: &str, between: &str, call: &str, after: &str) -> Vec<&'static str> {
    let steps = format!(
        "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {{python-version: '3.13'}}\n\
         - id: c\n  uses: actions/cache{form}@v6\n  with:\n    path: {path}\n    key: {KEY}\n{between}- run: {call}\n{after}"
    );
    let workflow = job("runs-on: ubuntu-latest", &steps);
    let rules = reported_in(&[(".github/workflows/ci.yml", &workflow)]).into_iter();
    rules.filter(|rule| *rule != MISSING_RESTORE_KEYS).collect()
}

/// The checks that report something in these files, beside a noxfile and its requirements.
fn reported_in(files: &[(&str, &str)]) -> Vec<&'static str> {
    let mut all = vec![("noxfile.py", NOXFILE), ("requirements.txt", "ruff==0.14.0\n")];
    all.extend(files);
    outcome(&all, &Config::default()).findings.into_iter().map(|f| f.rule).collect()
}

#[test]
fn removals_between_cache_and_nox() {
    let gated = "- if: steps.c.outputs.cache-hit != 'true'\n  run: rm -rf .nox/*\n";
    for (between, expected) in [
        ("- run: rm -rf .nox\n", true),
        ("- run: git clean -fdx\n", true),
        (gated, false),
        ("- run: if [ \"$1\" = --all ]; then rm -rf .nox; fi\n", false),
        ("- run: test -f x && rm -rf .nox\n", false),
        (
            "- shell: python\n  run: |\n    import shutil, sys\n    if '--all' in sys.argv:\n        shutil.rmtree('.nox')\n",
            false,
        ),
        ("- run: \"mv .nox /tmp/keep\\n./reset\\nmv /tmp/keep .nox\"\n", false),
        ("- run: mv .nox /tmp/keep\n", true),
        ("- run: find . -type l -exec rm -rf {} +\n", false),
        ("- run: rm -rf dist\n", false),
        ("- run: git clean -fdx -e .nox\n", false),
    ] {
        let rules = reported("", ".nox", between, "nox -r -s lint", "");
        assert_eq!(rules.contains(&"nox/cache-removed"), expected, "{between}: {rules:?}");
    }
}

#[test]
fn removals_before_the_cache_is_saved() {
    let removal = "- run: rm -rf .nox\n";
    let keeps_packages = "- run: rm -rf .nox/tests/tmp\n";
    for (form, after, expected) in
        [("", removal, true), ("", keeps_packages, false), ("/restore", removal, false)]
    {
        let rules = reported(form, ".nox", "", "nox -r -s lint", after);
        assert_eq!(rules.contains(&"nox/cache-removed"), expected, "{form} {after}: {rules:?}");
    }
}

#[test]
fn a_call_that_runs_without_a_hit_deletes_nothing_restored() {
    let install = "- if: steps.c.outputs.cache-hit != 'true'\n  run: nox --install-only -s lint\n";
    assert_eq!(reported("", ".nox", install, "nox -R -s lint", ""), [] as [&str; 0]);
    for asked in [
        "if [ \"${{ steps.c.outputs.cache-hit }}\" != true ]; then nox --install-only -s lint; fi",
        "if [[ $HIT != 'true' ]]; then nox --install-only -s lint; fi\n  env: {HIT: '${{ steps.c.outputs.cache-hit }}'}",
    ] {
        let install = format!("- run: {asked}\n");
        let rules = reported("", ".nox", &install, "nox -R -s lint", "");
        assert_eq!(rules, [] as [&str; 0], "{asked}");
    }
    let on_hit = "- run: if [ '${{ steps.c.outputs.cache-hit }}' == true ]; then nox -s lint; fi\n";
    let rules = reported("", ".nox", on_hit, "nox -R -s lint", "");
    assert!(rules.contains(&"nox/cache-not-reused"), "{rules:?}");
    let always = "- run: nox --install-only -s lint\n";
    let rules = reported("", ".nox", always, "nox -R -s lint", "");
    assert!(rules.contains(&"nox/cache-not-reused"), "{rules:?}");
}

#[test]
fn what_is_restored_must_be_saved_under_its_name() {
    let save = |condition: &str, path: &str, key: &str| {
        format!(
            "- if: {condition}\n  uses: actions/cache/save@v6\n  with:\n    path: {path}\n    key: {key}\n"
        )
    };
    let (own, missed) = ("${{ steps.c.outputs.cache-primary-key }}", "success()");
    let never = "nox/cache-never-saved";
    for (after, expected) in [
        (String::new(), Some(never)),
        (save(missed, ".nox", own), None),
        (save(missed, ".nox", KEY), None),
        (save(missed, ".nox", "nox-${{ runner.os }}-${{ hashFiles('a') }}"), Some(never)),
        (save(missed, "./.nox", own), Some(never)),
        (save("always()", ".nox", own), Some("nox/saved-after-failure")),
        (save("always() && steps.n.outcome == 'success'", ".nox", own), None),
    ] {
        let rules = reported("/restore", ".nox", "", "nox -r -s lint", &after);
        for rule in [never, "nox/saved-after-failure"] {
            assert_eq!(rules.contains(&rule), expected == Some(rule), "{after}: {rules:?}");
        }
    }
}

#[test]
fn what_is_saved_before_nox_runs_is_never_found() {
    let save = "- uses: actions/cache/save@v6\n  with:\n    path: .nox\n    key: ${{ steps.c.outputs.cache-primary-key }}\n";
    let rules = reported("/restore", ".nox", save, "nox -r -s lint", "");
    assert!(rules.contains(&"nox/cache-never-saved"), "{rules:?}");
    let built = format!("- run: nox -r --install-only\n{save}");
    let rules = reported("/restore", ".nox", &built, "nox -r -s lint", "");
    assert!(!rules.contains(&"nox/cache-never-saved"), "{rules:?}");
}

#[test]
fn two_steps_that_restore_the_same_folder() {
    let second = |condition: &str, form: &str, path: &str| {
        format!(
            "- if: {condition}\n  uses: actions/cache{form}@v6\n  with:\n    path: {path}\n    key: other-{KEY}\n"
        )
    };
    let twice = "nox/cached-twice";
    for (between, expected) in [
        (second("true", "", ".nox"), true),
        (second("true", "", "./.nox"), true),
        (second("true", "", "."), true),
        (second("true", "", "'.no*'"), true),
        (second("true", "/restore", ".nox"), true),
        (second("true", "/save", ".nox"), false),
        (second("github.ref == 'refs/heads/main'", "", ".nox"), false),
        (second("steps.c.outputs.cache-hit != 'true'", "/restore", ".nox"), false),
        (second("true", "", "docs/.nox"), false),
        (second("true", "", ".nox/.cache"), false),
        (second("true", "", "~/.cache/pip"), false),
        (second("runner.os == 'macOS'", "", ".nox"), false),
        (format!("- run: rm -rf .nox\n{}", second("true", "", ".nox")), false),
    ] {
        let rules = reported("", ".nox", &between, "nox -r -s lint", "");
        assert_eq!(rules.contains(&twice), expected, "{between}: {rules:?}");
    }
}

#[test]
fn a_job_that_only_restores_takes_its_sessions_from_another_ones_cache() {
    let steps = |form: &str, version: &str, call: &str| {
        format!(
            "    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n        with: {{python-version: '{version}'}}\n      - uses: actions/cache{form}@v6\n        with: {{path: .nox, key: \"nox-${{{{ hashFiles('noxfile.py') }}}}\"}}\n      - run: {call}\n"
        )
    };
    let noxfile = "import nox\n@nox.session\ndef lint(session):\n    session.install('ruff==1')\n@nox.session\ndef docs(session):\n    session.install('mkdocs==1')\n";
    for (form, version, expected) in
        [("/restore", "3.13", false), ("", "3.13", true), ("/restore", "3.12", true)]
    {
        let workflow = format!(
            "on: push\njobs:\n  warm:\n{}  lint:\n    needs: warm\n{}",
            steps("", "3.13", "nox -r --install-only"),
            steps(form, version, "nox -r -s lint")
        );
        let files = [(".github/workflows/ci.yml", &*workflow), ("noxfile.py", noxfile)];
        let rules = reported_in(&files);
        assert_eq!(rules.contains(&"nox/key-collision"), expected, "{form} {version}: {rules:?}");
    }
}

#[test]
fn an_action_hands_the_answer_of_its_cache_on() {
    let action = format!(
        "outputs:\n  hit:\n    value: ${{{{ steps.inner.outputs.cache-hit }}}}\nruns:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n      with: {{python-version: '3.13'}}\n    - id: inner\n      uses: actions/cache@v6\n      with:\n        path: .nox\n        key: {KEY}\n"
    );
    for (condition, expected) in [
        ("steps.setup.outputs.hit != 'true'", false),
        ("steps.setup.outputs.other != 'true'", true),
    ] {
        let steps = format!(
            "- uses: actions/checkout@v6\n- id: setup\n  uses: ./.github/actions/x\n- if: {condition}\n  run: nox --install-only -s lint\n- run: nox -R -s lint\n"
        );
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let files =
            [(".github/workflows/ci.yml", &*workflow), (".github/actions/x/action.yml", &*action)];
        let rules = reported_in(&files);
        assert_eq!(rules.contains(&"nox/cache-not-reused"), expected, "{condition}: {rules:?}");
    }
}

#[test]
fn patterns_that_leave_temporary_folders_out_hold_the_environments() {
    let rules = |path: &str| reported("", path, "", "nox -r -s lint", "");
    assert!(!rules("|\n      .nox/*/*\n      !.nox/*/tmp").contains(&"nox/wrong-path"));
    assert!(rules("sub/.nox/*/*").contains(&"nox/wrong-path"));
}

#[test]
fn a_cache_in_an_action_of_several_jobs_needs_only_the_flag_in_the_workflow() {
    let action = format!(
        "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n      with: {{python-version: '3.13'}}\n    \
         - uses: actions/cache@v6\n      with:\n        path: .nox\n        key: {KEY}\n"
    );
    let steps = "- uses: actions/checkout@v6\n- uses: ./.github/actions/x\n- run: nox -s lint\n";
    let one = job("runs-on: ubuntu-latest", steps);
    let jobs = one.split_once("jobs:\n").unwrap().1.replace("  tests:", "  more:");
    let files = [
        (".github/workflows/ci.yml", &*format!("{one}{jobs}")),
        (".github/actions/x/action.yml", &*action),
        ("noxfile.py", NOXFILE),
        ("requirements.txt", "ruff==0.14.0\n"),
    ];
    let found = outcome(&files, &Config::default()).findings;
    let mine: Vec<_> = found.iter().filter(|f| f.rule == "nox/cache-not-reused").collect();
    assert_eq!(mine.len(), 2, "{found:#?}");
    for finding in mine {
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("{finding:#?}"));
        assert_eq!(fix.applicability, Applicability::Safe);
    }
}

#[test]
fn a_cache_that_only_asks_for_its_key_restores_nothing() {
    let looked_up = ".nox\n    lookup-only: true";
    let rules = reported("", looked_up, "", "nox -r -s lint", "");
    assert!(rules.contains(&"nox/missing-cache"), "{rules:?}");
    let build = "- if: steps.c.outputs.cache-hit != 'true'\n  run: nox --install-only -s lint\n";
    let rules = reported("", looked_up, build, "nox -l", "");
    assert_eq!(rules, [] as [&str; 0], "nothing is built where the key is there");
    let rules = reported("", ".nox\n    lookup-only: ${{ inputs.x }}", "", "nox -r -s lint", "");
    assert!(!rules.contains(&"nox/missing-cache"), "{rules:?}");
}

#[test]
fn a_miss_that_fails_the_job_saves_nothing_either() {
    let must_hit = ".nox\n    fail-on-cache-miss: true";
    let rules = reported("/restore", must_hit, "", "nox -r -s lint", "");
    assert!(rules.contains(&"nox/cache-never-saved"), "{rules:?}");
    let save = format!("- uses: actions/cache/save@v6\n  with:\n    path: .nox\n    key: {KEY}\n");
    let rules = reported("/restore", must_hit, "", "nox -r -s lint", &save);
    assert!(!rules.contains(&"nox/cache-never-saved"), "{rules:?}");
    // Something that isn't read may save it.
    for (prepare, must_hit, expected) in [
        ("uses: org/repo/.github/workflows/prepare.yml@v1", true, false),
        ("uses: org/repo/.github/workflows/prepare.yml@v1", false, true),
        ("steps: [{uses: org/prepare@v1, with: {folder: .nox}}]", true, false),
        ("steps: [{uses: actions/checkout@v6}, {run: make}]", true, true),
        ("uses: ./.github/workflows/prepare.yml", true, true),
    ] {
        let must_hit = if must_hit { "\n    fail-on-cache-miss: true" } else { "" };
        let steps = format!(
            "- uses: actions/cache/restore@v6\n  with:\n    path: .nox\n    key: {KEY}{must_hit}\n- run: nox -r -s lint\n"
        );
        let tests = job("runs-on: ubuntu-latest", &steps);
        let workflow = format!("{tests}  prepare: {{{prepare}}}\n");
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            (
                ".github/workflows/prepare.yml",
                "on: workflow_call\njobs: {a: {steps: [{run: make}]}}\n",
            ),
        ];
        let never = reported_in(&files).contains(&"nox/cache-never-saved");
        assert_eq!(never, expected, "{prepare} {must_hit}");
    }
}

#[test]
fn failures_that_nobody_sees() {
    let save = "- uses: actions/cache/save@v6\n  with:\n    path: .nox\n    key: ${{ steps.c.outputs.cache-primary-key }}\n";
    let checked = save.replacen("uses", "if: steps.n.outcome == 'success'\n  uses", 1);
    let asked = save.replacen("uses", "if: steps.n.outputs.failed != 'true'\n  uses", 1);
    let other = asked.replace("steps.n.", "steps.m.");
    let says = "nox -r -s lint || echo 'failed=true' >> \"$GITHUB_OUTPUT\"\n  id: n";
    let variable = save.replacen("uses", "if: env.failed != 'true'\n  uses", 1);
    let sets = "nox -r -s lint || echo 'failed=true' >> \"$GITHUB_ENV\"";
    let sessions = format!("- run: nox -R -s lint || true\n{save}");
    for (call, after, expected) in [
        ("nox -r -s lint || true", save, true),
        ("nox -r -s lint || echo failed", save, true),
        ("nox -r -s lint || exit 1", save, false),
        ("nox -r -s lint\n  continue-on-error: true", save, true),
        ("nox -r -s lint\n  continue-on-error: true\n  id: n", checked.as_str(), false),
        ("nox -r -s lint", save, false),
        (says, asked.as_str(), false),
        (says, other.as_str(), true),
        (sets, variable.as_str(), false),
        (sets, save, true),
        ("nox -r -s lint || echo failed && exit 1", save, false),
        ("nox -r -s lint || echo failed; exit 1", save, false),
        ("nox -r -s lint || exit 0", save, true),
        ("nox -r --install-only -s lint", sessions.as_str(), false),
        ("nox -r --install-only -s lint || true", save, true),
    ] {
        let rules = reported("/restore", ".nox", "", call, after);
        assert_eq!(rules.contains(&"nox/saved-after-failure"), expected, "{call}: {rules:?}");
    }
}

#[test]
fn the_key_that_was_found_tells_as_much_as_the_hit() {
    for (condition, restore_keys, wasted) in [
        ("steps.c.outputs.cache-matched-key == ''", "", false),
        ("!steps.c.outputs.cache-matched-key", "", false),
        ("! ( ( steps['c'].outputs.Cache-Matched-Key ) )", "", false),
        ("steps.c.outputs.cache-matched-key != ''", "", true),
        ("github.ref != 'x' && (steps.c.outputs.cache-matched-key != '')", "", true),
        ("startsWith(steps.c.outputs.cache-matched-key, 'nox-')", "", true),
        ("steps.c.outputs.cache-matched-key == 'nox-1'", "", true),
        ("!(steps.c.outputs.cache-matched-key != 'nox-1')", "", true),
        ("contains('nox-1', steps.c.outputs.cache-matched-key)", "", true),
        (
            "!steps.c.outputs.cache-matched-key || toJSON(steps.c.outputs.cache-matched-key) == ''",
            "",
            true,
        ),
        (
            "!steps.c.outputs.cache-matched-key && steps.c.outputs.cache-matched-key == 'nox-1'",
            "",
            true,
        ),
        ("steps.c.outputs.cache-matched-key == ''", "\n    restore-keys: nox-", false),
    ] {
        let path = format!(".nox{restore_keys}");
        let build = format!("- if: ${{{{ {condition} }}}}\n  run: nox --install-only -s lint\n");
        let rules = reported("", &path, &build, "nox -R -s lint", "");
        assert_eq!(rules.contains(&"nox/cache-not-reused"), wasted, "{condition}: {rules:?}");
    }
    // With restore keys, it can be another key than the exact one.
    for (condition, expected) in [("cache-hit == 'true'", false), ("cache-matched-key != ''", true)]
    {
        let reuse = format!("- if: steps.c.outputs.{condition}\n  run: nox -r -s lint\n");
        let rules = reported("", ".nox\n    restore-keys: nox-", &reuse, "nox -l", "");
        assert_eq!(rules.contains(&"nox/partial-hit-reused"), expected, "{condition}: {rules:?}");
    }
    // A script can compare it with any text.
    for test in ["= nox-1", "!= ''"] {
        let call = format!(
            "if [ '${{{{ steps.c.outputs.cache-matched-key }}}}' {test} ]; then nox -s lint; fi"
        );
        let rules = reported("", ".nox", "", &call, "");
        assert!(rules.contains(&"nox/cache-not-reused"), "{test}: {rules:?}");
    }
}

#[test]
fn a_key_that_is_new_in_every_run_is_saved_after_a_failure_without_harm() {
    let always = |key: &str| {
        let path = format!(".nox\n    restore-keys: nox-\n    key: {key}");
        let save = format!(
            "- if: always()\n  uses: actions/cache/save@v6\n  with: {{path: .nox, key: \"{key}\"}}\n"
        );
        let steps = format!(
            "- id: c\n  uses: actions/cache/restore@v6\n  with:\n    path: {path}\n- run: nox -r -s lint\n{save}"
        );
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let rules = reported_in(&[(".github/workflows/ci.yml", workflow.as_str())]);
        rules.contains(&"nox/saved-after-failure")
    };
    assert!(!always("nox-${{ github.run_id }}"));
    assert!(always("nox-${{ runner.os }}"));
}

#[test]
fn paths_in_another_order_are_another_cache() {
    let steps = |paths: [&str; 2]| {
        let step = |form: &str, paths: [&str; 2]| {
            format!(
                "- uses: actions/cache/{form}@v6\n  with:\n    path: |\n      {}\n      {}\n    key: {KEY}\n",
                paths[0], paths[1]
            )
        };
        format!(
            "{}- run: nox -r -s lint\n{}",
            step("restore", [".nox", "~/.cache/x"]),
            step("save", paths)
        )
    };
    for (paths, expected) in
        [([".nox", "~/.cache/x"], None), (["~/.cache/x", ".nox"], Some("another order"))]
    {
        let workflow = job("runs-on: ubuntu-latest", &steps(paths));
        let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", NOXFILE)];
        let found = outcome(&files, &Config::default()).findings;
        let never = found.iter().find(|f| f.rule == "nox/cache-never-saved");
        assert_eq!(never.is_some(), expected.is_some(), "{found:#?}");
        assert!(never.is_none_or(|f| f.message.contains(expected.unwrap())), "{never:?}");
    }
}

#[test]
fn what_only_pull_requests_save_is_found_by_nobody_else() {
    let step = |form: &str| {
        format!(
            "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {{python-version: '3.13'}}\n\
             - uses: actions/cache{form}@v6\n  with:\n    path: .nox\n    key: {KEY}\n- run: nox -r -s lint\n"
        )
    };
    let restore = job("runs-on: ubuntu-latest", &step("/restore"));
    for (folder, on, other, expected) in [
        (".github", "pull_request", "push", true),
        (".github", "[push, pull_request]", "push", false),
        (".github", "pull_request", "pull_request_review", false),
        // These forges keep one cache for all branches.
        (".gitea", "pull_request", "push", false),
        (".forgejo", "pull_request", "push", false),
    ] {
        let save = job("runs-on: ubuntu-latest", &step("")).replacen("push", on, 1);
        let restore = restore.replacen("push", other, 1);
        let paths = ["ci", "pr"].map(|name| format!("{folder}/workflows/{name}.yml"));
        let rules = reported_in(&[(&paths[0], &restore), (&paths[1], &save)]);
        let never = rules.contains(&"nox/cache-never-saved");
        assert_eq!(never, expected, "{folder} {on} {other}: {rules:?}");
    }
}

/// The step that saves may be among those that were not read.
#[test]
fn nothing_is_missed_where_not_all_steps_are_read() {
    let cache = |i: usize| format!("- uses: actions/cache@v6\n  with: {{path: d{i}, key: k{i}}}\n");
    let caches: String = (0..100).map(cache).collect();
    let steps = "- run: echo\n".repeat(5_000);
    let unknown =
        "- uses: actions/cache/save@v6\n  with: {path: '${{ steps.c.outputs.x }}', key: k}\n";
    let restore_keys = ".nox\n    restore-keys: base-";
    for (path, between, rule, expected) in [
        (".nox", "", "nox/cache-never-saved", true),
        (".nox", caches.as_str(), "nox/cache-never-saved", false),
        (".nox", steps.as_str(), "nox/cache-never-saved", false),
        (".nox", unknown, "nox/cache-never-saved", false),
        (restore_keys, "", "nox/restore-keys-mismatch", true),
        (restore_keys, caches.as_str(), "nox/restore-keys-mismatch", false),
    ] {
        let rules = reported("/restore", path, "", "nox -r -s lint", between);
        assert_eq!(rules.contains(&rule), expected, "{path} {}: {rules:?}", between.len());
    }
    let called = |callers: usize| {
        let legs: Vec<String> = (0..256).map(|leg| leg.to_string()).collect();
        let matrix = format!("strategy: {{matrix: {{i: [{}]}}}}", legs.join(", "));
        let steps = "- uses: actions/cache/restore@v6\n  with: {path: .nox, key: x}\n- run: nox -r -s lint\n";
        let on = "on: {workflow_call: {inputs: {c: {type: string}}}}";
        let called = job(&format!("runs-on: ubuntu-latest\n{matrix}"), steps);
        let called = called.replace("on: push", on);
        let uses = "{uses: ./.github/workflows/called.yml, with: {c: 'x'}}";
        let call = |i: usize| format!("  c{i}: {}\n", uses.replace("'x'", &format!("'{i}'")));
        let callers: String = (0..callers).map(call).collect();
        let callers = format!("on: push\njobs:\n{callers}");
        let files = [
            (".github/workflows/called.yml", called.as_str()),
            (".github/workflows/ci.yml", callers.as_str()),
        ];
        reported_in(&files).contains(&"nox/cache-never-saved")
    };
    assert_eq!([called(1), called(3)], [true, false]);
}
