//! The right to upload, which a job, a step or a command is given by a variable or a secret.

use super::event::{Event, EventKind};
use super::followed::CommandOrigin;
use super::timeline::{Here, TimelineBuilder};
use crate::base::text::Span;
use crate::rules::publishers::publishers;
use crate::shell::Call;

impl TimelineBuilder<'_> {
    /// A step with the right to upload publishes, unless one of its events, those from `first` on,
    /// says so already.
    pub(super) fn granted(&mut self, here: Here<'_>, span: Span, first: usize) {
        let is_publish = |event: &Event| matches!(event.kind, EventKind::Publish { .. });
        let entries = here.step.env.entries.iter().chain(&here.step.with);
        let name = granted_among(entries.map(|(name, value)| (name.as_str(), value.text.as_str())));
        if let Some(name) = name.filter(|_| !self.events[first..].iter().any(is_publish)) {
            self.push(here, span, EventKind::Publish { what: granted_by(&name) });
        }
    }

    /// A variable with the right to upload to an index, of the workflow, the job, the step, an
    /// earlier step or the command itself.
    pub(super) fn credential(&self, origin: &CommandOrigin<'_>, call: &Call) -> Option<String> {
        let envs = self.envs.iter().copied().chain([&origin.here.step.env]);
        let entries = envs.flat_map(|env| &env.entries);
        let entries = entries.map(|(name, value)| (name.as_str(), value.text.as_str()));
        let set = self.state.exported.iter().chain(&origin.env).chain(&call.env);
        granted_among(entries.chain(set.map(|(name, _)| (name.as_str(), ""))))
    }
}

/// The first of these variables, or of the secrets that are their values, that is the right to
/// upload.
fn granted_among<'v>(mut variables: impl Iterator<Item = (&'v str, &'v str)>) -> Option<String> {
    let data = publishers();
    let granted = variables.find_map(|(name, value)| {
        if data.is_credential(name) { Some(name) } else { data.credential_in(value) }
    });
    granted.map(str::to_owned)
}

/// What a job does that has the right to upload.
pub(super) fn granted_by(name: &str) -> String {
    format!("has `{name}`, so it can upload")
}
