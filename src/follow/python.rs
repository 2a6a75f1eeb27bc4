//! Python scripts that run commands, and the tasks of invoke: calls with literal words, through the
//! grammar.

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::path::join;
use crate::shell::python::{CommandCall, command_calls, subprocess_calls};

/// The commands that a Python script runs.
pub(super) fn script(path: &str, text: &str, folder: &str, out: &mut Followed) {
    for call in subprocess_calls(text) {
        add_script(path, folder, call, format!("`{path}`"), out);
    }
}

/// The commands of the named tasks of a `tasks.py`.
pub(super) fn tasks(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let named = args.operands.iter().filter_map(|w| w.value.as_ref());
    let mut wanted: Vec<String> = named.map(|name| name.replace('-', "_")).collect();
    let defined = definitions(file.text);
    if wanted.is_empty() {
        let default = defined.iter().find(|(_, text)| text.contains("default=True"));
        wanted.extend(default.map(|(name, _)| (*name).to_owned()));
    }
    // What runs before or after a task (`pre=[lint]`), and what its body calls.
    let mut at = 0;
    while let Some(name) = wanted.get(at).cloned() {
        at += 1;
        let texts = defined.iter().filter(|(own, _)| *own == name).map(|(_, text)| *text);
        for text in texts.collect::<Vec<_>>() {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            let words: Vec<&str> = text.split(|c| !part(c)).collect();
            let others = defined.iter().filter(|(other, _)| words.contains(other));
            let others: Vec<String> = others.map(|(other, _)| (*other).to_owned()).collect();
            for other in others {
                if !wanted.contains(&other) {
                    wanted.push(other);
                }
            }
        }
    }
    // A context's `run` or `sudo`.
    for run in
        command_calls(file.text, &|callee| callee.ends_with(".run") || callee.ends_with(".sudo"))
    {
        let Some(function) = run.function.clone().filter(|f| wanted.contains(f)) else { continue };
        let folder = file.own_folder().strip_suffix("/tasks").unwrap_or(match file.own_folder() {
            "tasks" => "",
            folder => folder,
        });
        add_script(file.path, folder, run, format!("task `{function}`"), out);
    }
}

/// The functions of a file, each with its text and the decorators above it.
fn definitions(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let (mut start, mut at, mut name) = (0, 0, None);
    for line in text.split_inclusive('\n') {
        let defines = line.strip_prefix("def ").or(line.strip_prefix("async def "));
        if name.is_some() && (defines.is_some() || line.starts_with('@')) {
            found.extend(name.take().zip(text.get(start..at)));
            start = at;
        }
        if let Some(rest) = defines {
            name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        } else if name.is_none() && !line.starts_with(['@', ' ', '\t', ')']) {
            start = at + line.len();
        }
        at += line.len();
    }
    found.extend(name.zip(text.get(start..)));
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
