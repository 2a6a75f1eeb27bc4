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
