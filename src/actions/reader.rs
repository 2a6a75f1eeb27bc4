//! Small readers from tree nodes to typed parts, shared by workflow, job, step and action.

use crate::base::text::Span;
use crate::yaml::{NodeId, Tree};

/// A scalar of the file: its value and where it is.
#[derive(Debug, Clone)]
pub struct Scalar {
    pub node: NodeId,
    pub text: String,
    pub span: Span,
}

/// A part that is not of the shape Actions requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub span: Span,
    pub message: String,
}

/// The environment of a workflow, job or step.
#[derive(Debug, Clone, Default)]
pub struct Env {
    pub entries: Vec<(String, Scalar)>,
    /// The whole map is an expression: any variable may be set.
    pub incomplete: bool,
}

/// `defaults.run`.
#[derive(Debug, Clone, Default)]
pub struct RunDefaults {
    pub shell: Option<Scalar>,
    pub working_directory: Option<Scalar>,
}

pub(super) fn scalar(tree: &Tree, node: NodeId) -> Option<Scalar> {
    let text = tree.str(node)?;
    Some(Scalar { node, text: text.to_owned(), span: tree.span(node) })
}

/// The scalar under `key`; absent when missing, null or no scalar.
pub(super) fn scalar_at(tree: &Tree, mapping: NodeId, key: &str) -> Option<Scalar> {
    let node = tree.get(mapping, key)?;
    if tree.is_null(node) { None } else { scalar(tree, node) }
}

/// A scalar or a list of scalars under `key`.
pub(super) fn list_at(tree: &Tree, mapping: NodeId, key: &str) -> Vec<Scalar> {
    let Some(node) = tree.get(mapping, key) else { return Vec::new() };
    if tree.is_sequence(node) {
        tree.items(node).iter().filter_map(|item| scalar(tree, item.node)).collect()
    } else if tree.is_null(node) {
        Vec::new()
    } else {
        scalar(tree, node).into_iter().collect()
    }
}

/// The scalar entries of the mapping under `key`.
pub(super) fn scalars_at(tree: &Tree, mapping: NodeId, key: &str) -> Vec<(String, Scalar)> {
    let Some(node) = tree.get(mapping, key) else { return Vec::new() };
    tree.entries(node)
        .iter()
        .filter_map(|entry| Some((tree.str(entry.key)?.to_owned(), scalar(tree, entry.value)?)))
        .collect()
}

pub(super) fn env_at(tree: &Tree, mapping: NodeId) -> Env {
    let incomplete = tree
        .get(mapping, "env")
        .is_some_and(|node| tree.str(node).is_some() && !tree.is_null(node));
    Env { entries: scalars_at(tree, mapping, "env"), incomplete }
}

pub(super) fn defaults_at(tree: &Tree, mapping: NodeId) -> RunDefaults {
    let Some(run) = tree.get(mapping, "defaults").and_then(|defaults| tree.get(defaults, "run"))
    else {
        return RunDefaults::default();
    };
    RunDefaults {
        shell: scalar_at(tree, run, "shell"),
        working_directory: scalar_at(tree, run, "working-directory"),
    }
}
