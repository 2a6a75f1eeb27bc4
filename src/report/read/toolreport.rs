//! The file of `nox --report`: sessions with their results and exact seconds.

use std::io::{BufRead, Read};

use serde::Deserialize;

use super::super::error::ReportError;
use super::super::job::{JobBuilder, JobOutcome, JobRun, ToolSeconds};
use crate::tool::log::SessionResult;

/// Bytes; a report has about 200 per session.
const LARGEST: u64 = 16 << 20;

/// Fields that are not needed are let through: each version of nox adds some.
#[derive(Deserialize)]
struct SessionsReport {
    result: i64,
    sessions: Vec<ReportedSession>,
}

#[derive(Deserialize)]
struct ReportedSession {
    name: String,
    result: String,
    /// Seconds; since nox 2025.
    duration: Option<f64>,
}

/// The result of nox as a whole when all sessions passed or were skipped.
const SUCCESS: i64 = 1;

/// nox writes its report indented; act's lines are objects of one line.
pub(super) fn looks_like(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&start[..start.len().min(256)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let Some(inside) = text.strip_prefix('{') else { return false };
    inside.trim_start().starts_with("\"result\"") || inside.trim_start().starts_with("\"sessions\"")
}

pub(super) fn read(name: &str, job: &str, reader: &mut dyn BufRead) -> Result<JobRun, ReportError> {
    let mut text = String::new();
    let read = reader.take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(|source| ReportError::Read { path: name.into(), source })?;
    if text.len() as u64 > LARGEST {
        return Err(ReportError::TooLarge { name: name.to_owned(), limit: LARGEST });
    }
    let report: SessionsReport = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|_| ReportError::UnknownFormat { name: name.to_owned() })?;
    let mut run = JobBuilder::new(job, true).finish();
    run.ran_tool = true;
    run.of_tool_alone = true;
    run.outcome = if report.result == SUCCESS { JobOutcome::Passed } else { JobOutcome::Failed };
    // a report without sessions, or of a nox that does not measure, tells no seconds
    let possible = |seconds: &f64| seconds.is_finite() && *seconds >= 0.0;
    let seconds: Option<f64> = report.sessions.iter().map(|s| s.duration.filter(possible)).sum();
    run.tool = ToolSeconds {
        report: seconds.filter(|_| !report.sessions.is_empty()),
        ..ToolSeconds::default()
    };
    run.sessions = report
        .sessions
        .into_iter()
        .map(|session| {
            let result = match session.result.as_str() {
                "success" => SessionResult::Success,
                "skipped" => SessionResult::Skipped,
                "aborted" => SessionResult::Aborted,
                _ => SessionResult::Failed,
            };
            (session.name, result)
        })
        .collect();
    Ok(run)
}
