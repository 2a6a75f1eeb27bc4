//! `on:` — which events start a workflow, and with which filters.

use super::reader::list_at;
use crate::yaml::{NodeId, Tree};

/// An input that `workflow_call` or `workflow_dispatch` declares.
#[derive(Debug, Clone)]
pub struct InputDeclaration {
    pub name: String,
    pub default: Option<String>,
    pub options: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Trigger {
    pub event: String,
    pub branches: Vec<String>,
    pub tags: Vec<String>,
    pub tags_ignore: Vec<String>,
    /// The workflows that start it (`workflow_run`), by name.
    pub workflows: Vec<String>,
    /// Times of a schedule.
    pub crons: Vec<String>,
    pub inputs: Vec<InputDeclaration>,
    /// Some branches start it; a filter that ignores all of them is none.
    has_branch_filter: bool,
}

impl Trigger {
    /// Pushes of tags, whatever their names.
    pub fn of_tags() -> Self {
        Self { event: "push".to_owned(), tags: vec!["**".to_owned()], ..Self::default() }
    }

    /// A push of a tag can start the workflow and the author thought of tags (a bare `on: push`
    /// does not count).
    pub fn names_tags(&self) -> bool {
        self.event == "push" && (!self.tags.is_empty() || !self.tags_ignore.is_empty())
    }

    /// Only pushes of tags start it: `on: push: tags: […]` without a filter that lets branches in.
    pub fn only_tags(&self) -> bool {
        self.event == "push" && !self.tags.is_empty() && !self.has_branch_filter
    }
}

#[derive(Debug, Clone, Default)]
pub struct Triggers {
    pub list: Vec<Trigger>,
}

impl Triggers {
    pub(super) fn read(tree: &Tree, root: NodeId) -> Self {
        // YAML 1.1 tools make some authors quote it; the key's text is `on` either way.
        let Some(on) = tree.get(root, "on") else { return Self::default() };
        let mut list = Vec::new();
        if let Some(event) = tree.str(on) {
            list.push(Trigger { event: event.to_owned(), ..Trigger::default() });
        }
        for item in tree.items(on) {
            if let Some(event) = tree.str(item.node) {
                list.push(Trigger { event: event.to_owned(), ..Trigger::default() });
            }
        }
        for entry in tree.entries(on) {
            if let Some(event) = tree.str(entry.key) {
                list.push(read_trigger(tree, event, entry.value));
            }
        }
        Self { list }
    }

    pub fn get(&self, event: &str) -> Option<&Trigger> {
        self.list.iter().find(|t| t.event == event)
    }

    /// Declared inputs of `workflow_call` and `workflow_dispatch`.
    pub fn input(&self, name: &str) -> Option<&InputDeclaration> {
        ["workflow_call", "workflow_dispatch"]
            .iter()
            .filter_map(|event| self.get(event))
            .flat_map(|t| &t.inputs)
            .find(|i| i.name.eq_ignore_ascii_case(name))
    }
}

fn read_trigger(tree: &Tree, event: &str, node: NodeId) -> Trigger {
    let texts =
        |key: &str| list_at(tree, node, key).into_iter().map(|s| s.text).collect::<Vec<_>>();
    let inputs =
        tree.get(node, "inputs").map(|inputs| read_inputs(tree, inputs)).unwrap_or_default();
    Trigger {
        event: event.to_owned(),
        branches: texts("branches"),
        tags: texts("tags"),
        tags_ignore: texts("tags-ignore"),
        workflows: texts("workflows"),
        crons: crons(tree, node),
        inputs,
        has_branch_filter: tree.get(node, "branches").is_some()
            || (tree.get(node, "branches-ignore").is_some()
                && !texts("branches-ignore").iter().any(|pattern| pattern == "**")),
    }
}

/// `cron:` of each item of a schedule.
fn crons(tree: &Tree, node: NodeId) -> Vec<String> {
    let times = tree.items(node).iter().filter_map(|item| tree.get(item.node, "cron"));
    times.filter_map(|cron| tree.str(cron).map(str::to_owned)).collect()
}

/// The declarations under an `inputs:` key.
pub(super) fn read_inputs(tree: &Tree, node: NodeId) -> Vec<InputDeclaration> {
    tree.entries(node)
        .iter()
        .filter_map(|entry| {
            Some(InputDeclaration {
                name: tree.str(entry.key)?.to_owned(),
                default: tree
                    .get(entry.value, "default")
                    .and_then(|d| tree.str(d))
                    .map(str::to_owned),
                options: list_at(tree, entry.value, "options")
                    .into_iter()
                    .map(|s| s.text)
                    .collect(),
            })
        })
        .collect()
}
