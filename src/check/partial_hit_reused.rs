//! `nox/partial-hit-reused`: are environments used as they are that a restore key brought?

use super::report::{CachePlace, CacheReport, first_of_steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::job_caches::JobCaches;
use crate::job::Invocation;
use crate::job::context::is_cacheable;
use crate::job::key_template::KeyPiece;
use crate::rules::checks::{self, id};
use crate::tool::Reuse;

const ID: &str = id::PARTIAL_HIT_REUSED;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, &Invocation)> = None;
    for cached in caches.list {
        let Some(call) = leftovers(cached) else { continue };
        places.push(CachePlace {
            cached,
            span: caches.input_span(cached, "restore-keys"),
            label: "can restore outdated environments".to_owned(),
        });
        first.get_or_insert((cached, call));
    }
    let (cached, call) = first?;
    let remedy = match unique_piece(cached) {
        None => {
            let fixable = places.iter().map(|place| place.cached);
            let fixable = fixable.filter(|cached| unique_piece(cached).is_none());
            Remedy::RebuildOnPartialHit { caches: first_of_steps(fixable) }
        }
        // The rebuild would delete the environments in every run.
        Some(piece) => Remedy::Refused(format!(
            "`{}` changes on every run, so the key never matches exactly; build the key from \
             hashes of the files that define the environments",
            piece.source
        )),
    };
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`{}` reuses outdated environments after a restore key matched, so packages that are \
             no longer required stay in them",
            call.command
        ),
        help: checks::help(ID),
        remedy,
    };
    report.finding(caches, &places)
}

/// A part of the key that changes on every run.
fn unique_piece<'a>(cached: &ExistingCache<'a>) -> Option<&'a KeyPiece> {
    cached.step.template.pieces.iter().find(|piece| piece.is_unique())
}

/// The call that installs into whatever a restore key brought, where nothing takes away what is no
/// longer required.
fn leftovers<'a>(cached: &ExistingCache<'a>) -> Option<&'a Invocation> {
    let (_, call) = cached.first_on_partial_hit()?;
    let reuses = call.run.reuse == Reuse::On && !call.run.installs_skipped && is_cacheable(call);
    (reuses && !cached.is_installed_exactly()).then_some(call)
}

#[cfg(test)]
mod tests {
    use super::ID;
    use crate::testing::{findings, fixed, job, safe_fix};

    const KEY: &str = "nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}-";

    fn workflow(id: &str, between: &str, call: &str) -> String {
        let hash = "${{ hashFiles('pyproject.toml') }}";
        let steps = format!(
            "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {{python-version: '3.12'}}\n\
             - uses: actions/cache@v6\n{id}  with:\n    path: .nox\n    key: {KEY}{hash}\n    restore-keys: {KEY}\n\
             {between}- run: {call}\n"
        );
        job("runs-on: ubuntu-latest\n", &steps)
    }

    #[test]
    fn what_a_restore_key_brings_is_rebuilt() {
        let id = "  id: environments\n";
        let unless_hit = "if: steps.environments.outputs.cache-hit != 'true'";
        let removed = format!("- {unless_hit}\n  run: rm -rf .nox/*\n");
        let built = format!("- {unless_hit}\n  run: nox --install-only\n");
        let flag = "nox ${{ steps.environments.outputs.cache-hit == 'true' && '-r' || '' }}";
        for (id, between, call, expected) in [
            ("", "", "nox -r", true),
            (id, "- run: rm -rf build\n", "nox -r", true),
            (id, removed.as_str(), "nox -r", false),
            (id, built.as_str(), "nox -r", false),
            (id, "", flag, false),
            (id, "", "nox", false),
        ] {
            let found = findings(ID, &workflow(id, between, call));
            assert_eq!(!found.is_empty(), expected, "{between}{call}");
        }
    }

    #[test]
    fn the_fix_removes_what_was_not_an_exact_hit() {
        let removal = "      - if: steps.nox-cache.outputs.cache-hit != 'true'\n        run: rm -rf .nox/*\n      - run: nox -r\n";
        let text = workflow("", "", "nox -r");
        let new = fixed(&text, safe_fix(&findings(ID, &text)));
        assert!(new.contains("actions/cache@v6\n        id: nox-cache\n"), "{new}");
        assert!(new.ends_with(removal), "{new}");
        assert!(findings(ID, &new).is_empty(), "{new}");
    }

    #[test]
    fn the_removal_runs_where_the_path_of_the_cache_starts() {
        let defaults = "runs-on: ubuntu-latest\n    defaults: {run: {working-directory: docs}}\n";
        let text = workflow("", "", "nox -r -f ../noxfile.py");
        let text = text.replace("runs-on: ubuntu-latest\n", defaults);
        let new = fixed(&text, safe_fix(&findings(ID, &text)));
        assert!(new.contains("working-directory: .\n        run: rm -rf .nox/*\n"), "{new}");
    }

    #[test]
    fn an_id_that_is_there_is_used() {
        let text = workflow("  id: environments\n", "", "nox -r");
        let new = fixed(&text, safe_fix(&findings(ID, &text)));
        assert!(new.contains("if: steps.environments.outputs.cache-hit != 'true'"), "{new}");
    }

    /// A rebuild unless the hit was exact would be a rebuild in every run.
    #[test]
    fn a_key_that_is_new_in_every_run_gets_no_rebuild() {
        for part in ["github.sha", "github.run_id"] {
            let hash = "${{ hashFiles('pyproject.toml') }}";
            let text = workflow("", "", "nox -r").replace(hash, &format!("${{{{ {part} }}}}"));
            let found = findings(ID, &text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].fix.is_none(), "{text}");
            let why = found[0].no_fix_reason.as_deref().unwrap_or_default();
            assert!(why.contains(&format!("`{part}` changes on every run")), "{why}");
        }
    }
}
