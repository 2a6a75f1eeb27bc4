//! The text of a line → what it says: the cache action's and the runner's words by
//! `rules/logs.yaml`, the tool's by its port.

use crate::rules::logs::{LOGS, Wording};
use crate::tool::KNOWN_LOG_WORDS;
use crate::tool::log::LogLine;

/// Characters of a key, name or message that are kept: a key has 512 at most.
const LONGEST: usize = 512;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum LogEvent {
    Cache(CacheEvent),
    Tool(LogLine),
    Runner(RunnerEvent),
}

#[derive(Debug, Clone, PartialEq)]
pub enum CacheEvent {
    HitKey(String),
    HitRestoreKey(String),
    /// With the key where the line has it; the library and the action around it both report.
    Restored(Option<String>),
    LookedUp(String),
    /// With the key where the line has it.
    Miss(Option<String>),
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
pub enum RunnerEvent {
    ExitCode,
    Cancelled,
    JobName(String),
    /// The number of the task, and the id of its job.
    Task(String, String),
    End,
    Interpreter(String),
}

/// The event of a line without timestamp and colour; `None` for the many lines that say nothing
/// here.
pub fn event(text: &str) -> Option<LogEvent> {
    let bare = without_level(text);
    let found = LOGS.find(text).or_else(|| if bare == text { None } else { LOGS.find(bare) });
    let Some((wording, groups)) = found else {
        return KNOWN_LOG_WORDS.line(text).map(LogEvent::Tool);
    };
    let group = |name: &str| groups.name(name).map(|m| clipped(m.as_str()));
    let named = |name: &str| group(name).unwrap_or_default();
    let key = || group("key");
    let not_saved = |why| LogEvent::Cache(CacheEvent::NotSaved(why, group("key")));
    Some(match wording {
        Wording::SaveReadOnly => not_saved(NotSaved::ReadOnly),
        Wording::SaveRace => not_saved(NotSaved::Race),
        Wording::SaveFailed => not_saved(NotSaved::Failed(named("text"))),
        Wording::SaveExactHit => not_saved(NotSaved::ExactHit),
        Wording::SaveNothingThere => not_saved(NotSaved::NothingThere),
        Wording::Saved => LogEvent::Cache(CacheEvent::Saved(key())),
        Wording::HitKey => LogEvent::Cache(CacheEvent::HitKey(named("key"))),
        Wording::HitRestoreKey => LogEvent::Cache(CacheEvent::HitRestoreKey(named("key"))),
        Wording::Restored => LogEvent::Cache(CacheEvent::Restored(key())),
        Wording::LookedUp => LogEvent::Cache(CacheEvent::LookedUp(named("key"))),
        Wording::Miss => LogEvent::Cache(CacheEvent::Miss(key())),
        Wording::RestoreForbidden => LogEvent::Cache(CacheEvent::RestoreForbidden),
        Wording::RestoreFailed => LogEvent::Cache(CacheEvent::RestoreFailed(named("text"))),
        Wording::Size => {
            LogEvent::Cache(CacheEvent::Size(groups.name("bytes")?.as_str().parse().ok()?))
        }
        Wording::ExitCode => LogEvent::Runner(RunnerEvent::ExitCode),
        Wording::Cancelled => LogEvent::Runner(RunnerEvent::Cancelled),
        Wording::JobName => LogEvent::Runner(RunnerEvent::JobName(named("name"))),
        Wording::Task => LogEvent::Runner(RunnerEvent::Task(named("number"), named("name"))),
        Wording::RunnerEnd => LogEvent::Runner(RunnerEvent::End),
        Wording::Interpreter => LogEvent::Runner(RunnerEvent::Interpreter(named("version"))),
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

fn clipped(text: &str) -> String {
    let text = text.trim();
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_through_warning_markers() {
        let denied = LogEvent::Cache(CacheEvent::NotSaved(NotSaved::ReadOnly, None));
        for text in [
            "##[warning]Cache reservation failed: cache write denied: token has no writable scopes",
            "::warning::Cache reservation failed: cache write denied: token has no writable scopes",
            "[warning]Cache reservation failed: cache write denied: token has no writable scopes",
        ] {
            assert_eq!(event(text), Some(denied.clone()), "{text}");
        }
        assert_eq!(
            event("##[error]Process completed with exit code 1."),
            Some(LogEvent::Runner(RunnerEvent::ExitCode))
        );
        assert_eq!(event("##[error]x.py:1: unused import"), None);
    }
}
