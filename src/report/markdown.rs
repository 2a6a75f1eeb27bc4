//! A report as a Markdown table for a pull request.

use std::io::{self, Write};

use super::ReportJson;
use super::cells::{ABSENT, cells};
use crate::base::printable::{markdown_cell, markdown_code};

pub fn write(report: &ReportJson, out: &mut dyn Write) -> io::Result<()> {
    let cells = cells(report);
    // A column in which nothing is told only makes the table wide.
    let told: Vec<usize> = (0..cells.header.len())
        .filter(|column| cells.rows.iter().any(|row| row[*column] != ABSENT))
        .collect();
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    writeln!(
        out,
        "{}",
        line(told.iter().map(|column| cells.header[*column].to_owned()).collect())
    )?;
    writeln!(out, "|{}", " --- |".repeat(told.len()))?;
    for row in &cells.rows {
        let cell = |column: &usize| match column {
            0 => markdown_code(&row[0]),
            column => markdown_cell(&row[*column]),
        };
        writeln!(out, "{}", line(told.iter().map(cell).collect()))?;
    }
    if !cells.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &cells.notes {
        let jobs: Vec<String> = note.jobs.iter().map(|job| markdown_code(job)).collect();
        let jobs = if jobs.is_empty() { String::new() } else { format!("{}: ", jobs.join(", ")) };
        writeln!(out, "- {jobs}{}", markdown_cell(&note.text))?;
    }
    Ok(())
}
