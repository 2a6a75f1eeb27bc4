//! What stands around the calls: who must not get a cache, and what happens to the folder.

use super::ID;
use crate::base::finding::Finding;
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
    }
}
