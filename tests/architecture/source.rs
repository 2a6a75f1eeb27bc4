//! Rust source as far as these tests need it: without comments, tests and the content of strings.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Source {
    /// Relative to `src`, with `/`.
    pub path: String,
    /// The code: comments, test items and the content of literals are gone.
    pub code: String,
    /// The content of every string literal outside tests.
    pub strings: Vec<String>,
}

/// Every file of `src` that is not only compiled for tests.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut sources = Vec::new();
    let mut tests: Vec<String> = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("#[cfg(test)]\nmod ") {
            let rest = &text[at + "#[cfg(test)]\nmod ".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0);
            let folder = path.trim_end_matches("mod.rs").trim_end_matches(".rs");
            tests.push(format!("{}/{}.rs", folder.trim_end_matches('/'), &rest[..end]));
        }
        let (code, strings) = read(&text);
        sources.push(Source { path, code, strings });
    }
    sources.retain(|source| !is_test(&source.path) && !tests.contains(&source.path));
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Files that `#[cfg(test)]` brings in: tests and what they share.
fn is_test(path: &str) -> bool {
    let shared = ["testing.rs", "schema.rs", "output/sample.rs"];
    shared.contains(&path)
        || path.ends_with("/tests.rs")
        || path.split('/').any(|part| part == "tests")
}

/// The code of a file without its tests, and its strings.
fn read(text: &str) -> (String, Vec<String>) {
    let mut strings = Vec::new();
    let code = without_literals(text, &mut strings);
    let mut rest = code.as_str();
    let mut kept = String::new();
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at + item_length(&rest[at..])..];
    }
    kept.push_str(rest);
    // Literals are blanked to `"<number>"`, so that the strings of tests can be told apart.
    let own = kept.split('"').skip(1).step_by(2);
    let own = own.filter_map(|number| number.parse::<usize>().ok());
    let own = own.map(|number| strings[number].clone()).collect();
    (kept, own)
}

/// The length of the item at the beginning of `text`: to its `;`, or to its closing brace.
fn item_length(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// `text` without comments, each string literal replaced by its number in `strings`.
fn without_literals(text: &str, strings: &mut Vec<String>) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, literal) = literal(rest, code.chars().next_back());
        if length == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if let Some(literal) = literal {
            code.push_str(&format!("\"{}\"", strings.len()));
            strings.push(literal.to_owned());
        }
        rest = &rest[length..];
    }
    code
}

/// The length of a comment, string or character at the beginning of `rest`, and a string's content.
fn literal(rest: &str, before: Option<char>) -> (usize, Option<&str>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |end| end + 2), None);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return (at + 1, Some(&rest[1..at])),
                _ => {}
            }
        }
        return (rest.len(), None);
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !in_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(content) = raw[hashes..].strip_prefix('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = content.find(&close).unwrap_or(content.len());
            let length = 1 + hashes + 1 + end + close.len();
            return (length.min(rest.len()), Some(&content[..end]));
        }
    }
    if rest.starts_with('\'') {
        // A character, not a lifetime: `'x'` or `'\…'`.
        let mut chars = rest.char_indices().skip(1);
        match (chars.next(), chars.next()) {
            (Some((_, '\\')), _) => {
                let end = rest[3..].find('\'').map_or(rest.len(), |end| 3 + end + 1);
                return (end, None);
            }
            (_, Some((at, '\''))) => return (at + 1, None),
            _ => {}
        }
    }
    (0, None)
}

#[test]
fn tests_comments_and_literals_are_told_from_code() {
    let text = r##"
use crate::a; // crate::b
const X: &str = "crate::c \" crate::d"; const Y: char = '"'; const Z: &str = r#"crate::e"#;
fn f<'a>(x: &'a str) -> char { '\'' }
#[cfg(test)]
mod tests { use crate::g; fn h() { "crate::i" } }
use crate::j;
"##;
    let (code, strings) = read(text);
    assert!(code.contains("crate::a") && code.contains("crate::j"), "{code}");
    for hidden in ["b", "c", "d", "e", "g", "i"] {
        assert!(!code.contains(&format!("crate::{hidden}")), "{hidden} in {code}");
    }
    assert_eq!(strings, ["crate::c \\\" crate::d", "crate::e"]);
}
