//! Text edits to new text: one fix applied whole, several fixes of a file combined without ever
//! mixing two that touch.

use std::collections::{BTreeMap, HashSet};

use crate::base::finding::{Change, Edit, Fix, Segment};
use crate::base::text::Span;

/// Why edits cannot be applied to a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("two edits overlap (bytes {}..{} and {}..{})", .0.start, .0.end, .1.start, .1.end)]
    Overlap(Span, Span),
    #[error("an edit lies outside the text or inside a character (bytes {}..{})", .0.start, .0.end)]
    OutOfText(Span),
}

/// `text` with `edits` performed; insertions at one offset keep their order. Fails, never guesses,
/// when edits overlap.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|e| (e.span.start, e.span.end));
    let grown: usize = edits.iter().map(|e| e.content.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut done = Span::default();
    for edit in ordered {
        if edit.span.start < done.end {
            return Err(EditError::Overlap(done, edit.span));
        }
        let between =
            text.get(done.end..edit.span.start).filter(|_| text.get(edit.span.range()).is_some());
        out.push_str(between.ok_or(EditError::OutOfText(edit.span))?);
        out.push_str(&edit.content);
        done = edit.span;
    }
    out.push_str(text.get(done.end..).ok_or(EditError::OutOfText(done))?);
    Ok(out)
}

/// Several fixes of one file that can be applied in one pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Combined {
    pub edits: Vec<Edit>,
    pub changes: Vec<Change>,
    /// Indices of the fixes that are part of it; the others wait for the next pass.
    pub taken: Vec<usize>,
}

/// Combines as many `fixes` of one file as go together, earlier ones first. A fix is taken whole or
/// not at all: one whose edits touch those already taken, or whose changes concern the same value,
/// is left for the next pass. What two fixes say identically is said once.
pub fn combine(fixes: &[&Fix]) -> Combined {
    let mut taken = Taken::default();
    let mut combined = Combined::default();
    for (index, fix) in fixes.iter().enumerate() {
        let edits: Vec<&Edit> = fix.edits.iter().filter(|e| !taken.edits.contains(*e)).collect();
        let changes: Vec<&Change> =
            fix.changes.iter().filter(|c| !taken.changes.contains(*c)).collect();
        if edits.iter().any(|edit| taken.touch(edit))
            || changes.iter().any(|change| taken.dispute(change))
        {
            continue;
        }
        for edit in edits {
            taken.edits.insert(edit);
            let span = taken.spans.entry(edit.span.start).or_default();
            span.end = edit.span.end.max(span.end);
            span.adds |= !edit.content.is_empty();
            combined.edits.push(edit.clone());
        }
        for change in changes {
            taken.changes.insert(change);
            taken.claims.insert(claim(change));
            combined.changes.push(change.clone());
        }
        combined.taken.push(index);
    }
    combined.edits.sort_by_key(|e| (e.span.start, e.span.end));
    combined
}

/// What stands between the start of an edit, which is its key, and the end.
#[derive(Default)]
struct TakenSpan {
    end: usize,
    /// Not only a removal.
    adds: bool,
}

/// The edits and changes of the fixes taken so far.
#[derive(Default)]
struct Taken<'a> {
    edits: HashSet<&'a Edit>,
    /// By where they start; those of one fix that start together are one.
    spans: BTreeMap<usize, TakenSpan>,
    changes: HashSet<&'a Change>,
    claims: HashSet<(Claim, &'a [Segment], &'a str)>,
}

impl Taken<'_> {
    /// Adjacent counts: there is no telling which of two insertions at one place comes first.
    /// Where both only remove, there is nothing to decide.
    fn touch(&self, edit: &Edit) -> bool {
        let Span { start, end } = edit.span;
        let mut near = self.spans.range(..=end).rev().take_while(|(_, taken)| taken.end >= start);
        near.any(|(taken_start, taken)| {
            let adds = taken.adds || !edit.content.is_empty();
            adds || (taken.end > start && *taken_start < end)
        })
    }

    /// A different change of the same value is taken, and neither fix has declared what both
    /// together make of it.
    fn dispute(&self, change: &Change) -> bool {
        let (claim, route, key) = claim(change);
        let held = |other| self.claims.contains(&(other, route, key));
        match claim {
            Claim::Value => held(Claim::Value),
            Claim::Items => held(Claim::Order),
            Claim::Order => held(Claim::Order) || held(Claim::Items),
        }
    }
}

/// What a change says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Claim {
    /// The scalar, or the value of a key.
    Value,
    /// Which items a sequence has.
    Items,
    /// In which order it has them.
    Order,
}

/// What `change` claims of which value, or of which key in a mapping.
fn claim(change: &Change) -> (Claim, &[Segment], &str) {
    let route = change.route().as_slice();
    match change {
        Change::SetScalar { .. } | Change::SetBool { .. } => match route.split_last() {
            Some((Segment::Key(key), mapping)) => (Claim::Value, mapping, key),
            _ => (Claim::Value, route, ""),
        },
        Change::AddKey { key, .. } | Change::RemoveKey { key, .. } => (Claim::Value, route, key),
        Change::InsertItem { .. } | Change::RemoveItem { .. } => (Claim::Items, route, ""),
        Change::MoveItem { .. } => (Claim::Order, route, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Applicability;

    fn edit(start: usize, end: usize, content: &str) -> Edit {
        Edit { span: Span::new(start, end), content: content.to_owned() }
    }

    fn fix(edits: &[Edit], changes: &[Change]) -> Fix {
        Fix {
            applicability: Applicability::Safe,
            message: "Change it".to_owned(),
            path: "ci.yml".to_owned(),
            edits: edits.to_vec(),
            changes: changes.to_vec(),
        }
    }

    fn set(key: &str, value: &str) -> Change {
        Change::SetScalar { at: vec![Segment::Key(key.to_owned())], value: value.to_owned() }
    }

    #[test]
    fn applies_in_text_order_whatever_the_order_given() {
        let table: &[(&[Edit], &str)] = &[
            (&[], "abcdef"),
            (&[edit(0, 0, ">")], ">abcdef"),
            (&[edit(6, 6, "<")], "abcdef<"),
            (&[edit(3, 4, "X"), edit(0, 1, "YY")], "YYbcXef"),
            (&[edit(1, 3, ""), edit(3, 3, "-")], "a-def"),
            (&[edit(2, 2, "1"), edit(2, 2, "2"), edit(2, 3, "C")], "ab12Cdef"),
        ];
        for (edits, expected) in table {
            assert_eq!(apply("abcdef", edits).as_deref(), Ok(*expected));
        }
    }

    #[test]
    fn refuses_what_it_cannot_apply() {
        assert!(matches!(
            apply("abcdef", &[edit(1, 4, "x"), edit(3, 5, "y")]),
            Err(EditError::Overlap(..))
        ));
        assert!(matches!(
            apply("abcdef", &[edit(1, 4, "x"), edit(2, 2, "y")]),
            Err(EditError::Overlap(..))
        ));
        assert!(matches!(apply("abc", &[edit(2, 9, "x")]), Err(EditError::OutOfText(_))));
        assert!(matches!(apply("abc", &[edit(2, 1, "x")]), Err(EditError::OutOfText(_))));
        assert!(matches!(apply("é", &[edit(1, 1, "x")]), Err(EditError::OutOfText(_))));
    }

    #[test]
    fn identical_edits_and_changes_are_made_once() {
        let both = fix(&[edit(4, 4, " -r")], &[set("run", "nox -r")]);
        let combined = combine(&[&both, &both.clone()]);
        assert_eq!(
            (combined.edits.len(), combined.changes.len(), combined.taken),
            (1, 1, vec![0, 1])
        );
    }

    #[test]
    fn a_fix_that_touches_a_taken_one_waits_whole() {
        let first = fix(&[edit(4, 6, "x")], &[]);
        let table = [
            (vec![edit(5, 7, "y")], false),
            (vec![edit(6, 6, "y")], false),
            (vec![edit(4, 4, "y")], false),
            (vec![edit(0, 1, "y"), edit(5, 5, "z")], false),
            (vec![edit(7, 8, "y")], true),
            (vec![edit(0, 3, "y")], true),
        ];
        for (edits, taken) in table {
            let second = fix(&edits, &[]);
            let combined = combine(&[&first, &second]);
            assert_eq!(combined.taken, if taken { vec![0, 1] } else { vec![0] }, "{edits:?}");
            assert_eq!(combined.edits.len(), if taken { 1 + edits.len() } else { 1 });
        }
    }

    #[test]
    fn removals_side_by_side_go_together() {
        let removed = |start| fix(&[edit(start, start + 2, "")], &[]);
        let fixes = [4, 6, 2, 0].map(removed);
        assert_eq!(combine(&fixes.each_ref()).taken, [0, 1, 2, 3]);
        for beside in [edit(3, 5, ""), edit(1, 4, "x"), edit(6, 6, "x"), edit(5, 5, "")] {
            let beside = fix(&[beside], &[]);
            assert_eq!(combine(&[&fixes[0], &fixes[3], &beside]).taken, [0, 1], "{beside:?}");
        }
    }

    #[test]
    fn two_claims_on_one_value_are_not_combined() {
        let steps = vec![Segment::Key("steps".to_owned())];
        let item = |index| Change::InsertItem { sequence: steps.clone(), index, value: "x".into() };
        let shift = Change::MoveItem { sequence: steps.clone(), from: 3, before: 1 };
        let table = [
            (set("run", "a"), set("run", "b"), false),
            (set("run", "a"), set("name", "b"), true),
            (item(0), item(2), true),
            (item(0), shift.clone(), false),
            (shift, set("run", "a"), true),
        ];
        for (a, b, together) in table {
            let (first, second) = (fix(&[edit(0, 0, "a")], &[a]), fix(&[edit(9, 9, "b")], &[b]));
            assert_eq!(combine(&[&first, &second]).taken.len() == 2, together);
        }
    }
}
