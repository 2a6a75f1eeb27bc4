//! What is around the calls: who must not get a cache, and what happens to the folder.

use super::ID;
use crate::base::finding::{Finding, Severity};
use crate::config::Config;
use crate::testing::{job, outcome};

const NOXFILE: &str = "import nox
@nox.session
def lint(session):
    session.install('ruff==0.14.0')
@nox.session
def release(session):
    session.install('twine==6.2.0')
    session.run('twine', 'upload', 'dist/*')
";
const SETUP: &str = "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with:\n    python-version: '3.12'\n";

fn found(files: &[(&str, &str)]) -> Vec<Finding> {
    let mut all = vec![("noxfile.py", NOXFILE)];
    all.extend(files);
    outcome(&all, &Config::default()).findings.into_iter().filter(|f| f.rule == ID).collect()
}

fn of_steps(head: &str, steps: &str) -> Option<Finding> {
    found(&[(".github/workflows/ci.yml", &job(head, steps))]).into_iter().next()
}

#[test]
fn what_deletes_the_folder_is_named_where_it_spoils_a_cache() {
    let clean = "- run: git clean -fdx\n";
    for (before, call, after, spoiled) in [
        ("", "nox -s lint", "- run: rm -rf .nox\n", true),
        ("", "nox -s lint", "- run: rm -rf .nox/*\n", true),
        ("", "nox -s lint", "- run: Remove-Item -Recurse -Force .nox\n  shell: pwsh\n", true),
        ("", "nox -s lint", "- run: rmdir /s /q .nox\n  shell: cmd\n", true),
        ("", "nox -s lint", clean, true),
        ("", "nox -s lint", "- run: git stash --all\n", true),
        ("", "nox -s lint", "- run: find . -name .nox -exec rm -rf {} +\n", true),
        ("", "nox -s lint", "- run: find . -name '*.egg-info' -exec rm -rf {} +\n", false),
        ("", "rm -rf .nox && nox -s lint", "", true),
        ("", "nox -s lint", "- run: git clean -fdx -e .nox\n", false),
        ("", "nox -s lint", "- run: git clean -fd\n", false),
        ("", "nox -s lint", "- run: rm -rf dist build\n", false),
        ("", "nox -s lint", "- run: rm -rf .nox\n  if: failure()\n", false),
        // The step goes in after it.
        ("- run: rm -rf .nox\n", "nox -s lint", "", false),
        (clean, "nox -s lint", "", false),
    ] {
        let steps = format!("{SETUP}{before}- run: {call}\n{after}");
        let finding = of_steps("runs-on: ubuntu-latest", &steps).unwrap();
        assert_eq!(finding.fix.is_none(), spoiled, "{steps}: {:?}", finding.no_fix_reason);
        let names = |reason: &String| reason.contains("deletes `.nox`");
        assert_eq!(finding.no_fix_reason.as_ref().is_some_and(names), spoiled, "{steps}");
    }
}

#[test]
fn environments_that_are_there_already() {
    let download = |path: &str| {
        format!("- uses: actions/download-artifact@v5\n  with: {{name: envs, path: {path}}}\n")
    };
    let unpack = |archive: &str| format!("- run: tar -xzf {archive}\n");
    for (brings, call, expected) in [
        (download(".nox"), "nox -r -s lint", false),
        (download(".nox"), "nox -R -s lint", false),
        (download("dist"), "nox -r -s lint", true),
        (download(".nox"), "nox -s lint", true),
        // A wheel in nox's own cache is no environment.
        (download(".nox/.cache/dist"), "nox -r -s lint", true),
        (download(".nox") + "- run: rm -rf .nox\n", "nox -r -s lint", true),
        (unpack("nox-envs.tgz"), "nox -r -s lint", false),
        (unpack("data.tgz"), "nox -r -s lint", true),
    ] {
        let steps = format!("{SETUP}{brings}- run: {call}\n");
        let finding = of_steps("runs-on: ubuntu-latest", &steps);
        assert_eq!(finding.is_some(), expected, "{steps}");
        let deletes = brings.contains("path: .nox") && call == "nox -s lint";
        let safe = finding.is_some_and(|f| f.fix.is_some());
        assert_eq!(safe, expected && !deletes, "{steps}");
    }
}

#[test]
fn machines_that_keep_their_environments() {
    let unclean = SETUP.replacen("checkout@v5\n", "checkout@v5\n  with: {clean: false}\n", 1);
    for (labels, setup, call, expected) in [
        ("[self-hosted, linux]", unclean.as_str(), "nox -r -s lint", false),
        ("[self-hosted, linux]", SETUP, "nox -r -s lint", true),
        ("[self-hosted, linux]", &unclean, "nox -s lint", true),
        ("ubuntu-latest", &unclean, "nox -r -s lint", true),
        ("[self-hosted, linux]", SETUP, "nox -r --envdir /var/envs -s lint", false),
        ("ubuntu-latest", SETUP, "nox -r --envdir /var/envs -s lint", true),
    ] {
        let steps = format!("{setup}- run: {call}\n");
        let finding = of_steps(&format!("runs-on: {labels}"), &steps);
        assert_eq!(finding.is_some(), expected, "{labels} {steps}");
        if let Some(fix) = finding.filter(|_| call.contains("envdir")).and_then(|f| f.fix) {
            assert!(fix.edits.iter().any(|e| e.content.contains("path: /var/envs")), "{fix:?}");
        }
    }
}

#[test]
fn what_is_published_elsewhere_withholds_the_cache() {
    let steps = |name: &str, more: &str| {
        format!("{SETUP}- run: nox -s {name}\n{more}").replace('\n', "\n      ")
    };
    let upload = |name: &str| {
        format!("- uses: actions/upload-artifact@v5\n  with: {{name: {name}, path: x}}\n")
    };
    let take = |with: &str| {
        format!(
            "      - uses: actions/download-artifact@v6\n{with}      - uses: pypa/gh-action-pypi-publish@v1\n"
        )
    };
    let named = |name: &str| take(&format!("        with: {{name: {name}}}\n"));
    let by_command = |command: &str| {
        format!("      - run: {command}\n      - uses: pypa/gh-action-pypi-publish@v1\n")
    };
    let head = "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      ";
    for (job_steps, publish, withheld) in [
        (steps("lint", &upload("dist")), named("dist"), true),
        (steps("lint", &upload("dist")), named("'d*'").replace("name:", "pattern:"), true),
        (steps("lint", &upload("dist")), take(""), true),
        (steps("lint", &upload("coverage")), named("dist"), false),
        (steps("lint", ""), take(""), false),
        (steps("release", ""), String::new(), true),
        (steps("lint", "- run: uv publish\n"), String::new(), true),
        (steps("lint", "  env: {TWINE_PASSWORD: x}\n"), String::new(), true),
        (steps("lint", "  env: {CODECOV_TOKEN: x}\n"), String::new(), false),
        (steps("lint", "").replace("nox -s", "TWINE_PASSWORD=x nox -s"), String::new(), true),
        (
            steps("lint", "").replace("nox -s", "export FLIT_PASSWORD=x; nox -s"),
            String::new(),
            true,
        ),
        (
            steps("lint", "- uses: actions/forgejo-release@v2\n  with: {direction: upload}\n"),
            String::new(),
            true,
        ),
        (steps("lint", &upload("dist")), by_command("gh run download -n dist"), true),
        (steps("lint", &upload("dist")), by_command("gh run download"), true),
        (steps("lint", &upload("coverage")), by_command("gh run download -n dist"), false),
    ] {
        let release =
            format!("\n  r:\n    needs: t\n    runs-on: ubuntu-latest\n    steps:\n{publish}");
        let release = if publish.is_empty() { "" } else { &release };
        let workflow = format!("{head}{}{release}", job_steps.trim_end());
        let found = found(&[(".github/workflows/ci.yml", &workflow)]);
        assert_eq!(found[0].withheld.is_some(), withheld, "{workflow}");
        assert_eq!(found[0].fix.is_some(), !withheld, "{workflow}");
    }
    // Another workflow that starts when this one has run.
    let workflow = format!("name: CI\n{head}{}", steps("lint", &upload("dist")).trim_end());
    for (name, withheld) in [("CI", true), ("Docs", false)] {
        let after = format!(
            "on:\n  workflow_run:\n    workflows: [{name}]\njobs:\n  r:\n    runs-on: ubuntu-latest\n    steps:\n{}",
            named("dist")
        );
        let files =
            [(".github/workflows/ci.yml", &*workflow), (".github/workflows/r.yml", &*after)];
        assert_eq!(found(&files)[0].withheld.is_some(), withheld, "{name}");
    }
    // Another workflow that asks for a run of this one.
    for (asks, withheld) in [
        ("workflow: ci.yml", true),
        ("workflow: docs.yml", false),
        ("run_id: '${{ inputs.run }}'", true),
    ] {
        let later = format!(
            "on: workflow_dispatch\njobs:\n  r:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: dawidd6/action-download-artifact@v6\n        with: {{name: dist, {asks}}}\n      - run: uv publish\n"
        );
        let files =
            [(".github/workflows/ci.yml", &*workflow), (".github/workflows/r.yml", &*later)];
        assert_eq!(found(&files)[0].withheld.is_some(), withheld, "{asks}");
    }
}

#[test]
fn the_condition_of_a_job_narrows_what_starts_it() {
    let on = "on: {push: null, schedule: [{cron: '0 0 1 * *'}], release: null}";
    let steps = format!("{SETUP}- run: nox -s lint\n");
    for (condition, expected) in [
        ("github.event_name == 'schedule'", Some(Severity::Info)),
        ("startsWith(github.ref, 'refs/tags/')", None),
        ("github.ref_type == 'tag' && github.event_name == 'push'", None),
        ("github.event_name == 'release'", None),
        (
            "startsWith(github.ref, 'refs/tags/') || github.ref == 'refs/heads/main'",
            Some(Severity::Error),
        ),
        ("github.event_name != 'schedule'", Some(Severity::Error)),
        ("needs.x.outputs.y", Some(Severity::Error)),
    ] {
        let head = format!("if: {condition}\nruns-on: ubuntu-latest");
        let workflow = job(&head, &steps).replacen("on: push", on, 1);
        let found = found(&[(".github/workflows/ci.yml", &workflow)]);
        assert_eq!(found.first().map(|f| f.severity), expected, "{condition}");
    }
}

#[test]
fn inputs_of_an_action_are_text() {
    let action = "inputs: {full: {default: false}}\nruns:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n      with: {python-version: '3.12'}\n    - if: inputs.full == 'true'\n      run: nox -s lint\n      shell: bash\n";
    for (value, expected) in
        [("true", 1), ("${{ matrix.full }}", 1), ("false", 0), ("${{ !matrix.full }}", 0)]
    {
        let head = "runs-on: ubuntu-latest\nstrategy: {matrix: {full: [true]}}";
        let steps = format!(
            "- uses: actions/checkout@v5\n- uses: ./.github/actions/x\n  with: {{full: '{value}'}}\n"
        );
        let workflow = job(head, &steps);
        let files =
            [(".github/workflows/ci.yml", &*workflow), (".github/actions/x/action.yml", action)];
        assert_eq!(found(&files).len(), expected, "{value}");
    }
}

#[test]
fn a_folder_around_the_environments_is_a_cache_of_them() {
    let cache =
        |path: &str| format!("- uses: actions/cache@v5\n  with:\n    key: x\n    path: {path}\n");
    for (path, expected) in [
        (".", false),
        ("'.no*'", false),
        ("docs", true),
        ("|\n      .\n      !.nox", true),
        (".nox/.cache", true),
    ] {
        let steps = format!("{SETUP}{}- run: nox -r -s lint\n", cache(path));
        assert_eq!(of_steps("runs-on: ubuntu-latest", &steps).is_some(), expected, "{path}");
    }
}

#[test]
fn the_worst_caller_of_an_action_decides() {
    let action = "runs:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n      with: {python-version: '3.12'}\n    - run: nox -s lint\n      shell: bash\n";
    let uses = "- uses: actions/checkout@v5\n- uses: ./.github/actions/lint\n";
    let ordinary = job("runs-on: ubuntu-latest", uses);
    let publishing = format!("{uses}- uses: pypa/gh-action-pypi-publish@v1\n");
    let publishing = job("runs-on: ubuntu-latest", &publishing);
    let strangers = ordinary.replacen("on: push", "on: pull_request_target", 1);
    let tags = ordinary.replacen("on: push", "on: {push: {tags: ['v*']}}", 1);
    let branches = ordinary.replacen("on: push", "on: {push: {branches: [release/1]}}", 1);
    for (second, expected) in [
        (&ordinary, "safe"),
        (&publishing, "withheld"),
        (&strangers, "withheld"),
        (&tags, "withheld"),
        (&branches, "unsafe"),
    ] {
        let files = [
            (".github/actions/lint/action.yml", action),
            (".github/workflows/ci.yml", &*ordinary),
            (".github/workflows/other.yml", second),
        ];
        let found = found(&files);
        let first = found.iter().find(|f| f.primary.path.ends_with("ci.yml")).unwrap();
        let state = match (&first.withheld, &first.fix) {
            (Some(_), _) => "withheld",
            (None, Some(fix)) => match fix.applicability {
                crate::base::finding::Applicability::Safe => "safe",
                _ => "unsafe",
            },
            _ => "none",
        };
        assert_eq!(state, expected, "{second}: {first:?}");
        let own = first.withheld.as_ref().is_some_and(|reason| reason.contains("this job"));
        assert!(!own, "the reason is that of the other job: {first:?}");
    }
}

/// What is said of a job with this step, and whether anything is reported.
fn said(step: &str, more: &[(&str, &str)]) -> (String, bool) {
    let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}{step}\n"));
    let mut files = vec![("noxfile.py", NOXFILE), (".github/workflows/ci.yml", &*workflow)];
    files.extend(more);
    let outcome = outcome(&files, &Config::default());
    let labels: Vec<&str> = outcome.undecided.iter().map(|u| u.label.as_str()).collect();
    (labels.join("\n"), !outcome.findings.is_empty())
}

#[test]
fn what_may_run_nox_out_of_sight_is_said() {
    let script = [
        ("ci/run.js", "exec(\"nox -s lint\")"),
        ("ci/run.rb", "#!/usr/bin/env ruby\nsystem('nox -s lint')"),
    ];
    let python = [(
        "ci/run.py",
        "import subprocess, sys\nsubprocess.run(['nox', '-s', 'lint'] + sys.argv[1:])\n",
    )];
    for (step, more, expected) in [
        ("- uses: acme/run@v1\n  with: {command: nox}", &[][..], "its input `command`"),
        ("- uses: acme/run@v1\n  with: {command: pip install nox}", &[], ""),
        ("- uses: acme/run@v1\n  with: {package: nox}", &[], ""),
        ("- uses: acme/ci/nox@v1", &[], "actions of other repositories"),
        ("- uses: acme/setup-nox@v1", &[], ""),
        ("- run: docker compose run --rm app nox -s lint", &[], "defined elsewhere"),
        ("- run: node ci/run.js", &script, "`ci/run.js` mentions nox"),
        ("- run: ./ci/run.rb", &script, "`ci/run.rb` mentions nox"),
        ("- run: node --version", &script, ""),
        ("- run: python ci/run.py", &python, "part of the command line is unknown"),
    ] {
        let (labels, found) = said(step, more);
        assert_eq!(labels.is_empty(), expected.is_empty(), "{step}: {labels}");
        assert!(labels.contains(expected) && !found, "{step}: {labels}");
    }
    let calls = "on: push\njobs:\n  t:\n    uses: acme/ci/.github/workflows/nox.yml@main\n";
    let files = [(".github/workflows/ci.yml", calls), ("noxfile.py", NOXFILE)];
    let undecided = outcome(&files, &Config::default()).undecided;
    assert!(undecided[0].label.contains("workflows of other repositories"), "{undecided:?}");
}

#[test]
fn a_missing_flag_is_named_where_it_belongs() {
    for (step, file, text, expected) in [
        (
            "- run: make ci",
            "Makefile",
            "ci:\n\tpip install x\n\tnox -s lint\n",
            "`Makefile`, line 3",
        ),
        ("- run: ./ci.sh", "ci.sh", "set -e\nnox -s lint\n", "`ci.sh`, line 2"),
        (
            "- run: nox -s all",
            "noxfile.py",
            "import nox\n@nox.session(python=False)\ndef all(session):\n    session.run('nox', '-s', 'lint')\n@nox.session\ndef lint(session):\n    session.install('x==1')\n",
            "`noxfile.py`, line 4",
        ),
    ] {
        let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}{step}\n"));
        let found = found(&[(".github/workflows/ci.yml", &workflow), (file, text)]);
        let reason = found[0].no_fix_reason.as_deref().unwrap_or_default();
        assert!(reason.contains(expected), "{step}: {reason}");
    }
}

#[test]
fn calls_in_actions() {
    let action = |session: &str| {
        format!(
            "runs:\n  using: composite\n  steps:\n    - run: nox -s {session}\n      shell: bash\n"
        )
    };
    let (a, b) = (action("lint"), action("lint"));
    let uses = |steps: &str| {
        let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}{steps}"));
        let files = [
            (".github/workflows/ci.yml", &*workflow),
            (".github/actions/a/action.yml", &*a),
            (".github/actions/b/action.yml", &*b),
        ];
        found(&files).into_iter().find(|f| f.primary.path.ends_with("ci.yml")).unwrap()
    };
    // With all of them in one action, the step goes in there.
    let one = uses("- uses: ./.github/actions/a\n");
    let fix = one.fix.unwrap_or_else(|| panic!("{:?}", one.no_fix_reason));
    assert_eq!(fix.path, ".github/actions/a/action.yml");
    for steps in [
        "- uses: ./.github/actions/a\n- uses: ./.github/actions/b\n",
        "- uses: ./.github/actions/a\n- uses: ./.github/actions/a\n",
    ] {
        let reason = uses(steps).no_fix_reason.unwrap_or_default();
        assert!(reason.contains("in `.github/actions/a/action.yml`, line 4"), "{reason}");
    }
}

#[test]
fn conda_is_found_by_the_shell_of_the_nox_step() {
    let conda = "- uses: actions/checkout@v5\n- uses: conda-incubator/setup-miniconda@v3\n  with: {environment-file: environment.yml}\n";
    for (shell, asked) in [
        ("bash -l {0}", true),
        ("bash -el {0}", true),
        ("bash --noprofile -e {0}", false),
        ("bash", false),
    ] {
        let workflow = job(
            "runs-on: ubuntu-latest",
            &format!("{conda}- run: nox -s lint\n  shell: {shell}\n"),
        );
        let files = [
            (".github/workflows/ci.yml", &*workflow),
            ("environment.yml", "dependencies: [python, nox]\n"),
        ];
        let found = found(&files);
        let fix = found[0].fix.as_ref().unwrap();
        let edits: String = fix.edits.iter().map(|e| e.content.as_str()).collect();
        assert_eq!(edits.contains("bash -lc 'python -VV'"), asked, "{shell}: {edits}");
        let safe = fix.applicability == crate::base::finding::Applicability::Safe;
        assert_eq!(safe, asked, "{shell}");
    }
}

#[test]
fn a_condition_that_asks_an_earlier_step_is_shared() {
    let steps = |filter: &str, later: &str| {
        let call = |session: &str| {
            format!("- if: steps.f.outputs.py == 'true'\n  run: nox -s {session}\n")
        };
        let steps = format!("{SETUP}{filter}{}{later}{}", call("lint"), call("lint"));
        let fix = of_steps("runs-on: ubuntu-latest", &steps).and_then(|f| f.fix).unwrap();
        fix.edits.iter().map(|e| e.content.clone()).collect::<String>()
    };
    let filter = "- id: f\n  uses: dorny/paths-filter@v3\n";
    assert!(steps(filter, "").contains("if: steps.f.outputs.py"));
    assert!(!steps("", filter).contains("if: steps.f.outputs.py"));
}

#[test]
fn an_index_of_nightly_versions_asks_for_the_newest() {
    let noxfile = "import nox\n@nox.session\ndef lint(session):\n    session.install('--extra-index-url', 'https://example.org/nightly-wheels/simple', 'x')\n";
    let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s lint\n"));
    let found = found(&[(".github/workflows/ci.yml", &workflow), ("noxfile.py", noxfile)]);
    let fix = found[0].fix.as_ref().unwrap();
    assert_eq!(fix.applicability, crate::base::finding::Applicability::Unsafe);
}

/// The work grows with the square of the jobs that use an action.
#[test]
fn an_action_of_very_many_jobs_gets_no_step() {
    let jobs = |count: usize| {
        let one = |at| {
            format!(
                "  j{at}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - uses: ./.github/actions/a\n"
            )
        };
        format!("on: push\njobs:\n{}", (0..count).map(one).collect::<String>())
    };
    let action = "runs:\n  using: composite\n  steps:\n    - run: nox -s lint\n      shell: bash\n";
    for (count, fixed) in [(3, true), (51, false)] {
        let workflow = jobs(count);
        let files =
            [(".github/workflows/ci.yml", &*workflow), (".github/actions/a/action.yml", action)];
        let first = found(&files).into_iter().next().unwrap();
        assert_eq!(first.fix.is_some(), fixed, "{:?}", first.no_fix_reason);
    }
}
