//! Mutations that let one part of a workflow stand for another: jobs, sequences and merged maps.

use super::lines::{content, end_of, indent, line_break, pick, split};
use super::random::Random;

/// A job with an anchor, and a second one that is its alias.
pub fn aliased_job(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let jobs = lines.iter().position(|line| line.trim_end() == "jobs:")?;
    let end = end_of(&lines, jobs);
    let depth = indent(lines[jobs + 1..end].iter().find(|l| !content(l).is_empty())?);
    let is_job = |line: &str| {
        indent(line) == depth && content(line).ends_with(':') && !content(line).starts_with('#')
    };
    let at = jobs + 1 + pick(&lines[jobs + 1..end], random, is_job)?;
    let break_at = lines[at].len() - line_break(&lines[at]).len();
    lines[at].insert_str(break_at, " &job");
    if let Some(last) = lines.get_mut(end - 1).filter(|line| !line.ends_with('\n')) {
        last.push('\n');
    }
    lines.insert(end, format!("{:depth$}again: *job\n", ""));
    Some(lines.concat())
}

/// A sequence in brackets or in lines with an anchor, and an alias to it at the end of the file.
pub fn anchored_sequence(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let in_lines = |at: usize| {
        content(&lines[at]).ends_with(':')
            && lines.get(at + 1).is_some_and(|next| content(next).starts_with("- "))
    };
    let fitting: Vec<usize> =
        (0..lines.len()).filter(|at| in_lines(*at) || lines[*at].contains(": [")).collect();
    let at = *random.of(&fitting)?;
    let colon = lines[at].find(": [").map_or(lines[at].trim_end().len(), |found| found + 1);
    lines[at].insert_str(colon, " &list");
    Some(lines.concat() + "\nx-list: *list\n")
}

/// A map with an anchor, merged into another one or into one of its own.
pub fn merge_key(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let is_map = |line: &str| ["with:", "env:"].contains(&content(line).trim_start_matches("- "));
    let first = pick(&lines, random, is_map)?;
    let break_at = lines[first].len() - line_break(&lines[first]).len();
    lines[first].insert_str(break_at, " &map");
    let merged = ["<<: *map", "<<: [*map, *map]", "\"<<\": *map", "<<: {A: 1}"];
    let merged = *random.of(&merged)?;
    let later = pick(&lines[first + 1..], random, is_map).map(|at| first + 1 + at);
    match later.and_then(|at| lines.get(at + 1).map(|next| (at + 1, indent(next)))) {
        Some((at, depth)) => lines.insert(at, format!("{:depth$}{merged}\n", "")),
        None => lines.push(format!("\nx-map:\n  {merged}\n")),
    }
    Some(lines.concat())
}
