//! Findings about lost seconds, settled by what run logs say of the seconds.

use std::collections::HashMap;

use crate::base::evidence::{Evidence, Saves};
use crate::base::finding::{Finding, Severity};
use crate::repo::{Content, Repository};
use crate::rules::checks::id;

/// Checks whose findings are about seconds alone; the others are about wrong results.
const ABOUT_SECONDS: [&str; 2] = [id::MISSING_CACHE, id::CACHE_NOT_REUSED];

/// A finding of a job that would gain nothing becomes an info without a fix. Only what is known to
/// pay keeps its fix.
pub fn settle(repository: &Repository, evidence: &Evidence, findings: &mut [Finding]) {
    let names = names(repository);
    for finding in findings.iter_mut().filter(|f| ABOUT_SECONDS.contains(&f.rule)) {
        let name = names.get(finding.job.as_str()).copied().flatten();
        let saves = name.and_then(|name| evidence.of_job(&finding.job, name));
        match saves {
            Some(saves) if saves.pays => finding.notes.push(format!(
                "according to the logs, this job spends {} s {} on every run; a cache would save \
                 about {} s",
                saves.builds_seconds,
                work_of(saves),
                saves.about_seconds
            )),
            Some(saves) => {
                finding.severity = Severity::Info;
                finding.drop_fix(format!(
                    "according to the logs, this job spends only {} s {} on every run, so a cache \
                     wouldn't pay off",
                    saves.builds_seconds,
                    work_of(saves)
                ));
            }
            None => finding.drop_fix("the logs don't say how long this job spends building"),
        }
    }
}

fn work_of(saves: Saves) -> &'static str {
    if saves.restores_packages { "restoring packages and building" } else { "building" }
}

/// The name of each job by its id; `None` where several workflows have a job of that id, so that it
/// is not clear which of them the logs mean.
fn names(repository: &Repository) -> HashMap<&str, Option<Option<&str>>> {
    let mut found = HashMap::new();
    for document in &repository.documents {
        let Content::Workflow(workflow) = &document.content else { continue };
        for job in &workflow.jobs {
            let name = document.tree.get(job.node, "name").and_then(|name| document.tree.str(name));
            found.entry(job.id.as_str()).and_modify(|name| *name = None).or_insert(Some(name));
        }
    }
    found
}
