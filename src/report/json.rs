//! A report as one JSON object; what the logs do not say is `null`.

use std::io::{self, Write};

use super::ReportJson;

pub fn write(report: &ReportJson, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    // A runner obeys `##[error]` anywhere in a line, and names are data.
    writeln!(out, "{}", text.replace("##[", "\\u0023#["))
}
