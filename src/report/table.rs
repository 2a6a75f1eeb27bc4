//! A report as aligned columns for the terminal.

use std::io::{self, Write};

use super::Report;
use super::cells::cells;

pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let cells = cells(report);
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = cells
        .header
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let in_rows =
                cells.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
            in_rows.unwrap_or(0).max(width(name))
        })
        .collect();
    let mut line = |row: &mut dyn Iterator<Item = &str>| -> io::Result<()> {
        let padded: Vec<String> =
            row.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(&mut cells.header.iter().copied())?;
    for row in &cells.rows {
        line(&mut row.iter().map(String::as_str))?;
    }
    if !cells.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &cells.notes {
        writeln!(out, "{note}")?;
    }
    Ok(())
}
