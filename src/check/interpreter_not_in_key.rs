//! `nox/interpreter-not-in-key`: can environments of another interpreter, system or noxfile be
//! restored?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::{Named, crosses, follows_no_definition, is_of_the_image, key_names};
use crate::cache::job_caches::JobCaches;
use crate::rules::checks::id;

const ID: &str = id::INTERPRETER_NOT_IN_KEY;

/// What can be restored that should not be.
enum Flaw {
    Key(Named),
    /// No action sets it up: the image that the label means has it.
    System,
    /// A session's `python=` stands in the noxfile alone.
    Definition,
    Restore {
        written: String,
        what: &'static str,
    },
}

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, Flaw)> = None;
    for cached in caches.list.iter().filter(|c| c.step.key.is_some()) {
        let Some(flaw) = flaw(caches, cached) else { continue };
        let (input, label) = match &flaw {
            Flaw::Key(Named::Minor) => {
                ("key", "doesn't include the exact Python version".to_owned())
            }
            Flaw::Key(_) => ("key", "doesn't include the Python version".to_owned()),
            Flaw::System => ("key", "doesn't include the image's Python version".to_owned()),
            Flaw::Definition => ("key", "doesn't include the hash of the noxfile".to_owned()),
            Flaw::Restore { what, .. } => {
                ("restore-keys", format!("also restores environments of {what}"))
            }
        };
        places.push(CachePlace { cached, span: caches.input_span(cached, input), label });
        first.get_or_insert((cached, flaw));
    }
    let (cached, flaw) = first?;
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
        Flaw::System => "the cache key doesn't include the runner image's Python version, so when the image is \
                         updated, nox keeps reusing environments built for the old one"
            .to_owned(),
        Flaw::Definition => "only the noxfile says which Python a session uses, and the cache key doesn't include its \
                          hash, so after a change of `python=` nox keeps reusing the old environments"
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
    let remedy = match &flaw {
        Flaw::Restore { .. } => Remedy::CorrectRestoreKeys { cache: cached.index },
        Flaw::Key(_) | Flaw::System | Flaw::Definition => {
            Remedy::RewriteKey { cache: cached.index }
        }
    };
    CacheReport { rule: ID, message, help, remedy }.finding(caches, &places)
}

fn flaw(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Option<Flaw> {
    let key = &cached.step.template;
    if key.broken {
        return None;
    }
    let named = key_names(cached, key);
    if matches!(named, Named::Not | Named::Minor) {
        return Some(Flaw::Key(named));
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
        .filter(|(restore, _)| restore.can_begin(key))
        .find_map(|(restore, line)| {
            let what = crosses(caches, cached, restore, named)?;
            Some(Flaw::Restore { written: line.to_owned(), what })
        })
}
