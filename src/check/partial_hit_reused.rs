//! `nox/partial-hit-reused`: are environments used as they are that a restore key brought, or a key
//! that leaves out what they are made of?

use super::report::{CachePlace, CacheReport, first_of_steps, steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::hashed;
use crate::cache::job_caches::JobCaches;
use crate::job::Invocation;
use crate::job::context::is_cacheable;
use crate::job::key_template::KeyPiece;
use crate::job::state::prefixed;
use crate::rules::checks::{self, id};
use crate::tool::Reuse;

const ID: &str = id::PARTIAL_HIT_REUSED;
/// How names of lists of requirements end.
const LISTS: [&str; 2] = [".txt", ".in"];
/// What their paths contain. A setup.py also names data files that end like lists.
const NAMED: [&str; 2] = ["require", "constraint"];

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    by_restore_key(caches).or_else(|| by_key(caches))
}

fn by_restore_key(caches: &JobCaches<'_>) -> Option<Finding> {
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

/// The key stays although a list changes that sessions install from.
fn by_key(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&Invocation, String)> = None;
    for cached in caches.list {
        let Some((call, list)) = left_out(caches, cached) else { continue };
        places.push(CachePlace {
            cached,
            span: caches.input_span(cached, "key"),
            label: format!("doesn't include the hash of `{list}`"),
        });
        first.get_or_insert((call, list));
    }
    let (call, list) = first?;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`{}` reuses environments under a key that doesn't include `{list}`, so packages that \
             are no longer required stay in them",
            call.command
        ),
        help: "Installing into an older environment adds and upgrades packages, but removes none. \
               Tests can pass because of a package that the project no longer requires. Include \
               every file that the sessions install from in the key."
            .to_owned(),
        remedy: Remedy::RewriteKey { caches: steps(&places) },
    };
    report.finding(caches, &places)
}

/// The call that reuses environments on an exact hit, and a list that it installs from and that the
/// key surely doesn't follow.
fn left_out<'a>(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'a>,
) -> Option<(&'a Invocation, String)> {
    let key = &cached.step.template;
    let may_follow = |piece: &KeyPiece| piece.hashes.is_empty() && !piece.is_fixed();
    if key.broken || key.pieces.iter().any(may_follow) || cached.is_installed_exactly() {
        return None;
    }
    let mut taken: Vec<String> = Vec::new();
    for hash in key.hashes() {
        let files = hashed::hashed(caches.context, cached.timeline, cached.event, hash)?;
        // A hash of nothing is another check's question.
        if files.is_empty() {
            return None;
        }
        taken.extend(files.iter().cloned());
    }
    // So is a key without any hash.
    if taken.is_empty() {
        return None;
    }
    let (_, call) = cached.first_on_hit()?;
    let run = &call.run;
    let sure = run.reuse == Reuse::On && !run.installs_skipped && call.own && is_cacheable(call);
    if !sure || !run.sessions_known || !run.undecided.is_empty() {
        return None;
    }
    let is_list = |file: &&String| {
        let name = file.to_lowercase();
        LISTS.iter().any(|end| name.ends_with(end)) && NAMED.iter().any(|part| name.contains(part))
    };
    let list = run
        .install_files
        .iter()
        .filter(is_list)
        .map(|f| prefixed(&call.checkout, f))
        .find(|f| !taken.contains(f))?;
    Some((call, list))
}

#[cfg(test)]
mod tests {
    use super::ID;
    use crate::config::Config;
    use crate::testing::{findings, fixed, job, outcome, safe_fix};

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

    #[test]
    fn a_key_that_leaves_out_a_list_of_requirements() {
        let workflow = |part: &str, call: &str| {
            let steps = format!(
                "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {{python-version: '3.12'}}\n\
                 - id: hash\n  run: echo \"files=$(cat *.txt | sha256sum)\" >> \"$GITHUB_OUTPUT\"\n\
                 - uses: actions/cache@v6\n  with:\n    path: .nox\n    key: nox-${{{{ env.pythonLocation }}}}-{part}\n- run: {call}\n"
            );
            job("runs-on: ubuntu-latest\n", &steps)
        };
        let hash = |files: &str| format!("${{{{ hashFiles({files}) }}}}");
        let found = |text: &str, install: &str| {
            let noxfile =
                format!("import nox\n@nox.session\ndef t(session):\n    session.{install}\n");
            let files = [
                (".github/workflows/ci.yml", text),
                ("noxfile.py", noxfile.as_str()),
                ("pyproject.toml", "[project]\n"),
                ("requirements.txt", "pytest==8.0.0\n-c constraints.txt\n"),
                ("constraints.txt", "pluggy==1.5.0\n"),
                (
                    "setup.py",
                    "import setuptools\nsetuptools.setup(data_files=['MANIFEST.in', 'x.txt'])\n",
                ),
                ("MANIFEST.in", "include x.txt\n"),
                ("x.txt", ""),
            ];
            let all = outcome(&files, &Config::default()).findings.into_iter();
            all.filter(|f| f.rule == ID).collect::<Vec<_>>()
        };
        let install = "install('-r', 'requirements.txt')";
        for (part, call, install, missed) in [
            (hash("'noxfile.py'"), "nox -r", install, Some("`constraints.txt`")),
            (
                hash("'noxfile.py', 'constraints.txt'"),
                "nox -r",
                install,
                Some("`requirements.txt`"),
            ),
            (hash("'noxfile.py', '*.txt'"), "nox -r", install, None),
            (hash("'**/*requirements.txt', 'constraints.txt'"), "nox -r", install, None),
            ("${{ github.sha }}".to_owned(), "nox -r", install, None),
            (
                format!("${{{{ steps.hash.outputs.files }}}}-{}", hash("'noxfile.py'")),
                "nox -r",
                install,
                None,
            ),
            (hash("'noxfile.py'"), "nox", install, None),
            // A setup.py names data files, too.
            (hash("'noxfile.py', 'pyproject.toml', 'setup.py'"), "nox -r", "install('.')", None),
            (hash("'noxfile.py'"), "nox -r", "run_install('uv', 'sync')", None),
            (hash("'noxfile.py'"), "nox -r", "install(*open('x'))", None),
        ] {
            let findings = found(&workflow(&part, call), install);
            let message = findings.first().map(|finding| finding.message.clone());
            let says = message.as_ref().zip(missed).is_some_and(|(m, list)| m.contains(list));
            assert_eq!(
                (message.is_some(), says),
                (missed.is_some(), missed.is_some()),
                "{part} {call}"
            );
        }
        let text = workflow(&hash("'noxfile.py'"), "nox -r");
        let new = fixed(&text, safe_fix(&found(&text, install)));
        assert!(new.contains("requirements.txt") && new.contains("constraints.txt"), "{new}");
        assert!(found(&new, install).is_empty(), "{new}");
    }
}
