//! The functions that need nothing but their arguments.

use std::fmt::Write;

use crate::actions::expr::coerce::folded;
use crate::actions::expr::value::{Eval, Value};

/// No text that a workflow needs is longer, and calls in calls could make it grow without end.
const MAX_TEXT: usize = 64 * 1024;

/// A function of known arguments; `None` where the runner would fail.
pub(super) type Builtin = fn(&[&Value]) -> Option<Value>;

/// The function `name` (in lower case), if it can be called with so many arguments.
pub(super) fn find(name: &str, args: usize) -> Option<Builtin> {
    let (function, arity): (Builtin, _) = match name {
        "contains" => (contains, 2..=2),
        "startswith" => (starts_with, 2..=2),
        "endswith" => (ends_with, 2..=2),
        "format" => (format, 1..=255),
        "join" => (join, 1..=2),
        "tojson" => (to_json, 1..=1),
        "fromjson" => (from_json, 1..=1),
        _ => return None,
    };
    arity.contains(&args).then_some(function)
}

/// The texts of `values` one after the other.
pub(super) fn concat(values: &[&Value]) -> Eval {
    let mut text = String::new();
    for value in values {
        text.push_str(&value.to_text());
    }
    bounded(text).map_or(Eval::Unknown, Eval::Known)
}

fn bounded(text: String) -> Option<Value> {
    (text.len() <= MAX_TEXT).then_some(Value::String(text))
}

fn contains(args: &[&Value]) -> Option<Value> {
    let [search, wanted] = args else { return None };
    let found = match search {
        // An undecided comparison only matters when no other item is equal.
        Value::Array(items) => {
            let equal: Vec<Option<bool>> = items.iter().map(|item| wanted.loose_eq(item)).collect();
            if !equal.contains(&Some(true)) && equal.contains(&None) {
                return None;
            }
            equal.contains(&Some(true))
        }
        _ => both_folded(search, wanted).is_some_and(|(search, wanted)| search.contains(&wanted)),
    };
    Some(Value::Bool(found))
}

fn starts_with(args: &[&Value]) -> Option<Value> {
    let [text, start] = args else { return None };
    Some(Value::Bool(
        both_folded(text, start).is_some_and(|(text, start)| text.starts_with(&start)),
    ))
}

fn ends_with(args: &[&Value]) -> Option<Value> {
    let [text, end] = args else { return None };
    Some(Value::Bool(both_folded(text, end).is_some_and(|(text, end)| text.ends_with(&end))))
}

/// Both texts in one case; `None` if one is a collection, which contains no text.
fn both_folded(left: &Value, right: &Value) -> Option<(String, String)> {
    let fold = |value: &Value| folded(&value.to_text()).collect();
    (left.is_primitive() && right.is_primitive()).then(|| (fold(left), fold(right)))
}

/// `{0}` is the first argument, `{{` and `}}` are braces; everything else in braces fails.
fn format(args: &[&Value]) -> Option<Value> {
    let (template, args) = args.split_first()?;
    let template = template.to_text();
    let mut rest = template.as_str();
    let mut out = String::new();
    while let Some(brace) = rest.find(['{', '}']) {
        out.push_str(&rest[..brace]);
        let (open, after) = (rest[brace..].starts_with('{'), &rest[brace + 1..]);
        rest = if let Some(after) = after.strip_prefix(if open { '{' } else { '}' }) {
            out.push(if open { '{' } else { '}' });
            after
        } else if open {
            let (number, after) = after.split_once('}')?;
            let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            let index: usize = if is_number { number.parse().ok()? } else { return None };
            out.push_str(&args.get(index)?.to_text());
            after
        } else {
            return None;
        };
        if out.len() > MAX_TEXT {
            return None;
        }
    }
    out.push_str(rest);
    bounded(out)
}

fn join(args: &[&Value]) -> Option<Value> {
    let (list, separator) = args.split_first()?;
    let separator = match separator.first() {
        Some(separator) if separator.is_primitive() => separator.to_text(),
        _ => ",".to_owned(),
    };
    match list {
        Value::Array(items) => {
            let mut out = String::new();
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(&separator);
                }
                out.push_str(&item.to_text());
                if out.len() > MAX_TEXT {
                    return None;
                }
            }
            bounded(out)
        }
        Value::Object(_) => Some(Value::String(String::new())),
        _ => bounded(list.to_text()),
    }
}

fn to_json(args: &[&Value]) -> Option<Value> {
    let mut out = String::new();
    write_json(args.first()?, 0, &mut out)?;
    bounded(out)
}

fn from_json(args: &[&Value]) -> Option<Value> {
    Value::from_json(&args.first()?.to_text())
}

/// Indented by two, as the runner prints; `None` when it gets too long.
fn write_json(value: &Value, depth: usize, out: &mut String) -> Option<()> {
    if out.len() > MAX_TEXT {
        return None;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_text()),
        Value::String(text) => out.push_str(&serde_json::to_string(text).ok()?),
        Value::Array(items) => {
            write_items(('[', ']'), items, depth, out, |item, out| {
                write_json(item, depth + 1, out)
            })?;
        }
        Value::Object(entries) => {
            write_items(('{', '}'), entries, depth, out, |(key, value), out| {
                write!(out, "{}: ", serde_json::to_string(key).ok()?).ok()?;
                write_json(value, depth + 1, out)
            })?
        }
    }
    Some(())
}

fn write_items<T>(
    (open, close): (char, char),
    items: &[T],
    depth: usize,
    out: &mut String,
    mut write_item: impl FnMut(&T, &mut String) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write_item(item, out)?;
    }
    if !items.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
    Some(())
}
