//! `nox/stale-install`: are installs skipped in an environment of an older state?

use super::report::{Place, Report};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::audit::CacheAudit;
use crate::cache::existing::{ExistingCache, covers};
use crate::job::Invocation;
use crate::job::context::{is_cacheable, touches_folder};

pub const ID: &str = "nox/stale-install";

pub fn check(audit: &CacheAudit<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut first: Option<&Invocation> = None;
    for cached in audit.caches {
        let Some(call) = stale(cached) else { continue };
        let label = format!(
            "an older environment is restored, and `{}` installs nothing into it",
            call.command
        );
        places.push(Place { cached, span: audit.input_span(cached, "restore-keys"), label });
        first.get_or_insert(call);
    }
    let call = first?;
    let report = Report {
        rule: ID,
        message: format!("`{}` skips installs in environments that may be older: old code is tested", call.command),
        help: "Under a restore key an environment of an earlier state is restored, and nox then installs neither the \
               changed dependencies nor the project itself. Use `-r` instead, which reuses environments but installs \
               into them, or take the restore keys out."
            .to_owned(),
        remedy: Remedy::Refused(
            "whether installs can be left out here is for a person to decide".to_owned(),
        ),
    };
    report.finding(audit, &places)
}

/// The first call that trusts what was restored, with no earlier one that brings it up to date.
fn stale<'a>(cached: &ExistingCache<'a>) -> Option<&'a Invocation> {
    if cached.step.restore_templates.is_empty() {
        return None;
    }
    let in_folder =
        |i: &&Invocation| i.folders.iter().any(|f| cached.step.paths.iter().any(|p| covers(p, f)));
    let (event, call) = cached.calls_after().find(|(_, i)| touches_folder(i) && in_folder(i))?;
    (call.run.installs_skipped && is_cacheable(call) && cached.runs_with(event, call))
        .then_some(call)
}
