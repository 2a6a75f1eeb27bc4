//! What an instance builds, as far as it is known: enough to say that two instances certainly build
//! different environments.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::{reaches, variables};
use crate::actions::context::Scope;
use crate::job::context::{JobContext, touches_folder};
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
    /// What the variables say that the noxfile or an installer reads, where it is known.
    variables: BTreeMap<String, Option<String>>,
    /// Every session names its own interpreter: another one set up before decides nothing.
    names_interpreters: bool,
}

impl Builds {
    pub fn of(context: &JobContext<'_>, timeline: &Timeline) -> Self {
        let job =
            context.document().workflow().zip(context.job_ref.job).map(|(w, j)| (w, &w.jobs[j]));
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
        let derived_from = timeline.events.iter().filter_map(|e| match &e.kind {
            EventKind::Interpreter(set_up) => Some(set_up.derived_from.as_deref()),
            _ => None,
        });
        builds.interpreters = derived_from.collect::<Option<Vec<&str>>>().map(|f| f.join("\n"));
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
        for (event, call) in timeline.invocations().filter(|(_, i)| touches_folder(i) && i.own) {
            for (name, text) in variables(context, event) {
                let instance = &timeline.instance;
                let scope = Scope::new(&instance.leg, &instance.inputs, &context.name);
                if reaches(context, event, call, name) {
                    builds.variables.insert(name.to_owned(), scope.text(text));
                }
            }
        }
        builds
    }

    /// Everything that tells whether two instances build the same is known.
    pub fn is_known(&self) -> bool {
        self.sessions.is_some() && self.runner.is_some() && self.interpreters.is_some()
    }

    /// What certainly differs, in words; `None` where nothing does.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.differ(&other.sessions, &self.sessions) {
            return Some("run different sessions");
        }
        self.difference_of_session(other)
    }

    /// What certainly differs even in a session that both run, in words.
    pub fn difference_of_session(&self, other: &Self) -> Option<&'static str> {
        let says = |name: &String, text: &Option<String>| {
            other.variables.get(name).is_some_and(|other| self.differ(text, other))
        };
        if self.variables.iter().any(|(name, text)| says(name, text)) {
            return Some("install different packages because a variable differs");
        }
        if !(self.names_interpreters && other.names_interpreters)
            && self.differ(&self.interpreters, &other.interpreters)
        {
            return Some("set up different interpreters");
        }
        self.differ(&self.runner, &other.runner).then_some("run on different runners or images")
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
