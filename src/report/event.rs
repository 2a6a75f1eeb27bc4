//! The text of a line → what it says, by the wordings of `rules/logs.yaml`.

use regex::Captures;

use crate::rules::logs::{LOGS, Wording};

/// Characters of a key, name or message that are kept: a key has 512 at most.
const LONGEST: usize = 512;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Cache(CacheEvent),
    Nox(NoxEvent),
    Runner(RunnerEvent),
}

#[derive(Debug, Clone, PartialEq)]
pub enum CacheEvent {
    HitKey(String),
    HitRestoreKey(String),
    /// With the key where the line has it; the library and the action around it both report.
    Restored(Option<String>),
    LookedUp(String),
    Miss(String),
    RestoreForbidden,
    RestoreFailed(String),
    Size(u64),
    Saved(Option<String>),
    /// Not saved, with the key where the line has it.
    NotSaved(NotSaved, Option<String>),
}

/// Why a cache was not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSaved {
    ExactHit,
    Race,
    ReadOnly,
    NothingThere,
    Failed(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum NoxEvent {
    SessionStart(String),
    SessionEnd { name: String, result: SessionResult, seconds: Option<f64> },
    SessionsRan { seconds: Option<f64> },
    Created(String),
    Reused(String),
    InterpreterGone,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionResult {
    Success,
    Skipped,
    Aborted,
    Failed,
}

impl std::fmt::Display for SessionResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Skipped => "skipped",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum RunnerEvent {
    ExitCode,
    /// An error that need not be the end of the job: tools annotate with these too.
    Error,
    Cancelled,
    JobName(String),
    Task(String),
    End,
    Interpreter(String),
}

/// The event of a line without timestamp and colour; `None` for the many lines that say nothing
/// here.
pub fn event(text: &str) -> Option<Event> {
    let bare = without_level(text);
    let found = LOGS.find(text).or_else(|| if bare == text { None } else { LOGS.find(bare) });
    let Some((wording, groups)) = found else {
        return text.starts_with("##[error]").then_some(Event::Runner(RunnerEvent::Error));
    };
    let group = |name: &str| groups.name(name).map(|m| clipped(m.as_str()));
    let named = |name: &str| group(name).unwrap_or_default();
    let key = || group("key");
    let not_saved = |why| Event::Cache(CacheEvent::NotSaved(why, group("key")));
    Some(match wording {
        Wording::SaveReadOnly => not_saved(NotSaved::ReadOnly),
        Wording::SaveRace => not_saved(NotSaved::Race),
        Wording::SaveFailed => not_saved(NotSaved::Failed(named("text"))),
        Wording::SaveExactHit => not_saved(NotSaved::ExactHit),
        Wording::SaveNothingThere => not_saved(NotSaved::NothingThere),
        Wording::Saved => Event::Cache(CacheEvent::Saved(key())),
        Wording::HitKey => Event::Cache(CacheEvent::HitKey(named("key"))),
        Wording::HitRestoreKey => Event::Cache(CacheEvent::HitRestoreKey(named("key"))),
        Wording::Restored => Event::Cache(CacheEvent::Restored(key())),
        Wording::LookedUp => Event::Cache(CacheEvent::LookedUp(named("key"))),
        Wording::Miss => Event::Cache(CacheEvent::Miss(named("key"))),
        Wording::RestoreForbidden => Event::Cache(CacheEvent::RestoreForbidden),
        Wording::RestoreFailed => Event::Cache(CacheEvent::RestoreFailed(named("text"))),
        Wording::Size => {
            Event::Cache(CacheEvent::Size(groups.name("bytes")?.as_str().parse().ok()?))
        }
        Wording::SessionStart => Event::Nox(NoxEvent::SessionStart(named("name"))),
        Wording::SessionEnd => {
            let result = result(groups.name("result")?.as_str());
            Event::Nox(NoxEvent::SessionEnd {
                name: named("name"),
                result,
                seconds: seconds(&groups),
            })
        }
        Wording::SessionsRan => Event::Nox(NoxEvent::SessionsRan { seconds: seconds(&groups) }),
        Wording::EnvironmentCreated => environment(&groups, NoxEvent::Created),
        Wording::EnvironmentReused => environment(&groups, NoxEvent::Reused),
        Wording::InterpreterGone => Event::Nox(NoxEvent::InterpreterGone),
        Wording::NoxOther => Event::Nox(NoxEvent::Other),
        Wording::ExitCode => Event::Runner(RunnerEvent::ExitCode),
        Wording::Cancelled => Event::Runner(RunnerEvent::Cancelled),
        Wording::JobName => Event::Runner(RunnerEvent::JobName(named("name"))),
        Wording::Task => Event::Runner(RunnerEvent::Task(named("number"))),
        Wording::RunnerEnd => Event::Runner(RunnerEvent::End),
        Wording::Interpreter => Event::Runner(RunnerEvent::Interpreter(named("version"))),
    })
}

/// `##[warning]text`, `[warning]text`, `::warning file=x::text` → `text`.
fn without_level(text: &str) -> &str {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix("::")
        && let Some((command, message)) = rest.split_once("::")
        && ["warning", "error", "notice", "debug"].iter().any(|level| command.starts_with(level))
    {
        return message.trim();
    }
    if let Some(rest) = text.strip_prefix("##[").or_else(|| text.strip_prefix('['))
        && let Some((level, message)) = rest.split_once(']')
        && ["warning", "error", "notice", "info", "debug"].contains(&level)
    {
        return message.trim();
    }
    text.trim_end()
}

fn environment(groups: &Captures<'_>, event: fn(String) -> NoxEvent) -> Event {
    let path = groups.name("path").map_or("", |m| m.as_str());
    let name = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path);
    Event::Nox(if LOGS.is_own_environment(name) { NoxEvent::Other } else { event(clipped(name)) })
}

fn result(word: &str) -> SessionResult {
    match word {
        "successful" => SessionResult::Success,
        "skipped" => SessionResult::Skipped,
        "aborted" => SessionResult::Aborted,
        _ => SessionResult::Failed,
    }
}

/// nox rounds down to the largest unit: "2 minutes" may be 179 seconds, so only seconds are taken
/// at their word.
fn seconds(groups: &Captures<'_>) -> Option<f64> {
    if !matches!(groups.name("unit")?.as_str(), "second" | "seconds") {
        return None;
    }
    match groups.name("number") {
        Some(number) => number.as_str().parse().ok(),
        None => Some(1.0),
    }
}

fn clipped(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nox(text: &str) -> Option<NoxEvent> {
        match event(text) {
            Some(Event::Nox(event)) => Some(event),
            _ => None,
        }
    }

    #[test]
    fn takes_nox_at_its_word_only_in_seconds() {
        for (text, expected) in [
            ("nox > Session tests was successful in 12 seconds.", Some(12.0)),
            ("nox > Session tests was successful in a second.", Some(1.0)),
            ("nox > Session tests was successful in 2 minutes.", None),
            ("nox > Session tests was successful in an hour.", None),
            ("nox > Session tests was successful.", None),
        ] {
            let Some(NoxEvent::SessionEnd { name, result, seconds }) = nox(text) else {
                panic!("{text}")
            };
            assert_eq!(
                (name.as_str(), result, seconds),
                ("tests", SessionResult::Success, expected),
                "{text}"
            );
        }
        assert_eq!(
            nox("nox > Ran 4 sessions in 5 seconds:"),
            Some(NoxEvent::SessionsRan { seconds: Some(5.0) })
        );
        assert_eq!(nox("nox > Ran 2 sessions:"), Some(NoxEvent::SessionsRan { seconds: None }));
    }

    #[test]
    fn names_sessions_with_parameters() {
        let text = "nox > Session tests-3.12(a=1, b='x y') was successful in 2 seconds.";
        assert!(
            matches!(nox(text), Some(NoxEvent::SessionEnd { name, .. }) if name == "tests-3.12(a=1, b='x y')")
        );
        for (text, expected) in [
            ("nox > Session s failed.", SessionResult::Failed),
            ("nox > Session s skipped: not today (took a second).", SessionResult::Skipped),
            ("nox > Session s skipped: not today.", SessionResult::Skipped),
            ("nox > Session s aborted: no reason", SessionResult::Aborted),
        ] {
            assert!(
                matches!(nox(text), Some(NoxEvent::SessionEnd { name, result, .. }) if name == "s" && result == expected),
                "{text}"
            );
        }
    }

    #[test]
    fn passes_over_the_environment_nox_makes_for_itself() {
        assert_eq!(
            nox("nox > Reusing existing virtual environment at .nox/_nox_script_mode."),
            Some(NoxEvent::Other)
        );
        assert_eq!(
            nox("nox > Reusing existing virtual environment at .nox/tests."),
            Some(NoxEvent::Reused("tests".into()))
        );
        let windows =
            r"nox > Creating virtual environment (virtualenv) using python.exe in .nox\tests-3-12";
        assert_eq!(nox(windows), Some(NoxEvent::Created("tests-3-12".into())));
    }

    #[test]
    fn reads_through_warning_markers() {
        let denied = Event::Cache(CacheEvent::NotSaved(NotSaved::ReadOnly, None));
        for text in [
            "##[warning]Cache reservation failed: cache write denied: token has no writable scopes",
            "::warning::Cache reservation failed: cache write denied: token has no writable scopes",
            "[warning]Cache reservation failed: cache write denied: token has no writable scopes",
        ] {
            assert_eq!(event(text), Some(denied.clone()), "{text}");
        }
        assert_eq!(
            event("##[error]Process completed with exit code 1."),
            Some(Event::Runner(RunnerEvent::ExitCode))
        );
        assert_eq!(
            event("##[error]x.py:1: unused import"),
            Some(Event::Runner(RunnerEvent::Error))
        );
    }
}
