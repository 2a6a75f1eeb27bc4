//! `nox/interpreter-not-in-key`: can environments of another interpreter, system or noxfile be
//! restored?

use super::report::{CachePlace, CacheReport, first_of_steps};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::{Named, crosses, follows_no_definition, is_of_the_image, key_names};
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
            Flaw::Key(Named::Minor) => {
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
        Flaw::Definition => "only the noxfile says which Python a session uses, and the cache key doesn't include its \
                          hash, so after `python=` changes, nox keeps reusing the old environments"
            .to_owned(),
        Flaw::Restore { written, what } => {
            format!(
                "the restore key `{written}` also restores environments of {what}, and nox reuses them without noticing"
            )
        }
    };
    let help = "nox picks an environment by name and doesn't check its Python, so tests can pass on the wrong version. \
                After actions/setup-python, `${{ env.pythonLocation }}` contains the exact version; \
                put it into the restore keys too, with the hash of the noxfile."
        .to_owned();
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
