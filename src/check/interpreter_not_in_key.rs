//! `nox/interpreter-not-in-key`: can environments of another interpreter, system or noxfile be
//! restored?

use super::report::{Place, Report};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::{Named, crosses, follows_no_noxfile, is_of_the_image, key_names};

pub const ID: &str = "nox/interpreter-not-in-key";

/// What can be restored that should not be.
enum Flaw {
    Key(Named),
    /// No action sets it up: the image that the label means has it.
    System,
    /// A session's `python=` stands in the noxfile alone.
    Noxfile,
    Restore {
        written: String,
        what: &'static str,
    },
}

pub fn check(audit: &CacheAudit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<(&ExistingCache<'_>, Flaw)> = None;
    for cached in audit.caches.iter().filter(|c| c.step.key.is_some()) {
        let Some(flaw) = flaw(audit, cached) else { continue };
        let (input, label) = match &flaw {
            Flaw::Key(Named::Minor) => ("key", "does not name the exact Python".to_owned()),
            Flaw::Key(_) => ("key", "does not name the Python".to_owned()),
            Flaw::System => ("key", "does not name the Python of the image".to_owned()),
            Flaw::Noxfile => ("key", "does not follow the noxfile".to_owned()),
            Flaw::Restore { what, .. } => {
                ("restore-keys", format!("also restores environments of {what}"))
            }
        };
        places.push(Place { cached, span: audit.input_span(cached, input), label });
        first.get_or_insert((cached, flaw));
    }
    let (cached, flaw) = first?;
    let message = match &flaw {
        Flaw::Key(Named::Minor) => {
            "the key names the Python only up to its minor version: after the next patch release the \
                                    restored environments point to an interpreter that is gone"
                .to_owned()
        }
        Flaw::Key(_) => {
            "the key does not name the Python: after a change of it nox goes on with the restored environments of \
                         the old one"
                .to_owned()
        }
        Flaw::System => "the key does not name the Python, which is that of the image behind the label: when the \
                         label moves, environments of the old one are restored"
            .to_owned(),
        Flaw::Noxfile => "the noxfile alone says which Python a session takes, and the key does not follow it: after \
                          a change of `python=` the restored environments are still of the old one"
            .to_owned(),
        Flaw::Restore { written, what } => {
            format!(
                "the restore key `{written}` also restores environments of {what}, and nox uses them without a word"
            )
        }
    };
    let help = "nox reuses an environment by its name and does not compare the interpreter, so tests can run green on \
                the wrong Python. `${{ env.pythonLocation }}` names the exact interpreter after actions/setup-python; \
                a restore key must hold it, and the hash of the noxfile, too."
        .to_owned();
    let remedy = match &flaw {
        Flaw::Restore { .. } => Remedy::CorrectRestoreKeys { cache: cached.index },
        Flaw::Key(_) | Flaw::System | Flaw::Noxfile => Remedy::RewriteKey { cache: cached.index },
    };
    Report { rule: ID, message, help, remedy }.finding(audit, &places)
}

fn flaw(audit: &CacheAudit<'_>, cached: &ExistingCache<'_>) -> Option<Flaw> {
    let key = &cached.step.template;
    if key.broken {
        return None;
    }
    let named = key_names(cached, key);
    if matches!(named, Named::Not | Named::Minor) {
        return Some(Flaw::Key(named));
    }
    if is_of_the_image(audit, cached) {
        return Some(Flaw::System);
    }
    if follows_no_noxfile(audit, cached) {
        return Some(Flaw::Noxfile);
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
            let what = crosses(audit, cached, restore, named)?;
            Some(Flaw::Restore { written: line.to_owned(), what })
        })
}
