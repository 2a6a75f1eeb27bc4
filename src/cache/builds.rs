//! What an instance builds, as far as it is known: enough to say that two instances certainly build
//! different environments.

use std::collections::BTreeSet;

use crate::actions::context::Scope;
use crate::job::context::{Subject, touches_folder};
use crate::job::{EventKind, Timeline};
use crate::rules::forges::forges;
use crate::tool::Interpreter;

/// What decides about the environments of an instance; `None` is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Builds {
    /// Runner labels and container image.
    pub runner: Option<String>,
    pub os: Option<&'static str>,
    pub interpreters: Option<String>,
    /// With interpreter and backend; `None` where no call is seen.
    pub sessions: Option<BTreeSet<String>>,
    /// Every session names its own interpreter: another one set up before decides nothing.
    names_interpreters: bool,
}

impl Builds {
    pub fn of(subject: &Subject<'_>, timeline: &Timeline) -> Self {
        let job = subject.document().workflow().zip(subject.unit.job).map(|(w, j)| (w, &w.jobs[j]));
        let mut builds = Self::default();
        if let Some((workflow, job)) = job {
            let leg = &timeline.instance.leg;
            let scope = Scope::new(leg, &timeline.instance.inputs, &job.id)
                .with_env(&workflow.env)
                .with_env(&job.env);
            let labels: Option<Vec<String>> =
                job.runs_on.iter().chain(&job.container).map(|l| scope.text(&l.text)).collect();
            builds.os = match job.container {
                Some(_) => Some("Linux"),
                None => labels.iter().flatten().find_map(|label| forges().os_of(label)),
            };
            builds.runner = labels.map(|l| l.join(" "));
        }
        let feeds = timeline.events.iter().filter_map(|e| match &e.kind {
            EventKind::Interpreter { feed, .. } => Some(feed.as_deref()),
            _ => None,
        });
        builds.interpreters = feeds.collect::<Option<Vec<&str>>>().map(|f| f.join("\n"));
        let calls: Vec<_> =
            timeline.invocations().map(|(_, i)| i).filter(|i| touches_folder(i)).collect();
        if !calls.is_empty() && calls.iter().all(|i| i.run.sessions_known) {
            let sessions = calls.iter().flat_map(|i| &i.run.sessions);
            builds.sessions = Some(
                sessions
                    .clone()
                    .map(|s| format!("{} {:?} {:?}", s.name, s.python, s.backend.names))
                    .collect(),
            );
            builds.names_interpreters =
                sessions.clone().all(|s| matches!(s.python, Interpreter::Named(_)));
        }
        builds
    }

    /// What certainly differs, in words; `None` where nothing does.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.differ(&other.sessions, &self.sessions) {
            return Some("run other sessions");
        }
        if !(self.names_interpreters && other.names_interpreters)
            && self.differ(&self.interpreters, &other.interpreters)
        {
            return Some("set up other interpreters");
        }
        self.differ(&self.runner, &other.runner).then_some("run on another runner or image")
    }

    /// The interpreters, or the operating systems they are built for, certainly differ.
    pub fn is_foreign(&self, other: &Self) -> bool {
        let interpreters = !(self.names_interpreters && other.names_interpreters);
        (interpreters && self.differ(&self.interpreters, &other.interpreters))
            || self.differ(&self.os, &other.os)
    }

    /// Caches of Windows are never restored elsewhere, nor the other way round.
    pub fn shares_caches_with(&self, other: &Self) -> bool {
        (self.os == Some("Windows")) == (other.os == Some("Windows"))
    }

    fn differ<T: PartialEq>(&self, a: &Option<T>, b: &Option<T>) -> bool {
        a.is_some() && b.is_some() && a != b
    }
}
