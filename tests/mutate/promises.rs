//! The promises of a fix, each asked of the bytes alone: what changed, what stayed, what other
//! parsers read.

use std::ops::Range;

use cachelint::base::finding::Change as Declared;
use cachelint::engine::fix_loop::{FileChange, Round};
use granit_parser::{Event, Parser};
use serde_yaml::Value;

use super::declared::with_changes;

const BOM: char = '\u{feff}';
/// How a comment begins that a fix takes away when it silences nothing.
const OURS: &str = "# cachelint: ignore";

/// Panics where the way from the old to the new text breaks a promise.
pub fn check(change: &FileChange) {
    let mut old = &change.before;
    for round in &change.rounds {
        assert_ne!(*old, round.after, "a round without a change");
        value_as_declared(old, round);
        only_declared_bytes(old, round);
        same_line_ends(old, &round.after);
        comments_stay(old, round);
        old = &round.after;
    }
    assert_eq!(*old, change.after, "the rounds lead to the new text");
}

fn value_as_declared(old: &str, round: &Round) {
    let value = |text: &str| serde_yaml::from_str::<Value>(without_bom(text)).unwrap();
    let expected =
        with_changes(value(old), &round.declared).expect("the declared places are there");
    assert_eq!(value(&round.after), expected, "new value = old value + declared change");
}

/// What an edit takes away is a scalar, an unused comment to ourselves, a step whose removal is
/// declared, or a moved step that another edit puts back.
fn only_declared_bytes(old: &str, round: &Round) {
    let old = without_bom(old);
    let mut taken = round.edits.iter().filter(|edit| edit.span.start < edit.span.end).peekable();
    if taken.peek().is_none() {
        return;
    }
    let Some(reading) = Reading::of(old) else { return };
    for edit in taken {
        let lost = &old[edit.span.range()];
        // To this parser a block begins with its first letter, to the fix with its `|`.
        let header =
            if lost.starts_with(['|', '>']) { lost.find('\n').unwrap_or_default() } else { 0 };
        let start =
            edit.span.start + header + lost[header..].len() - lost[header..].trim_start().len();
        let within = |scalar: &Range<usize>| {
            scalar.start <= start && edit.span.start + lost.trim_end().len() <= scalar.end
        };
        let moved = round.edits.iter().any(|other| {
            other.span.start == other.span.end
                && other.content.trim_matches(['\r', '\n']) == lost.trim_matches(['\r', '\n'])
        });
        let declares_move = round.declared.iter().any(|c| matches!(c, Declared::MoveItem { .. }));
        // A step that goes leaves with its lines; comments on lines of their own are not among them.
        let step = edit.content.is_empty() && lost.trim_start().starts_with('-');
        let declares_removal =
            round.declared.iter().any(|c| matches!(c, Declared::RemoveItem { .. }));
        let ours = lost.trim().starts_with(OURS) && lost.trim().lines().count() == 1;
        assert!(
            ours || reading.scalars.iter().any(within)
                || (moved && declares_move)
                || (step && declares_removal),
            "{lost:?} is lost"
        );
    }
}

/// BOM, newline style and the state of the last line are those of the old text.
fn same_line_ends(old: &str, new: &str) {
    assert_eq!(old.starts_with(BOM), new.starts_with(BOM), "BOM");
    // Where the last line itself goes, a blank one before it is the last, or none is left.
    let last = old.rsplit('\n').next().unwrap_or(old);
    let gone =
        last.trim_start().starts_with(OURS) && !new.ends_with(last) || without_bom(new).is_empty();
    assert!(old.ends_with('\n') == new.ends_with('\n') || gone, "last line break");
    let crlf = |text: &str| text.matches("\r\n").count();
    let lf = |text: &str| text.matches('\n').count() - crlf(text);
    assert!(lf(old) > 0 || crlf(old) == 0 || lf(new) == 0, "LF in a file of CRLF");
    assert!(crlf(old) > 0 || crlf(new) == 0, "CRLF in a file of LF");
    // Not `==`: a step that moves to the end may take or give the line break between two lines.
    assert!(
        new.matches('\r').count() - crlf(new) == old.matches('\r').count() - crlf(old),
        "CR alone"
    );
}

/// Every comment of the old text is in the new one, in its order where nothing moves.
fn comments_stay(old: &str, round: &Round) {
    let Some(mut before) = Reading::of(without_bom(old)) else { return };
    before.comments.retain(|comment| !comment.contains("cachelint: ignore"));
    // The release after a pinned commit leaves with the step that used it.
    let steps = round.edits.iter().filter(|edit| edit.content.is_empty());
    let gone: String = steps.map(|edit| &without_bom(old)[edit.span.range()]).collect();
    before.comments.retain(|comment| !gone.contains(comment.as_str()));
    let after =
        Reading::of(without_bom(&round.after)).expect("the third parser reads the new text too");
    if round.declared.iter().any(|c| matches!(c, Declared::MoveItem { .. })) {
        let mut rest = after.comments;
        for comment in before.comments {
            let at = rest.iter().position(|other| *other == comment);
            rest.swap_remove(at.unwrap_or_else(|| panic!("comment {comment:?} is lost")));
        }
        return;
    }
    let mut rest = after.comments.iter();
    for comment in before.comments {
        assert!(rest.any(|other| *other == comment), "comment {comment:?} is lost");
    }
}

/// What a third parser sees in a text.
struct Reading {
    comments: Vec<String>,
    scalars: Vec<Range<usize>>,
}

impl Reading {
    /// Nothing where it cannot read the text, or differs from `serde_yaml` in whether it can.
    fn of(text: &str) -> Option<Self> {
        let mut reading = Self { comments: Vec::new(), scalars: Vec::new() };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.ok()?;
            match event {
                Event::Comment(text, _) => reading.comments.push(text.trim().to_owned()),
                Event::Scalar(..) => reading.scalars.extend(span.byte_range()),
                _ => {}
            }
        }
        Some(reading)
    }
}

/// Offsets of edits count from after the one BOM that a file may begin with.
fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}
