//! A YAML value as one of the two parsers of the proof reads it.

use std::collections::{HashMap, HashSet};

use serde_yaml::Value;
use yaml_rust2::Yaml;
use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

/// Collections in collections; a text with more is read by neither.
const MAX_DEPTH: usize = 160;

#[derive(Debug)]
pub(super) struct ValueNode {
    pub tag: Option<String>,
    /// Its number, or 0.
    pub anchor: usize,
    pub kind: ValueKind,
}

#[derive(Debug)]
pub(super) enum ValueKind {
    Scalar(ScalarValue),
    Sequence(Vec<ValueNode>),
    Mapping(Vec<(ValueNode, ValueNode)>),
    /// A link to the node with that anchor.
    Alias(usize),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ScalarValue {
    Text(String),
    /// Null, a boolean or a number.
    Other(String),
}

impl ValueNode {
    fn plain(kind: ValueKind) -> Self {
        Self { tag: None, anchor: 0, kind }
    }

    /// A value without aliases.
    pub fn of(value: &Value) -> Self {
        let other = |text: String| ValueKind::Scalar(ScalarValue::Other(text));
        Self::plain(match value {
            Value::Null => other("null".to_owned()),
            Value::Bool(bool) => other(bool.to_string()),
            Value::Number(number) => other(number.to_string()),
            Value::String(text) => ValueKind::Scalar(ScalarValue::Text(text.clone())),
            Value::Sequence(items) => ValueKind::Sequence(items.iter().map(Self::of).collect()),
            Value::Mapping(entries) => ValueKind::Mapping(
                entries.iter().map(|(k, v)| (Self::of(k), Self::of(v))).collect(),
            ),
            Value::Tagged(tagged) => {
                return Self { tag: Some(tagged.tag.to_string()), ..Self::of(&tagged.value) };
            }
        })
    }

    /// What a scalar says.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::Scalar(ScalarValue::Text(text) | ScalarValue::Other(text)) => Some(text),
            _ => None,
        }
    }
}

/// The anchored nodes of a value by their numbers.
pub(super) fn anchors(root: &ValueNode) -> HashMap<usize, &ValueNode> {
    let mut found = HashMap::new();
    let mut next = vec![root];
    while let Some(node) = next.pop() {
        if node.anchor > 0 {
            found.insert(node.anchor, node);
        }
        match &node.kind {
            ValueKind::Sequence(items) => next.extend(items),
            ValueKind::Mapping(entries) => next.extend(entries.iter().flat_map(|(k, v)| [k, v])),
            ValueKind::Scalar(_) | ValueKind::Alias(_) => {}
        }
    }
    found
}

/// As serde_yaml reads it: aliases expanded.
pub(super) fn expanded(text: &str) -> Result<ValueNode, String> {
    let value: Value = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    Ok(ValueNode::of(&value))
}

/// As yaml-rust2 reads it: aliases are links.
pub(super) fn linked(text: &str) -> Result<ValueNode, String> {
    // Without a line break at the end it reads spaces after a block scalar as content.
    let ended = text.ends_with('\n');
    let mut parser = Parser::new(text.chars().chain((!ended).then_some('\n')));
    // With the key whose value has not come yet.
    let mut open = Vec::new();
    let mut root = None;
    let mut ends_in_block = false;
    loop {
        let (event, _) = parser.next_token().map_err(|e| e.to_string())?;
        let node = match event {
            Event::StreamEnd => break,
            Event::DocumentStart if root.is_some() => {
                return Err("more than one YAML document in the file".to_owned());
            }
            Event::DocumentStart | Event::DocumentEnd | Event::Nothing | Event::StreamStart => {
                continue;
            }
            Event::Alias(anchor) => ValueNode::plain(ValueKind::Alias(anchor)),
            Event::Scalar(value, style, anchor, tag) => {
                ends_in_block = matches!(style, TScalarStyle::Literal | TScalarStyle::Folded);
                let kind = ValueKind::Scalar(scalar(value, style, tag.is_some()));
                ValueNode { tag: name(tag), anchor, kind }
            }
            Event::SequenceStart(anchor, tag) => {
                let kind = ValueKind::Sequence(Vec::new());
                enter(&mut open, ValueNode { tag: name(tag), anchor, kind })?;
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                let kind = ValueKind::Mapping(Vec::new());
                enter(&mut open, ValueNode { tag: name(tag), anchor, kind })?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, _) = open.pop().ok_or("an end without a start")?;
                keys_differ(&node)?;
                node
            }
        };
        let Some((parent, key)) = open.last_mut() else {
            root = Some(node);
            continue;
        };
        match (&mut parent.kind, key.take()) {
            (ValueKind::Sequence(items), _) => items.push(node),
            (ValueKind::Mapping(entries), Some(key)) => entries.push((key, node)),
            (_, _) => *key = Some(node),
        }
    }
    let mut root = root.ok_or("no document")?;
    if ends_in_block && !text.ends_with(['\n', ' ', '\t']) {
        drop_last_break(&mut root);
    }
    Ok(root)
}

/// Opens a collection, unless it lies too deep: at once, so that what it holds is never read.
fn enter(
    open: &mut Vec<(ValueNode, Option<ValueNode>)>,
    collection: ValueNode,
) -> Result<(), String> {
    if open.len() == MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    open.push((collection, None));
    Ok(())
}

/// Fails where a mapping has a key twice, as serde_yaml does.
fn keys_differ(node: &ValueNode) -> Result<(), String> {
    let ValueKind::Mapping(entries) = &node.kind else { return Ok(()) };
    let mut seen = HashSet::new();
    match entries.iter().filter_map(|(key, _)| key.text()).find(|key| !seen.insert(*key)) {
        Some(key) => Err(format!("`{key}` appears twice in a mapping")),
        None => Ok(()),
    }
}

/// Takes the line break that was added to the text from the block scalar that ends it.
fn drop_last_break(node: &mut ValueNode) {
    match &mut node.kind {
        ValueKind::Scalar(ScalarValue::Text(text)) if text.ends_with('\n') => {
            text.pop();
        }
        ValueKind::Sequence(items) => {
            if let Some(last) = items.last_mut() {
                drop_last_break(last);
            }
        }
        ValueKind::Mapping(entries) => {
            if let Some((_, last)) = entries.last_mut() {
                drop_last_break(last);
            }
        }
        ValueKind::Scalar(_) | ValueKind::Alias(_) => {}
    }
}

fn scalar(value: String, style: TScalarStyle, tagged: bool) -> ScalarValue {
    if style != TScalarStyle::Plain || tagged {
        return ScalarValue::Text(value);
    }
    match Yaml::from_str(&value) {
        Yaml::Null => ScalarValue::Other("null".to_owned()),
        Yaml::Boolean(bool) => ScalarValue::Other(bool.to_string()),
        Yaml::Integer(number) => ScalarValue::Other(number.to_string()),
        Yaml::String(text) => ScalarValue::Text(text),
        _ => ScalarValue::Other(value),
    }
}

fn name(tag: Option<Tag>) -> Option<String> {
    tag.map(|tag| tag.handle + &tag.suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value in one line, with anchors and links as numbers.
    fn shown(node: &ValueNode) -> String {
        let value = match &node.kind {
            ValueKind::Scalar(ScalarValue::Text(text)) => format!("{text:?}"),
            ValueKind::Scalar(ScalarValue::Other(text)) => text.clone(),
            ValueKind::Alias(anchor) => format!("*{anchor}"),
            ValueKind::Sequence(items) => {
                format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
            ValueKind::Mapping(entries) => {
                let entry = |(key, value): &(ValueNode, ValueNode)| {
                    format!("{}: {}", shown(key), shown(value))
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        };
        match node.anchor {
            0 => value,
            anchor => format!("&{anchor} {value}"),
        }
    }

    #[test]
    fn both_read_the_same_and_links_stay() {
        for (text, linked_as, expanded_as) in [
            ("a: [x, 1, 'y', true, ~, ]\n", r#"{"a": ["x", 1, "y", true, null]}"#, None),
            ("a: |\n  x\n", r#"{"a": "x\n"}"#, None),
            ("a:\n- |\n  x", r#"{"a": ["x"]}"#, None),
            ("a: |\n  x\n  ", r#"{"a": "x\n"}"#, None),
            ("a: \"x\\n\"", r#"{"a": "x\n"}"#, None),
            (
                "a: &n {b: c}\nd: *n\n",
                r#"{"a": &1 {"b": "c"}, "d": *1}"#,
                Some(r#"{"a": {"b": "c"}, "d": {"b": "c"}}"#),
            ),
        ] {
            assert_eq!(shown(&linked(text).unwrap()), linked_as, "{text:?}");
            let expanded_as = expanded_as.unwrap_or(linked_as);
            assert_eq!(shown(&expanded(text).unwrap()), expanded_as, "{text:?}");
        }
    }

    #[test]
    fn what_neither_reads() {
        for text in ["a: 1\na: 2\n", "a: b: c\n", "a: [\n"] {
            assert!(linked(text).is_err() && expanded(text).is_err(), "{text:?}");
        }
        assert!(linked("a: 1\n---\nb: 2\n").is_err());
    }

    #[test]
    fn what_lies_too_deep_is_not_read() {
        let deep = |levels: usize| linked(&format!("{}\"no end", "- ".repeat(levels))).unwrap_err();
        assert!(!deep(MAX_DEPTH).contains("deeper"), "{}", deep(MAX_DEPTH));
        assert!(deep(MAX_DEPTH + 1).contains("deeper"), "{}", deep(MAX_DEPTH + 1));
    }
}
