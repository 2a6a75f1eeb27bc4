//! What `docs/architecture.md` promises about the parts of `src`, read from their source.

mod source;

use source::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The parts, from the one that knows all others to the one that knows none. A part may use those
/// after it.
const PARTS: [&str; 18] = [
    "cli", "engine", "report", "output", "fix", "check", "cache", "job", "follow", "repo", "tool",
    "shell", "actions", "edit", "yaml", "config", "rules", "base",
];

#[test]
fn every_arrow_points_down() {
    let mut up: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let Some(from) = position(part_of(&source.path)) else { continue };
        for used in used_parts(&source) {
            let to = position(&used)
                .unwrap_or_else(|| panic!("{}: crate::{used} is no part", source.path));
            if to < from {
                let arrow = (PARTS[from].to_owned(), used);
                up.entry(arrow).or_default().insert(source.path.clone());
            }
        }
    }
    let up: Vec<String> =
        up.iter().map(|((from, to), files)| format!("{from} uses {to} in {files:?}")).collect();
    assert!(up.is_empty(), "a part may only use those below it:\n{}", up.join("\n"));
}

#[test]
fn every_folder_and_file_of_src_is_a_part() {
    let others = ["lib", "main"];
    let parts: BTreeSet<String> =
        sources().iter().map(|source| part_of(&source.path).to_owned()).collect();
    for part in &parts {
        assert!(
            position(part).is_some() || others.contains(&part.as_str()),
            "{part}: give it a place in PARTS and in docs/architecture.md"
        );
    }
    for part in PARTS {
        assert!(parts.contains(part), "{part} is gone");
    }
}

/// Places outside of `tool` and `rules` that name the tool, by part: a setting, ids of inserted
/// steps, folders that are passed over, and fields of the report. It may only shrink.
const STILL_NAMED: [(&str, usize); 5] =
    [("config", 2), ("engine", 1), ("fix", 3), ("repo", 2), ("report", 8)];

/// Code names a tool by an identifier that holds its name, or by a string without a space: a
/// program, a folder, the beginning of a key. A string with spaces is a text for people, and one
/// that begins `nox/` is the id of a check, which `rules/checks.yaml` defines.
#[test]
fn only_the_tool_folder_and_the_rules_name_a_tool() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        let part = part_of(&source.path);
        if matches!(part, "tool" | "rules") {
            continue;
        }
        let is_named = |text: &&str| text.to_lowercase().contains("nox");
        let is_text = |text: &str| text.contains(' ') || text.starts_with("nox/");
        let strings = source.strings.iter().map(String::as_str).filter(|text| !is_text(text));
        for word in words(&source.code).chain(strings).filter(is_named) {
            places.entry(part.to_owned()).or_default().push(format!("{}: {word}", source.path));
        }
    }
    let counts: Vec<(&str, usize)> =
        places.iter().map(|(p, all)| (p.as_str(), all.len())).collect();
    assert_eq!(counts, STILL_NAMED, "only `tool` and `rules` may name a tool: {places:#?}");
}

/// Type names that two modules may share, because each is the natural one in both.
const SHARED_NAMES: [&str; 2] = ["Reuse", "Value"];

#[test]
fn a_type_name_is_defined_once() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let words: Vec<&str> = words(&source.code).collect();
        for pair in words.windows(2) {
            let defines = matches!(pair[0], "struct" | "enum" | "trait" | "type" | "union");
            if defines && pair[1].starts_with(char::is_uppercase) {
                places.entry(pair[1].to_owned()).or_default().insert(source.path.clone());
            }
        }
    }
    places.retain(|name, files| files.len() > 1 && !SHARED_NAMES.contains(&name.as_str()));
    let twice: Vec<String> =
        places.iter().map(|(name, files)| format!("{name} in {files:?}")).collect();
    assert!(twice.is_empty(), "give each a name of its own:\n{}", twice.join("\n"));
}

fn position(part: &str) -> Option<usize> {
    PARTS.iter().position(|known| *known == part)
}

/// The part a file belongs to: its first folder, or its own name.
fn part_of(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The parts that a file names, by `crate::…` or by as many `super` as lead to the crate.
fn used_parts(source: &Source) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in source.code.match_indices("crate::") {
        let starts_path = !source.code[..at].ends_with(|c: char| c == '_' || c.is_alphanumeric());
        if starts_path {
            first_names(&source.code[at + "crate::".len()..], &mut used);
        }
    }
    let depth = depth(&source.path);
    let to_crate = "super::".repeat(depth);
    for (at, _) in source.code.match_indices(&to_crate) {
        first_names(&source.code[at + to_crate.len()..], &mut used);
    }
    // The macros of the crate and the crate itself aren't parts.
    used.retain(|name| name.starts_with(char::is_lowercase));
    used
}

/// How many modules lie between a file and the crate: `a/mod.rs` 1, `a/b.rs` 2.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// The first name of a path, or of each path in braces.
fn first_names(text: &str, names: &mut BTreeSet<String>) {
    let Some(group) = text.strip_prefix('{') else {
        names.extend(words(text).next().map(str::to_owned));
        return;
    };
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(words(&group[start..at]).next().map(str::to_owned));
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn paths_are_found_however_they_are_written() {
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        code: code.to_owned(),
        strings: Vec::new(),
    };
    for (path, code, expected) in [
        ("a/b.rs", "use crate::check::X;", vec!["check"]),
        ("a/b.rs", "use crate::{check::{X, Y}, fix, base::text};", vec!["base", "check", "fix"]),
        ("a/b.rs", "fn f() -> crate::fix::Fix {}", vec!["fix"]),
        ("a/b.rs", "use super::super::fix::Fix;", vec!["fix"]),
        ("a/b.rs", "use super::fix::Fix;", vec![]),
        ("a/mod.rs", "use super::fix::Fix;", vec!["fix"]),
        ("a/b.rs", "other_crate::fix", vec![]),
    ] {
        let used: Vec<String> = used_parts(&source(path, code)).into_iter().collect();
        assert_eq!(used, expected, "{path}: {code}");
    }
}
