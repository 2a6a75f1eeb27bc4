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
    let wanted: Vec<String> = args
        .operands
        .iter()
        .filter_map(|w| w.value.as_ref())
        .map(|name| name.replace('-', "_"))
        .collect();
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
