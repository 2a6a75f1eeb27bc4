//! Whether the cache step can go before steps that take packages ahead of nox: the archive then
//! serves them, too.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::interpreter::Interpreters;
use super::needs::Needs;
use super::uncovered::UncoveredCall;
use crate::actions::expr::{TemplatePart, parse_template};
use crate::actions::{Step, StepList};
use crate::base::text::Span;
use crate::job::StepRef;
use crate::job::context::JobContext;
use crate::repo::Repository;
use crate::repo::index::local;
use crate::rules::setup_actions::setup_actions;
use crate::shell::{Command, Expanded, Given, Shell, commands_and_cut, word};
use crate::tool::Files;

/// Writes text, which may go to a file.
const ECHO: &str = "echo";
/// Programs that a probe calls and that a step may have installed.
const ASKED: [&str; 2] = ["uv", "pipx"];
/// The step's own files for the runner, and what is no file of the workspace.
static HARMLESS_TARGETS: LazyLock<Regex> = LazyLock::new(|| {
    let targets = r#">>?\s*("?\$\{?GITHUB_(OUTPUT|STEP_SUMMARY)\}?"?|&[12]|/dev/null)"#;
    Regex::new(targets).expect("the pattern is checked by the tests")
});

/// The place before the step at `first`, where all that the key needs is there already; fails with
/// what stands against it, as a clause.
pub fn place(
    context: &JobContext<'_>,
    list: &StepList,
    calls: &[UncoveredCall<'_>],
    needs: &Needs,
    (first, step_ref): (usize, StepRef),
) -> Result<StepRef, String> {
    let between = &list.steps[first..step_ref.step];
    let own = (step_ref.document, step_ref.job);
    let is_between = |outer: StepRef| {
        (outer.document, outer.job) == own && (first..step_ref.step).contains(&outer.step)
    };
    // A checkout, an interpreter, files that arrive or are deleted.
    let happens = |step: usize| {
        let events = context.timelines.iter().flat_map(|timeline| &timeline.events);
        let mut outer = events.map(|event| event.outer);
        outer.any(|outer| is_between(outer) && outer.step == step)
    };
    for (at, step) in between.iter().enumerate() {
        if happens(first + at) || !only_installs(context.repository, step) {
            return Err(format!("{} may change what the key is made of", called(step)));
        }
    }
    let mut texts = vec![needs.key()];
    texts.extend(calls.iter().filter_map(|call| condition(list, call)).map(str::to_owned));
    if let Some(id) = between.iter().filter_map(|step| step.id.as_ref()).find(|id| {
        let output = format!("steps.{}.", id.text).to_ascii_lowercase();
        texts.iter().any(|text| text.to_ascii_lowercase().contains(&output))
    }) {
        return Err(format!("it needs what the step `{}` finds out", id.text));
    }
    // An archive that is saved where nox does not run has no environments.
    let before = between.first().and_then(Step::asks);
    let asks = |call: &UncoveredCall<'_>| condition(list, call).is_some_and(|c| Some(c) != before);
    if calls.iter().all(asks) {
        return Err("the steps that run nox have an `if:` of their own".to_owned());
    }
    let untracked = |file: &&String| !context.repository.files().is_tracked(file);
    if let Some(file) = needs.key_files.iter().find(untracked) {
        return Err(format!("`{file}` may not be there yet"));
    }
    if let Some(program) = installed_between(&needs.interpreters, between) {
        return Err(format!("the key asks `{program}`, which is installed there"));
    }
    Ok(StepRef { step: first, ..step_ref })
}

/// The `if:` of the step of the job that makes the call.
fn condition<'a>(list: &'a StepList, call: &UncoveredCall<'_>) -> Option<&'a str> {
    list.steps.get(call.event.outer.step)?.asks()
}

/// How people know a step: its name, its action, or the first line of its script.
pub fn called(step: &Step) -> String {
    let action = || step.uses.as_ref().map(|uses| uses.text.as_str());
    let script = || step.run.as_ref().and_then(|run| run.text.trim().lines().next());
    let name = step.name.as_ref().map(|name| name.text.as_str());
    name.or_else(action).or_else(script).map_or_else(|| "a step".to_owned(), |n| format!("`{n}`"))
}

/// A program that the step before the cache calls and that these steps may install.
fn installed_between(interpreters: &Interpreters, steps: &[Step]) -> Option<&'static str> {
    ASKED.into_iter().find(|program| {
        let asked = interpreters.commands().any(|command| command.contains(program));
        let named = |command: &Command| {
            let mut words = command.words.iter().skip(1).filter_map(|word| word.value.as_deref());
            words
                .any(|word| word.split(|c: char| !c.is_alphanumeric()).any(|part| part == *program))
        };
        // What an action of the repository installs isn't looked at.
        asked
            && steps.iter().any(|step| {
                let commands = step.run.as_ref().and_then(|run| read(&run.text));
                commands.is_none_or(|commands| commands.iter().any(named))
            })
    })
}

/// Whether a step does nothing but install packages: no file that the key hashes, no variable and
/// no interpreter is another one after it.
fn only_installs(repository: &Repository, step: &Step) -> bool {
    let mut steps = vec![step];
    let mut seen = HashSet::new();
    while let Some(step) = steps.pop() {
        let shell = step.shell.as_ref().map(|shell| Shell::from_spec(&shell.text));
        if step.shared || step.concurrent || shell.is_some_and(|s| !is_posix(&s)) {
            return false;
        }
        if let Some(script) = &step.run {
            if !script_only_installs(&script.text) {
                return false;
            }
            continue;
        }
        let uses = step.uses.as_ref().filter(|uses| local(&uses.text).is_some());
        let Some(action) = uses.and_then(|uses| repository.action_of(&uses.text)) else {
            return false;
        };
        let Some(list) = repository.documents[action].steps(None) else { return false };
        if seen.insert(action) {
            steps.extend(&list.steps);
        }
    }
    true
}

fn is_posix(shell: &Shell) -> bool {
    matches!(shell, Shell::Bash | Shell::Sh)
}

fn script_only_installs(script: &str) -> bool {
    let Some(commands) = read(script) else { return false };
    let writes = HARMLESS_TARGETS.replace_all(script, "").contains('>');
    commands.iter().all(|command| {
        let words: Vec<Option<&str>> = command.words.iter().map(|w| w.value.as_deref()).collect();
        if words.first().copied().flatten() == Some(ECHO) {
            return !writes && !command.words.iter().any(|word| word.raw.contains(['`', '(']));
        }
        setup_actions().only_install.iter().any(|rule| {
            let begins = rule.words.iter().enumerate().all(|(at, expected)| {
                let word = words.get(at).copied().flatten();
                let word = word.map(|w| if at == 0 { word::program_name(w) } else { w });
                word == Some(expected)
            });
            // Of those with exceptions every word must be known.
            let excepted = |word: &Option<&str>| {
                word.is_none_or(|word| rule.except.iter().any(|option| word.starts_with(option)))
            };
            begins && (rule.except.is_empty() || !words.iter().any(excepted))
        })
    })
}

/// The commands of a script; `None` where they can't all be read.
fn read(script: &str) -> Option<Vec<Command>> {
    let template = parse_template(script).ok()?;
    let holes: Vec<(Span, Option<String>)> = template
        .parts
        .iter()
        .filter_map(|part| match part {
            TemplatePart::Literal { .. } => None,
            TemplatePart::Expr { span, .. } => Some((*span, None)),
        })
        .collect();
    let given = Given { vars: &|_| None, files: &|_| None };
    let (commands, cut) = commands_and_cut(&Shell::Bash, &Expanded::new(script, &holes), &given);
    cut.is_none().then_some(commands)
}
