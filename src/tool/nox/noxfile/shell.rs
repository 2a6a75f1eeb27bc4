//! Commands that a noxfile gives to a shell: as one text, or in a script of the repository.

use super::value::PythonValue;
use crate::rules::launchers::LAUNCHERS;
use crate::shell::word::quoted;
use crate::shell::{Directory, Expanded, Shell, commands};

/// Stands for a part of a command that is not known: no shell variable has this name.
const UNKNOWN: &str = "${_unknown}";

/// One command that a shell reads.
pub(super) struct ShellCommand {
    pub words: Vec<PythonValue>,
    /// The shell may leave it out.
    pub conditional: bool,
    /// It runs in another folder than the shell.
    pub elsewhere: bool,
}

/// The commands in the text that these words give to a shell (`bash -c "…"`). `None`: they start no
/// shell with a text. `Some(None)`: the text is not known.
pub(super) fn in_shell(words: &[PythonValue]) -> Option<Option<Vec<ShellCommand>>> {
    let (program, options) = words.split_first()?;
    let gives_text = |option: &PythonValue| {
        option.text().is_some_and(|o| o.starts_with('-') && !o.starts_with("--") && o.contains('c'))
    };
    if !is_shell(program.text()?) || !options.iter().any(gives_text) {
        return None;
    }
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        match word.text() {
            Some(text) => line.push_str(&quoted(text)),
            None if word.is_partly() => line.push_str(&quoted(&filled(word.shape()))),
            None => line.push_str(UNKNOWN),
        }
    }
    let found: Vec<ShellCommand> = read(&line, true);
    Some((!found.is_empty()).then_some(found))
}

/// Whether a program reads shell scripts.
pub(super) fn is_shell(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    LAUNCHERS.launchers.iter().any(|launcher| {
        launcher.shell.as_deref() == Some("bash")
            && launcher.words.len() == 1
            && launcher.is_program(name)
    })
}

/// The commands of a text that is a shell script.
pub(super) fn of_text(text: &PythonValue) -> Vec<ShellCommand> {
    match text {
        PythonValue::Str(text) => read(text, false),
        PythonValue::Partly(shape) => read(&filled(shape), false),
        _ => Vec::new(),
    }
}

/// A text of which parts are not known, as a script.
fn filled(shape: &str) -> String {
    shape.replace('*', UNKNOWN)
}

/// The commands of a script; `inner`: only those of the scripts that it holds.
fn read(script: &str, inner: bool) -> Vec<ShellCommand> {
    let found = commands(&Shell::Bash, &Expanded::new(script, &[]), &|_| None);
    let found = found.into_iter().filter(|command| command.nested || !inner);
    let value =
        |value: &Option<String>| value.as_ref().map_or(PythonValue::Unknown, PythonValue::str);
    found
        .map(|command| ShellCommand {
            words: command.words.iter().map(|word| value(&word.value)).collect(),
            conditional: command.conditional,
            elsewhere: command.directory != Directory::Unchanged,
        })
        .collect()
}
