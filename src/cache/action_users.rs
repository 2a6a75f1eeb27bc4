//! What all jobs that use an action need and may do. Each of them asks for all of them, so it is
//! found once for each action.

use std::sync::OnceLock;
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Needs;
use super::artifacts::Passing;
use super::publish::Permission;
use crate::job::JobRef;
use crate::job::context::JobContext;

/// Jobs of one action that are looked at together: each is compared with all others.
pub const MAX_USERS: usize = 50;

/// The jobs of each action, by its document.
pub struct ActionUsers {
    by_action: Vec<UsersOfAction>,
    /// Jobs that were looked at for the actions that they use.
    #[cfg(test)]
    looked_at: AtomicUsize,
}

#[derive(Default)]
struct UsersOfAction {
    /// `None` where there are too many.
    jobs: OnceLock<Option<Vec<JobRef>>>,
    needs: OnceLock<Needs>,
    permissions: OnceLock<Vec<(JobRef, Permission)>>,
}

impl ActionUsers {
    pub fn new(documents: usize) -> Self {
        let mut by_action = Vec::new();
        by_action.resize_with(documents, UsersOfAction::default);
        Self {
            by_action,
            #[cfg(test)]
            looked_at: AtomicUsize::new(0),
        }
    }

    /// The jobs that use an action; `None` where they are more than are looked at.
    pub fn jobs(&self, context: &JobContext<'_>, action: usize) -> Option<&[JobRef]> {
        let find = || {
            let users = context.repository.users(action, MAX_USERS)?;
            let job_ref = |document, job| JobRef { document, job: Some(job) };
            Some(users.iter().map(|user| job_ref(user.document, user.job)).collect())
        };
        self.by_action[action].jobs.get_or_init(find).as_deref()
    }

    /// What a cache inside the action needs to suit all of these jobs.
    pub fn needs(
        &self,
        context: &JobContext<'_>,
        action: usize,
        jobs: &[JobRef],
        passing: &Passing<'_>,
    ) -> &Needs {
        let find = || self.read(context, jobs, passing, Needs::of_users);
        self.by_action[action].needs.get_or_init(find)
    }

    /// What each of these jobs may do; those that may do everything are left out.
    pub fn permissions(
        &self,
        context: &JobContext<'_>,
        action: usize,
        jobs: &[JobRef],
        passing: &Passing<'_>,
    ) -> &[(JobRef, Permission)] {
        let of = |job: &&JobContext<'_>| (job.job_ref, Permission::of(job, passing));
        let bound = |(_, permission): &(JobRef, Permission)| *permission != Permission::Free;
        let find = || {
            self.read(context, jobs, passing, |jobs| jobs.iter().map(of).filter(bound).collect())
        };
        self.by_action[action].permissions.get_or_init(find)
    }

    fn read<T>(
        &self,
        context: &JobContext<'_>,
        jobs: &[JobRef],
        passing: &Passing<'_>,
        find: impl FnOnce(&[&JobContext<'_>]) -> T,
    ) -> T {
        #[cfg(test)]
        self.looked_at.fetch_add(jobs.len(), Ordering::Relaxed);
        let made: Vec<Option<JobContext<'_>>> = jobs
            .iter()
            .map(|job| match passing.known(*job) {
                Some(_) => None,
                None => Some(context.beside(*job)),
            })
            .collect();
        let known = jobs.iter().zip(&made);
        let contexts: Vec<&JobContext<'_>> =
            known.filter_map(|(job, made)| made.as_ref().or_else(|| passing.known(*job))).collect();
        find(&contexts)
    }

    #[cfg(test)]
    pub fn looked_at(&self) -> usize {
        self.looked_at.load(Ordering::Relaxed)
    }
}
