//! `nox/missing-restore-keys`: is anything restored when only a dependency changed?

use super::report::{CacheReport, first_of_steps, places};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed::hashed;
use crate::cache::job_caches::JobCaches;
use crate::rules::checks::{self, id};

const ID: &str = id::MISSING_RESTORE_KEYS;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    // The repository has decided against them, and a fix that inserts a step leaves them out.
    if !caches.context.settings.restore_keys {
        return None;
    }
    let lacks_some = |c: &ExistingCache<'_>| {
        let step = c.step;
        step.key.is_some()
            && step.restore_keys.is_none()
            && !step.must_hit
            && step.template.hashes().next().is_some()
    };
    let found: Vec<&ExistingCache<'_>> = caches
        .by_step()
        .into_iter()
        .filter(|c| lacks_some(c))
        .filter(|c| wants_some(caches, c))
        .collect();
    let places = places(caches, &found, "key", "nothing is restored under any other key");
    let cached = *found.first()?;
    let remedy = if cached.is_installed_exactly() {
        let fixable = found.iter().copied().filter(|c| c.is_installed_exactly());
        Remedy::AddRestoreKeys { caches: first_of_steps(fixable) }
    } else {
        let reason = "the installers leave packages behind that are no longer required, so restoring \
                      an older environment isn't safe";
        Remedy::Refused(reason.to_owned())
    };
    let report = CacheReport {
        rule: ID,
        message:
            "the cache has no restore keys, so one changed dependency rebuilds every environment"
                .to_owned(),
        help: checks::help(ID),
        remedy,
    };
    report.finding(caches, &places)
}

/// An older environment would help, and may be restored.
fn wants_some(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    match caches.needs(cached.event.step_ref) {
        Ok(needs) if needs.exact_only => false,
        // A key that follows everything is written as a fix would: it leaves restore keys out where
        // they would cost more than a miss.
        Ok(_)
            if caches.hashes_everything(cached) == Some(true) && !cached.is_installed_exactly() =>
        {
            false
        }
        Ok(needs) => {
            let mut taken = cached
                .step
                .template
                .hashes()
                .filter_map(|h| hashed(caches.context, cached.timeline, cached.event, h));
            // A key that hashes nothing but the definition has no beginning that would help.
            needs.restore_key().is_some()
                || taken.any(|files| files.iter().any(|f| !needs.definition.contains(f)))
        }
        Err(_) => !cached.timeline.invocations().any(|(_, i)| i.run.installs_skipped),
    }
}

#[cfg(test)]
mod tests {
    use super::ID;
    use crate::config::Config;
    use crate::testing::{job, outcome};

    const NOXFILE: &str = "import nox\n@nox.session\ndef lint(session):\n    session.install('-r', 'requirements.txt')\n";

    /// A file of the settings that isn't there yet is in the key, and can't be found in it.
    #[test]
    fn a_key_with_a_file_that_only_the_settings_name_is_complete() {
        let settings = Config { key_files: vec!["made.txt".to_owned()], ..Config::default() };
        let key = "nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', '.github/workflows/ci.yml', 'requirements.txt', 'made.txt') }}";
        let cache = format!("- uses: actions/cache@v6\n  with:\n    path: .nox\n    key: {key}\n");
        let python = "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {python-version: '3.12'}\n";
        let steps = format!("{python}{cache}- run: nox -r -s lint\n");
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            ("noxfile.py", NOXFILE),
            ("requirements.txt", "ruff==0.14.0\n"),
        ];
        let found = outcome(&files, &settings).findings;
        assert!(found.iter().all(|f| f.rule != ID), "{found:?}");
    }

    /// Else a fix would insert a step that is reported at once.
    #[test]
    fn restore_keys_that_the_settings_leave_out_are_not_missed() {
        for restore_keys in [true, false] {
            let settings = Config { restore_keys, ..Config::default() };
            let cache = "- uses: actions/cache@v6\n  with:\n    path: .nox\n    key: nox-${{ hashFiles('requirements.txt') }}\n";
            let workflow =
                job("runs-on: ubuntu-latest", &format!("{cache}- run: nox -r -s lint\n"));
            let files = [
                (".github/workflows/ci.yml", workflow.as_str()),
                ("noxfile.py", NOXFILE),
                ("requirements.txt", "ruff\n"),
            ];
            let found = outcome(&files, &settings).findings.into_iter();
            let rules: Vec<&str> = found.map(|f| f.rule).collect();
            assert_eq!(rules.contains(&ID), restore_keys, "{rules:?}");
        }
    }

    /// A key that hashes all there is, as a fix writes it, is not reported for a file that is missing.
    #[test]
    fn key_files_of_the_settings_may_be_patterns_or_missing() {
        let key = "nox-${{ github.job }}-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', '.github/workflows/ci.yml') }}-${{ hashFiles('requirements.txt', 'tools/*.txt', 'none.txt') }}";
        let cache = format!("- uses: actions/cache@v6\n  with: {{path: .nox, key: \"{key}\"}}\n");
        let workflow = job("runs-on: ubuntu-latest", &format!("{cache}- run: nox -r -s lint\n"));
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            ("noxfile.py", NOXFILE),
            ("requirements.txt", "ruff\n"),
            ("tools/a.txt", ""),
            ("tools/b.md", ""),
        ];
        for (pattern, reported) in [("none.txt", false), ("tools/*.txt", false), ("tools/*", true)]
        {
            let settings = Config { key_files: vec![pattern.to_owned()], ..Config::default() };
            let found = outcome(&files, &settings).findings.into_iter();
            let rules: Vec<&str> = found.map(|f| f.rule).collect();
            assert_eq!(rules.contains(&ID), reported, "{pattern}: {rules:?}");
        }
    }
}
