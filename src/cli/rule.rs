//! `cachelint rule`: the pages of checks, or a list of them.

use std::io::{self, Write};

use super::ExitStatus;
use super::args::{RuleArgs, RuleFormat};
use crate::rules::checks::{self, Check};

pub fn print(wanted: &RuleArgs, out: &mut dyn Write) -> io::Result<ExitStatus> {
    if wanted.check.is_none() && !wanted.all && wanted.output_format == RuleFormat::Markdown {
        for check in checks::all() {
            let severity = check.severity.as_str();
            writeln!(out, "{:<28}  {severity:<7}  {}", check.id, check.title)?;
        }
        writeln!(out, "\n`cachelint rule missing-cache` explains one.")?;
        return Ok(ExitStatus::default());
    }
    let chosen = |check: &&Check| wanted.check.is_none_or(|name| name.0 == check.id);
    let checks: Vec<&Check> = checks::all().iter().filter(chosen).collect();
    match (wanted.output_format, checks.as_slice()) {
        (RuleFormat::Json, [one]) if wanted.check.is_some() => {
            serde_json::to_writer_pretty(&mut *out, one)?
        }
        (RuleFormat::Json, all) => serde_json::to_writer_pretty(&mut *out, all)?,
        (RuleFormat::Markdown, all) => {
            let pages: Vec<String> = all.iter().map(|check| check.markdown()).collect();
            write!(out, "{}", pages.join("\n").trim_end())?;
        }
    }
    writeln!(out)?;
    Ok(ExitStatus::default())
}
