//! A text as lines, and the few questions that mutations ask about a line.

use super::random::Random;

/// The lines with their breaks, so that joining them gives the text again.
pub fn split(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// Blanks at the beginning of a line.
pub fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// What stands on a line without its indentation and break.
pub fn content(line: &str) -> &str {
    line.trim_start_matches(' ').trim_end_matches(['\r', '\n'])
}

pub fn line_break(line: &str) -> &str {
    &line[line.trim_end_matches(['\r', '\n']).len()..]
}

/// A line number whose line `wanted` takes.
pub fn pick(lines: &[String], random: &mut Random, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let fitting: Vec<usize> = (0..lines.len()).filter(|i| wanted(&lines[*i])).collect();
    random.of(&fitting).copied()
}

/// A `key: value` line cut into what stands before the value, the value, and the line break.
pub fn key_value(line: &str) -> Option<(&str, &str, &str)> {
    let (key, value) = line.split_once(": ")?;
    let plain = key
        .trim_start_matches([' ', '-'])
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let value = value.trim_end_matches(['\r', '\n']);
    (plain && !value.is_empty()).then(|| (&line[..key.len() + 2], value, line_break(line)))
}

/// A line that holds a key and a value that isn't a block, flow or quoted scalar.
pub fn has_plain_value(line: &str) -> bool {
    key_value(line).is_some_and(|(_, value, _)| {
        !value.starts_with(['|', '>', '[', '{', '"', '\'', '#', '&', '*', '!'])
    })
}

/// The line after the last one that belongs to the item or key on line `first`.
pub fn end_of(lines: &[String], first: usize) -> usize {
    let depth = indent(&lines[first]);
    let within = |line: &String| content(line).is_empty() || indent(line) > depth;
    first + 1 + lines[first + 1..].iter().take_while(|line| within(line)).count()
}

/// The first and the line after the last of some step.
pub fn pick_step(lines: &[String], random: &mut Random) -> Option<(usize, usize)> {
    let step = |line: &str| {
        ["- name:", "- uses:", "- run:", "- id:", "- if:"]
            .iter()
            .any(|s| content(line).starts_with(s))
    };
    let first = pick(lines, random, step)?;
    Some((first, end_of(lines, first)))
}
