//! Any bytes as YAML: a tree whose spans stand inside their parents, or an error with a place.
#![no_main]

use cachelint::base::text::Text;
use cachelint::yaml::{Kind, NodeId, ScalarMap, Tree, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = Text::new("fuzz.yml", bytes.to_vec()) else { return };
    match parse(&text) {
        Ok(tree) => {
            if let Some(root) = tree.root() {
                check(&text, &tree, root);
            }
        }
        Err(error) => assert!(error.position.line <= text.line_count()),
    }
});

fn check(text: &Text, tree: &Tree, id: NodeId) {
    let span = tree.span(id);
    assert!(text.as_str().get(span.range()).is_some(), "{span:?}");
    let children: Vec<NodeId> = match &tree.node(id).kind {
        Kind::Scalar { value, .. } => {
            if let Some(map) = ScalarMap::new(text, tree, id) {
                for (at, _) in value.char_indices() {
                    assert!(text.as_str().is_char_boundary(map.offset(at)));
                    assert!(text.as_str().is_char_boundary(map.insertion_offset(at)));
                }
            }
            Vec::new()
        }
        Kind::Alias(_) => Vec::new(),
        Kind::Mapping { entries, .. } => entries.iter().flat_map(|e| [e.key, e.value]).collect(),
        Kind::Sequence { items, .. } => items.iter().map(|item| item.node).collect(),
    };
    for child in children {
        let inner = tree.span(child);
        assert!(span.start <= inner.start && inner.end <= span.end, "{inner:?} not inside {span:?}");
        check(text, tree, child);
    }
}
