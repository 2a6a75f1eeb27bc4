//! Who must not get a cache, by what the job is given and by what starts it.

use super::ID;
use crate::base::finding::Finding;
use crate::config::Config;
use crate::testing::{job, outcome};

const NOXFILE: &str = "import nox
@nox.session
def lint(session):
    session.install('ruff==0.14.0')
@nox.session
def twine(session):
    session.install('twine==6.2.0')
    session.run('twine', *session.posargs)
";
const SETUP: &str = "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {python-version: '3.13'}\n";

fn found(files: &[(&str, &str)]) -> Vec<Finding> {
    let mut all = vec![("noxfile.py", NOXFILE)];
    all.extend(files);
    outcome(&all, &Config::default()).findings.into_iter().filter(|f| f.rule == ID).collect()
}

#[test]
fn what_a_job_is_given_or_says_withholds_the_cache() {
    let plain = "runs-on: ubuntu-latest";
    for (head, steps, withheld) in [
        (plain, "- run: nox -s twine -- upload dist/*\n", true),
        (plain, "- run: nox -s twine -- check dist/*\n", false),
        (plain, "- run: nox -s twine -- ${{ github.event.inputs.what }} x\n", true),
        (plain, "- run: nox -s lint\n- run: python up.py\n  env: {TWINE_PASSWORD: x}\n", true),
        (
            plain,
            "- run: nox -s lint\n- run: ./up\n  env: {TOKEN: '${{ secrets.PYPI_API_TOKEN }}'}\n",
            true,
        ),
        (
            plain,
            "- run: nox -s lint\n- uses: acme/up@v1\n  with: {token: '${{ secrets.PYPI_TOKEN }}'}\n",
            true,
        ),
        (
            plain,
            "- run: nox -s lint\n- uses: codecov/codecov-action@v5\n  with: {token: '${{ secrets.CODECOV_TOKEN }}'}\n",
            false,
        ),
        ("runs-on: ubuntu-latest\nenvironment: pypi\n", "- run: nox -s lint\n", true),
        ("runs-on: ubuntu-latest\nenvironment: {name: testpypi}\n", "- run: nox -s lint\n", true),
        ("runs-on: ubuntu-latest\nenvironment: preview\n", "- run: nox -s lint\n", false),
        (plain, "- run: nox -s lint\n- run: npx semantic-release\n", true),
        (plain, "- run: nox -s lint\n- run: python -m semantic_release publish\n", true),
        (plain, "- run: nox -s lint\n- run: goreleaser\n", true),
        (plain, "- run: nox -s lint\n- run: pnpm dlx semantic-release\n", true),
        (plain, "- run: nox -s lint\n- run: yarn dlx -p x semantic-release@24\n", true),
        (plain, "- run: nox -s lint\n- run: uv publish --dry-run\n", false),
    ] {
        let workflow = job(head, &format!("{SETUP}{steps}"));
        let found = found(&[(".github/workflows/ci.yml", &workflow)]);
        assert_eq!(found[0].withheld.is_some(), withheld, "{workflow}");
        assert_eq!(found[0].fix.is_some(), !withheld, "{workflow}");
    }
}

#[test]
fn the_environment_of_the_workflow_is_that_of_its_calls() {
    let steps = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s lint\n"));
    for (name, withheld) in [("TWINE_PASSWORD", true), ("TEST_PYPI_INDEX_URL", false)] {
        let workflow = format!("env: {{{name}: '${{{{ secrets.UP }}}}'}}\n{steps}");
        let found = found(&[(".github/workflows/ci.yml", &workflow)]);
        assert_eq!(found[0].withheld.is_some(), withheld, "{name}");
    }
}

/// Whether a job that uploads this artifact gets no cache, because of these other jobs.
fn is_withheld(artifact: &str, others: &str) -> bool {
    let steps = format!(
        "{SETUP}- run: nox -s lint\n- uses: actions/upload-artifact@v5\n  with: {{name: {artifact}, path: d}}\n"
    );
    let workflow = job("runs-on: ubuntu-latest", &steps) + others;
    found(&[(".github/workflows/ci.yml", &workflow)])[0].withheld.is_some()
}

#[test]
fn a_job_in_a_publishing_environment_publishes_what_it_takes() {
    for (environment, withheld) in [("pypi", true), ("docs", false)] {
        let takes = format!(
            "  up:\n    needs: tests\n    runs-on: ubuntu-latest\n    environment: {environment}\n    steps:\n      - uses: actions/download-artifact@v5\n        with: {{name: d}}\n      - run: ./up\n"
        );
        assert_eq!(is_withheld("d", &takes), withheld, "{environment}");
    }
}

#[test]
fn a_workflow_that_ignores_all_branches_runs_for_tags_alone() {
    let steps = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s lint\n"));
    for (ignored, expected) in [("'**'", 0), ("docs", 1)] {
        let on = format!("on: {{push: {{tags: ['v*'], branches-ignore: [{ignored}]}}}}");
        let workflow = steps.replacen("on: push", &on, 1);
        assert_eq!(found(&[(".github/workflows/ci.yml", &workflow)]).len(), expected, "{on}");
    }
}

/// Through a checkout in a folder, too.
#[test]
fn the_worst_of_all_jobs_that_use_an_action_decides() {
    let action = "runs:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v6\n      with: {python-version: '3.13'}\n    - run: nox -s lint\n      shell: bash\n";
    let ordinary = job("runs-on: ubuntu-latest", "- uses: actions/checkout@v6\n- uses: ./ci/a\n");
    let publishing = job(
        "runs-on: ubuntu-latest",
        "- uses: actions/checkout@v6\n  with: {path: src}\n- uses: ./src/ci/a\n- run: uv publish\n",
    );
    let files = [
        (".github/workflows/ci.yml", ordinary.as_str()),
        (".github/workflows/release.yml", publishing.as_str()),
        ("ci/a/action.yml", action),
    ];
    let all = found(&files);
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(all.iter().all(|f| f.withheld.is_some() && f.fix.is_none()), "{all:#?}");
    assert!(found(&[files[0], files[2]])[0].fix.is_some());
}

#[test]
fn what_is_merged_and_then_published_withholds_the_cache() {
    for (pattern, withheld) in [("wheel-*", true), ("docs-*", false)] {
        let others = format!(
            "  merge:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/upload-artifact/merge@v5\n        with: {{name: dist, pattern: '{pattern}'}}\n  up:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/download-artifact@v5\n        with: {{name: dist}}\n      - run: uv publish\n"
        );
        assert_eq!(is_withheld("wheel-a", &others), withheld, "{pattern}");
    }
}

#[test]
fn a_workflow_that_runs_for_tags_alone_is_said_to_be_left_out() {
    let workflow = job("runs-on: ubuntu-latest", &format!("{SETUP}- run: nox -s lint\n"))
        .replace("on: push", "on:\n  push:\n    tags: ['v*']");
    let files = [(".github/workflows/ci.yml", workflow.as_str()), ("noxfile.py", NOXFILE)];
    let found = outcome(&files, &Config::default());
    assert!(found.findings.is_empty());
    let says = |l: &crate::base::finding::Location| l.label.contains("only runs for tags");
    assert!(found.undecided.iter().any(says), "{workflow}: {:?}", found.undecided);
}
