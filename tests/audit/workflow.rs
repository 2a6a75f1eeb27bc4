//! The made-up workflow of the audit's tests, one job whose parts a case replaces, and what is
//! found in it.

use cachelint::base::finding::Applicability;

use crate::support::{Made, check, read_all, repair, rules};

pub const CI: &str = ".github/workflows/ci.yml";
pub const NOXFILE: &str = "import nox\n\n@nox.session\ndef lint(session):\n    session.install('-r', 'requirements.txt')\n\n\
                       @nox.session\ndef docs(session):\n    session.install('.', 'sphinx')\n\n\
                       @nox.session(reuse_venv=True)\ndef kept(session):\n    session.install('-r', 'requirements.txt')\n";
/// A step that restores environments under a key that no check objects to, and the step that
/// removes them after anything but an exact hit.
pub const CACHE: &str = "      - uses: actions/cache@v4
        id: environments
        with:
          path: .nox
          key: KEY
          restore-keys: RESTORE
      - run: rm -rf .nox/*
        if: steps.environments.outputs.cache-hit != 'true'
";
/// The end of [`CACHE`].
pub const REBUILD: &str = "      - run: rm -rf .nox/*
        if: steps.environments.outputs.cache-hit != 'true'
";
pub const KEY: &str = "nox-${{ github.job }}-${{ runner.os }}-${{ runner.arch }}-${{ env.pythonLocation }}-\
                   ${{ hashFiles('noxfile.py', '.github/workflows/ci.yml') }}-${{ hashFiles('requirements.txt', 'pyproject.toml') }}";
pub const RESTORE: &str = "nox-${{ github.job }}-${{ runner.os }}-${{ runner.arch }}-${{ env.pythonLocation }}-\
                       ${{ hashFiles('noxfile.py', '.github/workflows/ci.yml') }}-";
pub const CHECKOUT: &str = "      - uses: actions/checkout@v4\n";
pub const PYTHON: &str =
    "      - uses: actions/setup-python@v5\n        with:\n          python-version: '3.12'\n";
pub const NOX: &str = "      - run: nox -r -s lint\n";

pub fn job(steps: &[&str]) -> String {
    format!("on: push\njobs:\n  tests:\n    runs-on: ubuntu-latest\n    steps:\n{}", steps.concat())
}

pub fn cache(key: &str, restore: &str) -> String {
    CACHE.replace("KEY", key).replace("RESTORE", restore)
}

pub fn keyed(key: &str, restore: &str) -> String {
    job(&[CHECKOUT, PYTHON, &cache(key, restore), NOX])
}

/// The clean cache, with one text replaced by another.
pub fn with(old: &str, new: &str) -> String {
    let text = keyed(KEY, RESTORE);
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

/// With a step that tells the week.
pub fn dated(text: &str) -> String {
    let step = "      - id: date\n        run: echo \"week=$(date +%V)\" >> \"$GITHUB_OUTPUT\"\n";
    text.replace(PYTHON, &format!("{PYTHON}{step}"))
}

/// The job with a matrix of its own.
pub fn matrix(matrix: &str, text: &str) -> String {
    text.replace("    steps:", &format!("    strategy:\n      matrix: {matrix}\n    steps:"))
}

/// The rules that are found, and those left after every fix.
pub fn findings_with(
    workflow: &str,
    more: &[(&str, &str)],
) -> (Vec<&'static str>, Vec<&'static str>) {
    let files = [
        ("noxfile.py", NOXFILE),
        ("requirements.txt", "ruff==1\n"),
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        (CI, workflow),
    ];
    let made = Made::new(files.into_iter().chain(more.iter().copied()));
    let repository = made.discovered();
    let mut texts = read_all(&repository);
    let outcome = check(&repository, &texts);
    assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
    let found = rules(&outcome.findings);
    let left = rules(&repair(&repository, &mut texts, Applicability::Unsafe));
    let again = rules(&check(&repository, &texts).findings);
    assert_eq!(left, again, "fixing twice is fixing once");
    (found, left)
}
