//! A YAML value as one of the two parsers of the proof reads it.

use std::collections::{HashMap, HashSet};

use serde_yaml::Value;
use yaml_rust2::Yaml;
use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

/// Collections in collections; a text with more is read by neither.
const MAX_DEPTH: usize = 160;

#[derive(Debug)]
pub(super) struct Node {
    pub tag: Option<String>,
    /// Its number, or 0.
    pub anchor: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// A link to the node with that anchor.
    Alias(usize),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    /// Null, a boolean or a number.
    Other(String),
}

impl Node {
    fn plain(kind: Kind) -> Self {
        Self { tag: None, anchor: 0, kind }
    }

    /// A value without aliases.
    pub fn of(value: &Value) -> Self {
        let other = |text: String| Kind::Scalar(Scalar::Other(text));
        Self::plain(match value {
            Value::Null => other("null".to_owned()),
            Value::Bool(bool) => other(bool.to_string()),
            Value::Number(number) => other(number.to_string()),
            Value::String(text) => Kind::Scalar(Scalar::Text(text.clone())),
            Value::Sequence(items) => Kind::Sequence(items.iter().map(Self::of).collect()),
            Value::Mapping(entries) => {
                Kind::Mapping(entries.iter().map(|(k, v)| (Self::of(k), Self::of(v))).collect())
            }
            Value::Tagged(tagged) => {
                return Self { tag: Some(tagged.tag.to_string()), ..Self::of(&tagged.value) };
            }
        })
    }

    /// What a scalar says.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Scalar::Text(text) | Scalar::Other(text)) => Some(text),
            _ => None,
        }
    }
}

/// The anchored nodes of a value by their numbers.
pub(super) fn anchors(root: &Node) -> HashMap<usize, &Node> {
    let mut found = HashMap::new();
    let mut next = vec![root];
    while let Some(node) = next.pop() {
        if node.anchor > 0 {
            found.insert(node.anchor, node);
        }
        match &node.kind {
            Kind::Sequence(items) => next.extend(items),
            Kind::Mapping(entries) => next.extend(entries.iter().flat_map(|(k, v)| [k, v])),
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }
    found
}

/// As serde_yaml reads it: aliases expanded.
pub(super) fn expanded(text: &str) -> Result<Node, String> {
    let value: Value = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    Ok(Node::of(&value))
}

/// As yaml-rust2 reads it: aliases are links.
pub(super) fn linked(text: &str) -> Result<Node, String> {
    // Without a line break at the end it reads blanks after a block scalar as content.
    let ended = text.ends_with('\n');
    let mut parser = Parser::new(text.chars().chain((!ended).then_some('\n')));
    // With the key whose value has not come yet.
    let mut open: Vec<(Node, Option<Node>)> = Vec::new();
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
            Event::Alias(anchor) => Node::plain(Kind::Alias(anchor)),
            Event::Scalar(value, style, anchor, tag) => {
                ends_in_block = matches!(style, TScalarStyle::Literal | TScalarStyle::Folded);
                let kind = Kind::Scalar(scalar(value, style, tag.is_some()));
                Node { tag: name(tag), anchor, kind }
            }
            Event::SequenceStart(anchor, tag) => {
                let kind = Kind::Sequence(Vec::new());
                open.push((Node { tag: name(tag), anchor, kind }, None));
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                let kind = Kind::Mapping(Vec::new());
                open.push((Node { tag: name(tag), anchor, kind }, None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, _) = open.pop().ok_or("an end without a start")?;
                keys_differ(&node)?;
                node
            }
        };
        if open.len() > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let Some((parent, key)) = open.last_mut() else {
            root = Some(node);
            continue;
        };
        match (&mut parent.kind, key.take()) {
            (Kind::Sequence(items), _) => items.push(node),
            (Kind::Mapping(entries), Some(key)) => entries.push((key, node)),
            (_, _) => *key = Some(node),
        }
    }
    let mut root = root.ok_or("no document")?;
    if ends_in_block && !text.ends_with(['\n', ' ', '\t']) {
        drop_last_break(&mut root);
    }
    Ok(root)
}

/// Fails where a mapping has a key twice, as serde_yaml does.
fn keys_differ(node: &Node) -> Result<(), String> {
    let Kind::Mapping(entries) = &node.kind else { return Ok(()) };
    let mut seen = HashSet::new();
    match entries.iter().filter_map(|(key, _)| key.text()).find(|key| !seen.insert(*key)) {
        Some(key) => Err(format!("`{key}` is twice in a mapping")),
        None => Ok(()),
    }
}

/// Takes the line break that was added to the text from the block scalar that ends it.
fn drop_last_break(node: &mut Node) {
    match &mut node.kind {
        Kind::Scalar(Scalar::Text(text)) if text.ends_with('\n') => {
            text.pop();
        }
        Kind::Sequence(items) => {
            if let Some(last) = items.last_mut() {
                drop_last_break(last);
            }
        }
        Kind::Mapping(entries) => {
            if let Some((_, last)) = entries.last_mut() {
                drop_last_break(last);
            }
        }
        Kind::Scalar(_) | Kind::Alias(_) => {}
    }
}

fn scalar(value: String, style: TScalarStyle, tagged: bool) -> Scalar {
    if style != TScalarStyle::Plain || tagged {
        return Scalar::Text(value);
    }
    match Yaml::from_str(&value) {
        Yaml::Null => Scalar::Other("null".to_owned()),
        Yaml::Boolean(bool) => Scalar::Other(bool.to_string()),
        Yaml::Integer(number) => Scalar::Other(number.to_string()),
        Yaml::String(text) => Scalar::Text(text),
        _ => Scalar::Other(value),
    }
}

fn name(tag: Option<Tag>) -> Option<String> {
    tag.map(|tag| tag.handle + &tag.suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value in one line, with anchors and links as numbers.
    fn shown(node: &Node) -> String {
        let value = match &node.kind {
            Kind::Scalar(Scalar::Text(text)) => format!("{text:?}"),
            Kind::Scalar(Scalar::Other(text)) => text.clone(),
            Kind::Alias(anchor) => format!("*{anchor}"),
            Kind::Sequence(items) => {
                format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
            Kind::Mapping(entries) => {
                let entry =
                    |(key, value): &(Node, Node)| format!("{}: {}", shown(key), shown(value));
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
        assert!(linked(&"- ".repeat(100_000)).is_err());
    }
}
