//! A report as rows of cells and lines below them, for the table and for Markdown.

use std::collections::BTreeMap;

use super::Report;
use super::compare::{Difference, Passes};
use super::job::{JobSource, NoxSource};
use super::summary::{JobSummary, Stat, Storage};
use crate::rules::logs::LOGS;

/// What the logs do not tell.
const ABSENT: &str = "–";

/// A table and the sentences under it.
pub struct Cells {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    pub notes: Vec<String>,
}

pub fn cells(report: &Report) -> Cells {
    let (header, mut rows): (Vec<_>, Vec<Vec<String>>) = if report.differences.is_empty() {
        let header = vec![
            "job",
            "result",
            "cache",
            "saved",
            "restore",
            "save",
            "size",
            "environments",
            "nox",
            "whole job",
            "net gain",
        ];
        (
            header,
            report.jobs.iter().map(|line| job_row(&line.summary, line.net_gain_seconds)).collect(),
        )
    } else {
        let header = vec![
            "job",
            "passes",
            "cache",
            "nox before",
            "nox after",
            "restore",
            "save",
            "job before",
            "job after",
            "net gain",
            "verdict",
        ];
        (header, report.differences.iter().map(difference_row).collect())
    };
    for row in &mut rows {
        for cell in row {
            *cell = printable(cell);
        }
    }
    let notes = notes(report).iter().map(|note| printable(note)).collect();
    Cells { header, rows, notes }
}

fn job_row(job: &JobSummary, net_gain: Option<f64>) -> Vec<String> {
    vec![
        job.job.clone(),
        counted(&job.outcomes),
        counted(&job.restores),
        counted(&job.saves),
        seconds(job.restore_seconds),
        seconds(job.save_seconds),
        job.archive_bytes.map_or_else(absent, size),
        environments(job),
        seconds(job.nox_seconds),
        seconds(job.job_seconds),
        net_gain.map_or_else(absent, signed),
    ]
}

fn difference_row(difference: &Difference) -> Vec<String> {
    let passes = match difference.passes {
        Passes::Still => "yes",
        Passes::NoLonger => "NO LONGER",
        Passes::Again => "again",
        Passes::StillNot => "still not",
        Passes::Unknown => ABSENT,
    };
    vec![
        difference.job.clone(),
        passes.to_owned(),
        counted(&difference.after.restores),
        seconds(difference.before.nox_seconds),
        seconds(difference.after.nox_seconds),
        seconds(difference.after.restore_seconds),
        seconds(difference.after.save_seconds),
        seconds(difference.before.job_seconds),
        seconds(difference.after.job_seconds),
        difference.net_gain_seconds.map_or_else(absent, signed),
        difference.verdict.clone(),
    ]
}

fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    for line in &report.jobs {
        job_notes(&line.summary, &mut notes);
    }
    for difference in &report.differences {
        let job = &difference.job;
        for session in &difference.sessions_changed {
            notes.push(format!("{job}: session {session}"));
        }
        if !difference.after.environments_reused.is_empty()
            || !difference.after.environments_created.is_empty()
        {
            notes.push(format!("{job}: environments after: {}", environments(&difference.after)));
        }
        let (counted, all) = (difference.after.runs_counted, difference.after.runs.len());
        if counted < all {
            notes.push(format!(
                "{job}: seconds after are of the {counted} of {all} runs with a restored cache; the others fill it"
            ));
        }
        let (before, after) = (&difference.before.interpreters, &difference.after.interpreters);
        if before != after && !before.is_empty() && !after.is_empty() {
            notes.push(format!(
                "{job}: interpreter changed: {} → {}",
                before.join(", "),
                after.join(", ")
            ));
        }
        job_notes(&difference.after, &mut notes);
    }
    if let Some(total) = &report.total {
        let tell = |seconds: Option<f64>| seconds.map_or_else(absent, signed);
        notes.push(format!(
            "in all: net gain {} a run ({} of {} jobs tell), nox {}, whole jobs {}; {} of {} jobs pass",
            tell(total.net_gain_seconds),
            total.jobs_with_net_gain,
            total.jobs,
            tell(total.nox_seconds_saved),
            tell(total.job_seconds_saved),
            total.jobs_still_passing,
            total.jobs
        ));
    }
    notes.extend(report.storage.as_ref().map(stored));
    notes.extend(sources(report));
    for (what, names) in [
        ("jobs without nox, left out", &report.jobs_without_nox),
        ("jobs only in the runs before", &report.only_before),
        ("jobs only in the runs after", &report.only_after),
    ] {
        if !names.is_empty() {
            notes.push(format!("{what}: {}", names.join(", ")));
        }
    }
    notes
}

fn job_notes(job: &JobSummary, notes: &mut Vec<String>) {
    for trouble in &job.causes {
        notes.push(format!("{}: {}", job.job, trouble.sentence));
    }
    let mut others: Vec<&str> = job
        .runs
        .iter()
        .flat_map(|run| &run.other_caches)
        .filter_map(|c| c.key.as_deref().or(c.restored_key.as_deref()))
        .collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        notes.push(format!("{}: other caches, not counted: {}", job.job, others.join(", ")));
    }
}

fn stored(storage: &Storage) -> String {
    let mut text = format!("archives: {} in {}", size(storage.bytes), storage.archives);
    if storage.archives_of_unknown_size > 0 {
        text += &format!(" ({} of unknown size, not counted)", storage.archives_of_unknown_size);
    }
    match (storage.forge, storage.quota_bytes) {
        (Some(forge), Some(quota)) => {
            let share = 100.0 * storage.bytes as f64 / quota as f64;
            let name = &LOGS.forge(forge).name;
            text += &format!(
                "; {share:.1} % of the {} of {name} ({})",
                size(quota),
                storage.note.as_deref().unwrap_or_default()
            );
        }
        (Some(forge), None) => {
            let note = storage.note.as_deref().unwrap_or_default();
            text += &format!("; no quota known for {}: {note}", LOGS.forge(forge).name);
        }
        (None, _) => text += "; the logs do not tell the forge: give --forge for its quota",
    }
    text
}

/// Says what the seconds were measured by.
fn sources(report: &Report) -> Vec<String> {
    let summaries = || {
        let compared = report.differences.iter().flat_map(|d| [&d.before, &d.after]);
        report.jobs.iter().map(|line| &line.summary).chain(compared)
    };
    let mut nox: Vec<NoxSource> = summaries()
        .filter(|s| s.nox_seconds.is_some())
        .filter_map(|s| s.nox_seconds_from)
        .collect();
    let mut whole: Vec<JobSource> = summaries().filter_map(|s| s.job_seconds_from).collect();
    nox.sort_unstable();
    nox.dedup();
    whole.sort_unstable();
    whole.dedup();
    let nox = nox.into_iter().map(|source| match source {
        NoxSource::Report => "nox: seconds of `nox --report`",
        NoxSource::Timestamps => {
            "nox: seconds from its first line to its last, by the log's timestamps"
        }
        NoxSource::Steps => "nox: seconds of the steps that ran it, as the runner reports them",
        NoxSource::NoxLines => "nox: whole seconds, as it says itself",
    });
    let whole =
        whole.into_iter().filter(|&s| s == JobSource::Steps).map(|_| "whole job: sum of its steps");
    nox.chain(whole).map(str::to_owned).collect()
}

/// `hit`, or `2 hit, 1 miss` over several runs.
fn counted(words: &BTreeMap<&'static str, usize>) -> String {
    match words.len() {
        0 => absent(),
        1 => words.keys().copied().collect(),
        _ => words
            .iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn environments(job: &JobSummary) -> String {
    let part = |word: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{word} {}", names.join(" ")))
    };
    let parts: Vec<String> =
        [part("reused", &job.environments_reused), part("created", &job.environments_created)]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() { absent() } else { parts.join("; ") }
}

fn seconds(stat: Option<Stat>) -> String {
    match stat {
        None => absent(),
        Some(stat) if stat.runs == 1 => format!("{:.1} s", stat.median),
        Some(stat) => format!("{:.1} s ({:.1}–{:.1})", stat.median, stat.least, stat.most),
    }
}

fn signed(seconds: f64) -> String {
    format!("{seconds:+.1} s")
}

fn absent() -> String {
    ABSENT.to_owned()
}

/// In the units that caches are counted in: 1024 × 1024 bytes are a MB.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    let megabyte = 1024.0 * 1024.0;
    match bytes {
        b if b >= 1024.0 * megabyte => format!("{:.1} GB", b / megabyte / 1024.0),
        b if b >= megabyte => format!("{:.1} MB", b / megabyte),
        b => format!("{:.1} kB", b / 1024.0),
    }
}

/// What comes from logs may hold anything; control characters would reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
