//! Taskfiles (taskfile.dev), through the YAML tree: commands, dependencies, folders and plain variables.

use std::collections::BTreeSet;

use super::given::Given;
use super::{File, Followed, Lead};
use crate::repo::join;
use crate::text::Text;
use crate::yaml::{NodeId, Tree, parse};

/// How deep tasks are followed.
const MAX_DEPTH: usize = 16;

pub(super) fn follow(file: &File<'_>, given: &Given<'_>, out: &mut Followed) {
    let Ok(text) = Text::new(file.path, file.text.as_bytes().to_vec()) else { return };
    let Some((tree, root)) = parse(&text).ok().and_then(|tree| tree.root().map(|root| (tree, root))) else {
        out.notes.push(format!("`{}` cannot be read", file.path));
        return;
    };
    let rest: Option<Vec<&str>> = given.rest.iter().flatten().map(|w| w.value.as_deref()).collect();
    let mut walk = Walk {
        file,
        text: text.as_str(),
        tree: &tree,
        root,
        given,
        arguments: rest.map(|r| r.join(" ")),
        running: BTreeSet::new(),
        out,
    };
    if given.operands.is_empty() {
        walk.run("default", 0);
    }
    for word in &given.operands {
        match &word.value {
            Some(name) => walk.run(name, 0),
            None => walk.out.notes.push(format!("which task of `{}` is run is not known", file.path)),
        }
    }
}

struct Walk<'a, 'o> {
    file: &'a File<'a>,
    text: &'a str,
    tree: &'a Tree,
    root: NodeId,
    given: &'a Given<'a>,
    /// What stands behind `--`.
    arguments: Option<String>,
    running: BTreeSet<String>,
    out: &'o mut Followed,
}

impl Walk<'_, '_> {
    fn run(&mut self, name: &str, depth: usize) {
        let Some(task) = self.tree.get(self.root, "tasks").and_then(|tasks| self.tree.get(tasks, name)) else { return };
        if depth > MAX_DEPTH || !self.running.insert(name.to_owned()) {
            return;
        }
        if self.tree.is_mapping(task) {
            let deps = self.tree.get(task, "deps").map(|d| self.tree.items(d)).unwrap_or_default();
            for dependency in deps {
                let node = dependency.node;
                let name = self.tree.str(node).or_else(|| self.tree.str(self.tree.get(node, "task")?));
                if let Some(name) = name {
                    self.run(name, depth + 1);
                }
            }
        }
        let list = if self.tree.is_mapping(task) {
            self.tree.get(task, "cmds").or(self.tree.get(task, "cmd"))
        } else {
            Some(task)
        };
        let nodes = list.map(|list| match self.tree.is_sequence(list) {
            true => self.tree.items(list).iter().map(|i| i.node).collect(),
            false => vec![list],
        });
        for node in nodes.into_iter().flatten() {
            if let Some(called) = self.tree.get(node, "task").and_then(|t| self.tree.str(t)) {
                self.run(called, depth + 1);
                continue;
            }
            let command = if self.tree.is_mapping(node) { self.tree.get(node, "cmd") } else { Some(node) };
            if let Some(command) = command {
                self.command(name, task, command);
            }
        }
        self.running.remove(name);
    }

    fn command(&mut self, name: &str, task: NodeId, node: NodeId) {
        let Some(value) = self.tree.str(node) else { return };
        let base = if self.given.directory.is_some() { self.file.folder } else { self.file.own_folder() };
        let folder = match self.tree.get(task, "dir").and_then(|d| self.tree.str(d)) {
            None => base.to_owned(),
            Some(dir) => match join(base, dir).filter(|_| !dir.contains("{{")) {
                Some(folder) => folder,
                None => return self.out.notes.push(format!("the task `{name}` runs in a folder that is not known")),
            },
        };
        let span = self.tree.span(self.tree.resolve(node));
        let lead = Lead::scalar(self.file.path, self.text, span, value, &folder, format!("task `{name}`"));
        let mut lead = lead.with_holes("{{", "}}", |expression| self.variable(task, expression.strip_prefix('.')?));
        for scope in [self.root, task] {
            for entry in self.tree.get(scope, "env").map(|env| self.tree.entries(env)).unwrap_or_default() {
                if let Some(key) = self.tree.str(entry.key) {
                    let value = self.tree.str(entry.value).filter(|v| !v.contains("{{"));
                    lead.env.push((key.to_owned(), value.map(str::to_owned)));
                }
            }
        }
        self.out.leads.push(lead);
    }

    fn variable(&self, task: NodeId, name: &str) -> Option<String> {
        if name == "CLI_ARGS" {
            return self.arguments.clone();
        }
        if let Some((_, value)) = self.given.sets.iter().rev().find(|(n, _)| n == name) {
            return value.clone();
        }
        let of = |scope: NodeId| self.tree.get(scope, "vars").and_then(|vars| self.tree.get(vars, name));
        match of(task).or_else(|| of(self.root)) {
            Some(node) => self.tree.str(node).filter(|v| !v.contains("{{")).map(str::to_owned),
            None => (self.file.ask.vars)(name),
        }
    }
}
