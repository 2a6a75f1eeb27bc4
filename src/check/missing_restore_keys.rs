//! `nox/missing-restore-keys`: is anything restored when only a dependency changed?

use super::audit::{Audit, Cached, Report};
use super::interpreter_not_in_key::is_enough;
use crate::base::finding::{Applicability, Finding, Fix};
use crate::cache::hashed::hashed;
use crate::fix::rewrite_key::{Parts, corrected, own_restore};

pub const ID: &str = "nox/missing-restore-keys";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let site = |c: &&&Cached<'_>| {
        let step = c.step;
        step.key.is_some()
            && step.restore_keys.is_none()
            && !step.must_hit
            && step.template.hashes().next().is_some()
    };
    let found: Vec<&Cached<'_>> =
        audit.by_site().into_iter().filter(|c| site(&c)).filter(|c| wants_some(audit, c)).collect();
    let places = audit.places(&found, "key", "nothing is restored under any other key");
    let report = Report {
        rule: ID,
        message: "no restore keys: when a dependency changes, every environment is built from nothing".to_owned(),
        help: "The key without its last hash as restore key brings back environments that are nearly right. It must \
               still hold the exact Python and the hash of the noxfile. Leaving restore keys out can be deliberate: \
               packages that are no longer required stay installed in a restored environment."
            .to_owned(),
    };
    let fixed = found.first().map_or(Err(String::new()), |cached| add(audit, cached));
    audit.finding(report, &places, fixed)
}

/// An older environment would help, and may be restored.
fn wants_some(audit: &Audit<'_>, cached: &Cached<'_>) -> bool {
    match audit.needs(cached.event.site) {
        Ok(needs) if needs.exact_only => false,
        Ok(needs) => {
            let mut taken = cached
                .step
                .template
                .hashes()
                .filter_map(|h| hashed(audit.subject, cached.timeline, cached.event, h));
            // A key that hashes nothing but the definition has no beginning that would help.
            needs.restore_key().is_some()
                || taken.any(|files| files.iter().any(|f| !needs.definition.contains(f)))
        }
        Err(_) => !cached.timeline.invocations().any(|(_, i)| i.run.installs_skipped),
    }
}

fn add(audit: &Audit<'_>, cached: &Cached<'_>) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let mut parts = Parts::new(audit);
    match own_restore(audit, cached, |key| is_enough(audit, cached, key)) {
        Some(own) => parts.set_restore(site, &[own])?,
        None => {
            let corrected = corrected(audit, cached)?;
            let restore =
                corrected.restore.ok_or("an older environment must not be restored here")?;
            if cached.step.form != crate::job::CacheForm::Both {
                return Err(
                    "the key must be made safer first, here and in the step that saves".to_owned()
                );
            }
            parts.set_key(site, &corrected.key)?;
            parts.set_restore(site, &[restore])?;
        }
    }
    Ok(parts.finish(
        site,
        applicability,
        "Restore the newest environments that are nearly right".to_owned(),
    ))
}
