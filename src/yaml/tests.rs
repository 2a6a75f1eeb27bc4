//! The tree's spans and values, and what is refused.

use super::*;
use crate::text::{Span, Text};

fn text(source: &str) -> Text {
    Text::new("test.yml", source.as_bytes().to_vec()).expect("text")
}

fn tree(source: &str) -> (Text, Tree) {
    let text = text(source);
    let tree = parse(&text).unwrap_or_else(|e| panic!("{e} at {:?} in {source:?}", e.position));
    (text, tree)
}

/// A node as `[source text]`, so that a table shows what a span covers.
fn covered<'t>(text: &'t Text, tree: &Tree, id: NodeId) -> &'t str {
    &text.as_str()[tree.span(id).range()]
}

/// The value of the root's first entry.
fn first(tree: &Tree) -> NodeId {
    tree.entries(tree.root().expect("root"))[0].value
}

#[test]
fn spans_of_scalars() {
    for (source, value, span) in [
        ("a: b c # d\n", "b c", "b c"),
        ("a: b\n  c # d\n", "b c", "b\n  c"),
        ("a: b\n\n  c\n\nd: e\n", "b\nc", "b\n\n  c"),
        ("a: b:c#d\n", "b:c#d", "b:c#d"),
        ("a: 'it''s'  # x\n", "it's", "'it''s'"),
        ("a: \"q\\\" \\u00e9\\x41\\\\\"\n", "q\" éA\\", "\"q\\\" \\u00e9\\x41\\\\\""),
        ("a: \"one \\\n  two\"\n", "one two", "\"one \\\n  two\""),
        ("a: \"one\n\n  two\"\n", "one\ntwo", "\"one\n\n  two\""),
        ("a: |\n  x\n   y\n\n  z\n\n\nb: c\n", "x\n y\n\nz\n", "|\n  x\n   y\n\n  z\n"),
        ("a: |-  # note\n  x\nb: c\n", "x", "|-  # note\n  x\n"),
        ("a: |+\n  x\n\n\nb: c\n", "x\n\n\n", "|+\n  x\n"),
        ("a: |2-\n   x\nb: c\n", " x", "|2-\n   x\n"),
        ("a: >\n  x\n  y\n\n  z\n    k\n  l\nb: c\n", "x y\nz\n  k\nl\n", ">\n  x\n  y\n\n  z\n    k\n  l\n"),
        ("a: >-\n\n  x\n", "\nx", ">-\n\n  x\n"),
        ("a: |\r\n  x\r\n  y\r\nb: c\r\n", "x\ny\n", "|\r\n  x\r\n  y\r\n"),
        ("a: &k !!str b\n", "b", "b"),
        ("a: !t &k |\n  ü\n", "ü\n", "|\n  ü\n"),
        ("a:\n  # c\n  b\n", "b", "b"),
        ("a:\nb: c\n", "", ""),
        ("a: &k\nb: c\n", "", ""),
        ("{a: b, c}", "b", "b"),
        ("{\"a\":b, c}", "b", "b"),
        ("{a, b}", "", ""),
        ("? a\n: b\n", "b", "b"),
        ("a: |\nb: c\n", "", "|\n"),
    ] {
        let (text, tree) = tree(source);
        let node = first(&tree);
        assert_eq!(tree.str(node), Some(value), "{source:?}");
        assert_eq!(covered(&text, &tree, node), span, "{source:?}");
        assert!(ScalarMap::new(&text, &tree, node).is_some(), "{source:?}");
    }
}
