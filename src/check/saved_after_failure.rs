//! `nox/saved-after-failure`: are environments saved although building them may have failed?

use super::report::{CachePlace, CacheReport};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::cache::job_caches::JobCaches;
use crate::job::CacheForm;
use crate::rules::checks::{self, id};

const ID: &str = id::SAVED_AFTER_FAILURE;

/// Functions of an `if:` that let a step run after a failure.
const AFTER_FAILURE: [&str; 3] = ["always()", "failure()", "!cancelled()"];

pub fn check(caches: &JobCaches<'_>) -> Option<Finding> {
    let mut places = Vec::new();
    let mut asked = None;
    for cached in caches.list.iter().filter(|c| c.step.form != CacheForm::Save) {
        for (event, _) in caches.savers(cached) {
            let Some(step) = caches.step_at(event.step_ref) else { continue };
            let text = step.condition.as_ref().map_or("", |c| c.text.as_str());
            // What the nox step itself came to is asked: then only whole environments are saved.
            let asks_outcome = text.contains(".outcome") || text.contains(".conclusion");
            let plain = text.replace(' ', "");
            let found = AFTER_FAILURE.iter().find(|f| plain.contains(*f));
            if let Some(function) = found.filter(|_| !asks_outcome) {
                let label = format!("`{function}` also saves after a failure");
                places.push(CachePlace { cached, span: event.span, label });
                asked.get_or_insert(*function);
            }
        }
    }
    let function = asked?;
    let report = CacheReport {
        rule: ID,
        message: format!(
            "`if: {function}` also saves environments that a failed install left incomplete"
        ),
        help: checks::help(ID),
        remedy: Remedy::Refused("cachelint can't tell when this step is meant to save".to_owned()),
    };
    report.finding(caches, &places)
}
