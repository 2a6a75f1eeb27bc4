//! Script files that a command runs: by an interpreter, by their path, or read into the shell.

use super::{Ask, FileScript, Followed, python};
use crate::base::text::Span;
use crate::shell::{CallKind, Shell};

/// The script file that the program is, if it is one of the repository.
pub(super) fn follow(ask: &Ask<'_>, out: &mut Followed) {
    let folder = ask.folder;
    let launcher = ask.program.launchers.last().map(String::as_str).unwrap_or_default();
    let Some((path, named)) = file(ask, folder) else { return };
    let Some(text) = ask.files.read(&path) else {
        out.notes.push(format!("`{path}` is not readable text, or too large"));
        return;
    };
    let interpreter = match (&ask.program.kind, launcher) {
        (_, "source") => Some(Shell::Bash),
        (CallKind::Module, _) => Some(Shell::Python),
        (CallKind::Script(_), name) => Some(Shell::from_spec(name)),
        _ => None,
    };
    let shell = match interpreter {
        Some(Shell::Other(_)) | None => language(&path, &text),
        Some(shell) => shell,
    };
    if shell == Shell::Python {
        python::script(&path, &text, folder, out);
        return;
    }
    let mut file_script =
        FileScript::verbatim(&path, &text, Span::new(0, text.len()), folder, format!("`{named}`"));
    file_script.shell = shell;
    file_script.arguments = Some(ask.program.args.iter().map(|w| w.value.clone()).collect());
    out.file_scripts.push(file_script);
}

/// The tracked file and how it was named.
fn file(ask: &Ask<'_>, folder: &str) -> Option<(String, String)> {
    let tracked = |path: &str| ask.resolve(folder, path).filter(|p| ask.files.is_tracked(p));
    match &ask.program.kind {
        CallKind::Script(path) => Some((tracked(path)?, path.clone())),
        CallKind::Module => {
            let module = ask.program.program.value.as_deref()?;
            let path = module.replace('.', "/");
            let found = tracked(&format!("{path}.py"))
                .or_else(|| tracked(&format!("{path}/__main__.py")))?;
            Some((found, module.to_owned()))
        }
        CallKind::Program => {
            let value = ask.program.program.value.as_deref()?;
            let ending = value.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
            // Windows and `uv run` take a script of the current folder without `./`.
            let by_ending = matches!(ending.as_deref(), Some("bat" | "cmd" | "ps1"))
                || (ending.as_deref() == Some("py") && !ask.program.launchers.is_empty());
            if !by_ending && !value.contains(['/', '\\']) {
                return None;
            }
            Some((tracked(value)?, value.to_owned()))
        }
    }
}

/// The language of a script that is run by its path.
fn language(path: &str, text: &str) -> Shell {
    if let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        return Shell::from_spec(line);
    }
    let ending = path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    match ending.as_deref() {
        Some("py") => Shell::Python,
        Some("ps1") => Shell::PowerShell,
        Some("bat" | "cmd") => Shell::Cmd,
        Some("bash") => Shell::Bash,
        _ => Shell::Sh,
    }
}
