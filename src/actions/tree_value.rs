//! Values of a YAML tree with their expressions evaluated.

use crate::actions::expr::{Context, Eval, Value, eval_template, parse_template};
use crate::yaml::{Kind, NodeId, ScalarStyle, Tree};

/// Nesting of values that is looked at.
const MAX_DEPTH: usize = 8;

/// A YAML value with its expressions evaluated; unknown when any part of it is, or when it nests
/// too deep.
pub fn value(tree: &Tree, node: NodeId, context: &dyn Context) -> Eval {
    at_depth(tree, node, context, 0)
}

fn at_depth(tree: &Tree, node: NodeId, context: &dyn Context, depth: usize) -> Eval {
    if depth > MAX_DEPTH {
        return Eval::Unknown;
    }
    match tree.node(tree.resolve(node)).kind {
        Kind::Scalar { value, style } => scalar(value, style, context),
        Kind::Sequence { items, .. } => {
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                match at_depth(tree, item.node, context, depth + 1) {
                    Eval::Known(v) => out.push(v),
                    _ => return Eval::Unknown,
                }
            }
            Eval::Known(Value::Array(out))
        }
        Kind::Mapping { entries, .. } => {
            let mut out = Vec::with_capacity(entries.len());
            for entry in entries {
                let Some(key) = tree.str(entry.key) else { return Eval::Unknown };
                match at_depth(tree, entry.value, context, depth + 1) {
                    Eval::Known(v) => out.push((key.to_owned(), v)),
                    _ => return Eval::Unknown,
                }
            }
            Eval::Known(Value::Object(out))
        }
        Kind::Alias(_) => Eval::Unknown,
    }
}

/// A scalar as the core schema of YAML 1.2 types it, after its expressions.
fn scalar(text: &str, style: ScalarStyle, context: &dyn Context) -> Eval {
    if text.contains("${{") {
        return parse_template(text).map_or(Eval::Unknown, |t| eval_template(&t, context));
    }
    if style != ScalarStyle::Plain {
        return Eval::Known(Value::String(text.to_owned()));
    }
    Eval::Known(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    })
}

fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|n| n as f64);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // Rust would also read "1_0", "inf" and "nan"; the first byte and this filter leave plain
    // decimals.
    digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        .then_some(())?;
    text.parse().ok()
}
