//! `nox/interpreter-not-in-key`: can environments of another interpreter, system or noxfile be
//! restored?

use super::report::{CachePlace, CacheReport, first_of_steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::{
    Named, crosses, follows_no_definition, is_of_the_image, is_of_uv, key_names,
};
use crate::cache::job_caches::JobCaches;
use crate::job::key_template::KeyPiece;
use crate::rules::cache_actions::cache_actions;
use crate::rules::checks::id;

const ID: &str = id::INTERPRETER_NOT_IN_KEY;

/// What can be restored that should not be.
enum Flaw {
    Key(Named),
    /// Nothing sets what the key reads.
    Empty(String),
    /// No action sets it up: the image that the label means has it.
    System,
    /// uv takes one that is there, or downloads the newest of a minor version.
    Uv,
    /// A session's `python=` is in the noxfile alone.
    Definition,
    Restore {
        written: String,
        what: &'static str,
    },
}

impl Flaw {
    fn is_of_restore_key(&self) -> bool {
        matches!(self, Self::Restore { .. })
    }
}

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<Flaw> = None;
    // Those with flaws that have the same remedy as the first.
    let mut alike: Vec<&ExistingCache<'_>> = Vec::new();
    for cached in caches.list.iter().filter(|c| c.step.key.is_some()) {
        let Some(flaw) = flaw(caches, cached) else { continue };
        let (input, label) = match &flaw {
            Flaw::Key(Named::Minor) | Flaw::Uv => {
                ("key", "doesn't include the exact Python version".to_owned())
            }
            Flaw::Key(_) => ("key", "doesn't include the Python version".to_owned()),
            Flaw::Empty(source) => ("key", format!("`{source}` is empty")),
            Flaw::System => ("key", "doesn't include the image's Python version".to_owned()),
            Flaw::Definition => ("key", "doesn't include the hash of the noxfile".to_owned()),
            Flaw::Restore { what, .. } => {
                ("restore-keys", format!("also restores environments of {what}"))
            }
        };
        places.push(CachePlace { cached, span: caches.input_span(cached, input), label });
        if first.as_ref().is_none_or(|first| first.is_of_restore_key() == flaw.is_of_restore_key())
        {
            alike.push(cached);
        }
        first.get_or_insert(flaw);
    }
    let flaw = first?;
    let message = match &flaw {
        Flaw::Key(Named::Minor) => {
            "the cache key includes only the minor version of Python, so after the next patch \
             release the restored environments point to a Python that no longer exists"
                .to_owned()
        }
        Flaw::Key(_) => {
            "the cache key doesn't include the Python version, so nox keeps reusing environments built for the \
                         old one"
                .to_owned()
        }
        Flaw::Empty(source) => format!(
            "`{source}` in the cache key is empty in every run, so the key doesn't include the Python \
             version, and nox keeps reusing environments built for the old one"
        ),
        Flaw::System => "the cache key doesn't include the runner image's Python version, so when the image is \
                         updated, nox keeps reusing environments built for the old one"
            .to_owned(),
        Flaw::Uv => "uv chooses the Python, and the cache key doesn't include its exact version, so after an upgrade the \
                     restored environments point to a Python that no longer exists"
            .to_owned(),
        Flaw::Definition => "only the noxfile says which Python a session uses, and the cache key doesn't include its \
                          hash, so after `python=` changes, nox keeps reusing the old environments"
            .to_owned(),
        Flaw::Restore { written, what } => {
            format!(
                "the restore key `{written}` also restores environments of {what}, and nox reuses them without noticing"
            )
        }
    };
    let tells = match flaw {
        Flaw::Uv => {
            "A step before the cache step can ask uv for it (`uv python find`). Also cache the folder where uv keeps its \
             Pythons."
        }
        _ => "After actions/setup-python, `${{ env.pythonLocation }}` contains the exact version.",
    };
    let help = format!(
        "nox picks an environment by name and doesn't check its Python, so tests can pass on the wrong version. Put the \
         exact version and the hash of the noxfile into the key and into every restore key. {tells}"
    );
    let steps = first_of_steps(alike.into_iter());
    let remedy = if flaw.is_of_restore_key() {
        Remedy::CorrectRestoreKeys { caches: steps }
    } else {
        Remedy::RewriteKey { caches: steps }
    };
    CacheReport { rule: ID, message, help, remedy }.finding(caches, &places)
}

/// A variable or an output that has no value in any run.
fn is_always_empty(piece: &KeyPiece) -> bool {
    let of_steps = |path: &String| path.starts_with("env.") || path.starts_with("steps.");
    piece.text.as_deref() == Some("") && !piece.paths.is_empty() && piece.paths.iter().all(of_steps)
}

fn flaw(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<Flaw> {
    let key = &cached.step.template;
    if key.broken {
        return None;
    }
    let named = key_names(cached, key);
    if matches!(named, Named::Not | Named::Minor) {
        let empty = key.pieces.iter().find(|piece| is_always_empty(piece));
        return Some(match empty {
            Some(piece) if named == Named::Not => Flaw::Empty(piece.source.clone()),
            _ => Flaw::Key(named),
        });
    }
    if is_of_the_image(caches, cached) {
        return Some(Flaw::System);
    }
    if is_of_uv(caches, cached) {
        return Some(Flaw::Uv);
    }
    if follows_no_definition(caches, cached) {
        return Some(Flaw::Definition);
    }
    // What is rebuilt may come from anywhere; where no call is seen nobody knows.
    if cached.calls_after().next().is_some() && cached.first_on_partial_hit().is_none() {
        return None;
    }
    cached
        .step
        .restore_templates
        .iter()
        .zip(cached.restore_lines())
        .take(cache_actions().limits.keys)
        .filter(|(restore, _)| restore.can_begin(key))
        .find_map(|(restore, line)| {
            let what = crosses(caches, cached, restore, named)?;
            Some(Flaw::Restore { written: line.to_owned(), what })
        })
}

#[cfg(test)]
mod tests {
    use super::ID;
    use crate::rules::checks::id;
    use crate::testing::{findings, job};

    const SETUP: &str = "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  id: py\n  \
                         with: {python-version: '${{ matrix.python }}'}\n- run: pip install nox\n";
    const MATRIX: &str = "runs-on: ubuntu-latest\nstrategy: {matrix: {python: ['3.12', '3.13']}}\n";

    fn workflow(head: &str, before: &str, part: &str, after: &str) -> String {
        let cache = format!(
            "- uses: actions/cache@v6\n  with:\n    path: .nox\n    key: nox-${{{{ {part} }}}}-${{{{ hashFiles('noxfile.py') }}}}\n"
        );
        job(&format!("{MATRIX}{head}"), &format!("{SETUP}{before}{cache}{after}- run: nox -r\n"))
    }

    /// A part of the key that nothing sets is empty, so it names no Python and tells no legs apart.
    #[test]
    fn what_nothing_sets_is_empty() {
        let set = "- run: echo \"PY=$(python -VV)\" >> \"$GITHUB_ENV\"\n";
        let late = "- id: late\n  run: echo \"version=3\" >> \"$GITHUB_OUTPUT\"\n";
        let other = "- run: echo \"OTHER=1\" >> \"$GITHUB_ENV\"\n";
        for (head, before, part, after, empty) in [
            ("", "", "env.PY", "", true),
            ("", other, "env.PY", "", true),
            ("", "", "env.PY", set, true),
            ("env: {PY: ''}\n", "", "env.PY", "", true),
            ("env: {py: '3'}\n", "", "env.PY", "", false),
            ("", set, "env.PY", "", false),
            ("", "- run: cat versions >> $GITHUB_ENV\n", "env.PY", "", false),
            ("", "- run: ./ci/setup.sh\n", "env.PY", "", false),
            ("", "- run: sudo make setup\n", "env.PY", "", false),
            ("", "- uses: someone/sets-variables@v1\n", "env.PY", "", false),
            ("", "- uses: ./.github/actions/setup\n", "env.PY", "", false),
            ("", "", "env.pythonLocation", "", false),
            ("", "", "steps.python.outputs.python-version", "", true),
            ("", "", "steps.late.outputs.version", late, true),
            ("", "", "steps.py.outputs.python-version", "", false),
        ] {
            let text = workflow(head, before, part, after);
            let found = findings(ID, &text);
            let said = found.iter().any(|f| f.message.contains(&format!("`{part}` in the cache")));
            assert_eq!(said, empty, "{text}");
            assert_eq!(!findings(id::KEY_COLLISION, &text).is_empty(), empty, "{text}");
        }
    }

    /// What uv downloads is in a folder of its own for each patch release.
    #[test]
    fn a_python_that_uv_chooses_is_named_exactly_or_comes_along() {
        let uv = |with: &str| format!("- uses: astral-sh/setup-uv@v7\n{with}");
        let plain = uv("");
        let minor = uv("  with: {python-version: '3.12'}\n");
        let exact = uv("  with: {python-version: '3.12.4'}\n");
        let matrix = uv("  with: {python-version: '${{ matrix.python }}'}\n");
        let both =
            format!("- uses: actions/setup-python@v6\n  with: {{python-version: '3.12'}}\n{plain}");
        let ask = format!(
            "{plain}- id: py\n  run: echo \"key=$(uv run python -VV)\" >> $GITHUB_OUTPUT\n"
        );
        let folder = "\n      ~/.local/share/uv/python";
        for (runner, setup, path, part, pin, reported) in [
            ("ubuntu-latest", &minor, "", "3.12", "", true),
            ("ubuntu-latest", &plain, "", "${{ runner.os }}", "", true),
            ("ubuntu-latest", &plain, "", "x", "3.12\n", true),
            ("ubuntu-latest", &plain, "", "x", "3.12.4\n", false),
            ("ubuntu-latest", &minor, folder, "3.12", "", false),
            (
                "ubuntu-latest",
                &minor,
                "\n      ${{ env.UV_PYTHON_INSTALL_DIR }}",
                "3.12",
                "",
                false,
            ),
            ("ubuntu-latest", &exact, "", "x", "", false),
            ("ubuntu-latest", &matrix, "", "${{ matrix.python }}", "", true),
            ("ubuntu-latest", &both, "", "${{ env.pythonLocation }}", "", false),
            ("ubuntu-latest", &ask, "", "${{ steps.py.outputs.key }}", "", false),
            // Whether the image has it, and for how long, nobody knows here.
            ("ubuntu-24.04", &minor, "", "3.12", "", false),
            (
                "ubuntu-latest\ncontainer: ghcr.io/astral-sh/uv:python3.12-trixie",
                &minor,
                "",
                "3.12",
                "",
                false,
            ),
        ] {
            let cache = format!(
                "- uses: actions/cache@v6\n  with:\n    path: |\n      .nox{path}\n    key: nox-{part}-${{{{ hashFiles('noxfile.py', 'uv.lock', '.python-version') }}}}\n"
            );
            let head =
                format!("runs-on: {runner}\nstrategy: {{matrix: {{python: ['3.12', '3.13']}}}}\n");
            let steps =
                format!("- uses: actions/checkout@v6\n{setup}{cache}- run: uv run nox -r\n");
            let workflow = job(&head, &steps);
            let mut files = vec![
                (".github/workflows/ci.yml", workflow.as_str()),
                ("noxfile.py", crate::testing::NOXFILE),
                ("uv.lock", ""),
                ("pyproject.toml", "[project]\n"),
            ];
            if !pin.is_empty() {
                files.push((".python-version", pin));
            }
            let found = crate::testing::outcome(&files, &crate::config::Config::default()).findings;
            let found = found.iter().find(|f| f.rule == ID);
            assert_eq!(found.is_some(), reported, "{workflow}: {found:?}");
            let Some(fix) = found.map(|f| f.fix.as_ref().unwrap()) else { continue };
            let fixed = crate::testing::fixed(&workflow, fix);
            assert!(fixed.contains("$(uv python find --system"), "{fixed}");
            assert!(fixed.contains("      ${{ env.UV_PYTHON_INSTALL_DIR }}\n"), "{fixed}");
            files[0].1 = &fixed;
            let again = crate::testing::outcome(&files, &crate::config::Config::default()).findings;
            assert!(!again.iter().any(|f| f.rule == ID), "{fixed}");
        }
    }

    /// Runners of other forges put their own variables into the context.
    #[test]
    fn other_forges_may_set_more() {
        let text = workflow("", "", "env.PY", "");
        let files =
            [(".forgejo/workflows/ci.yml", text.as_str()), ("noxfile.py", crate::testing::NOXFILE)];
        let found = crate::testing::outcome(&files, &crate::config::Config::default()).findings;
        assert!(!found.iter().any(|f| f.message.contains("`env.PY`")), "{found:?}");
    }
}
