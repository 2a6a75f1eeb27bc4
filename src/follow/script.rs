//! Script files that a command runs: by an interpreter, by their path, or read into the shell.

use std::borrow::Cow;

use super::{Ask, FileScript, Followed, python};
use crate::base::path::upward;
use crate::base::text::Span;
use crate::rules::wrappers::WRAPPERS;
use crate::shell::{CallKind, Shell, Word};
use crate::tool::known_name;

/// How many bytes of Python are read to follow a program that is a script.
pub(super) fn python_bytes(ask: &Ask<'_>) -> usize {
    let script = || {
        let (path, _) = file(ask, ask.folder)?;
        let text = ask.files.read(&path)?;
        let is_python = shell_of(interpreter(ask), &path, &text) == Shell::Python;
        is_python.then_some(text.len())
    };
    script().unwrap_or_default()
}

/// The script file that the program is, if it is one of the repository.
pub(super) fn follow(ask: &Ask<'_>, out: &mut Followed) {
    let folder = ask.folder;
    if let Some(path) = of_unread_language(ask).or_else(|| unread_file(ask)) {
        if ask.files.read(&path).is_some_and(|text| may_call(&text) || writes_call(&text)) {
            out.notes.push(unread(&path));
        }
        return;
    }
    let Some((path, named)) = file(ask, folder) else { return };
    let arguments = ask.program.args.iter();
    of_file(ask, &path, format!("`{named}`"), folder, interpreter(ask), arguments, out);
}

/// What the program says about the language of its script.
fn interpreter(ask: &Ask<'_>) -> Option<Shell> {
    let launcher = ask.program.launchers.last().map(String::as_str).unwrap_or_default();
    match (&ask.program.kind, launcher) {
        (_, "source") => Some(Shell::Bash),
        (CallKind::Module, _) => Some(Shell::Python),
        (CallKind::Script(_), name) => Some(Shell::from_spec(name)),
        _ => None,
    }
}

/// The script in a tracked file that is run with these arguments; without an `interpreter`, the
/// file says in which language it is.
pub(super) fn of_file<'w>(
    ask: &Ask<'_>,
    path: &str,
    label: String,
    folder: &str,
    interpreter: Option<Shell>,
    arguments: impl Iterator<Item = &'w Word>,
    out: &mut Followed,
) {
    let Some(text) = ask.files.read(path) else {
        out.notes.push(format!("`{path}` isn't readable text, or is too large"));
        return;
    };
    let shell = shell_of(interpreter, path, &text);
    if shell == Shell::Python {
        let before = out.file_scripts.len();
        python::script(path, &text, folder, out);
        if out.file_scripts.len() == before && may_call(&text) {
            out.notes.push(unread(path));
        }
        return;
    }
    if matches!(shell, Shell::Other(_)) && may_call(&text) {
        out.notes.push(unread(path));
        return;
    }
    let span = Span::new(0, text.len());
    let mut file_script = FileScript::verbatim(path, &text, span, folder, label);
    file_script.shell = shell;
    file_script.arguments = Some(arguments.map(|word| word.value.clone()).collect());
    out.file_scripts.push(file_script);
}

fn unread(path: &str) -> String {
    let tool = known_name();
    format!(
        "`{path}` mentions {tool}, but cachelint can't read what it runs; a step that calls {tool} \
         itself would help"
    )
}

/// Whether a script may call the tool in a way that is not read: its name begins a text.
fn may_call(text: &str) -> bool {
    let after_name = |rest: &str| {
        let rest = rest.strip_prefix(known_name());
        rest.is_some_and(|rest| rest.starts_with(['"', '\'', '`', ' ']))
    };
    let quotes = text.match_indices(['"', '\'', '`']);
    quotes.into_iter().any(|(at, quote)| after_name(&text[at + quote.len()..]))
}

/// Whether a line that isn't a comment has a call in full: `RUN nox -s lint`.
fn writes_call(text: &str) -> bool {
    let text = without_messages(text);
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', '/', ';']));
    lines.any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.windows(2).any(|pair| pair[0] == known_name() && pair[1].starts_with('-'))
    })
}

/// The text of a CMake file without what it tells people: `message(FATAL_ERROR "use nox -s build")`.
fn without_messages(text: &str) -> Cow<'_, str> {
    const CALL: &str = "message(";
    let Some(start) = text.find(CALL) else { return Cow::Borrowed(text) };
    let (mut kept, mut rest) = (text[..start].to_owned(), &text[start + CALL.len()..]);
    loop {
        let (mut depth, mut quoted, mut escaped) = (1, false, false);
        let end = rest.find(|c: char| {
            match c {
                _ if escaped => {}
                '"' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            escaped = c == '\\' && !escaped;
            depth == 0
        });
        let Some(end) = end else { return Cow::Borrowed(text) };
        rest = &rest[end + 1..];
        let Some(next) = rest.find(CALL) else { break };
        kept.push_str(&rest[..next]);
        rest = &rest[next + CALL.len()..];
    }
    Cow::Owned(kept + rest)
}

/// The file that a program reads its commands from, where its language is not read.
fn unread_file(ask: &Ask<'_>) -> Option<String> {
    let name = ask.program.name.as_deref()?;
    let known = WRAPPERS.unread_files.iter().find(|f| f.programs.iter().any(|p| p == name))?;
    ask.first_file(upward(ask.folder), &known.files)
}

/// The script that a program of an interpreter is given whose language is not read.
fn of_unread_language(ask: &Ask<'_>) -> Option<String> {
    let name = ask.program.name.as_deref()?;
    if !WRAPPERS.unread_interpreters.contains(name) {
        return None;
    }
    let words = ask.program.args.iter().filter_map(|word| word.value.as_deref());
    let mut paths = words.filter(|word| !word.starts_with('-'));
    paths.find_map(|word| ask.resolve(ask.folder, word).filter(|path| ask.files.is_tracked(path)))
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

/// The language of a script that an interpreter may have been named for.
fn shell_of(interpreter: Option<Shell>, path: &str, text: &str) -> Shell {
    match interpreter {
        Some(Shell::Other(_)) | None => language(path, text),
        Some(shell) => shell,
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
