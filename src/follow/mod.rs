//! From a program that a command runs to the next commands in tracked files. Nothing is
//! executed.

mod file_script;
mod just;
mod make;
mod mise;
mod package_json;
mod precommit;
mod python;
mod python_tools;
mod script;
mod task;
mod tox;
mod wrapper_args;

pub use file_script::FileScript;

use self::wrapper_args::WrapperArgs;
use crate::base::path::{join, parent, upward};
use crate::rules::wrappers::{WRAPPERS, Wrapper, WrapperKind};
use crate::shell::{CallKind, UnwrappedCommand};
use crate::tool::{Files, Variable};

/// What a program leads to.
#[derive(Debug, Default)]
pub struct Followed {
    /// Scripts, in the order in which they run.
    pub file_scripts: Vec<FileScript>,
    /// What could not be followed, and why.
    pub notes: Vec<String>,
}

/// A byte of Python costs as much as so many of a Makefile: a grammar takes longer than a look at
/// lines.
const PYTHON_AS_LINES: usize = 16;
/// A byte of TOML that is read for tasks costs as much as so many.
const TOML_AS_LINES: usize = 4;
/// The most scripts that one program leads to.
const MAX_SCRIPTS: usize = 200;

/// A program that may be a wrapper.
pub struct Ask<'a> {
    pub program: &'a UnwrappedCommand,
    /// The folder it runs in, relative to the repository root.
    pub folder: &'a str,
    pub files: &'a dyn Files,
    /// The absolute path of the checkout, as far as scripts see it.
    pub root: &'a str,
    /// Environment variables by name.
    pub vars: &'a dyn Fn(&str) -> Variable,
}

impl Ask<'_> {
    /// The value of an environment variable, where it is known.
    fn value(&self, name: &str) -> Option<String> {
        match (self.vars)(name) {
            Variable::Set(value) => Some(value),
            Variable::Unset | Variable::Unknown => None,
        }
    }

    /// A path that the program is given, relative to the repository root; `None` when it lies
    /// outside.
    fn resolve(&self, base: &str, path: &str) -> Option<String> {
        let path = path.replace('\\', "/");
        match path.strip_prefix(self.root).and_then(|rest| rest.strip_prefix('/')) {
            Some(inside) => join("", inside),
            None => join(base, &path),
        }
    }

    /// The first of these files that one of the folders has.
    fn first_file<'f>(
        &self,
        mut folders: impl Iterator<Item = &'f str>,
        names: &[String],
    ) -> Option<String> {
        folders.find_map(|folder| {
            let mut paths = names.iter().filter_map(|name| join(folder, name));
            paths.find(|path| self.files.is_tracked(path))
        })
    }
}

/// The expression that a path begins with and what follows it: `{{.ROOT_DIR}}/docs`.
fn leading_expression(path: &str) -> Option<(&str, &str)> {
    let (expression, rest) = path.strip_prefix("{{")?.split_once("}}")?;
    Some((expression.trim(), rest.trim_start_matches('/')))
}

/// Bytes of the file that is read to follow a program. Files that it includes count only for mise,
/// and scripts only if they are Python.
pub fn size(ask: &Ask<'_>) -> usize {
    wrapper_size(ask) + script::python_bytes(ask) * PYTHON_AS_LINES
}

fn wrapper_size(ask: &Ask<'_>) -> usize {
    let Some(wrapper) = wrapper_of(ask.program) else { return 0 };
    let Some((args, folder)) = called(ask, wrapper) else { return 0 };
    if wrapper.reader == WrapperKind::Mise {
        return mise::size(ask, wrapper, &folder) * TOML_AS_LINES;
    }
    let path = file_of(ask, wrapper, &args, ask.folder, &folder);
    let bytes = path.and_then(|path| ask.files.read(&path)).map_or(0, |text| text.len());
    bytes * if wrapper.reader == WrapperKind::Invoke { PYTHON_AS_LINES } else { 1 }
}

/// The scripts that a program leads to; empty for a program that is not known to be a wrapper.
pub fn follow(ask: &Ask<'_>) -> Followed {
    let mut out = Followed::default();
    if let Some(wrapper) = wrapper_of(ask.program) {
        wrapped(ask, wrapper, &mut out);
    }
    if out.file_scripts.is_empty() {
        script::follow(ask, &mut out);
    }
    if out.file_scripts.len() > MAX_SCRIPTS {
        out.file_scripts.truncate(MAX_SCRIPTS);
        out.notes.push(format!("a command leads to more than {MAX_SCRIPTS} scripts"));
    }
    out
}

/// The wrapper that the program is, or the launcher that may have been given an entry of its file.
fn wrapper_of(program: &UnwrappedCommand) -> Option<&'static Wrapper> {
    let by_launcher =
        |w: &&Wrapper| program.launchers.last().is_some_and(|l| w.launched.contains(l));
    let by_name = |w: &&Wrapper| program.name.as_ref().is_some_and(|n| w.programs.contains(n));
    if matches!(program.kind, CallKind::Script(_)) {
        return None;
    }
    WRAPPERS.wrappers.iter().find(by_name).or_else(|| WRAPPERS.wrappers.iter().find(by_launcher))
}

/// What a wrapper is given, and the folder that it runs in.
fn called<'a>(ask: &Ask<'a>, wrapper: &'a Wrapper) -> Option<(WrapperArgs<'a>, String)> {
    let launched = !ask.program.name.as_ref().is_some_and(|n| wrapper.programs.contains(n));
    let args = if launched {
        Some(WrapperArgs::launched(ask.program))
    } else {
        WrapperArgs::read(ask.program, wrapper)
    };
    let args = args?;
    let folder = match &args.directory {
        None => ask.folder.to_owned(),
        Some(path) => ask.resolve(ask.folder, path)?,
    };
    Some((args, folder))
}

fn wrapped(ask: &Ask<'_>, wrapper: &Wrapper, out: &mut Followed) {
    let Some((args, folder)) = called(ask, wrapper) else { return };
    if wrapper.reader == WrapperKind::Mise {
        return mise::follow(ask, wrapper, &args, &folder, out);
    }
    let Some(path) = file_of(ask, wrapper, &args, ask.folder, &folder) else { return };
    let Some(text) = ask.files.read(&path) else {
        out.notes.push(format!("`{path}` isn't readable text, or is too large"));
        return;
    };
    let file = File { path: &path, text: &text, folder: &folder, ask };
    match wrapper.reader {
        WrapperKind::Make => make::follow(&file, &args, out),
        WrapperKind::Just => just::follow(&file, &args, out),
        WrapperKind::Task => task::follow(&file, &args, out),
        WrapperKind::PackageJson => package_json::follow(&file, &args, out),
        WrapperKind::Hatch => python_tools::hatch(&file, &args, out),
        WrapperKind::Pdm => python_tools::pdm(&file, &args, out),
        WrapperKind::Rye => python_tools::rye(&file, &args, out),
        WrapperKind::Pipenv => python_tools::pipenv(&file, &args, out),
        WrapperKind::Pixi => python_tools::pixi(&file, &args, out),
        WrapperKind::Poe => python_tools::poe(&file, &args, out),
        WrapperKind::Invoke => python::tasks(&file, &args, out),
        WrapperKind::Tox => tox::follow(&file, &args, out),
        WrapperKind::PreCommit => precommit::follow(&file, &args, out),
        // Read above, from several files.
        WrapperKind::Mise => {}
    }
}

/// The file that is read: the one that was named, else the first there is in the folder or around
/// it.
fn file_of(
    ask: &Ask<'_>,
    wrapper: &Wrapper,
    args: &WrapperArgs<'_>,
    start: &str,
    folder: &str,
) -> Option<String> {
    if let Some(named) = &args.file {
        // make looks for it after it changed folders, the others before.
        let base = if wrapper.reader == WrapperKind::Make { folder } else { start };
        return ask.resolve(base, named).filter(|p| ask.files.is_tracked(p));
    }
    let count = if wrapper.parents { usize::MAX } else { 1 };
    ask.first_file(upward(folder).take(count), &wrapper.files)
}

/// The file of a wrapper.
struct File<'a> {
    path: &'a str,
    text: &'a str,
    /// The folder the wrapper runs in.
    folder: &'a str,
    ask: &'a Ask<'a>,
}

impl File<'_> {
    /// The folder the file lies in.
    fn own_folder(&self) -> &str {
        parent(self.path)
    }
}

#[cfg(test)]
mod tests;
