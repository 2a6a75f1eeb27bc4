//! Proof of a fix by two parsers that the reader does not use: the new value is the old one plus
//! the declared changes, no more.
//!
//! yaml-rust2 reads the text with its aliases as links; serde_yaml expands them, so it is asked only
//! after our own parser, which bounds how many values they make. Where yaml-rust2 cannot read the
//! old text, serde_yaml suffices.

mod compare;

use std::sync::OnceLock;

use serde_yaml::Value;

use self::compare::{Comparison, Declared};
use super::value::{self, ValueNode};
use crate::base::finding::Change;
use crate::base::text::{Position, Text, TextError};
use crate::yaml;

/// Why a fix is not proved; nothing may be written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("another YAML parser can't read this file: {0}")]
    OldUnreadable(String),
    #[error("another YAML parser can't read the changed file: {0}")]
    NewUnreadable(String),
    #[error("the changed file would start with a byte order mark")]
    BomMoves,
    #[error("the fix would also change `{route}`: {detail}")]
    Differs { route: String, detail: String },
    #[error("another YAML parser doesn't find `{0}`, which the fix changes")]
    NoSuchPlace(String),
    #[error("too many values to compare")]
    TooLarge,
    #[error("with the fixes, the file would have too many values; split it")]
    GrowsTooLarge,
}

/// Compares `old` and `new` as YAML values, keys in order: `new` must be `old` with `changes` made,
/// so a change inside an anchored part must be declared for each of its aliases too.
pub fn verify(old: &str, new: &str, changes: &[Change]) -> Result<(), VerifyError> {
    Old::new(old).verify(new, changes)
}

/// A file before changes, read once for all fixes that change it.
pub struct Old<'a> {
    text: &'a str,
    /// Our own parser has read the text, which bounds how many values its aliases make.
    is_read: bool,
    readings: OnceLock<Result<Readings, String>>,
}

/// What the two parsers read.
struct Readings {
    /// Absent where only the other one can read the file.
    linked: Option<ValueNode>,
    expanded: ValueNode,
}

impl Readings {
    fn of_old(text: &str) -> Result<Self, String> {
        let (linked, expanded) = rayon::join(|| value::linked(text), || value::expanded(text));
        // What serde_yaml refuses (a key twice) is not for a fix to touch.
        Ok(Self { linked: linked.ok(), expanded: expanded? })
    }

    /// As the parsers read the changed text that read the old one.
    fn of_new(text: &str, old: &Self) -> Result<Self, VerifyError> {
        bounded(text).map_err(|error| match error.too_large {
            true => VerifyError::GrowsTooLarge,
            false => VerifyError::NewUnreadable(error.to_string()),
        })?;
        let (linked, expanded) = rayon::join(
            || old.linked.as_ref().map(|_| value::linked(text)).transpose(),
            || value::expanded(text),
        );
        let unreadable = VerifyError::NewUnreadable;
        Ok(Self { linked: linked.map_err(unreadable)?, expanded: expanded.map_err(unreadable)? })
    }
}

/// Fails where aliases make more values than a document may have, as our own parser counts them.
fn bounded(text: &str) -> Result<(), yaml::YamlError> {
    // A text in memory has no byte order mark any more and is UTF-8.
    match Text::new("", text.as_bytes().to_vec()) {
        Ok(text) => yaml::parse(&text).map(drop),
        Err(error) => Err(yaml::YamlError {
            message: error.to_string(),
            position: Position { line: 1, column: 1 },
            help: None,
            too_large: matches!(error, TextError::TooLarge { .. }),
        }),
    }
}

impl<'a> Old<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, is_read: false, readings: OnceLock::new() }
    }

    /// The text of a document, which our own parser has read.
    pub fn of_document(text: &'a str) -> Self {
        Self { is_read: true, ..Self::new(text) }
    }

    /// As [`verify`].
    pub fn verify(&self, new: &str, changes: &[Change]) -> Result<(), VerifyError> {
        if new.starts_with('\u{feff}') && !self.text.starts_with('\u{feff}') {
            return Err(VerifyError::BomMoves);
        }
        let (old, new) = (without_bom(self.text), without_bom(new));
        let old = self.readings.get_or_init(|| {
            if !self.is_read {
                bounded(old).map_err(|e| e.to_string())?;
            }
            Readings::of_old(old)
        });
        let old = old.as_ref().map_err(|e| VerifyError::OldUnreadable(e.clone()))?;
        let new = Readings::of_new(new, old)?;
        let declared = Declared::of(changes);
        let compare = |old: &ValueNode, new: &ValueNode| {
            Comparison::new(old, new).compare(old, new, &declared)
        };
        let (linked, expanded) = rayon::join(
            || match (&old.linked, &new.linked) {
                (Some(old), Some(new)) => compare(old, new),
                _ => Ok(()),
            },
            || compare(&old.expanded, &new.expanded),
        );
        linked.and(expanded)
    }
}

fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A mapping value whose keys keep the order given, such as a step to insert.
pub fn mapping<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Mapping(entries.into_iter().map(|(k, v)| (Value::from(k), v)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Segment;

    const OLD: &str =
        "on: push\njobs:\n  t:\n    steps:\n    - run: a\n    - run: b\n      if: x\n";

    fn steps() -> Vec<Segment> {
        vec![Segment::Key("jobs".into()), Segment::Key("t".into()), Segment::Key("steps".into())]
    }

    fn insert(index: usize, run: &str) -> Change {
        Change::InsertItem { sequence: steps(), index, value: mapping([("run", run.into())]) }
    }

    fn set(index: usize, key: &str, value: &str) -> Change {
        let mut at = steps();
        at.extend([Segment::Index(index), Segment::Key(key.into())]);
        Change::SetScalar { at, value: value.into() }
    }

    #[test]
    fn declared_changes_are_accepted() {
        let mut second = steps();
        second.push(Segment::Index(1));
        let table: &[(&str, Vec<Change>)] = &[
            (OLD, vec![]),
            (&OLD.replace("- run: a", "- run: new\n    - run: a"), vec![insert(0, "new")]),
            (
                &OLD.replace("- run: b", "- {run: n1}\n    - run: n2\n    - run: b"),
                vec![insert(1, "n1"), insert(1, "n2")],
            ),
            (&format!("{OLD}    - run: last\n"), vec![insert(2, "last")]),
            (
                &OLD.replace("- run: a\n    - run: b", "- run: n\n    - run: a\n    - run: b -r"),
                vec![set(1, "run", "b -r"), insert(0, "n")],
            ),
            (
                &OLD.replace("run: b\n", "id: z\n      run: b\n"),
                vec![Change::AddKey {
                    mapping: second.clone(),
                    key: "id".into(),
                    value: "z".into(),
                }],
            ),
            (
                &OLD.replace("    - run: a\n", "").replace("      if: x\n", ""),
                vec![
                    Change::RemoveItem { sequence: steps(), index: 0 },
                    Change::RemoveKey { mapping: second, key: "if".into() },
                ],
            ),
            (
                "on: push\njobs: {t: {steps: [{run: b, if: x}, {run: a}]}}",
                vec![Change::MoveItem { sequence: steps(), from: 1, before: 0 }],
            ),
            (&OLD.replace('\n', "\r\n"), vec![]),
        ];
        for (new, changes) in table {
            assert_eq!(verify(OLD, new, changes), Ok(()), "{new}");
            assert_eq!(verify(&format!("\u{feff}{OLD}"), new, changes), Ok(()), "{new}");
        }
        let marked = format!("\u{feff}{OLD}");
        assert_eq!(verify(&marked, &marked, &[]), Ok(()));
        assert_eq!(verify(OLD, &marked, &[]), Err(VerifyError::BomMoves));
    }

    #[test]
    fn anything_else_is_refused() {
        let table: &[(String, Vec<Change>)] = &[
            (OLD.replace("run: a", "run: z"), vec![]),
            (OLD.replace("run: a", "run: z"), vec![set(0, "run", "y")]),
            (OLD.to_owned(), vec![set(0, "run", "y")]),
            (OLD.to_owned(), vec![insert(0, "new")]),
            (OLD.to_owned(), vec![Change::RemoveItem { sequence: steps(), index: 0 }]),
            (OLD.to_owned(), vec![Change::RemoveItem { sequence: steps(), index: 2 }]),
            (OLD.to_owned(), vec![Change::RemoveKey { mapping: vec![], key: "on".into() }]),
            (
                OLD.replace("on: push\n", ""),
                vec![Change::RemoveKey { mapping: vec![], key: "of".into() }],
            ),
            (
                OLD.replace("    - run: a\n", ""),
                vec![Change::RemoveItem { sequence: steps(), index: 0 }, set(0, "run", "z")],
            ),
            (OLD.to_owned(), vec![set(7, "run", "a")]),
            (OLD.to_owned(), vec![set(0, "nokey", "a")]),
            (OLD.replace("run: a", "run: true"), vec![set(0, "run", "true")]),
            (OLD.replace("- run: a", "- run: new\n    - run: a"), vec![insert(1, "new")]),
            (OLD.replace("- run: a", "- run: new\n    - run: a"), vec![insert(9, "new")]),
            (OLD.replace("run: b\n      if: x", "if: x\n      run: b"), vec![]),
            (OLD.replace("      if: x\n", ""), vec![]),
            (format!("{OLD}  u: {{}}\n"), vec![]),
            (OLD.replace("on: push", "on: pull"), vec![set(0, "run", "a")]),
            (OLD.replace("run: a", "run: [a"), vec![]),
            (format!("{OLD}---\nx: 1\n"), vec![]),
            (OLD.replace("run: a", "run: !x a"), vec![]),
        ];
        for (new, changes) in table {
            assert!(verify(OLD, new, changes).is_err(), "{new}\n{changes:?}");
        }
    }

    #[test]
    fn an_existing_key_cannot_be_added_and_a_collection_is_no_scalar() {
        let add = Change::AddKey { mapping: vec![], key: "on".into(), value: "push".into() };
        assert_eq!(verify(OLD, OLD, &[add]), Err(VerifyError::NoSuchPlace("the document".into())));
        let set = Change::SetScalar { at: steps(), value: "x".into() };
        assert!(verify(OLD, &OLD.replace("on: push", "on: x"), &[set]).is_err());
    }

    #[test]
    fn a_change_seen_through_an_alias_must_be_declared_there_too() {
        let old = "a: &x\n  run: nox\nb: *x\n";
        let new = "a: &x\n  run: nox -r\nb: *x\n";
        let at = |key: &str| Change::SetScalar {
            at: vec![Segment::Key(key.into()), Segment::Key("run".into())],
            value: "nox -r".into(),
        };
        let refused = verify(old, new, &[at("a")]);
        assert_eq!(
            refused,
            Err(VerifyError::Differs { route: "b.run".into(), detail: "another value".into() })
        );
        assert_eq!(verify(old, new, &[at("a"), at("b")]), Ok(()));
    }

    /// yaml-rust2 wants closing brackets deeper than their key.
    #[test]
    fn one_parser_suffices_where_the_other_cannot_read_the_file() {
        let old = "k:\n  os:\n    [\n  a\n]\n  run: nox\n";
        assert!(value::linked(old).is_err() && value::expanded(old).is_ok());
        let at = ["k", "run"].map(|key| Segment::Key(key.into())).to_vec();
        let set = [Change::SetScalar { at, value: "nox -r".into() }];
        assert_eq!(verify(old, &old.replace("nox", "nox -r"), &set), Ok(()));
        assert!(verify(old, &old.replace("nox", "nox -R"), &set).is_err());
    }

    #[test]
    fn aliases_are_not_expanded_into_more_than_any_machine_holds() {
        let long =
            format!("a: &a {}\nb: [{}x]\nrun: nox\n", "x".repeat(60_000), "*a, ".repeat(400));
        let mut many = String::from("a0: &a0 [x, x]\n");
        for level in 1..12 {
            let inside = vec![format!("*a{}", level - 1); 9].join(", ");
            many += &format!("a{level}: &a{level} [{inside}]\n");
        }
        many += "run: nox\n";
        for old in [long, many] {
            let at = vec![Segment::Key("run".into())];
            let set = Change::SetScalar { at, value: "nox -r".into() };
            let refused = verify(&old, &old.replace("nox", "nox -r"), &[set]);
            assert!(
                matches!(&refused, Err(VerifyError::OldUnreadable(e)) if e.contains("values")),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn what_the_other_parsers_reject_is_refused() {
        assert!(matches!(
            verify("a: 1\na: 2\n", "a: 1\n", &[]),
            Err(VerifyError::OldUnreadable(_))
        ));
        assert!(matches!(
            verify("a: 1\n", "a: 1\na: 2\n", &[]),
            Err(VerifyError::NewUnreadable(_))
        ));
    }
}
