//! Proof of a fix by a second, independent parser: the new value is the old one plus the declared
//! changes, no more.

use std::sync::OnceLock;

use serde_yaml::{Mapping, Value};

use crate::base::finding::{Change, Segment};

/// Why a fix is not proved; nothing may be written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the second YAML parser does not read the file as it is: {0}")]
    OldUnreadable(String),
    #[error("the second YAML parser does not read the changed file: {0}")]
    NewUnreadable(String),
    #[error("the changed file would begin with a byte order mark that stood inside")]
    BomMoves,
    #[error("the edits would change `{route}`, which the fix does not say: {detail}")]
    Differs { route: String, detail: String },
    #[error("the fix speaks of `{0}`, which the second YAML parser does not find there")]
    NoSuchPlace(String),
}

/// Compares `old` and `new` as YAML values, keys in order, aliases expanded: `new` must be `old`
/// with `changes` made, so a change inside an anchored part must be declared for each of its
/// aliases too.
pub fn verify(old: &str, new: &str, changes: &[Change]) -> Result<(), VerifyError> {
    Old::new(old).verify(new, changes)
}

/// A file before changes, read once for all fixes that change it.
pub struct Old<'a> {
    text: &'a str,
    value: OnceLock<Result<Value, VerifyError>>,
}

impl<'a> Old<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, value: OnceLock::new() }
    }

    /// As [`verify`].
    pub fn verify(&self, new: &str, changes: &[Change]) -> Result<(), VerifyError> {
        if new.starts_with('\u{feff}') && !self.text.starts_with('\u{feff}') {
            return Err(VerifyError::BomMoves);
        }
        let unreadable = |e: serde_yaml::Error| VerifyError::OldUnreadable(e.to_string());
        let (old, new) = rayon::join(
            || self.value.get_or_init(|| read(self.text).map_err(unreadable)).as_ref(),
            || read(new),
        );
        let old = old.map_err(VerifyError::clone)?;
        let new = new.map_err(|e| VerifyError::NewUnreadable(e.to_string()))?;
        let pending: Vec<Pending> = changes.iter().map(Pending::new).collect();
        Comparison { route: Vec::new() }.compare(old, &new, &pending)
    }
}

/// A mapping value whose keys keep the order given, such as a step to insert.
pub fn mapping<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Mapping(entries.into_iter().map(|(k, v)| (Value::from(k), v)).collect())
}

fn read(text: &str) -> Result<Value, serde_yaml::Error> {
    serde_yaml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A change and the part of its route that is still to be walked.
#[derive(Clone, Copy)]
struct Pending<'a> {
    change: &'a Change,
    rest: &'a [Segment],
}

impl<'a> Pending<'a> {
    fn new(change: &'a Change) -> Self {
        let rest = match change {
            Change::InsertItem { sequence, .. } | Change::MoveItem { sequence, .. } => sequence,
            Change::SetScalar { at, .. } => at,
            Change::AddKey { mapping, .. } => mapping,
        };
        Self { change, rest }
    }

    /// The same change seen from the child at `segment`, if its route leads there.
    fn step(self, leads: impl Fn(&Segment) -> bool) -> Option<Self> {
        let (first, rest) = self.rest.split_first()?;
        leads(first).then_some(Self { change: self.change, rest })
    }
}

/// Walks both values side by side; depth is bounded by the parser that made them.
struct Comparison {
    route: Vec<String>,
}

impl Comparison {
    fn compare(
        &mut self,
        old: &Value,
        new: &Value,
        pending: &[Pending],
    ) -> Result<(), VerifyError> {
        let here: Vec<&Change> =
            pending.iter().filter(|p| p.rest.is_empty()).map(|p| p.change).collect();
        if let [Change::SetScalar { value, .. }, more @ ..] = here.as_slice() {
            let scalar = !matches!(old, Value::Mapping(_) | Value::Sequence(_) | Value::Tagged(_));
            if !scalar || !more.is_empty() || pending.len() > 1 {
                return Err(VerifyError::NoSuchPlace(self.place()));
            }
            return if new.as_str() == Some(value) {
                Ok(())
            } else {
                Err(self.differs("not the declared text"))
            };
        }
        match (old, new) {
            (Value::Mapping(old), Value::Mapping(new)) => self.mappings(old, new, pending, &here),
            (Value::Sequence(old), Value::Sequence(new)) => {
                self.sequences(old, new, pending, &here)
            }
            _ if !pending.is_empty() => Err(VerifyError::NoSuchPlace(self.place())),
            (Value::Tagged(a), Value::Tagged(b)) if a.tag == b.tag => {
                self.compare(&a.value, &b.value, &[])
            }
            _ if old == new => Ok(()),
            _ => Err(self.differs("another value")),
        }
    }

    fn mappings(
        &mut self,
        old: &Mapping,
        new: &Mapping,
        pending: &[Pending],
        here: &[&Change],
    ) -> Result<(), VerifyError> {
        let mut added: Vec<(&str, &Value)> = Vec::new();
        for change in here {
            match change {
                Change::AddKey { key, value, .. } if !old.contains_key(key.as_str()) => {
                    added.push((key, value))
                }
                _ => return Err(VerifyError::NoSuchPlace(self.place())),
            }
        }
        let mut kept =
            new.iter().filter(|(key, _)| !added.iter().any(|(name, _)| key.as_str() == Some(name)));
        let mut walked = here.len();
        for (key, value) in old {
            let Some((new_key, new_value)) = kept.next() else {
                return Err(self.differs("a key is missing"));
            };
            if key != new_key {
                return Err(self.differs("other keys, or in another order"));
            }
            let name = scalar_text(key);
            let inner: Vec<Pending> = pending
                .iter()
                .filter_map(|p| p.step(|s| matches!(s, Segment::Key(k) if *k == name)))
                .collect();
            walked += inner.len();
            self.descend(name, value, new_value, &inner)?;
        }
        if kept.next().is_some() {
            return Err(self.differs("a key more"));
        }
        for (name, value) in added {
            let Some(new_value) = new.get(name) else {
                return Err(self.differs("the declared key is not there"));
            };
            self.descend(name.to_owned(), value, new_value, &[])?;
        }
        self.all_walked(walked, pending)
    }

    fn sequences(
        &mut self,
        old: &[Value],
        new: &[Value],
        pending: &[Pending],
        here: &[&Change],
    ) -> Result<(), VerifyError> {
        let Some(expected) = rearranged(old.len(), here) else {
            return Err(VerifyError::NoSuchPlace(self.place()));
        };
        if expected.len() != new.len() {
            return Err(self.differs(&format!(
                "{} items instead of {}",
                new.len(),
                expected.len()
            )));
        }
        let mut walked = here.len();
        for (at, (item, new_item)) in expected.into_iter().zip(new).enumerate() {
            match item {
                Place::Old(index) => {
                    let Some(value) = old.get(index) else { continue };
                    let inner: Vec<Pending> = pending
                        .iter()
                        .filter_map(|p| p.step(|s| *s == Segment::Index(index)))
                        .collect();
                    walked += inner.len();
                    self.descend(index.to_string(), value, new_item, &inner)?;
                }
                Place::New(value) => self.descend(format!("{at} (new)"), value, new_item, &[])?,
            }
        }
        self.all_walked(walked, pending)
    }

    fn descend(
        &mut self,
        name: String,
        old: &Value,
        new: &Value,
        pending: &[Pending],
    ) -> Result<(), VerifyError> {
        self.route.push(name);
        let result = self.compare(old, new, pending);
        self.route.pop();
        result
    }

    /// A change whose route leads to no child was never compared, so it must not pass.
    fn all_walked(&self, walked: usize, pending: &[Pending]) -> Result<(), VerifyError> {
        if walked == pending.len() { Ok(()) } else { Err(VerifyError::NoSuchPlace(self.place())) }
    }

    fn place(&self) -> String {
        if self.route.is_empty() { "the document".to_owned() } else { self.route.join(".") }
    }

    fn differs(&self, detail: &str) -> VerifyError {
        VerifyError::Differs { route: self.place(), detail: detail.to_owned() }
    }
}

enum Place<'a> {
    Old(usize),
    New(&'a Value),
}

/// The items of a sequence of `len` items after `changes`; `None` when a change names an item that
/// is not there.
fn rearranged<'a>(len: usize, changes: &[&'a Change]) -> Option<Vec<Place<'a>>> {
    let mut before: Vec<Vec<Place>> = Vec::new();
    before.resize_with(len + 1, Vec::new);
    let mut moved = vec![false; len];
    for change in changes {
        match change {
            Change::InsertItem { index, value, .. } => {
                before.get_mut(*index)?.push(Place::New(value))
            }
            Change::MoveItem { from, before: to, .. } => {
                if std::mem::replace(moved.get_mut(*from)?, true) {
                    return None;
                }
                before.get_mut(*to)?.push(Place::Old(*from));
            }
            Change::SetScalar { .. } | Change::AddKey { .. } => return None,
        }
    }
    let mut out = Vec::with_capacity(len + changes.len());
    for (index, inserted) in before.into_iter().enumerate() {
        out.extend(inserted);
        if moved.get(index) == Some(&false) {
            out.push(Place::Old(index));
        }
    }
    Some(out)
}

fn scalar_text(key: &Value) -> String {
    match key {
        Value::String(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                vec![Change::AddKey { mapping: second, key: "id".into(), value: "z".into() }],
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

    #[test]
    fn what_the_second_parser_rejects_is_refused() {
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
