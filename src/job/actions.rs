//! Steps with `uses:`: checkouts, interpreters, caches, publishers, actions that run the tool,
//! composite actions.

use std::sync::Arc;

use super::event::{CacheForm, CacheStep, CachedPath, EventKind, Invocation, SetUp};
use super::state::{as_written, in_workspace, prefixed};
use super::timeline::{Here, TimelineBuilder};
use super::unset::KeyContext;
use super::value_origin::OriginResolver;
use crate::actions::context::Inputs;
use crate::actions::expr::{Eval, Expr, Value};
use crate::actions::{Scalar, Uses};
use crate::job::key_template::Key;
use crate::repo::index::local;
use crate::repo::published::Published;
use crate::rules::cache_actions::cache_actions;
use crate::rules::command_actions::{action_file, command_action};
use crate::rules::publishers::publishers;
use crate::rules::setup_actions::{
    InterpreterAction, ToolAction, UNKNOWN_TOOL_ACTION, setup_actions,
};
use crate::shell::Shell;
use crate::tool::{Argument, Request, Reuse, Variable};

/// Before the name of an image that a step runs.
const IMAGE: &str = "docker://";

impl TimelineBuilder<'_> {
    pub(super) fn uses(&mut self, here: Here<'_>) {
        let Some(written) = &here.step.uses else { return };
        let before = self.events.len();
        self.action(here, written);
        self.granted(here, written.span, before);
    }

    fn action(&mut self, here: Here<'_>, written: &Scalar) {
        let local = local(&written.text);
        if local.is_some() && self.repository.is_cache_action(&written.text) {
            let uses = Uses { prefix: "", name: &written.text, reference: "" };
            self.cache(here, uses);
            return;
        }
        if let Some(path) = local {
            self.local_action(here, path, written.text.starts_with('$'));
            return;
        }
        if written.text.starts_with(IMAGE) {
            return self.image(here);
        }
        let Some(uses) = Uses::parse(&written.text) else { return };
        let setup = setup_actions();
        if setup.is_checkout(uses.name) {
            self.checkout(here);
        } else if let Some(action) = setup.interpreter(uses.name) {
            let published = Published::of(here.document, written, uses);
            self.interpreter(here, action, published);
        } else if let Some(action) =
            setup.tool_action(uses.name).or_else(|| self.declared_tool_action(uses.name))
        {
            self.tool_action(here, action);
        } else if setup.builds_wheels(uses.name) {
            self.wheels(here, written, written.span);
        } else if let Some(action) = command_action(uses.name) {
            if let Some(script) = here.step.input(&action.input) {
                self.script(here, script, Shell::Bash, Some(String::new()), action.container);
            }
        } else if let Some(action) = action_file(uses.name) {
            self.file_of_action(here, action);
        } else if !self.cache(here, uses) && !self.artifact(here, uses.name) {
            self.command_inputs(here, uses.name);
            let scope = self.scope_at(here);
            let what = publishers()
                .action(uses.name, |name| scope.text(&here.step.input(name)?.text))
                .map(str::to_owned);
            if let Some(what) = what {
                self.push(here, written.span, EventKind::Publish { what });
            }
        }
    }

    /// Whether the step is a cache step; if so, the events that it is.
    fn cache(&mut self, here: Here<'_>, uses: Uses<'_>) -> bool {
        let Some(step) = self.cache_step(here, uses) else { return false };
        if !self.spend_on_hashes(here, &step) {
            return true;
        }
        for path in &step.paths {
            if let Some(installer) = setup_actions().package_cache(&path.written) {
                let installer = installer.to_owned();
                self.push(here, here.step.span, EventKind::PackageCache { installer });
            }
        }
        self.push(here, here.step.span, EventKind::Cache(Box::new(step)));
        true
    }

    /// Counts the work of a search for each pattern of a hash: an earlier step may write such files.
    fn spend_on_hashes(&mut self, here: Here<'_>, step: &CacheStep) -> bool {
        let keys = std::iter::once(&step.template).chain(&step.restore_templates);
        let patterns = keys.flat_map(Key::hashes).filter_map(|hash| hash.patterns.as_ref());
        let patterns: usize = patterns.map(Vec::len).sum();
        self.spend(here, patterns * self.searched())
    }

    /// An action that the repository's settings say runs nox; nothing more is known of it.
    fn declared_tool_action(&self, name: &str) -> Option<&'static ToolAction> {
        let declared =
            self.repository.tool_actions.iter().any(|a| crate::rules::is_action(a, name));
        declared.then_some(&*UNKNOWN_TOOL_ACTION)
    }

    /// `./path` is meant from the workspace, `$/path` from the repository.
    fn local_action(&mut self, here: Here<'_>, path: &str, from_repository: bool) {
        let Some(folder) = in_workspace("", path) else { return };
        let place = self.state.place(&folder);
        let folder = if from_repository { folder } else { place.inside };
        if !from_repository && !place.own {
            let why = format!("`{path}` is an action of another repository");
            return self.mention(here, why);
        }
        let Some(action) = self.repository.action_in(&folder) else { return };
        let document = &self.repository.documents[action];
        let Some(declared) = document.action().filter(|a| a.composite) else {
            return self.foreign_language(here, &document.path, path);
        };
        let scope = self.scope_at(here);
        let values = declared
            .inputs
            .iter()
            .map(|input| {
                let passed = here.step.input(&input.name).map(|s| s.text.as_str());
                let text = passed.or(input.default.as_deref()).unwrap_or_default();
                // Whatever a step passes, the action gets it as text.
                let text_of = |value: Value| Value::String(value.to_text());
                let value = match scope.evaluate(text) {
                    Eval::Known(value) => Eval::Known(text_of(value)),
                    Eval::OneOf(values) => Eval::one_of(values.into_iter().map(text_of)),
                    Eval::Unknown => Eval::Unknown,
                };
                (input.name.clone(), value)
            })
            .collect();
        self.enter(here, action, &Inputs { values });
    }

    fn input_text(&self, here: Here<'_>, name: &str) -> Option<String> {
        self.scope_at(here).text(&here.step.input(name)?.text)
    }

    fn checkout(&mut self, here: Here<'_>) {
        let folder = match here.step.input("path") {
            None => Some(String::new()),
            Some(path) => self.scope_at(here).text(&path.text).and_then(|p| in_workspace("", &p)),
        };
        let own = here.step.input("repository").is_none_or(|r| {
            // The repository under check names itself only through these; any literal name is taken
            // as another one.
            r.text.contains("github.repository")
                || r.text.contains("head.repo.full_name")
                || r.text.trim().is_empty()
        });
        let cleans =
            self.input_text(here, "clean").is_none_or(|c| !c.eq_ignore_ascii_case("false"));
        match &folder {
            Some(folder) => self.state.check_out(folder.clone(), own),
            None => self.mention(here, "a checkout goes to an unknown folder"),
        }
        self.push(here, here.step.span, EventKind::Checkout { folder, own, cleans });
    }

    fn interpreter(
        &mut self,
        here: Here<'_>,
        action: &InterpreterAction,
        published: Published<'_>,
    ) {
        let flag = |name: &str| self.input_text(here, name);
        let exports = flag("update-environment").is_none_or(|v| !v.eq_ignore_ascii_case("false"));
        let caches = action
            .package_cache_input
            .as_deref()
            .map(|input| (here.step.input(input), flag(input)));
        let versions = self.versions(here, action);
        let files = self.version_files(here, action, versions.as_deref());
        let named = versions.as_ref().is_none_or(|v| !v.is_empty()) || !files.is_empty();
        let set_up = SetUp {
            action: action.action.clone(),
            reference: published.uses.reference.to_owned(),
            release: published.release().map(str::to_owned),
            location: action.exports_location && exports && (named || action.several),
            uv: action.uv,
            versions,
            files,
            derived_from: OriginResolver::new(self, here).interpreter(here.step),
        };
        let warm = match caches {
            None => false,
            Some((None, _)) => action
                .package_cache_default_since
                .as_deref()
                .is_some_and(|since| set_up.has_since(since) != Some(false)),
            Some((Some(_), Some(value))) => {
                !value.is_empty() && !value.eq_ignore_ascii_case("false")
            }
            Some((Some(_), None)) => false,
        };
        self.push(here, here.step.span, EventKind::Interpreter(Box::new(set_up)));
        if warm {
            let installer = if action.uv { "uv" } else { "pip" }.to_owned();
            self.push(here, here.step.span, EventKind::PackageCache { installer });
        }
    }

    /// The versions that the step asks for; `None` where they are not known.
    fn versions(&self, here: Here<'_>, action: &InterpreterAction) -> Option<Vec<String>> {
        let input = action.version_input.as_deref().and_then(|name| here.step.input(name));
        let Some(input) = input else { return Some(Vec::new()) };
        let text = self.scope_at(here).text(&input.text)?;
        let separators: &[char] = if action.several { &['\n', ','] } else { &['\n'] };
        let versions = text.split(separators).map(str::trim).filter(|v| !v.is_empty());
        Some(versions.map(str::to_owned).collect())
    }

    /// The tracked files that say which version the step sets up, relative to the workspace.
    fn version_files(
        &self,
        here: Here<'_>,
        action: &InterpreterAction,
        versions: Option<&[String]>,
    ) -> Vec<String> {
        let inputs = action.version_file_input.iter().chain(&action.file_input);
        let given: Vec<&Scalar> = inputs.filter_map(|name| here.step.input(name)).collect();
        if !given.is_empty() {
            let scope = self.scope_at(here);
            return given.iter().filter_map(|s| in_workspace("", &scope.text(&s.text)?)).collect();
        }
        if versions.is_none_or(|v| !v.is_empty()) {
            return Vec::new();
        }
        let tracked = |path: &&String| {
            let place = self.state.place(path);
            self.files(&place).is_tracked(&place.inside)
        };
        action.default_files.iter().filter(tracked).cloned().collect()
    }

    fn cache_step(&self, here: Here<'_>, uses: Uses<'_>) -> Option<CacheStep> {
        let data = cache_actions();
        let (base, form) = match uses.name.rsplit_once('/') {
            Some((base, "restore")) => (base, CacheForm::Restore),
            Some((base, "save")) => (base, CacheForm::Save),
            _ => (uses.name, CacheForm::Both),
        };
        let known = data.actions.iter().find(|a| crate::rules::is_action(&a.repository, base));
        // Mirrors and forks keep the name and the inputs.
        let twin = base.rsplit('/').next().is_some_and(|name| name == "cache")
            && here.step.input("path").is_some()
            && here.step.input("key").is_some();
        let written = here.step.uses.as_ref().map_or("", |uses| uses.text.as_str());
        let own = self.repository.is_cache_action(written);
        if known.is_none() && !twin && !own {
            return None;
        }
        let scope = self.scope_at(here);
        let context = KeyContext::new(self, here);
        let lines = |text: &str| {
            text.lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let paths = here.step.input("path").map(|p| lines(&p.text)).unwrap_or_default();
        let origins = OriginResolver::new(self, here);
        let paths = paths.into_iter().map(|written| {
            let value = scope.text(&written);
            let rendered = Key::read(&written, &scope, &origins).rendered();
            let outside = |value: &str| Some(as_written(value)).filter(|path| path != value);
            let folder = value.as_deref().and_then(|v| in_workspace("", v).or_else(|| outside(v)));
            CachedPath { folder, known: value.is_some(), rendered, written }
        });
        let key = here.step.input("key").cloned();
        let restore_keys = here.step.input("restore-keys").cloned();
        let restore_templates = restore_keys
            .iter()
            .flat_map(|s| lines(&s.text))
            .map(|line| Key::read(&line, &context, &origins))
            .collect();
        Some(CacheStep {
            action: uses.name.to_owned(),
            reference: uses.reference.to_owned(),
            form,
            keyless: known.is_some_and(|a| a.keyless),
            retired: known.is_some_and(|a| a.is_retired(uses.reference)),
            paths: paths.collect(),
            template: key
                .as_ref()
                .map(|k| Key::read(&k.text, &context, &origins))
                .unwrap_or_default(),
            key,
            restore_keys,
            restore_templates,
            must_hit: here
                .step
                .input("fail-on-cache-miss")
                .is_some_and(|f| f.text.trim() != "false"),
            lookup_only: here.step.input("lookup-only").cloned(),
        })
    }

    /// A published action that runs the tool by itself.
    fn tool_action(&mut self, here: Here<'_>, action: &'static ToolAction) {
        if action.checks_out {
            self.state.check_out(String::new(), true);
        }
        let folder =
            action.folder_input.as_deref().and_then(|name| here.step.input(name)).map_or_else(
                || Some(String::new()),
                |s| in_workspace("", &self.scope_at(here).text(&s.text)?),
            );
        let Some(folder) = folder else {
            let why = format!("`{}` runs in an unknown folder", action.action);
            return self.undecide(here, here.step.span, why);
        };
        let place = self.state.place(&folder);
        let sessions = action.sessions_input.as_deref().and_then(|name| here.step.input(name));
        let args = match sessions {
            None => Vec::new(),
            Some(scalar) => match self.scope_at(here).text(&scalar.text) {
                Some(text) => std::iter::once("-s".to_owned())
                    .chain(text.split_whitespace().map(str::to_owned))
                    .map(Argument::known)
                    .collect(),
                None => vec![Argument::known("-s"), Argument::unknown("", true)],
            },
        };
        let env = |_: &str| Variable::Unset;
        let request = Request {
            args: &args,
            env: &env,
            folder: &place.inside,
            script: None,
            files: self.files(&place),
        };
        let answer = self.ask(&request, &place);
        let Some(mut run) = self.spend_answer(here, answer) else { return };
        if action.rebuilds && run.reuse != Reuse::Unknown {
            let run = Arc::make_mut(&mut run);
            // A first pass builds without reuse, a second one runs what that has built.
            (run.reuse, run.reuse_why) =
                (Reuse::Mixed, "the action builds once, then reuses what it built".to_owned());
        }
        let folders = run.env_dirs.iter().map(|d| prefixed(&place.checkout, d)).collect();
        let invocation = Invocation {
            command: format!("uses: {}", here.step.uses.as_ref().map_or("", |u| u.text.as_str())),
            launcher: None,
            run,
            folders,
            checkout: place.checkout,
            own: place.own,
            insert_at: None,
            no_insert_reason: Some("the action decides how nox is called".into()),
            action: Some(action),
            conditional: false,
            in_container: false,
            python: None,
        };
        self.push(here, here.step.span, EventKind::Run(Box::new(invocation)));
    }
}

/// The program whose path is an output of an earlier step: `steps.setup.outputs.python-path` runs as
/// `python`.
pub(super) fn program_output(here: Here<'_>, expr: &Expr) -> Option<String> {
    let path = expr.as_path()?;
    let [steps, id, outputs, output] = path.as_slice() else { return None };
    if !steps.eq_ignore_ascii_case("steps") || !outputs.eq_ignore_ascii_case("outputs") {
        return None;
    }
    let uses = Uses::parse(&here.earlier(id)?.uses.as_ref()?.text)?;
    setup_actions().interpreter(uses.name)?.program_outputs.get(output.as_str()).cloned()
}
