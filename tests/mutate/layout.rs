//! Mutations of how lines stand: indentation, blank lines, comments, lines and steps doubled,
//! moved, left out.

use super::lines::{content, end_of, indent, line_break, pick, pick_step, split};
use super::random::Random;

const COMMENTS: [&str; 6] = [
    "# a comment",
    "#",
    "# nox -s tests",
    "# ünï 🦀",
    "# cachelint: ignore[nox/missing-cache] reason",
    "#: - run: nox",
];
const MAX_BLANK_LINES: usize = 3;
const MAX_INDENT: usize = 12;

/// A text whose every level is as deep as two.
pub fn indent_twice(text: &str, _: &mut Random) -> Option<String> {
    Some(split(text).iter().map(|line| " ".repeat(indent(line)) + line).collect())
}

/// One line further in or out.
pub fn indent_line(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |_| true)?;
    let by = 1 + random.below(4);
    lines[at] = match random.once_in(2) {
        true => " ".repeat(by) + &lines[at],
        false => lines[at][by.min(indent(&lines[at]))..].to_owned(),
    };
    Some(lines.concat())
}

/// The items of a sequence stand as far in as its key.
pub fn outdent_sequence(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let key = pick(&lines, random, |l| content(l).ends_with("steps:"))?;
    let end = end_of(&lines, key);
    let by =
        indent(lines.get(key + 1).filter(|_| end > key + 1)?).checked_sub(indent(&lines[key]))?;
    for line in &mut lines[key + 1..end] {
        *line = line[by.min(indent(line))..].to_owned();
    }
    Some(lines.concat())
}

/// More blanks between the dash of a step and its first key, and the other keys as far in.
pub fn wide_dash(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, end) = pick_step(&lines, random)?;
    let more = " ".repeat(1 + random.below(3));
    let dash = indent(&lines[first]) + 1;
    lines[first].insert_str(dash, &more);
    for line in lines[first + 1..end].iter_mut().filter(|l| !content(l).is_empty()) {
        line.insert_str(0, &more);
    }
    Some(lines.concat())
}

/// The dash of a step alone on its line.
pub fn lone_dash(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, _) = pick_step(&lines, random)?;
    let depth = indent(&lines[first]);
    let rest = lines[first][depth + 1..].trim_start().to_owned();
    let end = match line_break(&lines[first]) {
        "" => "\n",
        end => end,
    };
    lines[first] = format!("{:depth$}-{end}{:depth$}  {rest}", "", "");
    Some(lines.concat())
}

pub fn blank_lines(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = random.below(lines.len() + 1);
    let blank = if random.once_in(3) { "   \n" } else { "\n" };
    lines.insert(at, blank.repeat(1 + random.below(MAX_BLANK_LINES)));
    Some(lines.concat())
}

pub fn comment_line(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = random.below(lines.len() + 1);
    let depth = match lines.get(at) {
        Some(line) if random.once_in(2) => indent(line),
        _ => random.below(MAX_INDENT),
    };
    lines.insert(at, format!("{:depth$}{}\n", "", random.of(&COMMENTS)?));
    Some(lines.concat())
}

pub fn trailing_comment(text: &str, random: &mut Random) -> Option<String> {
    behind_a_line(text, random, |random| format!(" {}", COMMENTS[random.below(COMMENTS.len())]))
}

pub fn trailing_blanks(text: &str, random: &mut Random) -> Option<String> {
    behind_a_line(text, random, |random| [" ", "   ", "\t", " \t "][random.below(4)].to_owned())
}

fn behind_a_line(
    text: &str,
    random: &mut Random,
    what: impl Fn(&mut Random) -> String,
) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |_| true)?;
    let end = lines[at].len() - line_break(&lines[at]).len();
    lines[at].insert_str(end, &what(random));
    Some(lines.concat())
}

pub fn duplicate_line(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |_| true)?;
    lines.insert(at, lines[at].clone());
    Some(lines.concat())
}

pub fn delete_line(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |_| true)?;
    lines.remove(at);
    Some(lines.concat())
}

pub fn swap_lines(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = random.below(lines.len().checked_sub(1)?);
    (at + 1 < lines.len()).then(|| lines.swap(at, at + 1))?;
    Some(lines.concat())
}

pub fn duplicate_step(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, end) = pick_step(&lines, random)?;
    let copy = lines[first..end].to_vec();
    lines.splice(end..end, copy);
    Some(lines.concat())
}

pub fn move_step(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, end) = pick_step(&lines, random)?;
    let step: Vec<String> = lines.drain(first..end).collect();
    let (to, _) = pick_step(&lines, random)?;
    lines.splice(to..to, step);
    Some(lines.concat())
}

pub fn delete_step(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, end) = pick_step(&lines, random)?;
    lines.drain(first..end);
    Some(lines.concat())
}

pub fn document_marks(text: &str, random: &mut Random) -> Option<String> {
    let (before, after) = *random.of(&[
        ("---\n", ""),
        ("---\n", "...\n"),
        ("# first\n---\n", ""),
        ("%YAML 1.2\n---\n", ""),
        ("%TAG ! tag:example.com,2000:\n---\n", ""),
        ("", "...\n"),
        ("", "---\n"),
        ("---\n---\n", ""),
        ("--- # here\n", "... # there\n"),
    ])?;
    Some(format!("{before}{text}{after}"))
}

pub fn second_document(text: &str, random: &mut Random) -> Option<String> {
    let other = *random.of(&["a: b\n", "- nox\n", "jobs: {}\n", text])?;
    Some(if random.once_in(2) {
        format!("{text}---\n{other}")
    } else {
        format!("{other}---\n{text}")
    })
}
