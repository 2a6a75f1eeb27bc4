//! Taskfiles (taskfile.dev), through the YAML tree: commands, dependencies, folders and plain
//! variables.

use std::collections::BTreeSet;

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed, leading_expression};
use crate::base::path::{join, parent};
use crate::base::text::Text;
use crate::rules::wrappers::{WRAPPERS, WrapperKind};
use crate::yaml::{NodeId, Tree, parse};

/// How deep tasks are followed.
const MAX_DEPTH: usize = 16;
/// The most files that are read for one Taskfile, itself counted.
const MAX_FILES: usize = 30;

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let folder = if args.directory.is_some() { file.folder } else { file.own_folder() };
    let mut all = Vec::new();
    if !load(file, file.path, folder, "", &mut all) {
        return out.notes.push(format!("`{}` can't be read", file.path));
    }
    let rest: Option<Vec<&str>> = args.rest.iter().flatten().map(|w| w.value.as_deref()).collect();
    let mut reader = TaskReader {
        file,
        all: &all,
        args,
        arguments: rest.map(|r| r.join(" ")),
        running: BTreeSet::new(),
        out,
    };
    if args.operands.is_empty() {
        reader.run("default", 0);
    }
    for word in &args.operands {
        match &word.value {
            Some(name) => reader.run(name, 0),
            None => reader
                .out
                .notes
                .push(format!("cachelint doesn't know which task of `{}` runs", file.path)),
        }
    }
}

/// A Taskfile, the one that was asked for or one that it includes.
struct Taskfile {
    path: String,
    text: Text,
    tree: Tree,
    root: NodeId,
    /// Where its commands run.
    folder: String,
    /// Before the names of its tasks: `docs:`.
    prefix: String,
}

/// Reads a Taskfile and those it includes; false where the file itself can't be read.
fn load(file: &File<'_>, path: &str, folder: &str, prefix: &str, all: &mut Vec<Taskfile>) -> bool {
    let known =
        all.iter().any(|t| t.path == path && (t.prefix == prefix || prefix.starts_with(&t.prefix)));
    if all.len() == MAX_FILES || known {
        return true;
    }
    let Some(text) =
        file.ask.files.read(path).and_then(|t| Text::new(path, t.as_bytes().to_vec()).ok())
    else {
        return false;
    };
    let Some((tree, root)) =
        parse(&text).ok().and_then(|tree| tree.root().map(|root| (tree, root)))
    else {
        return false;
    };
    let own = parent(path);
    let included: Vec<(String, String, String)> = tree
        .get(root, "includes")
        .map(|includes| tree.entries(includes))
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            let field = |name: &str| tree.get(entry.value, name).and_then(|n| tree.str(n));
            let target = join(own, tree.str(entry.value).or_else(|| field("taskfile"))?)?;
            let folder = match field("dir") {
                Some(dir) => join(own, dir).filter(|_| !dir.contains("{{"))?,
                None => folder.to_owned(),
            };
            let flat = field("flatten") == Some("true");
            let prefix =
                if flat { prefix.to_owned() } else { format!("{prefix}{}:", tree.str(entry.key)?) };
            Some((target, folder, prefix))
        })
        .collect();
    let (folder, prefix) = (folder.to_owned(), prefix.to_owned());
    all.push(Taskfile { path: path.to_owned(), text, tree, root, folder, prefix });
    for (target, folder, prefix) in included {
        let names = WRAPPERS
            .wrappers
            .iter()
            .find(|w| w.reader == WrapperKind::Task)
            .map(|w| w.files.as_slice());
        let inside = names.unwrap_or_default().iter().filter_map(|name| join(&target, name));
        if let Some(path) =
            std::iter::once(target.clone()).chain(inside).find(|p| file.ask.files.is_tracked(p))
        {
            load(file, &path, &folder, &prefix, all);
        }
    }
    true
}

struct TaskReader<'a, 'o> {
    file: &'a File<'a>,
    all: &'a [Taskfile],
    args: &'a WrapperArgs<'a>,
    /// What comes after `--`.
    arguments: Option<String>,
    running: BTreeSet<String>,
    out: &'o mut Followed,
}

impl<'a> TaskReader<'a, '_> {
    /// The task of that whole name, and the file it is in.
    fn find(&self, name: &str) -> Option<(&'a Taskfile, NodeId)> {
        let in_file = |t: &'a Taskfile| {
            let own = match name.strip_prefix(&t.prefix) {
                Some(own) => own,
                // The name of an included file alone means its default.
                None if t.prefix.strip_suffix(':') == Some(name) => "default",
                None => return None,
            };
            Some((t, t.tree.get(t.tree.get(t.root, "tasks")?, own)?))
        };
        self.all.iter().filter_map(in_file).max_by_key(|(t, _)| t.prefix.len())
    }

    fn run(&mut self, name: &str, depth: usize) {
        let Some((taskfile, task)) = self.find(name) else { return };
        if depth > MAX_DEPTH || !self.running.insert(name.to_owned()) {
            return;
        }
        let tree = &taskfile.tree;
        // A name is meant inside the file it is in, unless it begins with a colon.
        let whole = |name: &str| match name.strip_prefix(':') {
            Some(rest) => rest.to_owned(),
            None => format!("{}{name}", taskfile.prefix),
        };
        if tree.is_mapping(task) {
            let deps = tree.get(task, "deps").map(|d| tree.items(d)).unwrap_or_default();
            for dependency in deps {
                let node = dependency.node;
                let name = tree.str(node).or_else(|| tree.str(tree.get(node, "task")?));
                if let Some(name) = name {
                    self.run(&whole(name), depth + 1);
                }
            }
        }
        let list = if tree.is_mapping(task) {
            tree.get(task, "cmds").or(tree.get(task, "cmd"))
        } else {
            Some(task)
        };
        let nodes = list.map(|list| match tree.is_sequence(list) {
            true => tree.items(list).iter().map(|i| i.node).collect(),
            false => vec![list],
        });
        for node in nodes.into_iter().flatten() {
            if let Some(called) = tree.get(node, "task").and_then(|t| tree.str(t)) {
                self.run(&whole(called), depth + 1);
                continue;
            }
            let command = if tree.is_mapping(node) { tree.get(node, "cmd") } else { Some(node) };
            if let Some(command) = command {
                self.command(name, taskfile, task, command);
            }
        }
        self.running.remove(name);
    }

    fn command(&mut self, name: &str, taskfile: &Taskfile, task: NodeId, node: NodeId) {
        let tree = &taskfile.tree;
        let Some(value) = tree.str(node) else { return };
        let folder = match tree.get(task, "dir").and_then(|d| tree.str(d)) {
            None => taskfile.folder.clone(),
            Some(dir) => match self.folder(taskfile, dir) {
                Some(folder) => folder,
                None => {
                    return self
                        .out
                        .notes
                        .push(format!("the task `{name}` runs in an unknown folder"));
                }
            },
        };
        let span = tree.span(tree.resolve(node));
        let file_script = FileScript::scalar(
            &taskfile.path,
            taskfile.text.as_str(),
            span,
            value,
            &folder,
            format!("task `{name}`"),
        );
        let mut file_script = file_script.with_holes("{{", "}}", |expression| {
            self.variable(taskfile, task, expression.strip_prefix('.')?)
        });
        for scope in [taskfile.root, task] {
            for entry in tree.get(scope, "env").map(|env| tree.entries(env)).unwrap_or_default() {
                if let Some(key) = tree.str(entry.key) {
                    let value = tree.str(entry.value).filter(|v| !v.contains("{{"));
                    file_script.env.push((key.to_owned(), value.map(str::to_owned)));
                }
            }
        }
        self.out.file_scripts.push(file_script);
    }

    /// A `dir:` relative to the repository root (taskfile.dev, "Special Variables").
    fn folder(&self, taskfile: &Taskfile, dir: &str) -> Option<String> {
        let Some((name, rest)) = leading_expression(dir) else {
            return join(&taskfile.folder, dir).filter(|_| !dir.contains("{{"));
        };
        let base = match name {
            ".ROOT_DIR" => self.file.own_folder(),
            ".TASKFILE_DIR" => parent(&taskfile.path),
            ".USER_WORKING_DIR" => self.file.ask.folder,
            _ => return None,
        };
        join(base, rest).filter(|_| !rest.contains("{{"))
    }

    fn variable(&self, taskfile: &Taskfile, task: NodeId, name: &str) -> Option<String> {
        if name == "CLI_ARGS" {
            return self.arguments.clone();
        }
        if let Some((_, value)) = self.args.sets.iter().rev().find(|(n, _)| n == name) {
            return value.clone();
        }
        let tree = &taskfile.tree;
        let of = |scope: NodeId| tree.get(scope, "vars").and_then(|vars| tree.get(vars, name));
        match of(task).or_else(|| of(taskfile.root)) {
            Some(node) => tree.str(node).filter(|v| !v.contains("{{")).map(str::to_owned),
            None => self.file.ask.value(name),
        }
    }
}
