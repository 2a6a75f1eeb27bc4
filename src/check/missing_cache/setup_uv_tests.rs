//! setup-uv's own cache, where uv's packages move into the archive.

use super::packages_tests::{INSTALL, SETUP, UV, found, text};
use crate::testing::{fixed, job};

#[test]
fn a_cache_of_its_own_is_switched_off_in_the_way_it_was_switched_on() {
    for (written, expected) in [
        ("true", Some("false")),
        ("'true'", Some("'false'")),
        ("${{ github.ref_type != 'tag' }}", Some("false")),
        ("auto", Some("false")),
        ("false", None),
    ] {
        let uv = format!("{UV}  with:\n    enable-cache: {written}\n");
        let finding = found("uv", INSTALL, "", &format!("{SETUP}{uv}- run: nox -s t\n"));
        let edits = &finding.fix.as_ref().unwrap().edits;
        let switched = edits.iter().map(|e| e.content.as_str()).find(|c| c.contains("false"));
        let switched = switched.filter(|c| !c.contains("nox"));
        assert_eq!(switched, expected, "{written}");
    }
}

/// Inputs that only shape the cache of setup-uv go with it, unless a comment would be lost; where
/// others decide about packages, they stay there.
#[test]
fn inputs_of_a_cache_that_is_switched_off_go_with_it() {
    let on = "enable-cache: true\n";
    let suffix = "cache-suffix: ${{ matrix.os }}\n";
    let glob = "cache-dependency-glob: |\n  uv.lock\n\n  *.txt # a pattern\n";
    let off = "enable-cache: false";
    for (inputs, left) in [
        (format!("{on}{suffix}"), Some(vec![off])),
        (format!("{on}{glob}"), Some(vec![off])),
        (format!("{on}{glob}\nversion: 0.9.0\n"), Some(vec![off, "", "version: 0.9.0"])),
        (format!("{glob}version: 0.9.0\n{on}{suffix}"), Some(vec!["version: 0.9.0", off])),
        (suffix.to_owned(), Some(vec![off])),
        (format!("Cache-Suffix: 'x'\nprune-cache: false\n{on}"), Some(vec![off])),
        (format!("{on}cache-suffix: x # for the matrix\n"), None),
        (format!("{on}# for the matrix\n{suffix}"), None),
        (format!("{on}cache-dependency-glob: | # all\n  uv.lock\n"), None),
        (format!("{on}cache-suffix: &os x\nversion: *os\n"), None),
        (format!("{on}cache-local-path: /tmp/uv\n{suffix}"), None),
        (format!("{on}cache-python: true\n"), None),
        (format!("{on}save-cache: false\n"), None),
    ] {
        let inputs: String = inputs.lines().map(|line| format!("    {line}\n")).collect();
        let steps = format!("{SETUP}{UV}  with:\n{inputs}- run: nox -s t\n");
        let fix = found("uv", INSTALL, "", &steps).fix.unwrap();
        let text = fixed(&job("runs-on: ubuntu-latest\n", &steps), &fix);
        assert_eq!(text.contains("UV_CACHE_DIR: .nox/.uv"), left.is_some(), "{text}");
        if let Some(left) = left {
            let (_, after) = text.split_once("setup-uv@v7\n        with:\n").unwrap();
            let with: Vec<&str> = after.lines().map(str::trim).take(left.len() + 1).collect();
            assert_eq!(&with[..left.len()], left, "{text}");
            assert!(with[left.len()].starts_with('-'), "{text}");
        }
    }
}

/// Later steps that ask whether setup-uv found a cache would get no answer.
#[test]
fn a_cache_that_other_steps_ask_about_stays_on() {
    for (asks, moved) in [
        ("steps.uv.outputs.cache-hit", false),
        ("steps.uv.outputs.cache-key", false),
        ("steps.uv.outputs.uv-version", true),
        ("steps.uvx.outputs.cache-hit", true),
    ] {
        let uv = "- id: uv\n  uses: astral-sh/setup-uv@v7\n  with:\n    enable-cache: true\n";
        let steps = format!("{SETUP}{uv}- run: echo ${{{{ {asks} }}}}\n- run: nox -s t\n");
        let text = text(&found("uv", INSTALL, "", &steps));
        assert_eq!(text.contains("UV_CACHE_DIR"), moved, "{asks}: {text}");
    }
}
