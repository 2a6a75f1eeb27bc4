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

/// Inputs that only shape the cache of setup-uv do nothing without it, and the fix says so; where
/// others decide about packages, they stay there.
#[test]
fn inputs_that_only_shape_a_cache_do_not_keep_it_on() {
    for (inputs, idle) in [
        ("enable-cache: true\ncache-suffix: ${{ matrix.os }}", Some("`cache-suffix`")),
        ("Cache-Suffix: x", Some("`Cache-Suffix`")),
        (
            "cache-dependency-glob: |\n  uv.lock\n  *.txt\nenable-cache: true\nprune-cache: false",
            Some("`cache-dependency-glob`, `prune-cache`"),
        ),
        ("enable-cache: true\nversion: 0.9.0", Some("")),
        ("enable-cache: true\ncache-suffix: x\ncache-local-path: /tmp/uv", None),
        ("enable-cache: true\ncache-python: true", None),
        ("enable-cache: true\nsave-cache: false", None),
    ] {
        let lines: String = inputs.lines().map(|line| format!("    {line}\n")).collect();
        let steps = format!("{SETUP}{UV}  with:\n{lines}- run: nox -s t\n");
        let finding = found("uv", INSTALL, "", &steps);
        let text = fixed(&job("runs-on: ubuntu-latest\n", &steps), &finding.fix.unwrap());
        assert_eq!(text.contains("UV_CACHE_DIR: .nox/.uv"), idle.is_some(), "{text}");
        assert_eq!(text.contains("enable-cache: false"), idle.is_some(), "{text}");
        let said = finding.notes.iter().find_map(|note| note.split_once("so you can delete "));
        let said = said.map_or("", |(_, names)| names);
        assert_eq!(said, idle.unwrap_or_default(), "{inputs}: {:?}", finding.notes);
    }
}

/// Who asks whether a cache was found would get no answer.
#[test]
fn a_cache_that_the_job_asks_about_stays() {
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
    let own = "- id: packages\n  uses: actions/cache@v5\n  with: {path: ~/.cache/uv, key: uv}\n";
    for (head, more, moved) in [
        ("", "if: steps.packages.outcome == 'success'", false),
        ("", "env: {HIT: '${{ steps.packages.outputs.cache-hit }}'}", false),
        ("outputs: {hit: '${{ steps.packages.outputs.cache-hit }}'}\n", "name: x", false),
        ("", "name: x", true),
    ] {
        let steps = format!("{SETUP}{own}- run: echo\n  {more}\n- run: nox -s t\n");
        let text = text(&found("uv", INSTALL, head, &steps));
        assert_eq!(text.contains("UV_CACHE_DIR"), moved, "{head}{more}: {text}");
    }
}
