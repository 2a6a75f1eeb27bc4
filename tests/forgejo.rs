//! The case cachelint was made for: a Forgejo workflow of eleven jobs, ten of which rebuild
//! environments on every run.

mod common;

use std::collections::BTreeSet;

use cachelint::base::finding::{Applicability, Severity};
use common::{Fixed, Sandbox};
use serde_yaml::Value;

const CI: &str = ".forgejo/workflows/ci.yml";
const JOBS: [(&str, &str); 10] = [
    ("lint", "lint"),
    ("typecheck", "typecheck"),
    ("security", "security_scan"),
    ("quality", "dead_code"),
    ("unit_tests", "unit_tests"),
    ("integration_tests", "integration_tests"),
    ("e2e_tests", "e2e_tests"),
    ("coverage", "coverage_report"),
    ("build", "build"),
    ("push-validation", "push_validation"),
];
/// What is inserted before every call of a job, whose id tells the keys apart.
const STEP: &str = "      - name: Get the week
        id: nox
        run: echo \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"
      - name: Cache nox environments
        id: nox-cache
        uses: actions/cache@v4
        with:
          path: .nox
          key: nox-JOB-${{ runner.arch }}-${{ steps.nox.outputs.week }}-${{ hashFiles('noxfile.py', 'pyproject.toml', 'uv.lock', '.forgejo/*/ci.yml') }}
          restore-keys: |
            nox-JOB-${{ runner.arch }}-
      - name: Delete outdated environments
        if: steps.nox-cache.outputs.cache-hit != 'true'
        run: |
          for package in .nox/.uv/archive-v*/*/; do
            used=$(find \"$package\" -type f -links +1 2>/dev/null || true)
            [ \"$used\" ] || rm -rf \"$package\"
          done
          rm -rf .nox/*
";
/// Where every job keeps uv's packages from then on.
const ENV: &str = "    env:
      UV_CACHE_DIR: .nox/.uv
      UV_LINK_MODE: hardlink
";
/// The step that every job had for uv's packages.
const UV_STEP: &str = "      - name: Cache uv packages
        uses: actions/cache@v4
        with:
          path: ~/.cache/uv
          key: uv-${{ hashFiles('pyproject.toml') }}
          restore-keys: |
            uv-
";

fn sandbox() -> Sandbox {
    Sandbox::new(&[
        (CI, include_bytes!("fixtures/forgejo-11-jobs/.forgejo/workflows/ci.yml")),
        ("noxfile.py", include_bytes!("fixtures/forgejo-11-jobs/noxfile.py")),
        ("pyproject.toml", include_bytes!("fixtures/forgejo-11-jobs/pyproject.toml")),
        ("uv.lock", include_bytes!("fixtures/forgejo-11-jobs/uv.lock")),
    ])
}

fn fixed() -> Fixed {
    let mut sandbox = sandbox();
    let outcome = sandbox.lint();
    sandbox.fix(outcome, Applicability::Safe)
}

fn job<'a>(workflow: &'a Value, id: &str) -> &'a [Value] {
    workflow["jobs"][id]["steps"].as_sequence().unwrap()
}

#[test]
fn ten_of_eleven_jobs_are_found() {
    let outcome = sandbox().lint();
    assert_eq!(outcome.problems, []);
    let found: Vec<&str> = outcome.findings.iter().map(|f| f.job.as_str()).collect();
    assert_eq!(
        found,
        JOBS.map(|(id, _)| id),
        "in the order of the file, without docker, which only lists sessions"
    );
    let text = &outcome.texts[CI];
    for (finding, (id, session)) in outcome.findings.iter().zip(JOBS) {
        assert_eq!(finding.rule, "nox/missing-cache");
        // uv builds environments in seconds.
        assert_eq!(finding.severity, Severity::Warning, "{id}");
        assert!(finding.is_actionable(), "{id}");
        let call = &text.as_str()[finding.primary.span.range()];
        assert!(call.starts_with(&format!("nox -s {session}")), "{id}: {call}");
        let fix = finding.fix.as_ref().unwrap();
        assert_eq!(
            (fix.applicability, fix.edits.len(), fix.changes.len()),
            (Applicability::Safe, 4, 6),
            "{id}: variables, the uv step, the new steps, the flag"
        );
    }
    let docker = outcome.timelines.iter().find(|t| t.job == "docker").unwrap();
    assert_eq!(docker.creates_env, Some(false));
}

#[test]
fn the_fix_moves_packages_into_ten_caches_and_changes_nothing_else() {
    let Fixed { changed, left } = fixed();
    assert_eq!(changed.keys().collect::<Vec<_>>(), [CI]);
    let (before, after) = (&changed[CI].before, &changed[CI].after);

    let step = |id: &str| STEP.replace("JOB", id);
    assert!(JOBS.iter().all(|(id, _)| after.matches(&step(id)).count() == 1));
    assert_eq!(after.matches(ENV).count(), 10);
    // The new steps stand where the uv step was.
    let mut undone = after.replace(ENV, "");
    JOBS.iter().for_each(|(id, _)| undone = undone.replace(&step(id), UV_STEP));
    for (_, session) in JOBS {
        let (fixed, was) =
            (format!("nox -r -s {session} 2>&1 | tee"), format!("nox -s {session} 2>&1 | tee"));
        assert_eq!(undone.matches(&fixed).count(), 1, "{session}");
        undone = undone.replace(&fixed, &was);
    }
    assert_eq!(&undone, before);
    assert!(left.findings.is_empty() && left.problems.is_empty(), "a second run finds nothing");
}

#[test]
fn each_job_restores_its_own_environments_before_nox_runs() {
    let Fixed { changed, .. } = fixed();
    let workflow: Value = serde_yaml::from_str(&changed[CI].after).unwrap();
    let mut keys = BTreeSet::new();
    for (id, session) in JOBS {
        let steps = job(&workflow, id);
        let cache = steps.iter().position(|s| s["with"]["path"] == ".nox").unwrap();
        assert_eq!(steps.iter().filter(|s| s["with"]["path"] == ".nox").count(), 1, "{id}");
        assert_eq!(steps[cache + 1]["if"], "steps.nox-cache.outputs.cache-hit != 'true'", "{id}");
        let script = steps[cache + 2]["run"].as_str().unwrap();
        let expected = format!(
            "set -o pipefail\nmkdir -p build\nnox -r -s {session} 2>&1 | tee build/nox-{session}-output.log\n"
        );
        assert_eq!(script, expected);

        let with = &steps[cache]["with"];
        let key = with["key"].as_str().unwrap();
        let hashed: BTreeSet<&str> = key
            .split("hashFiles(")
            .skip(1)
            .flat_map(|f| f.split('\'').skip(1).step_by(2))
            .collect();
        assert!(
            ["noxfile.py", "pyproject.toml", "uv.lock"].iter().all(|f| hashed.contains(f)),
            "{key}"
        );
        let restore = with["restore-keys"].as_str().unwrap();
        assert_eq!(restore.lines().count(), 1);
        assert!(
            key.starts_with(restore.trim_end()) && key.len() > restore.trim_end().len(),
            "{restore}"
        );
        keys.insert(key.to_owned());
    }
    assert_eq!(keys.len(), 10, "no two jobs share a key");
    assert!(job(&workflow, "docker").iter().all(|s| s["with"]["path"] != ".nox"));
}
