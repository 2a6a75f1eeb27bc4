//! stub
use super::{Command, Expanded};
pub(super) fn commands(_script: &Expanded, _vars: &dyn Fn(&str) -> Option<String>) -> Vec<Command> {
    Vec::new()
}
