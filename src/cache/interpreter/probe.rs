//! The step that finds out what no expression gives.

use crate::actions::StepList;
use crate::actions::context::OUTPUT_FILE;
use crate::rules::cache_actions::cache_actions;

/// A small step before the cache that prints the exact interpreters, the week, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The key reads `steps.<id>.outputs.…`.
    pub id: &'static str,
    /// Where steps have names.
    pub name: String,
    /// The `run` script, for a POSIX shell; it may have several lines.
    pub script: String,
    /// The default shell of some leg is none that can run the script.
    pub needs_bash: bool,
}

/// What a probe asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Week {
    #[default]
    Not,
    /// An output of its own: a restore key ends before it.
    Apart,
    /// In one output with the interpreters.
    Joined,
}

/// What makes one word without commas of the versions: POSIX, and on every runner.
const DIGEST: &str = "cksum | cut -d ' ' -f 1";
const DATE: &str = "date +%G-%V";

impl Probe {
    /// The output with the interpreters.
    pub const KEY: &str = "key";
    /// The output with the week.
    pub const WEEK: &str = "week";

    /// A step that prints what these commands print, and the week; `None` where there is nothing
    /// to ask.
    pub fn new(
        id: &'static str,
        commands: &[String],
        week: Week,
        needs_bash: bool,
    ) -> Option<Self> {
        let (key, file) = (Self::KEY, OUTPUT_FILE);
        // In front: what fails ends the group in a shell that stops at errors.
        let machine = if week == Week::Joined {
            format!("uname -sm; {DATE}")
        } else {
            "uname -sm".to_owned()
        };
        let mut lines = Vec::new();
        match commands {
            [] => {}
            // A script of one line stays one.
            [one] if week != Week::Apart => lines.push(format!(
                "echo \"{key}=$({{ {machine}; {one}; }} | {DIGEST})\" >> \"${file}\""
            )),
            // One that is not there must not hide the next.
            several => {
                let or_next = if several.len() > 1 { " || true" } else { "" };
                lines.push(format!("echo \"{key}=$({{"));
                lines.push(format!("  {machine}"));
                lines.extend(several.iter().map(|command| format!("  {command}{or_next}")));
                lines.push(format!("}} | {DIGEST})\" >> \"${file}\""));
            }
        }
        if week == Week::Apart {
            lines.push(format!("echo \"{}=$({DATE})\" >> \"${file}\"", Self::WEEK));
        }
        let name = match (commands.is_empty(), week) {
            (true, Week::Not | Week::Joined) => return None,
            (true, Week::Apart) => "Get the week",
            (false, Week::Not) => "Get the Python version",
            (false, Week::Apart | Week::Joined) => "Get the Python version and the week",
        };
        Some(Self { id, name: name.to_owned(), script: lines.join("\n"), needs_bash })
    }

    /// The id for a step that writes `output` among `list`: of those that no other step has.
    pub fn id_among(list: Option<&StepList>, output: &str) -> &'static str {
        let ids = &cache_actions().probe_ids;
        let written = format!("echo \"{output}=$(");
        let is_free = |id: &&String| {
            let steps = list.map_or(&[][..], |list| &list.steps);
            let mut same = steps.iter().filter(|step| step.has_id(id));
            same.all(|step| step.run.as_ref().is_some_and(|run| run.text.contains(&written)))
        };
        ids.iter().find(is_free).or_else(|| ids.last()).map_or("", String::as_str)
    }

    /// An output of the step, as an expression names it.
    pub fn output(id: &str, name: &str) -> String {
        format!("steps.{id}.outputs.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Probe, Week};
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
        let ask = |commands: &[&str], week: Week| {
            let commands: Vec<String> = commands.iter().map(|c| (*c).to_owned()).collect();
            Probe::new("nox", &commands, week, false).unwrap()
        };
        for shell in [
            &["sh", "-e", "-c"][..],
            &["bash", "-e", "-c"],
            &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"],
        ] {
            for commands in
                [&["echo 3.12"][..], &["no-such-python", "echo 3.12"], &["no-such-python"]]
            {
                let written = run(shell, &ask(commands, Week::Apart));
                let lines: Vec<&str> = written.lines().collect();
                assert_eq!(lines.len(), 2, "{written}");
                assert!(lines[0].starts_with("key=") && lines[1].starts_with("week=20"));
                assert!(!written.contains(','), "{written}");
                let (joined, alone) = (ask(commands, Week::Joined), ask(commands, Week::Not));
                let written = run(shell, &joined);
                assert_eq!(written.lines().count(), 1, "{written}");
                assert_ne!(written, run(shell, &alone), "the week is in it");
            }
            let (old, new) = (["no-such", "echo 3.12"], ["no-such", "echo 3.13"]);
            assert_ne!(run(shell, &ask(&old, Week::Apart)), run(shell, &ask(&new, Week::Apart)));
        }
    }
}
