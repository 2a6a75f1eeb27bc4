//! `cachelint rule`: the rule pages.

use std::io::{self, Write};

use super::Verdict;
use super::args::{RuleArgs, RuleFormat};
use crate::rules::checks::{self, Check};

pub fn print(wanted: &RuleArgs, out: &mut dyn Write) -> io::Result<Verdict> {
    let chosen = |check: &&Check| wanted.check.is_none_or(|name| name.0 == check.id);
    let checks: Vec<&Check> = checks::all().iter().filter(chosen).collect();
    match (wanted.output_format, checks.as_slice()) {
        (RuleFormat::Json, [one]) if !wanted.all => serde_json::to_writer_pretty(&mut *out, one)?,
        (RuleFormat::Json, all) => serde_json::to_writer_pretty(&mut *out, all)?,
        (RuleFormat::Markdown, all) => {
            let pages: Vec<String> = all.iter().map(|check| check.markdown()).collect();
            write!(out, "{}", pages.join("\n").trim_end())?;
        }
    }
    writeln!(out)?;
    Ok(Verdict::default())
}
