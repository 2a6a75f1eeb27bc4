//! A report as rows of cells and lines below them, for the table and for Markdown.

use std::collections::{BTreeMap, HashMap};

use super::compare::{Difference, Passes};
use super::estimate::Estimate;
use super::job::{CacheUse, JobSource, ToolSource};
use super::summary::{JobSummary, Stat, Storage};
use super::verdict::{rounded, tenths};
use super::workflow::WorkflowSavings;
use super::{JobLine, ReportJson};
use crate::rules::logs::LOGS;

/// What the logs do not say.
pub const ABSENT: &str = "–";

/// A table and the sentences under it. Names and keys in it come from logs and may hold anything.
pub struct Cells {
    pub header: Vec<&'static str>,
    /// The first cell is the name of the job.
    pub rows: Vec<Vec<String>>,
    pub notes: Vec<Note>,
}

/// A sentence about some jobs, or about all.
#[derive(Debug, PartialEq)]
pub struct Note {
    pub jobs: Vec<String>,
    pub text: String,
}

/// A note about all jobs names them only if there are no more than these.
const MOST_NAMES: usize = 3;

impl Note {
    fn for_all_of(self, jobs: usize) -> Self {
        if self.jobs.len() < jobs || jobs <= MOST_NAMES {
            return self;
        }
        Self { jobs: Vec::new(), text: format!("all {jobs} jobs: {}", self.text) }
    }
}

pub fn cells(report: &ReportJson) -> Cells {
    let (header, rows): (&[&'static str], _) = if report.differences.is_empty() {
        (&JOB, report.jobs.iter().map(job_row).collect())
    } else {
        (&DIFFERENCE, report.differences.iter().map(difference_row).collect())
    };
    Cells { header: header.to_vec(), rows, notes: notes(report) }
}

const JOB: [&str; 14] = [
    "job",
    "verdict",
    "result",
    "cache",
    "saved",
    "restore",
    "post step",
    "size",
    "rebuild step",
    "packages",
    "environments",
    "nox",
    "whole job",
    "net gain",
];

fn job_row(line: &JobLine) -> Vec<String> {
    let job = &line.summary;
    let verdict = match (&line.estimate, line.net_gain_seconds) {
        (Some(estimate), _) => estimate.sentence(),
        (None, Some(_)) => "see the net gain".to_owned(),
        (None, None) => absent(),
    };
    vec![
        job.job.clone(),
        verdict,
        counted(&job.outcomes),
        counted(&job.restores),
        counted(&job.saves),
        seconds(job.restore_seconds),
        seconds(job.post_seconds),
        job.archive_bytes.map_or_else(absent, size),
        seconds(job.preparation_seconds),
        seconds(job.package_cache_seconds),
        environments(job),
        seconds(job.tool_seconds),
        seconds(job.job_seconds),
        line.net_gain_seconds.map_or_else(absent, signed),
    ]
}

const DIFFERENCE: [&str; 13] = [
    "job",
    "verdict",
    "net gain",
    "passes",
    "cache",
    "nox before",
    "nox after",
    "restore",
    "post step",
    "rebuild step",
    "packages",
    "job before",
    "job after",
];

fn difference_row(difference: &Difference) -> Vec<String> {
    let passes = match difference.passes {
        Passes::Still => "yes",
        Passes::NoLonger => "no longer",
        Passes::Again => "again",
        Passes::StillNot => "still not",
        Passes::Unknown => ABSENT,
    };
    let (before, after) = (&difference.before, &difference.after);
    let packages = match (before.package_cache_seconds, after.package_cache_seconds) {
        (None, None) => absent(),
        (before, after) => format!("{} → {}", seconds(before), seconds(after)),
    };
    vec![
        difference.job.clone(),
        difference.verdict.clone(),
        difference.net_gain_seconds.map_or_else(absent, signed),
        passes.to_owned(),
        counted(&after.restores),
        seconds(before.tool_seconds),
        seconds(after.tool_seconds),
        seconds(after.restore_seconds),
        seconds(after.post_seconds),
        seconds(after.preparation_seconds),
        packages,
        seconds(before.job_seconds),
        seconds(after.job_seconds),
    ]
}

/// Notes with the same text become one, with the names of all jobs.
#[derive(Default)]
struct Notes {
    list: Vec<Note>,
    /// The places of those about some jobs, by their text.
    places: HashMap<String, usize>,
}

impl Notes {
    /// All notes of one job come together.
    fn of_job(&mut self, job: &str, text: impl Into<String>) {
        let text = text.into();
        match self.places.get(&text).and_then(|place| self.list.get_mut(*place)) {
            Some(note) => {
                if note.jobs.last().is_none_or(|last| last != job) {
                    note.jobs.push(job.to_owned());
                }
            }
            None => {
                self.places.insert(text.clone(), self.list.len());
                self.list.push(Note { jobs: vec![job.to_owned()], text });
            }
        }
    }

    fn of_all(&mut self, text: impl Into<String>) {
        self.list.push(Note { jobs: Vec::new(), text: text.into() });
    }
}

fn notes(report: &ReportJson) -> Vec<Note> {
    let mut notes = Notes::default();
    for line in &report.jobs {
        if let Some(estimate) = &line.estimate {
            sessions(&line.summary.job, estimate, &mut notes);
        }
        counted_runs("", &line.summary, &mut notes);
        job_notes(&line.summary, &mut notes);
        other_caches("not counted", &line.summary, &mut notes);
    }
    for difference in &report.differences {
        let job = &difference.job;
        for session in &difference.sessions_changed {
            notes.of_job(job, format!("session {session}"));
        }
        if !difference.after.environments_reused.is_empty()
            || !difference.after.environments_created.is_empty()
        {
            notes.of_job(job, format!("environments after: {}", environments(&difference.after)));
        }
        for (side, summary) in [(" before", &difference.before), (" after", &difference.after)] {
            counted_runs(side, summary, &mut notes);
        }
        let (before, after) = (&difference.before.interpreters, &difference.after.interpreters);
        if before != after && !before.is_empty() && !after.is_empty() {
            notes.of_job(
                job,
                format!("interpreter changed: {} → {}", before.join(", "), after.join(", ")),
            );
        }
        job_notes(&difference.after, &mut notes);
        let how = match difference.others_counted {
            true => "counted, since only one side has them",
            false => "not counted",
        };
        for summary in [&difference.before, &difference.after] {
            other_caches(how, summary, &mut notes);
        }
    }
    if let Some(total) = &report.total {
        let tell = |seconds: Option<f64>| seconds.map_or_else(absent, signed);
        let gained = match total.jobs_with_net_gain {
            0 => "no settled verdict yet".to_owned(),
            settled => format!(
                "net gain {} a run in jobs with a settled verdict ({settled} of {}): nox {}, whole jobs {}",
                tell(total.net_gain_seconds),
                total.jobs,
                tell(total.tool_seconds_saved),
                tell(total.job_seconds_saved),
            ),
        };
        notes.of_all(format!(
            "in total: {gained}; {} of {} jobs pass",
            total.jobs_still_passing, total.jobs
        ));
    }
    if let Some(workflow) = &report.workflow {
        notes.of_all(together(workflow));
    }
    for text in report.storage.as_ref().map(stored).into_iter().chain(sources(report)) {
        notes.of_all(text);
    }
    for (what, names) in [
        ("jobs without nox, left out", &report.jobs_without_tool),
        ("jobs only in the runs before", &report.only_before),
        ("jobs only in the runs after", &report.only_after),
    ] {
        if !names.is_empty() {
            notes.of_all(format!("{what}: {}", names.join(", ")));
        }
    }
    let jobs = report.jobs.len() + report.differences.len();
    notes.list.into_iter().map(|note| note.for_all_of(jobs)).collect()
}

/// What each session builds, where it is more than one.
fn sessions(job: &str, estimate: &Estimate, notes: &mut Notes) {
    let told: Vec<String> = estimate
        .sessions
        .iter()
        .filter_map(|build| {
            let built = rounded(build.build_seconds?);
            let all = build.seconds.map_or_else(String::new, |all| format!(" of {}", rounded(all)));
            Some(format!("{} {built}{all} s", build.session))
        })
        .collect();
    if told.len() > 1 {
        notes.of_job(job, format!("seconds that sessions spend building: {}", told.join(", ")));
    }
}

/// Which runs the seconds are of, where it isn't all.
fn counted_runs(side: &str, summary: &JobSummary, notes: &mut Notes) {
    let (counted, all) = (summary.runs_counted, summary.runs.len());
    if counted == all {
        return;
    }
    let restored = summary.runs.iter().filter(|run| run.caches.iter().any(CacheUse::restored));
    let which = match restored.count() {
        restored if restored == counted && side == " after" => "restored a cache",
        0 => "passed",
        _ if side == " after" => "restored a cache and passed",
        _ => "passed",
    };
    notes.of_job(
        &summary.job,
        format!("seconds{side}: from the {counted} of {all} runs that {which}"),
    );
}

fn jobs(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

fn together(workflow: &WorkflowSavings) -> String {
    let saved = rounded(workflow.saved_seconds);
    let mut text = match workflow.estimated {
        true => format!("caches in {} would save about {saved} s a run", jobs(workflow.jobs)),
        false => {
            format!("all jobs together: {:+.1} s a run", workflow.saved_seconds)
        }
    };
    if let Some(minutes) = workflow.minutes_a_month {
        text += &format!(", {minutes:.0} minutes a month");
    }
    if let Some(slowest) = &workflow.slowest {
        text +=
            &format!("; the slowest job, {}, takes {} s", slowest.job, rounded(slowest.seconds));
        let then = rounded(slowest.then_seconds);
        let other = &slowest.then_job;
        text += &match (*other == slowest.job, workflow.estimated) {
            (true, true) => format!(", and {then} s with caches"),
            (true, false) => format!(" before and {then} s after"),
            (false, true) => format!("; with caches, the slowest is {other} with {then} s"),
            (false, false) => format!("; after, the slowest is {other} with {then} s"),
        };
    }
    text
}

fn job_notes(job: &JobSummary, notes: &mut Notes) {
    for trouble in &job.causes {
        notes.of_job(&job.job, trouble.sentence.clone());
    }
    if job.bounds_only {
        notes.of_job(
            &job.job,
            "the log doesn't say where a restoring step begins, so its seconds are an upper bound",
        );
    }
    let packages = keys(job.runs.iter().flat_map(|run| &run.package_caches));
    if !packages.is_empty() {
        notes.of_job(&job.job, format!("caches of packages, counted: {packages}"));
    }
}

fn other_caches(how: &str, job: &JobSummary, notes: &mut Notes) {
    let others = keys(job.runs.iter().flat_map(|run| &run.other_caches));
    if !others.is_empty() {
        notes.of_job(&job.job, format!("other caches, {how}: {others}"));
    }
}

fn keys<'a>(caches: impl Iterator<Item = &'a CacheUse>) -> String {
    let mut keys: Vec<&str> =
        caches.filter_map(|c| c.key.as_deref().or(c.restored_key.as_deref())).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.join(", ")
}

fn stored(storage: &Storage) -> String {
    let noun = if storage.archives == 1 { "archive" } else { "archives" };
    let mut text = format!("cache: {} in {} {noun}", size(storage.bytes), storage.archives);
    if storage.archives_of_unknown_size > 0 {
        text += &format!(" ({} of unknown size, not counted)", storage.archives_of_unknown_size);
    }
    match (storage.forge, storage.quota_bytes) {
        (Some(forge), Some(quota)) => {
            let share = 100.0 * storage.bytes as f64 / quota as f64;
            let name = &LOGS.forge(forge).name;
            text += &format!(
                "; {share:.1} % of {name}'s {} ({})",
                size(quota),
                storage.note.as_deref().unwrap_or_default()
            );
        }
        (Some(forge), None) => {
            let note = storage.note.as_deref().unwrap_or_default();
            text += &format!("; {}'s quota is unknown ({note})", LOGS.forge(forge).name);
        }
        (None, _) => text += "; use --forge to compare it with a quota",
    }
    text
}

/// Says what the seconds were measured by.
fn sources(report: &ReportJson) -> Vec<String> {
    let summaries = || {
        let compared = report.differences.iter().flat_map(|d| [&d.before, &d.after]);
        report.jobs.iter().map(|line| &line.summary).chain(compared)
    };
    let mut sources: Vec<ToolSource> = summaries()
        .filter(|s| s.tool_seconds.is_some())
        .filter_map(|s| s.tool_seconds_from)
        .collect();
    let mut whole: Vec<JobSource> = summaries().filter_map(|s| s.job_seconds_from).collect();
    sources.sort_unstable();
    sources.dedup();
    whole.sort_unstable();
    whole.dedup();
    let of_tool = sources.into_iter().map(|source| match source {
        ToolSource::Report => "nox: seconds of `nox --report`",
        ToolSource::Timestamps => {
            "nox: seconds from its first line to its last, by the log's timestamps"
        }
        ToolSource::Steps => "nox: seconds of the steps that ran it, as the runner reports them",
        ToolSource::ToolLines => "nox: whole seconds, as it says itself",
    });
    let whole =
        whole.into_iter().filter(|&s| s == JobSource::Steps).map(|_| "whole job: sum of its steps");
    of_tool.chain(whole).map(str::to_owned).collect()
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
        (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
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
    format!("{:+.1} s", tenths(seconds))
}

fn absent() -> String {
    ABSENT.to_owned()
}

/// Powers of 1024 by their own names: 1024 × 1024 bytes are a MiB.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    let mebibyte = 1024.0 * 1024.0;
    match bytes {
        b if b >= 1024.0 * mebibyte => format!("{:.1} GiB", b / mebibyte / 1024.0),
        b if b >= mebibyte => format!("{:.1} MiB", b / mebibyte),
        b => format!("{:.1} KiB", b / 1024.0),
    }
}
