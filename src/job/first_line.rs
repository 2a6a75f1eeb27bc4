//! Scripts of the tool that are run by their path: their first line says what runs them.

use crate::shell::{Call, CallKind, Expanded, Shell, calls, commands};

/// The call that the first line of the script makes: `#!/usr/bin/env -S uv run --script`. `None`
/// where that names an interpreter only.
pub(super) fn by_first_line(call: &Call, text: &str, tool: &str) -> Option<Call> {
    let (CallKind::Script(path), None) = (&call.kind, &call.launcher) else { return None };
    let line = text.lines().next()?.strip_prefix("#!")?.trim();
    let (program, rest) = line.split_once(char::is_whitespace)?;
    let words = match program.rsplit('/').next() {
        Some("env") => rest.trim_start().trim_start_matches("-S").trim_start(),
        _ => line,
    };
    let script = Expanded::new(&format!("{words} {path}"), &[]);
    let read = commands(&Shell::from_spec("bash"), &script, &|_| None);
    let mut made = read.iter().flat_map(|command| calls(command, tool));
    // A plain interpreter says no more than the path alone.
    made.find(|call| call.launcher.as_deref().is_some_and(|launcher| launcher != "python"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_launcher_and_python() {
        for (line, launcher, python) in [
            ("#!/usr/bin/env -S uv run --script", Some("uv run"), None),
            ("#!/usr/bin/env -S uv run -q --script --python 3.12", Some("uv run"), Some("3.12")),
            ("#!/usr/bin/env -S uv run", Some("uv run"), None),
            ("#!/opt/uv run --script", Some("uv run"), None),
            ("#!/usr/bin/env python3", None, None),
            ("#!/usr/bin/python3", None, None),
            ("import nox", None, None),
        ] {
            let script = Expanded::new("./noxfile.py -s a", &[]);
            let command = commands(&Shell::from_spec("bash"), &script, &|_| None).remove(0);
            let call = calls(&command, "nox").remove(0);
            let found = by_first_line(&call, &format!("{line}\nimport nox\n"), "nox");
            let python_of = |call: &Call| call.python.as_ref().map(|word| word.raw.clone());
            assert_eq!(found.as_ref().and_then(|c| c.launcher.as_deref()), launcher, "{line}");
            assert_eq!(found.as_ref().and_then(python_of).as_deref(), python, "{line}");
        }
    }
}
