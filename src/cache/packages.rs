//! Where the installers of a job keep their packages: in the archive of the environments, so that
//! what a restore key brings can be rebuilt without downloading, or elsewhere.

use super::needs::Needs;
use super::uncovered::UncoveredCall;
use crate::actions::{Step, StepList, Uses};
use crate::job::context::JobContext;
use crate::job::{CacheForm, EventKind, StepRef};
use crate::rules::setup_actions::setup_actions;

const INSTALLER: &str = "uv";
/// The variable that says where uv keeps packages, and its folder inside the environment folder.
const UV: (&str, &str) = ("UV_CACHE_DIR", ".uv");
/// How uv brings packages into an environment: an archive holds a linked file once, and a package
/// without links is one that no environment uses.
const LINK_MODE: &str = "UV_LINK_MODE";
/// setup-uv's other inputs about its cache: who sets one has thought about it.
const CACHE_INPUTS: [&str; 2] = ["cache-", "-cache"];

/// Variables of the job that put the packages into the archive, and what they make superfluous.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    pub installer: &'static str,
    /// The folder of packages, relative to the workspace.
    pub folder: String,
    pub variables: Vec<(&'static str, String)>,
    /// Cache steps of the job that would keep nothing from then on.
    pub superfluous: Vec<Superfluous>,
}

/// A cache of packages that the archive replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Superfluous {
    /// The step keeps nothing else.
    Step(StepRef),
    /// The step does more; this input switches its cache off.
    Input { step_ref: StepRef, name: &'static str },
}

impl Packages {
    /// Moves the packages of these calls into the archive; `None` where something else decides
    /// where they are.
    pub fn in_archive(
        context: &JobContext<'_>,
        calls: &[UncoveredCall<'_>],
        needs: &Needs,
        step_ref: StepRef,
    ) -> Option<Self> {
        let job = context.document().workflow().zip(step_ref.job).map(|(w, j)| (w, &w.jobs[j]));
        let (workflow, job) = job.filter(|_| step_ref.document == context.job_ref.document)?;
        let [folder] = needs.folders.as_slice() else { return None };
        // A relative path is seen from the folder that the installer runs in: the noxfile's.
        let is_name = !folder.contains(['/', '\\', '~', '$']) && needs.checkout.is_empty();
        if !is_name || job.env.incomplete || workflow.env.incomplete {
            return None;
        }
        if !calls.iter().all(is_built_by_uv) {
            return None;
        }
        let (variable, inside) = UV;
        let list = &job.steps;
        let says = |step: &Step| {
            step.env.incomplete || step.env.entries.iter().any(|(n, _)| n == variable)
        };
        let exports = |step: &Step| {
            let script = step.run.as_ref().map_or("", |run| run.text.as_str());
            script.contains("_ENV") && script.contains(variable)
        };
        if list.steps.iter().any(|step| says(step) || exports(step)) {
            return None;
        }
        let folder = format!("{folder}/{inside}");
        Some(Self {
            installer: INSTALLER,
            variables: vec![(variable, folder.clone()), (LINK_MODE, "hardlink".to_owned())],
            folder,
            superfluous: superfluous(context, list)?,
        })
    }
}

/// Whether uv installs the packages of a call. pip is not worth it: unpacking and compiling takes
/// its time, not downloading, so an archive with pip's cache costs more than a miss (docs/proof.md).
fn is_built_by_uv(call: &UncoveredCall<'_>) -> bool {
    let run = &call.invocation.run;
    let first = run.backend.names.first().map(String::as_str);
    !call.invocation.in_container && call.invocation.action.is_none() && first == Some(INSTALLER)
}

/// The package caches of the job that go; `None` where one must stay, so that the packages do.
fn superfluous(context: &JobContext<'_>, list: &StepList) -> Option<Vec<Superfluous>> {
    let mut found: Vec<Superfluous> = Vec::new();
    for timeline in &context.timelines {
        for event in &timeline.events {
            let EventKind::PackageCache { installer: kept } = &event.kind else { continue };
            if kept != INSTALLER {
                continue;
            }
            if event.step_ref != event.outer {
                return None;
            }
            let step = list.steps.get(event.step_ref.step)?;
            let one = replaced(context, list, step, event.step_ref)?;
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Some(found)
}

fn replaced(
    context: &JobContext<'_>,
    list: &StepList,
    step: &Step,
    step_ref: StepRef,
) -> Option<Superfluous> {
    if step.shared || step.concurrent {
        return None;
    }
    let uses = Uses::parse(&step.uses.as_ref()?.text)?;
    if let Some(action) = setup_actions().interpreter(uses.name) {
        let thought = |(name, _): &(String, _)| {
            CACHE_INPUTS.iter().any(|part| name.contains(part)) && name != "enable-cache"
        };
        if !action.uv || step.with.iter().any(thought) {
            return None;
        }
        let name = action.package_cache_input.as_deref().filter(|n| *n == "enable-cache")?;
        return (name == "enable-cache")
            .then_some(Superfluous::Input { step_ref, name: "enable-cache" });
    }
    let mut steps = context.timelines.iter().flat_map(|t| t.caches());
    let (_, cache) = steps.find(|(event, _)| event.step_ref == step_ref)?;
    let only = |path: &str| setup_actions().package_cache(path) == Some(INSTALLER);
    let asked = step.id.as_ref().is_some_and(|id| {
        let output = format!("steps.{}.", id.text);
        let names = |s: &Step| {
            let texts = s.condition.iter().chain(&s.run).chain(s.with.iter().map(|(_, v)| v));
            texts.into_iter().any(|text| text.text.contains(&output))
        };
        list.steps.iter().any(names)
    });
    let whole = cache.form == CacheForm::Both && cache.paths.iter().all(|p| only(&p.written));
    (whole && !asked).then_some(Superfluous::Step(step_ref))
}
