//! The tree against two independent parsers, on every YAML file of the corpus of real workflows.
//!
//! The corpus is not part of the repository: `CACHELINT_CORPUS` or `../shared/corpus` beside the
//! checkout.

#[path = "common/corpus.rs"]
mod corpus;

use std::collections::HashMap;
use std::path::PathBuf;

use cachelint::base::text::Text;
use cachelint::yaml::{Kind, NodeId, ScalarMap, ScalarStyle, Tree, parse};
use yaml_rust2::parser::{Event, Parser};

/// One event in a form that both sides can make.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Scalar { value: String, style: String, anchored: bool },
    Alias(usize),
    Open { sequence: bool, anchored: bool },
    Close,
}

fn corpus_files() -> Vec<(PathBuf, Vec<u8>)> {
    let Some(folder) = corpus::corpus() else { return Vec::new() };
    let files: Vec<_> = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.path().extension().is_some_and(|x| x == "yml" || x == "yaml"))
        .map(|e| (e.path().to_owned(), std::fs::read(e.path()).expect("a readable file")))
        .collect();
    assert!(!files.is_empty(), "a corpus without YAML files");
    files
}

fn ours(tree: &Tree) -> Vec<Step> {
    fn walk(tree: &Tree, id: NodeId, anchors: &mut HashMap<NodeId, usize>, out: &mut Vec<Step>) {
        let node = tree.node(id);
        if node.anchored {
            let next = anchors.len() + 1;
            anchors.insert(id, next);
        }
        match node.kind {
            Kind::Scalar { value, style } => {
                let (value, style) = (value.to_owned(), format!("{style:?}"));
                out.push(Step::Scalar { value, style, anchored: node.anchored });
            }
            Kind::Alias(target) => out.push(Step::Alias(anchors[&target])),
            Kind::Mapping { entries, .. } => {
                out.push(Step::Open { sequence: false, anchored: node.anchored });
                for entry in entries {
                    walk(tree, entry.key, anchors, out);
                    walk(tree, entry.value, anchors, out);
                }
                out.push(Step::Close);
            }
            Kind::Sequence { items, .. } => {
                out.push(Step::Open { sequence: true, anchored: node.anchored });
                for item in items {
                    walk(tree, item.node, anchors, out);
                }
                out.push(Step::Close);
            }
        }
    }
    let mut out = Vec::new();
    if let Some(root) = tree.root() {
        walk(tree, root, &mut HashMap::new(), &mut out);
    }
    out
}

/// `None` where yaml-rust2 does not read the text: it wants closing brackets indented.
fn reference(source: &str) -> Option<Vec<Step>> {
    let mut out = Vec::new();
    // Without a line break at the end it reads blanks after a block scalar as content.
    let ended = format!("{source}\n");
    let mut parser = Parser::new(if source.ends_with('\n') { source } else { &ended }.chars());
    loop {
        let (event, _) = parser.next_token().ok()?;
        let step = match event {
            Event::Scalar(value, style, anchor, _) => {
                Step::Scalar { value, style: format!("{style:?}"), anchored: anchor > 0 }
            }
            Event::Alias(anchor) => Step::Alias(anchor),
            Event::SequenceStart(anchor, _) => Step::Open { sequence: true, anchored: anchor > 0 },
            Event::MappingStart(anchor, _) => Step::Open { sequence: false, anchored: anchor > 0 },
            Event::SequenceEnd | Event::MappingEnd => Step::Close,
            Event::StreamEnd => return Some(out),
            _ => continue,
        };
        out.push(step);
    }
}

/// Spans stand inside their parents and on character borders, dashes are dashes, scalars say their
/// value.
fn check_spans(
    name: &str,
    text: &Text,
    tree: &Tree,
    id: NodeId,
    scalars: &mut usize,
    items: &mut usize,
) {
    let span = tree.span(id);
    let source = text.as_str();
    assert!(source.get(span.range()).is_some(), "{name}: {span:?}");
    let inside = |child: NodeId| {
        let inner = tree.span(child);
        assert!(
            span.start <= inner.start && inner.end <= span.end,
            "{name}: {inner:?} not inside {span:?}"
        );
    };
    match tree.node(id).kind {
        Kind::Scalar { value, style } => {
            *scalars += 1;
            let map = ScalarMap::new(text, tree, id)
                .unwrap_or_else(|| panic!("{name}: no map for {value:?}"));
            for (at, c) in value.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                let there = &source[map.offset(at)..];
                let escaped = style == ScalarStyle::DoubleQuoted && there.starts_with('\\');
                assert!(there.starts_with(c) || escaped, "{name}: {c:?} at {at} of {value:?}");
                assert!(
                    escaped
                        || map.insertion_offset(at + c.len_utf8()) == map.offset(at) + c.len_utf8(),
                    "{name}"
                );
            }
        }
        Kind::Alias(_) => assert!(source[span.range()].starts_with('*'), "{name}"),
        Kind::Mapping { entries, .. } => {
            for id in entries.iter().flat_map(|e| [e.key, e.value]) {
                inside(id);
                check_spans(name, text, tree, id, scalars, items);
            }
        }
        Kind::Sequence { items: list, flow } => {
            for item in list {
                *items += 1;
                assert!(flow || source[item.dash..].starts_with('-'), "{name}: dash {}", item.dash);
                inside(item.node);
                check_spans(name, text, tree, item.node, scalars, items);
            }
        }
    }
}

#[test]
fn corpus_reads_as_the_reference_parser_reads_it() {
    let (mut files, mut scalars, mut items, mut unread) = (0, 0, 0, 0);
    for (path, bytes) in corpus_files() {
        let name = path.display().to_string();
        let text = Text::new(&path, bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let tree = parse(&text).unwrap_or_else(|e| panic!("{name}: {e} at {:?}", e.position));
        let Some(root) = tree.root() else { continue };
        check_spans(&name, &text, &tree, root, &mut scalars, &mut items);
        let Some(theirs) = reference(text.as_str()) else {
            unread += 1;
            continue;
        };
        let ours = ours(&tree);
        let last = ours.iter().rposition(|step| matches!(step, Step::Scalar { .. }));
        for (at, (our, their)) in ours.iter().zip(&theirs).enumerate() {
            let mut their = their.clone();
            // The line break that was added belongs to no value.
            if let Step::Scalar { value, style, .. } = &mut their
                && Some(at) == last
                && !text.as_str().ends_with('\n')
                && matches!(style.as_str(), "Literal" | "Folded")
            {
                value.truncate(value.trim_end_matches('\n').len());
            }
            assert_eq!(*our, their, "{name}");
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
        files += 1;
    }
    assert!(unread * 20 <= files, "{unread} of {files} files are not compared");
    println!("{files} files, {scalars} scalars, {items} items; {unread} only read here");
}

fn same(name: &str, tree: &Tree, id: NodeId, value: &serde_yaml::Value, compared: &mut usize) {
    *compared += 1;
    match value {
        serde_yaml::Value::String(s) => assert_eq!(tree.str(id), Some(s.as_str()), "{name}"),
        serde_yaml::Value::Null => assert!(tree.is_null(id), "{name}"),
        serde_yaml::Value::Bool(_) | serde_yaml::Value::Number(_) => {
            assert!(tree.str(id).is_some(), "{name}")
        }
        serde_yaml::Value::Sequence(list) => {
            assert_eq!(tree.items(id).len(), list.len(), "{name}");
            for (item, value) in tree.items(id).iter().zip(list) {
                same(name, tree, item.node, value, compared);
            }
        }
        serde_yaml::Value::Mapping(map) => {
            assert_eq!(tree.entries(id).len(), map.len(), "{name}");
            for (entry, (key, value)) in tree.entries(id).iter().zip(map) {
                same(name, tree, entry.key, key, compared);
                same(name, tree, entry.value, value, compared);
            }
        }
        serde_yaml::Value::Tagged(tagged) => same(name, tree, id, &tagged.value, compared),
    }
}

#[test]
fn corpus_has_the_values_that_serde_reads() {
    let (mut files, mut compared) = (0, 0);
    for (path, bytes) in corpus_files() {
        let name = path.display().to_string();
        let text = Text::new(&path, bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        // Duplicate keys are an error there and kept here.
        let Ok(value) = serde_yaml::from_str::<serde_yaml::Value>(text.as_str()) else { continue };
        let tree = parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        if let Some(root) = tree.root() {
            same(&name, &tree, root, &value, &mut compared);
            files += 1;
        }
    }
    println!("{files} files, {compared} values as serde reads them");
}
