//! The old value with the declared changes, and the new one, side by side.

use std::collections::{HashMap, HashSet};

use serde_yaml::Value;

use super::VerifyError;
use crate::base::finding::{Change, Segment};
use crate::edit::value::{self, ScalarValue, ValueKind, ValueNode};

/// Values compared: more than any file has whose aliases link to what is unchanged.
const MAX_COMPARED: usize = 5_000_000;

/// Values inside values, links followed.
const MAX_DEPTH: usize = 512;

/// The declared changes of one value and of those inside it.
#[derive(Default)]
pub(super) struct Declared<'a> {
    here: Vec<&'a Change>,
    keys: HashMap<&'a str, Declared<'a>>,
    items: HashMap<usize, Declared<'a>>,
}

impl<'a> Declared<'a> {
    pub(super) fn of(changes: &'a [Change]) -> Self {
        let mut root = Self::default();
        for change in changes {
            let place = change.route().iter().fold(&mut root, |at, segment| match segment {
                Segment::Key(key) => at.keys.entry(key).or_default(),
                Segment::Index(index) => at.items.entry(*index).or_default(),
            });
            place.here.push(change);
        }
        root
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.keys.is_empty() && self.items.is_empty()
    }
}

/// Walks both values side by side.
pub(super) struct Comparison<'a> {
    old_anchors: HashMap<usize, &'a ValueNode>,
    new_anchors: HashMap<usize, &'a ValueNode>,
    /// The anchors of old values that stay as they are, with those of the new values.
    unchanged: HashMap<usize, usize>,
    depth: usize,
    compared: usize,
    /// From where the values differ to the root; filled on the way back, as most never differ.
    route: Vec<String>,
}

/// Why the new value is not the declared one, where the route ends.
enum Mismatch {
    TooLarge,
    NoSuchPlace,
    Differs(String),
}

fn differs(detail: &str) -> Mismatch {
    Mismatch::Differs(detail.to_owned())
}

impl<'a> Comparison<'a> {
    pub(super) fn new(old: &'a ValueNode, new: &'a ValueNode) -> Self {
        Self {
            old_anchors: value::anchors(old),
            new_anchors: value::anchors(new),
            unchanged: HashMap::new(),
            depth: 0,
            compared: 0,
            route: Vec::new(),
        }
    }

    /// Whether `new` is `old` with the declared changes.
    pub(super) fn compare(
        &mut self,
        old: &ValueNode,
        new: &ValueNode,
        declared: &Declared,
    ) -> Result<(), VerifyError> {
        self.nodes(old, new, declared).map_err(|mismatch| match mismatch {
            Mismatch::TooLarge => VerifyError::TooLarge,
            Mismatch::NoSuchPlace => VerifyError::NoSuchPlace(self.place()),
            Mismatch::Differs(detail) => VerifyError::Differs { route: self.place(), detail },
        })
    }

    fn nodes(
        &mut self,
        old: &ValueNode,
        new: &ValueNode,
        declared: &Declared,
    ) -> Result<(), Mismatch> {
        self.compared += 1;
        if self.compared > MAX_COMPARED || self.depth > MAX_DEPTH {
            return Err(Mismatch::TooLarge);
        }
        if let (ValueKind::Alias(old), ValueKind::Alias(new)) = (&old.kind, &new.kind)
            && declared.is_empty()
            && self.unchanged.get(old) == Some(new)
        {
            return Ok(());
        }
        self.values(self.resolve(old, true)?, self.resolve(new, false)?, declared)?;
        if declared.is_empty() && old.anchor > 0 {
            self.unchanged.insert(old.anchor, new.anchor);
        }
        Ok(())
    }

    fn resolve<'n>(&self, node: &'n ValueNode, old: bool) -> Result<&'n ValueNode, Mismatch>
    where
        'a: 'n,
    {
        let ValueKind::Alias(anchor) = node.kind else { return Ok(node) };
        let anchors = if old { &self.old_anchors } else { &self.new_anchors };
        anchors.get(&anchor).copied().ok_or(Mismatch::NoSuchPlace)
    }

    fn values(
        &mut self,
        old: &ValueNode,
        new: &ValueNode,
        declared: &Declared,
    ) -> Result<(), Mismatch> {
        let set = match declared.here.as_slice() {
            [Change::SetScalar { value, .. }, more @ ..] => {
                Some((ScalarValue::Text(value.clone()), more))
            }
            [Change::SetBool { value, .. }, more @ ..] => {
                Some((ScalarValue::Other(value.to_string()), more))
            }
            _ => None,
        };
        if let Some((set, more)) = set {
            let scalar = matches!(old.kind, ValueKind::Scalar(_)) && old.tag.is_none();
            let inside = !declared.keys.is_empty() || !declared.items.is_empty();
            if !scalar || !more.is_empty() || inside {
                return Err(Mismatch::NoSuchPlace);
            }
            return match &new.kind {
                ValueKind::Scalar(value) if *value == set && new.tag.is_none() => Ok(()),
                _ => Err(differs("not the declared value")),
            };
        }
        if old.tag != new.tag {
            return Err(differs("another tag"));
        }
        match (&old.kind, &new.kind) {
            (ValueKind::Mapping(old), ValueKind::Mapping(new)) => self.mappings(old, new, declared),
            (ValueKind::Sequence(old), ValueKind::Sequence(new)) => {
                self.sequences(old, new, declared)
            }
            _ if !declared.is_empty() => Err(Mismatch::NoSuchPlace),
            (ValueKind::Scalar(old), ValueKind::Scalar(new)) if old == new => Ok(()),
            _ => Err(differs("another value")),
        }
    }

    fn mappings(
        &mut self,
        old: &[(ValueNode, ValueNode)],
        new: &[(ValueNode, ValueNode)],
        declared: &Declared,
    ) -> Result<(), Mismatch> {
        let named = |name: &str| old.iter().any(|(key, _)| key.text() == Some(name));
        let mut added: HashMap<&str, &Value> = HashMap::new();
        let mut removed: HashSet<&str> = HashSet::new();
        for change in &declared.here {
            let possible = match change {
                Change::AddKey { key, value, .. } => {
                    !named(key) && added.insert(key, value).is_none()
                }
                Change::RemoveKey { key, .. } => named(key) && removed.insert(key),
                _ => false,
            };
            if !possible {
                return Err(Mismatch::NoSuchPlace);
            }
        }
        let nothing = Declared::default();
        let is = |names: &dyn Fn(&str) -> bool, key: &ValueNode| key.text().is_some_and(names);
        let mut kept = new.iter().filter(|(key, _)| !is(&|name| added.contains_key(name), key));
        let mut reached = declared.here.len();
        for (key, value) in old.iter().filter(|(key, _)| !is(&|name| removed.contains(name), key)) {
            let Some((new_key, new_value)) = kept.next() else {
                return Err(differs("a key is missing"));
            };
            let name = key.text().unwrap_or_default();
            if key.text() != new_key.text() {
                return Err(differs("other keys, or in another order"));
            }
            self.descend(|| name.to_owned(), key, new_key, &nothing)?;
            let inner = declared.keys.get(name).filter(|_| key.text().is_some());
            reached += usize::from(inner.is_some());
            self.descend(|| name.to_owned(), value, new_value, inner.unwrap_or(&nothing))?;
        }
        if kept.next().is_some() {
            return Err(differs("an extra key"));
        }
        for (name, value) in added {
            let Some((_, new_value)) = new.iter().find(|(key, _)| key.text() == Some(name)) else {
                return Err(differs("the declared key isn't there"));
            };
            self.descend(|| name.to_owned(), &ValueNode::of(value), new_value, &nothing)?;
        }
        self.all_reached(reached, declared)
    }

    fn sequences(
        &mut self,
        old: &[ValueNode],
        new: &[ValueNode],
        declared: &Declared,
    ) -> Result<(), Mismatch> {
        let Some(expected) = rearranged(old.len(), &declared.here) else {
            return Err(Mismatch::NoSuchPlace);
        };
        if expected.len() != new.len() {
            let detail = format!("{} items instead of {}", new.len(), expected.len());
            return Err(differs(&detail));
        }
        let nothing = Declared::default();
        let mut reached = declared.here.len();
        for (at, (item, new_item)) in expected.into_iter().zip(new).enumerate() {
            match item {
                ItemSource::Old(index) => {
                    let Some(value) = old.get(index) else { continue };
                    let inner = declared.items.get(&index);
                    reached += usize::from(inner.is_some());
                    let inner = inner.unwrap_or(&nothing);
                    self.descend(|| index.to_string(), value, new_item, inner)?;
                }
                ItemSource::New(value) => {
                    let name = || format!("{at} (new)");
                    self.descend(name, &ValueNode::of(value), new_item, &nothing)?;
                }
            }
        }
        self.all_reached(reached, declared)
    }

    fn descend(
        &mut self,
        name: impl Fn() -> String,
        old: &ValueNode,
        new: &ValueNode,
        declared: &Declared,
    ) -> Result<(), Mismatch> {
        self.depth += 1;
        let result = self.nodes(old, new, declared);
        self.depth -= 1;
        if result.is_err() {
            self.route.push(name());
        }
        result
    }

    /// A change whose route leads to no child was never compared, so it must not pass.
    fn all_reached(&self, reached: usize, declared: &Declared) -> Result<(), Mismatch> {
        if reached == declared.here.len() + declared.keys.len() + declared.items.len() {
            return Ok(());
        }
        Err(Mismatch::NoSuchPlace)
    }

    fn place(&self) -> String {
        if self.route.is_empty() {
            return "the document".to_owned();
        }
        self.route.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

enum ItemSource<'a> {
    Old(usize),
    New(&'a Value),
}

/// The items of a sequence of `len` items after `changes`; `None` when a change names an item that
/// is not there.
fn rearranged<'a>(len: usize, changes: &[&'a Change]) -> Option<Vec<ItemSource<'a>>> {
    let mut before: Vec<Vec<ItemSource>> = Vec::new();
    before.resize_with(len + 1, Vec::new);
    let mut gone = vec![false; len];
    for change in changes {
        match change {
            Change::InsertItem { index, value, .. } => {
                before.get_mut(*index)?.push(ItemSource::New(value))
            }
            Change::RemoveItem { index, .. } => {
                if std::mem::replace(gone.get_mut(*index)?, true) {
                    return None;
                }
            }
            Change::MoveItem { from, before: to, .. } => {
                if std::mem::replace(gone.get_mut(*from)?, true) {
                    return None;
                }
                before.get_mut(*to)?.push(ItemSource::Old(*from));
            }
            Change::SetScalar { .. }
            | Change::SetBool { .. }
            | Change::AddKey { .. }
            | Change::RemoveKey { .. } => {
                return None;
            }
        }
    }
    let mut out = Vec::with_capacity(len + changes.len());
    for (index, inserted) in before.into_iter().enumerate() {
        out.extend(inserted);
        if gone.get(index) == Some(&false) {
            out.push(ItemSource::Old(index));
        }
    }
    Some(out)
}
