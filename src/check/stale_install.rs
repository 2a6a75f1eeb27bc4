//! `nox/stale-install`: are installs skipped in an environment of an older state?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::cache::job_caches::JobCaches;
use crate::job::context::is_cacheable;
use crate::job::{Event, Invocation};
use crate::rules::checks::id;

const ID: &str = id::STALE_INSTALL;

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Invocation, bool)> = None;
    for cached in caches.list {
        let skips = |(event, call): (&Event, &Invocation)| skips_installs(cached, event, call);
        let found = match cached.first_on_partial_hit().filter(|call| skips(*call)) {
            Some((_, call)) => Some((call, false)),
            None if follows_source(caches, cached) => None,
            None => {
                let on_hit = cached.first_on_hit().filter(|call| skips(*call));
                on_hit.filter(|(_, call)| call.run.copies_source).map(|(_, call)| (call, true))
            }
        };
        let Some((call, exact)) = found else { continue };
        let input = if exact { "key" } else { "restore-keys" };
        let label = format!(
            "an older environment is restored, and `{}` installs nothing into it",
            call.command
        );
        places.push(CachePlace { cached, span: caches.input_span(cached, input), label });
        first.get_or_insert((call, exact));
    }
    let (call, exact) = first?;
    let when = if exact {
        "The key doesn't change with the project's source, and nox doesn't install the project \
         again."
    } else {
        "A restore key can restore an environment of an earlier commit, and nox then installs \
         neither the changed dependencies nor the project."
    };
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`{}` skips installing in environments that may be older, so it may test old code",
            call.command
        ),
        help: format!(
            "{when} Use `-r` instead, which reuses environments but installs into them, or install \
             the project as editable (`-e .`) and reuse environments on an exact hit only."
        ),
        remedy: Remedy::Refused(
            "cachelint can't tell whether skipping installs is safe here".to_owned(),
        ),
    };
    report.finding(caches, &places)
}

/// Whether the call trusts what was restored, with no earlier one that brings it up to date.
fn skips_installs(cached: &ExistingCache<'_>, event: &Event, call: &Invocation) -> bool {
    call.run.installs_skipped && is_cacheable(call) && cached.runs_with(event, call)
}

/// Whether the key may change with the project's source: it holds the commit, or hashes modules
/// that do not define sessions.
fn follows_source(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> bool {
    let key = &cached.step.template;
    if key.broken || key.pieces.iter().any(|piece| piece.is_unique()) {
        return true;
    }
    let defines = |file: &String| {
        let mut calls = cached.calls_after();
        calls.any(|(_, call)| call.run.definition_files.iter().any(|d| file.ends_with(d.as_str())))
    };
    key.hashes().any(|hash| {
        match hashed::hashed(caches.context, cached.timeline, cached.event, hash) {
            Some(files) => files.iter().any(|f| f.ends_with(".py") && !defines(f)),
            None => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::ID;
    use crate::config::Config;
    use crate::testing::{job, outcome};

    #[test]
    fn a_copy_of_the_project_is_old_on_an_exact_hit_too() {
        let unless_hit = "if: steps.c.outputs.cache-hit != 'true'";
        let updated = format!("- {unless_hit}\n  run: nox --install-only\n- run: nox -R\n");
        for (install, hashed, restore, calls, expected) in [
            ("'.'", "pyproject.toml", false, "- run: nox -R\n", true),
            ("'.[test]'", "pyproject.toml", false, "- run: nox -R\n", true),
            (
                "'.'",
                "pyproject.toml",
                false,
                "- run: nox -r --install-only\n- run: nox -R\n",
                false,
            ),
            ("'.'", "pyproject.toml", false, updated.as_str(), true),
            ("'.'", "src/**", false, "- run: nox -R\n", false),
            ("'-e', '.'", "pyproject.toml", false, "- run: nox -R\n", false),
            ("'-e', '.'", "pyproject.toml", true, "- run: nox -R\n", true),
            ("'-e', '.'", "pyproject.toml", true, updated.as_str(), false),
            ("'ruff==0.14.0'", "pyproject.toml", false, "- run: nox -R\n", false),
        ] {
            let noxfile = format!(
                "import nox\n@nox.session\ndef t(session):\n    session.install({install})\n    session.run('pytest')\n"
            );
            let restore = if restore { "    restore-keys: nox-\n" } else { "" };
            let steps = format!(
                "- uses: actions/checkout@v6\n- id: c\n  uses: actions/cache@v6\n  with:\n    path: .nox\n    \
                 key: nox-${{{{ hashFiles('noxfile.py', '{hashed}') }}}}\n{restore}{calls}"
            );
            let workflow = job("runs-on: ubuntu-latest\n", &steps);
            let files = [
                (".github/workflows/ci.yml", workflow.as_str()),
                ("noxfile.py", noxfile.as_str()),
                ("pyproject.toml", "[project]\n"),
                ("src/p.py", ""),
            ];
            let found = outcome(&files, &Config::default()).findings;
            let stale = found.iter().any(|finding| finding.rule == ID);
            assert_eq!(stale, expected, "{install} {hashed} {restore}{calls}");
        }
    }
}
