//! The tree against two independent parsers, on every YAML file of the corpus of real workflows.
//!
//! The corpus is not part of the repository: `CACHELINT_CORPUS` or `../shared/corpus` beside the
//! checkout.

use std::collections::HashMap;
use std::path::PathBuf;

use cachelint::base::text::Text;
use cachelint::yaml::{Kind, NodeId, ScalarMap, ScalarStyle, Tree, parse};
use granit_parser::{Event, Parser};

/// One event in a form that both sides can make.
#[derive(Debug, PartialEq)]
enum Step {
    Scalar { value: String, style: String, anchored: bool },
    Alias(usize),
    Open { sequence: bool, anchored: bool },
    Close,
}

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let folder =
        std::env::var_os("CACHELINT_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no corpus of workflows at {}; set CACHELINT_CORPUS", folder.display());
        return None;
    }
    Some(folder)
}

fn corpus_files() -> Vec<(PathBuf, Vec<u8>)> {
    let Some(folder) = corpus() else { return Vec::new() };
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

fn ours(tree: &Tree) -> Vec<(Step, Option<NodeId>)> {
    fn walk(
        tree: &Tree,
        id: NodeId,
        anchors: &mut HashMap<NodeId, usize>,
        out: &mut Vec<(Step, Option<NodeId>)>,
    ) {
        let node = tree.node(id);
        if node.anchored {
            let next = anchors.len() + 1;
            anchors.insert(id, next);
        }
        match &node.kind {
            Kind::Scalar { value, style } => {
                let (value, style) = (value.clone(), format!("{style:?}"));
                out.push((Step::Scalar { value, style, anchored: node.anchored }, Some(id)));
            }
            Kind::Alias(target) => out.push((Step::Alias(anchors[target]), Some(id))),
            Kind::Mapping { entries, .. } => {
                out.push((Step::Open { sequence: false, anchored: node.anchored }, Some(id)));
                for entry in entries {
                    walk(tree, entry.key, anchors, out);
                    walk(tree, entry.value, anchors, out);
                }
                out.push((Step::Close, Some(id)));
            }
            Kind::Sequence { items, .. } => {
                out.push((Step::Open { sequence: true, anchored: node.anchored }, Some(id)));
                for item in items {
                    walk(tree, item.node, anchors, out);
                }
                out.push((Step::Close, Some(id)));
            }
        }
    }
    let mut out = Vec::new();
    if let Some(root) = tree.root() {
        walk(tree, root, &mut HashMap::new(), &mut out);
    }
    out
}

fn reference(source: &str) -> Result<Vec<(Step, std::ops::Range<usize>)>, String> {
    let mut out = Vec::new();
    for event in Parser::new_from_str(source) {
        let (event, span) = event.map_err(|e| e.to_string())?;
        let range = span.byte_range().ok_or("no offsets")?;
        let absent = range.is_empty();
        // It ends a block scalar's last line with a line break that the file does not have; libyaml
        // does not.
        let unended = range.end == source.len() && !source.ends_with('\n');
        let step = match event {
            // It writes an absent value as `~`.
            Event::Scalar(_, style, anchor, _) if absent => Step::Scalar {
                value: String::new(),
                style: format!("{style:?}"),
                anchored: anchor > 0,
            },
            Event::Scalar(value, style, anchor, _) => {
                let value = if unended { value.trim_end_matches('\n') } else { &value };
                Step::Scalar {
                    value: value.to_owned(),
                    style: format!("{style:?}"),
                    anchored: anchor > 0,
                }
            }
            Event::Alias(anchor) => Step::Alias(anchor),
            Event::SequenceStart(_, anchor, _) => {
                Step::Open { sequence: true, anchored: anchor > 0 }
            }
            Event::MappingStart(_, anchor, _) => {
                Step::Open { sequence: false, anchored: anchor > 0 }
            }
            Event::SequenceEnd | Event::MappingEnd => Step::Close,
            _ => continue,
        };
        out.push((step, range));
    }
    Ok(out)
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
    match &tree.node(id).kind {
        Kind::Scalar { value, style } => {
            *scalars += 1;
            let map = ScalarMap::new(text, tree, id)
                .unwrap_or_else(|| panic!("{name}: no map for {value:?}"));
            for (at, c) in value.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                let there = &source[map.offset(at)..];
                let escaped = *style == ScalarStyle::DoubleQuoted && there.starts_with('\\');
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
                assert!(
                    *flow || source[item.dash..].starts_with('-'),
                    "{name}: dash {}",
                    item.dash
                );
                inside(item.node);
                check_spans(name, text, tree, item.node, scalars, items);
            }
        }
    }
}

#[test]
fn corpus_reads_as_the_reference_parser_reads_it() {
    let (mut files, mut scalars, mut items, mut starts, mut ends) = (0, 0, 0, 0, 0);
    for (path, bytes) in corpus_files() {
        let name = path.display().to_string();
        let text = Text::new(&path, bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let tree = parse(&text).unwrap_or_else(|e| panic!("{name}: {e} at {:?}", e.position));
        let Some(root) = tree.root() else { continue };
        check_spans(&name, &text, &tree, root, &mut scalars, &mut items);
        let (ours, theirs) =
            (ours(&tree), reference(text.as_str()).unwrap_or_else(|e| panic!("{name}: {e}")));
        for ((our, id), (their, range)) in ours.iter().zip(&theirs) {
            assert_eq!(our, their, "{name} at {range:?}");
            let span = tree.span(id.expect("every event has a node"));
            let Step::Scalar { value, style, .. } = our else { continue };
            if value.is_empty() || style == "Literal" || style == "Folded" {
                continue;
            }
            assert_eq!(span.start, range.start, "{name}: start of {value:?}");
            starts += 1;
            assert_eq!(span.end, range.end, "{name}: end of {value:?}");
            ends += 1;
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
        files += 1;
    }
    println!(
        "{files} files, {scalars} scalars, {items} items; {starts} starts and {ends} ends as the reference has them"
    );
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
