//! Where the installers of a job keep their packages: in the archive of the environments, so that
//! what a restore key brings can be rebuilt without downloading, or elsewhere.

use super::needs::Needs;
use super::uncovered::Call;
use crate::actions::{Step, StepList, Uses};
use crate::job::context::Subject;
use crate::job::{CacheForm, EventKind, Site};
use crate::rules::setup_actions::setup_actions;

/// The variable that says where uv keeps packages, and its folder inside the environment folder.
const UV: (&str, &str) = ("UV_CACHE_DIR", ".uv");
/// The same for pip.
const PIP: (&str, &str) = ("PIP_CACHE_DIR", ".pip");
/// How uv brings packages into an environment. Links make the archive half as large.
const LINK_MODE: &str = "UV_LINK_MODE";
/// setup-uv's other inputs about its cache: who sets one has thought about it.
const CACHE_INPUTS: [&str; 2] = ["cache-", "-cache"];

/// Variables of the job that put the packages into the archive, and what they make superfluous.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    /// `uv` or `pip`.
    pub installer: &'static str,
    pub variables: Vec<(&'static str, String)>,
    /// Cache steps of the job that would keep nothing from then on.
    pub superfluous: Vec<Superfluous>,
}

/// A cache of packages that the archive replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Superfluous {
    /// The step keeps nothing else.
    Step(Site),
    /// The step does more; this input switches its cache off.
    Input { site: Site, name: &'static str },
}

impl Packages {
    /// Moves the packages of these calls into the archive; `None` where something else decides
    /// where they are.
    pub fn in_archive(
        context: &Subject<'_>,
        calls: &[Call<'_>],
        needs: &Needs,
        site: Site,
    ) -> Option<Self> {
        let job = context.document().workflow().zip(site.job).map(|(w, j)| (w, &w.jobs[j]));
        let (workflow, job) = job.filter(|_| site.document == context.unit.document)?;
        let [folder] = needs.folders.as_slice() else { return None };
        // A relative path is seen from the folder that the installer runs in: the noxfile's.
        let is_name = !folder.contains(['/', '\\', '~', '$']) && needs.checkout.is_empty();
        if !is_name || job.env.open || workflow.env.open {
            return None;
        }
        let installer = installer(calls)?;
        let (variable, inside) = if installer == "uv" { UV } else { PIP };
        let list = &job.steps;
        let says =
            |step: &Step| step.env.open || step.env.entries.iter().any(|(n, _)| n == variable);
        let exports = |step: &Step| {
            let script = step.run.as_ref().map_or("", |run| run.text.as_str());
            script.contains("_ENV") && script.contains(variable)
        };
        if list.steps.iter().any(|step| says(step) || exports(step)) {
            return None;
        }
        let mut packages = Self {
            installer,
            variables: vec![(variable, format!("{folder}/{inside}"))],
            superfluous: Vec::new(),
        };
        if installer == "uv" {
            let env = job.env.entries.iter().chain(&workflow.env.entries);
            let mode = env.into_iter().find(|(name, _)| name == LINK_MODE);
            if mode.is_some_and(|(_, mode)| mode.text.trim() != "hardlink") {
                packages.variables.push((LINK_MODE, "hardlink".to_owned()));
            }
        }
        packages.superfluous = superfluous(context, list, installer)?;
        Some(packages)
    }
}

/// The one installer of all sessions.
fn installer(calls: &[Call<'_>]) -> Option<&'static str> {
    let mut found = None;
    for Call { invocation, .. } in calls {
        if invocation.in_container || invocation.action.is_some() {
            return None;
        }
        let own = match invocation.run.backend.names.first()?.as_str() {
            "uv" => "uv",
            "virtualenv" | "venv" if invocation.run.backend.names.iter().all(|n| n != "uv") => {
                "pip"
            }
            _ => return None,
        };
        if found.is_some_and(|other| other != own) {
            return None;
        }
        found = Some(own);
    }
    found
}

/// The package caches of the job that go; `None` where one must stay, so that the packages do.
fn superfluous(
    context: &Subject<'_>,
    list: &StepList,
    installer: &str,
) -> Option<Vec<Superfluous>> {
    let mut found: Vec<Superfluous> = Vec::new();
    for timeline in &context.timelines {
        for event in &timeline.events {
            let EventKind::PackageCache { installer: kept } = &event.kind else { continue };
            if kept != installer {
                continue;
            }
            if event.site != event.outer {
                return None;
            }
            let step = list.steps.get(event.site.step)?;
            let one = replaced(context, list, step, event.site, installer)?;
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Some(found)
}

fn replaced(
    context: &Subject<'_>,
    list: &StepList,
    step: &Step,
    site: Site,
    installer: &str,
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
            .then_some(Superfluous::Input { site, name: "enable-cache" });
    }
    let mut steps = context.timelines.iter().flat_map(|t| t.caches());
    let (_, cache) = steps.find(|(event, _)| event.site == site)?;
    let only = |path: &str| setup_actions().package_cache(path) == Some(installer);
    let asked = step.id.as_ref().is_some_and(|id| {
        let output = format!("steps.{}.", id.text);
        let names = |s: &Step| {
            let texts = s.condition.iter().chain(&s.run).chain(s.with.iter().map(|(_, v)| v));
            texts.into_iter().any(|text| text.text.contains(&output))
        };
        list.steps.iter().any(names)
    });
    let whole = cache.form == CacheForm::Both && cache.paths.iter().all(|p| only(&p.written));
    (whole && !asked).then_some(Superfluous::Step(site))
}
