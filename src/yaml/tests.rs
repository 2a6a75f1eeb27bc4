//! The tree's spans and values, and what is refused.

use super::parse::MAX_VALUES;
use super::*;
use crate::base::text::{Position, Span, Text};

mod properties;

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
        (
            "a: >\n  x\n  y\n\n  z\n    k\n  l\nb: c\n",
            "x y\nz\n  k\nl\n",
            ">\n  x\n  y\n\n  z\n    k\n  l\n",
        ),
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
        ("a: |\n  x", "x", "|\n  x"),
        ("a: |\n", "", "|\n"),
        ("a: >", "", ">"),
        ("a: |+", "", "|+"),
        ("a: |+ # c\n\n", "\n", "|+ # c\n"),
        ("a: |-\n  x", "x", "|-\n  x"),
        ("a: |-\n  x\n  ", "x", "|-\n  x\n"),
        ("a: |\n  x\n  ", "x\n", "|\n  x\n"),
        ("a: |+\n  x\n  ", "x\n", "|+\n  x\n"),
        ("a: >\n  x\n  y", "x y", ">\n  x\n  y"),
        ("a: |+\n\n\nb: c\n", "\n\n", "|+\n"),
        ("a: |\n  \tx\n    \n  y\nb: c\n", "\tx\n  \ny\n", "|\n  \tx\n    \n  y\n"),
        ("a: |3\n      \nb: c\n", "   \n", "|3\n      \n"),
        ("a: \"x\\\n\n  y\"\n", "x\ny", "\"x\\\n\n  y\""),
        ("a: \"\\_\\L\\U0001F600\"\n", "\u{a0}\u{2028}\u{1f600}", "\"\\_\\L\\U0001F600\""),
        ("a: 'x\r\n\r\n\r\n  y'\r\n", "x\n\ny", "'x\r\n\r\n\r\n  y'"),
        ("a:\n  |\n  x\nb: c\n", "x\n", "|\n  x\n"),
        ("ü: ä ö # ü\n", "ä ö", "ä ö"),
    ] {
        let (text, tree) = tree(source);
        let node = first(&tree);
        assert_eq!(tree.str(node), Some(value), "{source:?}");
        assert_eq!(covered(&text, &tree, node), span, "{source:?}");
        assert!(ScalarMap::new(&text, &tree, node).is_some(), "{source:?}");
    }
}

#[test]
fn spans_of_collections() {
    for (source, span) in [
        ("k:\n  a: b\n  c:\n  # end\n\nz: y\n", "a: b\n  c:"),
        ("k:\n- a\n- b # c\n\nz: y\n", "- a\n- b"),
        ("k:\n  - a\n  -\nz: y\n", "- a\n  -"),
        ("k: &x !t\n  - a\n", "- a"),
        ("k: &x\n  &y a: b\n", "a: b"),
        ("k: [ a, b, ] # c\n", "[ a, b, ]"),
        ("k: {a: b, c}\n", "{a: b, c}"),
        ("k: [\n  a,\n]\n", "[\n  a,\n]"),
        ("k:\n  ? a\n  : b\n", "? a\n  : b"),
        ("k:\n  ? [a]\n  : {b: c}\n", "? [a]\n  : {b: c}"),
        ("k:\n  {a: b}: c\n", "{a: b}: c"),
        ("k:\n  a: |\n    x\n\nz: y\n", "a: |\n    x\n"),
        ("k:\n  : v\n", ": v"),
        ("k: []\n", "[]"),
    ] {
        let (text, tree) = tree(source);
        assert_eq!(covered(&text, &tree, first(&tree)), span, "{source:?}");
    }
}

#[test]
fn dashes_of_items() {
    for (source, dashes) in [
        ("- a\n- b\n", vec![0, 4]),
        ("-\n  a\n-   # c\n\n  b: c\n", vec![0, 6]),
        ("- &x !t\n  a: b\n- *x\n", vec![0, 15]),
        ("- - a\n  - b\n- c\n", vec![0, 12]),
        ("-\n-\n", vec![0, 2]),
        ("- '- x'\n- |\n  - y\n- z\n", vec![0, 8, 18]),
        ("- a - b\n- -c\n# - d\n- e\n", vec![0, 8, 19]),
        ("--- # x\n- a\n...\n", vec![8]),
        ("%YAML 1.2\n---\n- a\n", vec![14]),
        ("- {a: b}\n- [c]\n- ? d\n- é\n- f\n", vec![0, 9, 15, 21, 26]),
        ("[a, &x b, [c: d], {e: f}: g, ? h: i]", vec![1, 4, 10, 18, 29]),
    ] {
        let (text, tree) = tree(source);
        let root = tree.root().expect("root");
        assert_eq!(
            tree.items(root).iter().map(|i| i.dash).collect::<Vec<_>>(),
            dashes,
            "{source:?}"
        );
        if source.starts_with('-') {
            assert!(dashes.iter().all(|d| text.as_str()[*d..].starts_with('-')), "{source:?}");
        }
    }
}

#[test]
fn nested_dashes_and_flow_pairs() {
    let (text, parsed) = tree("- - a\n  -\n   - b\n");
    let root = parsed.root().expect("root");
    let inner = parsed.items(root)[0].node;
    assert_eq!(parsed.items(inner).iter().map(|i| i.dash).collect::<Vec<_>>(), [2, 8]);
    assert_eq!(parsed.items(parsed.items(inner)[1].node)[0].dash, 13);
    assert_eq!(covered(&text, &parsed, inner), "- a\n  -\n   - b");

    let (text, parsed) = tree("é: [{a: b}: {c: d}, e: {f: g}, {h: {}}]");
    let items = parsed.items(first(&parsed)).to_vec();
    let sources: Vec<_> = items.iter().map(|i| covered(&text, &parsed, i.node)).collect();
    assert_eq!(sources, ["{a: b}: {c: d}", "e: {f: g}", "{h: {}}"]);
    assert_eq!(covered(&text, &parsed, parsed.entries(items[0].node)[0].key), "{a: b}");
    assert_eq!(parsed.str(parsed.entries(items[1].node)[0].key), Some("e"));
}

#[test]
fn aliases_are_links() {
    let (text, parsed) = tree("a: &x\n  b: c\nd: *x\ne: [*x, *x]\n*x : f\n");
    let root = parsed.root().expect("root");
    let anchor = parsed.get(root, "a").expect("a");
    let alias = parsed.get(root, "d").expect("d");
    assert!(parsed.is_alias(alias) && !parsed.is_alias(anchor) && parsed.node(anchor).anchored);
    assert_eq!(parsed.resolve(alias), anchor);
    assert_eq!(covered(&text, &parsed, alias), "*x");
    assert_eq!(parsed.get(alias, "b").and_then(|b| parsed.str(b)), Some("c"));
    // The last anchor of a name before the alias counts.
    let (_, parsed) = tree("- &x a\n- &x b\n- *x\n");
    assert_eq!(parsed.str(parsed.items(parsed.root().expect("root"))[2].node), Some("b"));
}

#[test]
fn keys_stay_as_they_are() {
    let (_, parsed) = tree("<<: a\nx: 1\nx: 2\non: y\n");
    let root = parsed.root().expect("root");
    let keys: Vec<_> =
        parsed.entries(root).iter().map(|e| parsed.str(e.key).unwrap_or("?")).collect();
    assert_eq!(keys, ["<<", "x", "x", "on"]);
}

#[test]
fn files_without_content_have_no_root() {
    for source in ["", "\n\n", "# c\n", "---\n", "--- # c\n...\n", "\u{feff}# c\n"] {
        assert!(tree(source).1.root().is_none(), "{source:?}");
    }
    assert!(tree("--- a\n...\n").1.root().is_some());
    assert!(
        tree("\u{feff}a: b\n").1.get(tree("\u{feff}a: b\n").1.root().expect("root"), "a").is_some()
    );
}

#[test]
fn refusals_say_where_and_why() {
    let deep = format!("a: {}x{}", "[".repeat(200), "]".repeat(200));
    for (source, line, column, message, help) in [
        ("a: b\n---\nc: d\n", 2, 1, "more than one YAML document", "remove the `---`"),
        ("---\n---\n", 2, 1, "more than one YAML document", "remove"),
        ("a:\n\tb: c\n", 2, 1, "tab", "doesn't allow tabs"),
        ("a:\n  b:\n\t- c\n", 3, 1, "tab", "doesn't allow tabs"),
        ("a: &x\n  b: *x\n", 2, 6, "contains it", ""),
        ("a: *y\n", 1, 4, "unknown anchor", ""),
        ("a: b: c\n", 1, 5, "mapping values", "quotes"),
        ("ü: 'x\n", 2, 1, "quoted scalar", "deeper than its key"),
        ("k:\n  os: \"a\n  b\"\n", 3, 3, "quoted scalar", "deeper than its key"),
        ("a: b # c\u{2028}d\n", 1, 9, "U+2028", "remove or escape"),
        ("a: b\u{85}c\n", 1, 5, "U+0085", "remove or escape"),
        ("a: [\n", 1, 4, "unclosed bracket", ""),
        ("...\n- a\n", 1, 1, "doesn't support", ""),
        ("a: b # \u{feff}\n", 1, 8, "U+FEFF", "remove or escape"),
        ("a: \0\n", 1, 4, "NUL", ""),
        ("a: b\rc: d\n", 1, 5, "carriage return", "LF or CRLF"),
        (deep.as_str(), 1, 132, "nested deeper than 128", ""),
    ] {
        let error = parse(&text(source)).expect_err(source);
        assert!(error.message.contains(message), "{source:?}: {}", error.message);
        assert!(
            error.help.clone().unwrap_or_default().contains(help),
            "{source:?}: {:?}",
            error.help
        );
        assert_eq!(error.position, Position { line, column }, "{source:?}: {}", error.message);
    }
}

#[test]
fn little_indentation_in_brackets_and_quotes() {
    for (source, path, value) in [
        ("k:\n  os: [\n    a,\n  ]\n  z: [b]\n", ["os", "0"], "a"),
        ("k:\n  os: {\n    a: ü,\n  }\n", ["os", "a"], "ü"),
        ("k:\n  os:\n    [\n  a,\n b\n]\n", ["os", "1"], "b"),
        ("k:\n  é: [{\n    a: b\n  }, {c: d\n  }]\n  os: {x: y}\n", ["os", "x"], "y"),
        ("k:\n  os: [\"a\n  b\n  \"]\n", ["os", "0"], "a b "),
        ("k:\n  os: [x, 'a\n\nb']\n", ["os", "1"], "a\nb"),
    ] {
        let (text, parsed) = tree(source);
        let mut node = first(&parsed);
        for step in path {
            node = match step.parse::<usize>() {
                Ok(i) => parsed.items(node)[i].node,
                Err(_) => parsed.get(node, step).unwrap_or_else(|| panic!("{step} in {source:?}")),
            };
        }
        assert_eq!(parsed.str(node), Some(value), "{source:?}");
        assert!(ScalarMap::new(&text, &parsed, node).is_some());
    }
}

/// What is wrong after such a bracket is reported at its place in the file, not in the widened
/// copy.
#[test]
fn errors_after_widened_lines() {
    let error = parse(&text("k:\n  os: [\n    a,\n  ] b: c: d\n")).expect_err("trailing content");
    assert_eq!(error.position.line, 4, "{error:?}");
    assert!(error.position.column <= 8, "{error:?}");
}

#[test]
fn hostile_depth_and_length_are_quick() {
    let start = std::time::Instant::now();
    let dashes = "- ".repeat(100_000);
    let brackets = "[".repeat(100_000);
    let braces = "{a: ".repeat(100_000);
    let lines: String = (0..3000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    for source in [&dashes, &brackets, &braces, &lines] {
        assert!(parse(&text(source)).expect_err("too deep").message.contains("nested deeper"));
    }
    let one_line = format!("[{}]", "{a: 'é'}, ".repeat(10_000));
    assert_eq!(tree(&one_line).1.items(tree(&one_line).1.root().expect("root")).len(), 10_000);
    let closers = format!("a:\n{}", "  b: [\n  ]\n".repeat(200));
    assert_eq!(tree(&closers).1.entries(first(&tree(&closers).1)).len(), 200);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

/// For each style: a word put into the file after each letter comes after that letter in the
/// value.
#[test]
fn words_can_be_inserted_in_every_style() {
    for source in [
        "a: nox s t\nb: c\n",
        "a: nox\n  s t\n\n  u v\nb: c\n",
        "a: 'nox ''s'' t\n  u'\nb: c\n",
        "a: \"nox \\\n  s \\\"é\\u00e9t\\n\n\n  u\"\nb: c\n",
        "a: |\n  nox s\n    t u\n\n  é v\nb: c\n",
        "a: |\r\n  nox s\r\n\r\n  t u\r\nb: c\r\n",
        "a: |2-\n    nox\n   s\nb: c\n",
        "a: >\n  nox s\n  t u\n\n  v\n    w x\n  y z\n\nb: c\n",
        "a: >-\n\n  nox\n  s",
        "[nox s, b]\n",
        "{a: nox\n  s}\n",
    ] {
        let (text, parsed) = tree(source);
        let root = parsed.root().expect("root");
        let target = |t: &Tree| if t.is_mapping(root) { first(t) } else { t.items(root)[0].node };
        let value = parsed.str(target(&parsed)).expect("a scalar");
        let map = ScalarMap::new(&text, &parsed, target(&parsed)).expect("a map");
        for (at, letter) in value.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            let after = at + letter.len_utf8();
            let mut edited = source.to_owned();
            edited.insert_str(map.insertion_offset(after), " -r");
            let mut expected = value.to_owned();
            expected.insert_str(after, " -r");
            let (_, reparsed) = tree(&edited);
            assert_eq!(
                reparsed.str(target(&reparsed)),
                Some(expected.as_str()),
                "{source:?} -> {edited:?}"
            );
        }
    }
}

#[test]
fn places_of_a_value_in_the_file() {
    let source = "a: |\n  one é\n\n  two\nb: \"x\\ty\\\n  z\"\n";
    let (text, parsed) = tree(source);
    let root = parsed.root().expect("root");
    let (literal, quoted) = (parsed.get(root, "a").expect("a"), parsed.get(root, "b").expect("b"));
    let map = ScalarMap::new(&text, &parsed, literal).expect("a map");
    let value = parsed.str(literal).expect("a scalar");
    let word =
        |word: &str| value.find(word).map(|at| Span::new(at, at + word.len())).expect("a word");
    for w in ["one", "é", "one é", "two"] {
        assert_eq!(&source[map.span(word(w)).range()], w);
        assert!(map.is_contiguous(&text, value, word(w)), "{w}");
    }
    assert!(!map.is_contiguous(&text, value, word("é\n\ntwo")));
    assert_eq!(&source[map.span(word("é\n\ntwo")).range()], "é\n\n  two");
    assert_eq!(&source[map.span(Span::new(0, value.len())).range()], "one é\n\n  two");

    let map = ScalarMap::new(&text, &parsed, quoted).expect("a map");
    assert_eq!(parsed.str(quoted), Some("x\tyz"));
    assert_eq!(&source[map.span(Span::new(1, 2)).range()], "\\t");
    for (start, end, contiguous) in
        [(0, 1, true), (1, 2, false), (0, 4, false), (2, 3, true), (3, 4, true), (2, 4, false)]
    {
        let span = Span::new(start, end);
        assert_eq!(map.is_contiguous(&text, "x\tyz", span), contiguous, "{span:?}");
    }
    assert_eq!(&source[map.offset(3)..][..1], "z");
    assert_eq!(&source[map.insertion_offset(3)..][..1], "\\");
    assert!(ScalarMap::new(&text, &parsed, root).is_none());
    let other = Text::new("other.yml", source.replace("one", "two").into_bytes()).expect("text");
    assert!(ScalarMap::new(&other, &parsed, literal).is_none());
}

/// `\_` is two bytes in the file and in the value.
#[test]
fn escape_as_long_as_its_character_is_no_copy() {
    let (text, parsed) = tree("a: \"\\_b\"\n");
    let map = ScalarMap::new(&text, &parsed, first(&parsed)).expect("a map");
    assert!(!map.is_contiguous(&text, "\u{a0}b", Span::new(0, 2)));
    assert!(map.is_contiguous(&text, "\u{a0}b", Span::new(2, 3)));
}

/// Each costs little, whatever it stands for: nothing is expanded to count it.
#[test]
fn values_are_counted_with_what_aliases_stand_for() {
    let refused = |source: &str| parse(&text(source)).err().map(|error| error.message);
    let too_many = Some(format!("more than {MAX_VALUES} values"));
    let items = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    let long = "x".repeat(6_400);
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for i in 1..60 {
        bomb += &format!("a{i}: &a{i} {}\n", items(&format!("*a{}", i - 1), 9));
    }
    for source in [
        bomb,
        items("x", MAX_VALUES),
        format!("a: &a {}\nb: {}\n", items("x", 400), items("*a", 200)),
        format!("a: &a {{k: {long}}}\nb: {}\n", items("{<<: *a}", 800)),
        format!("a: &a {long}\nb: {}\n", items("*a", 800)),
        format!("? &a {long}\n: b\n? {}\n: c\n", items("*a", 800)),
    ] {
        assert_eq!(refused(&source), too_many, "{}", &source[..20]);
    }
    for source in [
        items("x", MAX_VALUES - 10),
        format!("a: &a {}\nb: {}\n", items("x", 400), items("*a", 190)),
        format!("a: &a {long}\nb: {}\n", items("*a", 700)),
        format!("a: {}\n", "x".repeat(3_000_000)),
    ] {
        assert_eq!(refused(&source), None, "{}", &source[..20]);
    }
}
