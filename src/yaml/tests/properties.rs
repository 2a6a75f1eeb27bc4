//! What holds for the tree of any text, also for pieces of YAML in any order.

use super::*;

/// Spans of children are inside their parent's and on character borders; every scalar has a map.
fn check(text: &Text, tree: &Tree, id: NodeId) {
    let span = tree.span(id);
    assert!(text.as_str().get(span.range()).is_some(), "{span:?} in {:?}", text.as_str());
    let child = |child: NodeId| {
        let inner = tree.span(child);
        assert!(
            span.start <= inner.start && inner.end <= span.end,
            "{inner:?} {span:?} in {:?}",
            text.as_str()
        );
        check(text, tree, child);
    };
    match tree.node(id).kind {
        Kind::Scalar { value, .. } => {
            let map = ScalarMap::new(text, tree, id)
                .unwrap_or_else(|| panic!("{value:?} in {:?}", text.as_str()));
            // The empty lines that `|+` keeps come after the span.
            for (at, _) in value.trim_end_matches('\n').char_indices() {
                let place = map.offset(at);
                assert!(
                    span.start <= place && place <= span.end,
                    "{place} {span:?} in {:?}",
                    text.as_str()
                );
            }
        }
        Kind::Alias(_) => {}
        Kind::Mapping { entries, .. } => {
            entries.iter().flat_map(|e| [e.key, e.value]).for_each(child)
        }
        Kind::Sequence { items, flow } => {
            for item in items {
                assert!(flow || text.as_str()[item.dash..].starts_with('-'), "{:?}", text.as_str());
                child(item.node);
            }
        }
    }
}

fn check_source(source: &str) {
    // Two byte order marks are refused before the parser.
    let Ok(text) = Text::new("test.yml", source.as_bytes().to_vec()) else { return };
    if let Ok(tree) = parse(&text)
        && let Some(root) = tree.root()
    {
        check(&text, &tree, root);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_survived(source in "\\PC*") {
        check_source(&source);
    }

    /// Pieces of YAML in any order: mostly wrong, often nearly right.
    #[test]
    fn pieces_of_yaml_are_survived(pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..24)) {
        check_source(&pieces.concat());
        compare_with_libyaml(&pieces.concat());
    }
}

/// What both parsers read must say the same.
fn compare_with_libyaml(source: &str) {
    let Ok(text) = Text::new("test.yml", source.as_bytes().to_vec()) else { return };
    let Ok(tree) = parse(&text) else { return };
    let Ok(value) = serde_yaml::from_str::<serde_yaml::Value>(text.as_str()) else { return };
    match tree.root() {
        Some(root) => assert!(same(&tree, root, &value), "{source:?}: {value:?} but {tree:?}"),
        None => assert!(value.is_null(), "{source:?}: {value:?}"),
    }
}

fn same(tree: &Tree, id: NodeId, value: &serde_yaml::Value) -> bool {
    use serde_yaml::Value;
    match value {
        Value::String(text) => tree.str(id) == Some(text),
        Value::Null => tree.is_null(id),
        Value::Bool(_) | Value::Number(_) => tree.str(id).is_some(),
        Value::Sequence(list) => {
            let items = tree.items(id);
            items.len() == list.len()
                && items.iter().zip(list).all(|(item, value)| same(tree, item.node, value))
        }
        Value::Mapping(map) => {
            let entries = tree.entries(id);
            entries.len() == map.len()
                && entries.iter().zip(map).all(|(entry, (key, value))| {
                    same(tree, entry.key, key) && same(tree, entry.value, value)
                })
        }
        Value::Tagged(tagged) => same(tree, id, &tagged.value),
    }
}

const PIECES: &[&str] = &[
    "a",
    "b c",
    "é",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "\n",
    "\n",
    "\n  ",
    "\n  ",
    "\n    ",
    "\r\n ",
    " ",
    "\t",
    "|",
    ">",
    "|-\n  ",
    ">+\n  ",
    "|2\n",
    "'",
    "''",
    "\"",
    "\\",
    "\\n",
    "\\u00e9",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    "# c",
    " # c\n",
    "&x ",
    "*x",
    "!t ",
    "!!str ",
    "---",
    "...",
    "\n---\n",
    "%YAML 1.2\n",
    "~",
    "k:\n  ",
    "k: ",
    "- k: ",
    "<<: ",
    "'q'",
    "\"q\"",
    "*x : ",
    "🦀",
    "\u{feff}",
];
