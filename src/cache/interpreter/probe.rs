//! The step that asks for what no expression tells.

/// A small step before the cache that tells the exact interpreters, the week, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `nox-key`: the key reads `steps.nox-key.outputs.…`.
    pub id: String,
    /// Where steps have names.
    pub name: String,
    /// The `run` script, for a POSIX shell; it may have several lines.
    pub script: String,
    /// The default shell of some leg is none that can run the script.
    pub needs_bash: bool,
}

/// The step's id.
const ID: &str = "nox-key";
/// What makes one word without commas of the versions: POSIX, and on every runner.
const DIGEST: &str = "cksum | cut -d ' ' -f 1";

impl Probe {
    /// A step that prints what these commands print, and the week; `None` where there is nothing
    /// to ask.
    pub(super) fn new(commands: &[String], week: bool, needs_bash: bool) -> Option<Self> {
        let mut lines = Vec::new();
        match commands {
            [] => {}
            [one] => lines.push(format!(
                "echo \"python=$({{ uname -sm; {one}; }} | {DIGEST})\" >> \"$GITHUB_OUTPUT\""
            )),
            // One that is not there must not hide the next.
            several => {
                lines.push("echo \"python=$({".to_owned());
                lines.push("  uname -sm".to_owned());
                lines.extend(several.iter().map(|command| format!("  {command} || true")));
                lines.push(format!("}} | {DIGEST})\" >> \"$GITHUB_OUTPUT\""));
            }
        }
        if week {
            lines.push("echo \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"".to_owned());
        }
        let name = match (commands.is_empty(), week) {
            (true, false) => return None,
            (true, true) => "Note the week",
            (false, false) => "Note the interpreter",
            (false, true) => "Note the interpreter and the week",
        };
        Some(Self {
            id: ID.to_owned(),
            name: name.to_owned(),
            script: lines.join("\n"),
            needs_bash,
        })
    }

    /// An output of the step, as an expression names it.
    pub fn output(name: &str) -> String {
        format!("steps.{ID}.outputs.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::Probe;
    use std::process::Command;

    fn run(shell: &[&str], probe: &Probe) -> String {
        let output = tempfile::NamedTempFile::new().unwrap();
        let status = Command::new(shell[0])
            .args(&shell[1..])
            .arg(&probe.script)
            .env("GITHUB_OUTPUT", output.path())
            .status()
            .unwrap();
        assert!(status.success(), "{shell:?}: {}", probe.script);
        std::fs::read_to_string(output.path()).unwrap()
    }

    #[test]
    fn every_shell_of_a_runner_writes_one_line_for_each_output() {
        let ask = |commands: &[&str]| {
            let commands: Vec<String> = commands.iter().map(|c| (*c).to_owned()).collect();
            Probe::new(&commands, true, false).unwrap()
        };
        for shell in [
            &["sh", "-e", "-c"][..],
            &["bash", "-e", "-c"],
            &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"],
        ] {
            for commands in
                [&["echo 3.12"][..], &["no-such-python", "echo 3.12"], &["no-such-python"]]
            {
                let written = run(shell, &ask(commands));
                let lines: Vec<&str> = written.lines().collect();
                assert_eq!(lines.len(), 2, "{written}");
                assert!(lines[0].starts_with("python=") && lines[1].starts_with("week=20"));
                assert!(!written.contains(','), "{written}");
            }
            let (old, new) = (ask(&["no-such", "echo 3.12"]), ask(&["no-such", "echo 3.13"]));
            assert_ne!(run(shell, &old), run(shell, &new));
        }
    }
}
