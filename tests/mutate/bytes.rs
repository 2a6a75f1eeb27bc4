//! Mutations of single characters: line breaks, BOM, tabs, unicode, control characters, truncation.

use super::lines::{indent, pick, split};
use super::random::Random;

/// Letters of several bytes, what looks like a line break or a blank, what changes direction, what
/// joins.
const UNICODE: [&str; 14] = [
    "é",
    "🦀",
    "日本",
    "e\u{301}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{feff}",
    "\u{10ffff}",
    "\u{fffd}",
];
const CONTROL: [char; 8] = ['\0', '\u{1}', '\u{7}', '\u{8}', '\u{b}', '\u{c}', '\u{1b}', '\u{7f}'];
const MAX_FINAL_NEWLINES: usize = 4;

pub fn crlf(text: &str, _: &mut Random) -> Option<String> {
    (!text.contains('\r')).then(|| text.replace('\n', "\r\n"))
}

pub fn one_crlf(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |l| l.ends_with('\n') && !l.ends_with("\r\n"))?;
    let end = lines[at].len() - 1;
    lines[at].insert(end, '\r');
    Some(lines.concat())
}

pub fn lone_cr(text: &str, random: &mut Random) -> Option<String> {
    Some(insert(text, random, "\r"))
}

pub fn bom(text: &str, _: &mut Random) -> Option<String> {
    Some(format!("\u{feff}{text}"))
}

pub fn bom_inside(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |_| true)?;
    lines[at].insert(0, '\u{feff}');
    Some(lines.concat())
}

pub fn unicode(text: &str, random: &mut Random) -> Option<String> {
    let what = random.of(&UNICODE)?;
    Some(insert(text, random, what))
}

/// What some parsers take for the end of a line, inside a line or in place of its end.
pub fn separator(text: &str, random: &mut Random) -> Option<String> {
    let what = *random.of(&["\u{85}", "\u{2028}", "\u{2029}"])?;
    if random.once_in(2) {
        return Some(insert(text, random, what));
    }
    let mut lines = split(text);
    let at = pick(&lines, random, |l| l.ends_with('\n'))?;
    lines[at] = lines[at].trim_end_matches(['\r', '\n']).to_owned() + what;
    if random.once_in(2) {
        lines[at].push('\n');
    }
    Some(lines.concat())
}

pub fn control(text: &str, random: &mut Random) -> Option<String> {
    let what = random.of(&CONTROL)?.to_string();
    Some(insert(text, random, &what))
}

/// A tab for a blank of the indentation, after it, or anywhere.
pub fn tab(text: &str, random: &mut Random) -> Option<String> {
    if random.once_in(2) {
        return Some(insert(text, random, "\t"));
    }
    let mut lines = split(text);
    let at = pick(&lines, random, |l| indent(l) > 0)?;
    let column = random.below(indent(&lines[at]));
    lines[at].replace_range(column..column + usize::from(random.once_in(2)), "\t");
    Some(lines.concat())
}

pub fn truncate(text: &str, random: &mut Random) -> Option<String> {
    Some(text[..place(text, random)].to_owned())
}

pub fn no_final_newline(text: &str, _: &mut Random) -> Option<String> {
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub fn many_final_newlines(text: &str, random: &mut Random) -> Option<String> {
    Some(text.to_owned() + &"\n".repeat(1 + random.below(MAX_FINAL_NEWLINES)))
}

fn insert(text: &str, random: &mut Random, what: &str) -> String {
    let mut changed = text.to_owned();
    changed.insert_str(place(text, random), what);
    changed
}

/// An offset between two characters.
fn place(text: &str, random: &mut Random) -> usize {
    let at = random.below(text.len() + 1);
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
