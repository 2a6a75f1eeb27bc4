//! Python scripts that run commands, and the tasks of invoke: calls with literal words, through the
//! grammar.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::path::join;
use crate::base::syntax::{self, Grammar, TOO_SLOW};
use crate::shell::python::{CommandCall, command_calls, subprocess_calls};

/// The most tasks that one call of invoke leads to.
const MAX_TASKS: usize = 200;
/// Options of `@task` that name other tasks.
const RUN_AROUND: [&str; 2] = ["pre", "post"];

/// The commands that a Python script runs.
pub(super) fn script(path: &str, text: &str, folder: &str, out: &mut Followed) {
    let Some(calls) = subprocess_calls(text) else {
        return out.notes.push(format!("`{path}` {TOO_SLOW}"));
    };
    for call in calls {
        add_script(path, folder, call, format!("`{path}`"), out);
    }
}

/// The commands of the named tasks of a `tasks.py`.
pub(super) fn tasks(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let Some(tree) = syntax::parse(Grammar::Python, file.text) else {
        return out.notes.push(format!("`{}` {TOO_SLOW}", file.path));
    };
    let defined = definitions(tree.root_node(), file.text);
    let named = args.operands.iter().filter_map(|w| w.value.as_ref());
    let mut next: Vec<String> = named.map(|name| name.replace('-', "_")).collect();
    if next.is_empty() {
        let default = defined.iter().filter(|(_, definition)| definition.is_default);
        let first = default.min_by_key(|(_, definition)| definition.start);
        next.extend(first.map(|(name, _)| (*name).to_owned()));
    }
    let mut wanted: HashSet<String> = HashSet::new();
    while let Some(name) = next.pop() {
        if wanted.contains(&name) {
            continue;
        }
        if wanted.len() == MAX_TASKS {
            out.notes.push(format!("tasks of `{}` run more than {MAX_TASKS} others", file.path));
            break;
        }
        let others = defined.get(name.as_str()).map(|definition| &definition.others);
        let others = others.into_iter().flatten().filter(|other| defined.contains_key(*other));
        next.extend(others.map(|other| (*other).to_owned()));
        wanted.insert(name);
    }
    // A context's `run` or `sudo`.
    let runs = |callee: &str| callee.ends_with(".run") || callee.ends_with(".sudo");
    for run in command_calls(file.text, &runs).unwrap_or_default() {
        let Some(function) = run.function.clone().filter(|f| wanted.contains(f)) else { continue };
        let folder = file.own_folder().strip_suffix("/tasks").unwrap_or(match file.own_folder() {
            "tasks" => "",
            folder => folder,
        });
        add_script(file.path, folder, run, format!("task `{function}`"), out);
    }
}

/// A function of a file, with the decorators above it.
#[derive(Default)]
struct InvokeTask<'a> {
    start: usize,
    is_default: bool,
    /// What its body calls by a plain name, and what its decorators name to run before or after it.
    others: Vec<&'a str>,
}

/// The functions of a file by name.
fn definitions<'a>(root: Node<'_>, text: &'a str) -> HashMap<&'a str, InvokeTask<'a>> {
    let mut found: HashMap<&str, InvokeTask<'_>> = HashMap::new();
    let of = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    for node in root.named_children(&mut root.walk()) {
        let function = node.child_by_field_name("definition").unwrap_or(node);
        let Some(name) = function.child_by_field_name("name") else { continue };
        if function.kind() != "function_definition" {
            continue;
        }
        let definition = found.entry(of(name)).or_default();
        definition.start = node.start_byte();
        // Whether every name counts there, as in `pre=[lint]`.
        let mut stack = vec![(node, false)];
        while let Some((node, all)) = stack.pop() {
            let is_option = || {
                let name = node.child_by_field_name("name");
                name.is_some_and(|name| !RUN_AROUND.contains(&of(name)))
            };
            match node.kind() {
                "decorator" => {
                    definition.is_default |= of(node).contains("default=True");
                    let called = node.named_child(0);
                    let arguments = called.and_then(|call| call.child_by_field_name("arguments"));
                    stack.extend(arguments.map(|arguments| (arguments, true)));
                    continue;
                }
                "keyword_argument" if all && is_option() => continue,
                "identifier" if all => definition.others.push(of(node)),
                "call" => {
                    let callee = node.child_by_field_name("function");
                    let callee = callee.filter(|callee| callee.kind() == "identifier");
                    definition.others.extend(callee.map(of));
                }
                _ => {}
            }
            stack.extend(node.named_children(&mut node.walk()).map(|child| (child, all)));
        }
    }
    found
}

fn add_script(path: &str, folder: &str, run: CommandCall, label: String, out: &mut Followed) {
    let folder = match run.cwd {
        None => Some(folder.to_owned()),
        Some(cwd) => cwd.and_then(|cwd| join(folder, &cwd)),
    };
    let Some(folder) = folder else {
        out.notes.push(format!("`{path}` runs a command in an unknown folder"));
        return;
    };
    let holes = run.holes.into_iter().map(|span| (span, None)).collect();
    let file_script = FileScript::computed(path, run.span, run.script, &folder, label);
    out.file_scripts.push(FileScript { holes, conditional: run.conditional, ..file_script });
}
