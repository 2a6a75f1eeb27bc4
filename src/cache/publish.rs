//! May a job restore a cache at all: publishing jobs and low-trust events are left to a person.

use crate::actions::triggers::Trigger;
use crate::cache::all_jobs::AllJobs;
use crate::cache::artifacts::Passing;
use crate::job::context::JobContext;
use crate::job::{EventKind, JobRef, StepRef};
use crate::repo::Repository;
use crate::rules::publishers::publishers;

/// What follows from the triggers and the steps of a job for a cache in it, from the freest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    Free,
    /// Runs for tags or releases too: restore nothing there.
    NotOnTags,
    /// Runs for pushes to release branches, named here: a person decides.
    ReleaseBranch(String),
    /// Caching is left to a person, for this reason.
    Withheld(String),
    /// Only ever runs to publish: nothing to report.
    OnlyPublishes,
}

impl Permission {
    /// For a change at `step_ref`: of an action, the worst of all jobs that use it decides.
    pub fn at(self, context: &JobContext<'_>, jobs: &AllJobs<'_>, step_ref: StepRef) -> Self {
        let action = step_ref.document;
        let mut worst = self;
        // With too many users there is no fix inside the action.
        let users = if step_ref.job.is_none() { jobs.users.jobs(context, action) } else { None };
        let Some(users) = users else { return worst };
        for (user, permission) in jobs.users.permissions(context, action, users, &jobs.passing) {
            if *user != context.job_ref && permission.strictness() > worst.strictness() {
                worst = permission.clone().in_user(context.repository, *user);
            }
        }
        worst
    }

    /// What a permission of another job means for the action that both use.
    fn in_user(self, repository: &Repository, user: JobRef) -> Self {
        let path = &repository.documents[user.document].path;
        let name = user.name(repository);
        match self {
            Self::Withheld(reason) => {
                let reason = reason.replacen("this job", "that job", 1);
                Self::Withheld(format!(
                    "the job `{name}` of `{path}` uses the same action: {reason}"
                ))
            }
            Self::OnlyPublishes => Self::Withheld(format!(
                "the job `{name}` of `{path}` only runs to publish and uses the same action; \
                 restored files could end up in what it publishes"
            )),
            other => other,
        }
    }

    fn strictness(&self) -> u8 {
        match self {
            Self::Free => 0,
            Self::NotOnTags => 1,
            Self::ReleaseBranch(_) => 2,
            Self::Withheld(_) => 3,
            Self::OnlyPublishes => 4,
        }
    }

    pub fn of(context: &JobContext<'_>, passing: &Passing<'_>) -> Self {
        let data = publishers();
        let triggers = &context.instances.triggers;
        let releases = |t: &Trigger| data.release_events.contains(&t.event) || t.only_tags();
        if !triggers.is_empty()
            && !context.instances.external_callers
            && triggers.iter().all(releases)
        {
            return Self::OnlyPublishes;
        }
        let published =
            context.timelines.iter().flat_map(|t| &t.events).find_map(|e| match &e.kind {
                EventKind::Publish { what } => Some(what),
                _ => None,
            });
        if let Some(what) = published {
            return Self::Withheld(format!(
                "this job {what}; restored files could end up in what it publishes, so whether \
                 to cache here is up to you"
            ));
        }
        if let Some(name) = publishing_environment(context.repository, context.job_ref) {
            return Self::Withheld(format!(
                "this job runs in the environment `{name}`; restored files could end up in what \
                 it publishes, so whether to cache here is up to you"
            ));
        }
        if let Some((job, artifact)) = passing.published_by(context) {
            return Self::Withheld(format!(
                "the job `{job}` publishes what this job uploads as `{artifact}`; restored files \
                 could end up in it, so whether to cache here is up to you"
            ));
        }
        if let Some(event) = triggers.iter().find(|t| data.low_trust_events.contains(&t.event)) {
            return Self::Withheld(format!(
                "the workflow runs on `{}`, with the permissions of the default branch but for \
                 people you may not trust; a cache could be poisoned or leak, so whether to \
                 cache here is up to you",
                event.event
            ));
        }
        if cache_mode(context).is_some_and(|mode| mode == "none") {
            return Self::Withheld("`cache-mode: none` forbids caches here".to_owned());
        }
        if let Some(branch) = triggers.iter().flat_map(release_branches).next() {
            return Self::ReleaseBranch(branch.clone());
        }
        if context.instances.for_tags {
            return Self::NotOnTags;
        }
        Self::Free
    }
}

/// The environment of the forge that the job asks for, where it is there to publish.
pub(super) fn publishing_environment(repository: &Repository, job_ref: JobRef) -> Option<&str> {
    let workflow = repository.documents[job_ref.document].workflow()?;
    let environment = workflow.jobs[job_ref.job?].environment.as_ref()?;
    publishers().is_environment(&environment.text).then_some(environment.text.as_str())
}

fn release_branches(trigger: &Trigger) -> impl Iterator<Item = &String> {
    let push = trigger.event == "push";
    trigger
        .branches
        .iter()
        .filter(move |b| push && !b.starts_with('!') && b.to_ascii_lowercase().contains("release"))
}

fn cache_mode<'a>(context: &'a JobContext<'_>) -> Option<&'a str> {
    let workflow = context.document().workflow()?;
    let job = context.job_ref.job.map(|j| &workflow.jobs[j]);
    let mode = job.and_then(|j| j.cache_mode.as_ref()).or(workflow.cache_mode.as_ref())?;
    Some(&mode.text)
}

/// Only a schedule (or a person) starts the workflow: caching may be unwanted there.
pub fn is_schedule_only(triggers: &[Trigger]) -> bool {
    triggers.iter().any(|t| t.event == "schedule")
        && triggers.iter().all(|t| t.event == "schedule" || t.event == "workflow_dispatch")
}

/// No change of the code starts the workflow, only people, programs, releases or a schedule.
pub fn is_rare(triggers: &[Trigger]) -> bool {
    let asked = ["schedule", "workflow_dispatch", "repository_dispatch"];
    let rare = |t: &Trigger| {
        asked.contains(&t.event.as_str())
            || publishers().release_events.contains(&t.event)
            || t.only_tags()
    };
    !triggers.is_empty() && triggers.iter().all(rare)
}

/// Only pull requests start the workflow: each warms its own cache alone.
pub fn is_pull_request_only(triggers: &[Trigger]) -> bool {
    !triggers.is_empty() && triggers.iter().all(|t| t.event == "pull_request")
}
