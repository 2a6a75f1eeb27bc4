//! The value that a file must have after a fix, made from its old value and what the fix declares.
//!
//! The fix's own proof walks both values side by side; this one builds the expected value and
//! compares.

use cachelint::base::finding::{Change, Segment};
use serde_yaml::Value;

/// `value` with `changes` made, whose routes and indices are those of `value`; nothing where a
/// route leads nowhere.
pub fn with_changes(mut value: Value, changes: &[Change]) -> Option<Value> {
    for change in changes {
        match change {
            Change::SetScalar { at, value: new } => {
                *place(&mut value, at)? = Value::from(new.as_str())
            }
            Change::SetBool { at, value: new } => *place(&mut value, at)? = Value::from(*new),
            Change::AddKey { mapping, key, value: new } => {
                let old = place(&mut value, mapping)?
                    .as_mapping_mut()?
                    .insert(key.as_str().into(), new.clone());
                old.is_none().then_some(())?;
            }
            Change::RemoveKey { mapping, key } => {
                place(&mut value, mapping)?.as_mapping_mut()?.shift_remove(key.as_str())?;
            }
            Change::InsertItem { .. } | Change::RemoveItem { .. } | Change::MoveItem { .. } => {}
        }
    }
    // Inner sequences first: their routes hold as long as the outer ones keep their order.
    let mut sequences: Vec<&[Segment]> = changes.iter().filter_map(sequence).collect();
    sequences.sort_by(|a, b| {
        b.len().cmp(&a.len()).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
    });
    sequences.dedup();
    for route in sequences {
        let here: Vec<&Change> = changes.iter().filter(|c| sequence(c) == Some(route)).collect();
        let items = place(&mut value, route)?.as_sequence_mut()?;
        *items = rearranged(std::mem::take(items), &here)?;
    }
    Some(value)
}

fn sequence(change: &Change) -> Option<&[Segment]> {
    match change {
        Change::InsertItem { sequence, .. }
        | Change::RemoveItem { sequence, .. }
        | Change::MoveItem { sequence, .. } => Some(sequence),
        Change::SetScalar { .. }
        | Change::SetBool { .. }
        | Change::AddKey { .. }
        | Change::RemoveKey { .. } => None,
    }
}

fn rearranged(items: Vec<Value>, changes: &[&Change]) -> Option<Vec<Value>> {
    let mut out = Vec::new();
    for at in 0..=items.len() {
        for change in changes {
            match change {
                Change::InsertItem { index, value, .. } if *index == at => out.push(value.clone()),
                Change::MoveItem { from, before, .. } if *before == at => {
                    out.push(items.get(*from)?.clone())
                }
                _ => {}
            }
        }
        let goes = |change: &&Change| match change {
            Change::MoveItem { from, .. } => *from == at,
            Change::RemoveItem { index, .. } => *index == at,
            _ => false,
        };
        if !changes.iter().any(goes) {
            out.extend(items.get(at).cloned());
        }
    }
    Some(out)
}

fn place<'a>(mut value: &'a mut Value, route: &[Segment]) -> Option<&'a mut Value> {
    for segment in route {
        value = match segment {
            Segment::Index(index) => value.as_sequence_mut()?.get_mut(*index)?,
            Segment::Key(key) => {
                value.as_mapping_mut()?.iter_mut().find(|(k, _)| text(k) == *key)?.1
            }
        };
    }
    Some(value)
}

/// A key as a workflow writes it.
fn text(key: &Value) -> String {
    key.as_str().map_or_else(
        || serde_yaml::to_string(key).unwrap_or_default().trim_end().to_owned(),
        str::to_owned,
    )
}
