//! What the checks saw of each job that runs nox, for people.

use std::io::{self, Write};

use super::{Look, one_line};
use crate::job::timeline_view::{JobTimeline, SourcePlace, TimelineEntry};

/// Writes one block for each job: what it comes to, then its events in order.
pub fn write(out: &mut dyn Write, timelines: &[JobTimeline], look: Look) -> io::Result<()> {
    if timelines.is_empty() {
        return writeln!(out, "No job runs nox.");
    }
    for (position, timeline) in timelines.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        job(out, timeline, look)?;
    }
    Ok(())
}

fn job(out: &mut dyn Write, timeline: &JobTimeline, look: Look) -> io::Result<()> {
    let (bold, dim, off) =
        if look.colour { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let (path, name) = (one_line(&timeline.path), one_line(&timeline.job));
    match timeline.instances {
        instances if instances.is_single() => writeln!(out, "{bold}{path}: {name}{off}")?,
        instances => writeln!(out, "{bold}{path}: {name}{off} {dim}({instances}){off}")?,
    }
    let folders: Vec<String> =
        timeline.env_dirs.iter().map(|d| format!("`{}`", one_line(d))).collect();
    let folders =
        if folders.is_empty() { "an unknown folder".to_owned() } else { folders.join(", ") };
    match timeline.creates_env {
        Some(true) => {
            writeln!(out, "  creates environments in {folders}; reuse {}", timeline.reuse)?
        }
        Some(false) => writeln!(out, "  creates no environments")?,
        None => writeln!(out, "  may create environments in {folders}; reuse {}", timeline.reuse)?,
    }
    let labels: Vec<String> = timeline.events.iter().map(|e| label(e, &timeline.path)).collect();
    let width = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).min(MAX_LABEL);
    for (event, label) in timeline.events.iter().zip(&labels) {
        self::event(out, event, label, width, look)?;
    }
    if look.verbose {
        for reason in &timeline.undecided {
            writeln!(out, "  {dim}not decided: {}{off}", one_line(reason))?;
        }
    }
    Ok(())
}

/// Wider labels push their text to the right.
const MAX_LABEL: usize = 24;

/// Where an event is: the line in the job's own file, else the file's name too.
fn label(event: &TimelineEntry, own: &str) -> String {
    match event.places.first() {
        None => String::new(),
        Some(place) if is_same(&place.path, own) => format!("line {}", place.line),
        Some(place) => one_line(&place.to_string()),
    }
}

/// The job's path may be shown from another folder than the root.
fn is_same(a: &str, b: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    ends(a, b) || ends(b, a)
}

fn event(
    out: &mut dyn Write,
    event: &TimelineEntry,
    label: &str,
    width: usize,
    look: Look,
) -> io::Result<()> {
    let (dim, off) = if look.colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    write!(out, "  {dim}{label:<width$}{off}  {}", one_line(&event.text))?;
    let mut notes: Vec<String> =
        event.instances.iter().map(|i| format!("on {i} instances")).collect();
    notes.extend(event.condition.iter().map(|c| format!("if {}", one_line(c))));
    if notes.is_empty() {
        writeln!(out)?
    } else {
        writeln!(out, " {dim}({}){off}", notes.join("; "))?
    }
    let indent = " ".repeat(width + 6);
    if event.places.len() > 1 {
        // The step that uses an action is the line in front.
        let way: Vec<String> =
            event.places.iter().skip(usize::from(event.in_action)).map(step).collect();
        writeln!(out, "{indent}{dim}by {}{off}", way.join(" → "))?;
    }
    for detail in &event.details {
        writeln!(out, "{indent}{}", one_line(detail))?;
    }
    Ok(())
}

fn step(place: &SourcePlace) -> String {
    one_line(&format!("{place} {}", place.text))
}
