//! A report as a Markdown table for a pull request.

use std::io::{self, Write};

use super::Report;
use super::cells::cells;

pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let cells = cells(report);
    writeln!(out, "| {} |", cells.header.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(cells.header.len()))?;
    for row in &cells.rows {
        let escaped: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        writeln!(out, "| {} |", escaped.join(" | "))?;
    }
    if !cells.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &cells.notes {
        writeln!(out, "- {}", escape(note))?;
    }
    Ok(())
}

/// Names come from logs: they must not end a cell, start HTML, mention a person or link.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn keeps_a_cell_a_cell() {
        assert_eq!(escape("a | b\\|<img> @x [y](z)"), "a \\| b\\\\\\|&lt;img> &#64;x \\[y\\](z)");
    }
}
