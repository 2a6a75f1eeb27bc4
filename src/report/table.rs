//! A report for the terminal: a block per job, so that nothing is wider than 80 columns.

use std::io::{self, Write};

use super::ReportJson;
use super::cells::{ABSENT, cells};
use crate::base::printable::printable_name;

const WIDTH: usize = 80;

pub fn write(report: &ReportJson, out: &mut dyn Write) -> io::Result<()> {
    let cells = cells(report);
    let label = cells.header.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for row in &cells.rows {
        let mut named = cells.header.iter().zip(row);
        if let Some((_, job)) = named.next() {
            wrapped(out, "", 2, job)?;
        }
        for (name, cell) in named.filter(|(_, cell)| *cell != ABSENT) {
            wrapped(out, &format!("  {name:<label$}  "), label + 4, cell)?;
        }
        writeln!(out)?;
    }
    for note in &cells.notes {
        let jobs = if note.jobs.is_empty() {
            String::new()
        } else {
            format!("{}: ", note.jobs.join(", "))
        };
        wrapped(out, "", 2, &format!("{jobs}{}", note.text))?;
    }
    Ok(())
}

/// These stay on the line of their number.
const UNITS: [&str; 5] = ["s", "%", "KiB", "MiB", "GiB"];

/// Breaks at blanks; a word that is too long for a line stays whole, so that it can be copied.
fn wrapped(out: &mut dyn Write, start: &str, indent: usize, text: &str) -> io::Result<()> {
    let mut line = start.to_owned();
    let mut empty = true;
    let text = printable_name(text);
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let unit = words.peek().filter(|next| UNITS.contains(&next.trim_end_matches([',', ';'])));
        let after = unit.map_or(0, |unit| 1 + unit.chars().count());
        if !empty && line.chars().count() + 1 + word.chars().count() + after > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        let mut out = Vec::new();
        wrapped(&mut out, "  x  ", 5, &"word ".repeat(40)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("     word")), "{text}");
        let mut out = Vec::new();
        wrapped(&mut out, "", 2, &format!("{} 12 s, then 7 MiB", "x".repeat(75))).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().nth(1), Some("  12 s, then 7 MiB"), "{text}");
    }
}
