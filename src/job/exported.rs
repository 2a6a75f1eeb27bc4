//! Variables that a script leaves for the steps after it.

use crate::actions::context::{ENV_FILE, Exported};

/// The variables that a script writes to `$GITHUB_ENV`, with those values that are plain text.
pub(super) fn exports(script: &str) -> Vec<Exported> {
    if !script.contains(ENV_FILE) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for line in script.lines() {
        // `NAME=value` and `NAME<<EOF` may be on any line of a group that is redirected as a
        // whole.
        let text = written_text(line.trim()).trim_start_matches(['"', '\'']);
        let name: String =
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let rest = &text[name.len()..];
        if name.is_empty() || !(rest.starts_with('=') || rest.starts_with("<<")) {
            continue;
        }
        let value = rest
            .strip_prefix('=')
            .map(|v| v.split(['"', '\'', '>']).next().unwrap_or_default().trim_end());
        let plain = value.filter(|v| line.contains(ENV_FILE) && !v.contains(['$', '`', '\\', '%']));
        found.push((name, plain.map(str::to_owned)));
    }
    found
}

/// What a line writes, without the command that does: in POSIX shells, cmd or PowerShell.
fn written_text(line: &str) -> &str {
    const ECHO: [&str; 4] = ["echo ", "printf ", "write-output ", "add-content "];
    let lower = line.to_ascii_lowercase();
    let Some(command) = ECHO.iter().find(|command| lower.starts_with(**command)) else {
        return line;
    };
    if *command != "add-content " {
        return line[command.len()..].trim_start();
    }
    // The value is named, or comes after the file.
    const VALUE: &str = "-value ";
    let file = || line.find(ENV_FILE).map(|at| at + ENV_FILE.len());
    let start = lower.find(VALUE).map(|at| at + VALUE.len()).or_else(file).unwrap_or(0);
    line[start..].trim_start_matches(['"', '\'', '}', ' ', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_variables() {
        for (script, expected) in [
            ("echo \"A=b\" >> $GITHUB_ENV", vec![("A", Some("b"))]),
            ("echo A=b >> \"$GITHUB_ENV\"", vec![("A", Some("b"))]),
            ("echo \"A=$(date)\" >> $GITHUB_ENV", vec![("A", None)]),
            ("{\n  echo \"A=b\"\n} >> $GITHUB_ENV", vec![("A", None)]),
            ("echo 'A<<EOF' >> $GITHUB_ENV", vec![("A", None)]),
            ("echo A=b", vec![]),
            ("echo A=b>>%GITHUB_ENV%", vec![("A", Some("b"))]),
            ("echo \"A=b\" >> $env:GITHUB_ENV", vec![("A", Some("b"))]),
            ("\"A=b\" | Out-File $env:GITHUB_ENV -Append", vec![("A", Some("b"))]),
            ("Write-Output \"A=$(date)\" >> $env:GITHUB_ENV", vec![("A", None)]),
            ("Add-Content -Path $env:GITHUB_ENV -Value \"A=b\"", vec![("A", Some("b"))]),
            ("Add-Content $env:GITHUB_ENV 'A=b'", vec![("A", Some("b"))]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(n, v)| (n.to_owned(), v.map(str::to_owned))).collect();
            assert_eq!(exports(script), expected, "{script}");
        }
    }
}
