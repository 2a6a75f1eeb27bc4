//! What is around a call: files of the project, variables, defaults, and scripts before it.

use super::super::placed;
use super::Calls;
use crate::actions::Step;
use crate::base::path::parent;
use crate::job::state::prefixed;
use crate::tool::Files;

impl<'a> Calls<'a> {
    /// The text of a file of the workspace.
    pub fn read(&self, path: &str) -> Option<String> {
        let checkout = &self.invocation.checkout;
        let inside = match path.strip_prefix(checkout.as_str()) {
            Some(rest) if !checkout.is_empty() => rest.trim_start_matches('/'),
            _ => path,
        };
        self.context.repository.files().read(inside).map(|text| text.to_string())
    }

    /// A tracked file of the project or of the repository, relative to the workspace.
    pub(super) fn project_file(&self, name: &str) -> Option<String> {
        let definition = self.invocation.run.definition_files.first();
        let folder = definition.map_or("", |file| parent(file));
        let tracked = self.context.repository.files().tracked();
        let path = [folder, ""].map(|folder| prefixed(folder, name));
        path.iter().find(|p| tracked.contains(p)).map(|p| placed(self.invocation, p))
    }

    /// Options with which `uv python find` chooses as the call does: by the project of its folder,
    /// or by none.
    pub fn uv_scope(&self, project: bool) -> String {
        let workflow = self.context.document().workflow().map(|w| &w.defaults);
        let defaults = self.job.map(|j| &j.defaults).into_iter().chain(workflow);
        let moved = defaults.into_iter().any(|d| d.working_directory.is_some());
        if project {
            let definition = self.invocation.run.definition_files.first();
            let folder = placed(self.invocation, definition.map_or("", |file| parent(file)));
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
            let named = !folder.is_empty() && !moved && folder.chars().all(plain);
            return if named { format!(" --directory {folder}") } else { String::new() };
        }
        if moved || !self.invocation.checkout.is_empty() {
            return String::new();
        }
        let text = |path: &str| self.context.repository.files().read(path);
        let wants = |text: std::sync::Arc<str>| text.contains("requires-python");
        let project = text("pyproject.toml").is_some_and(wants);
        match (project, text(".python-version").is_some()) {
            (false, false) => String::new(),
            (_, false) => " --no-project".to_owned(),
            (_, true) => " --no-project --no-config".to_owned(),
        }
    }

    /// The files by which uv chooses the Python of a project.
    pub fn project_files(&self) -> Vec<String> {
        let names = [".python-version", "pyproject.toml"];
        names.iter().filter_map(|name| self.project_file(name)).collect()
    }

    pub(super) fn default_shell(&self) -> Option<&'a str> {
        let workflow = self.context.document().workflow().map(|w| &w.defaults);
        let own = self.step().and_then(|s| s.shell.as_ref());
        let job = self.job.and_then(|j| j.defaults.shell.as_ref());
        let default = job.or_else(|| workflow.and_then(|d| d.shell.as_ref()));
        default.filter(|d| own.is_none_or(|own| own.text == d.text)).map(|s| s.text.as_str())
    }

    pub(super) fn step(&self) -> Option<&'a Step> {
        let step_ref = self.event.step_ref;
        self.context.repository.documents[step_ref.document]
            .steps(step_ref.job)?
            .steps
            .get(step_ref.step)
    }

    /// Whether the workflow, the job or the step sets a variable.
    pub fn sets(&self, name: &str) -> bool {
        self.entries().any(|(own, _)| own == name)
    }

    pub(super) fn is_set_to(&self, name: &str, value: &str) -> bool {
        self.entries().any(|(own, text)| own == name && text == value)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let workflow = self.context.document().workflow().map(|w| &w.env);
        let envs = workflow.into_iter().chain(self.job.map(|j| &j.env));
        let envs = envs.chain(self.step().map(|s| &s.env));
        envs.flat_map(|env| &env.entries).map(|(name, v)| (name.as_str(), v.text.as_str()))
    }
}
