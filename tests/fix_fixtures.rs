//! Before and after, read as a maintainer reads a patch: findings and the whole diff of one
//! workflow per shape.
//!
//! `tests/fixtures/fix/NAME.yml` is the workflow of a small project; `tests/fixtures/fix/NAME/` is
//! a whole repository.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cachelint::base::finding::{Applicability, Finding};
use cachelint::edit::diff::write_diff;
use cachelint::engine::lint::Outcome;
use common::Sandbox;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fix");
const CI: &str = ".github/workflows/ci.yml";
const NOXFILE: &[u8] = b"\
import nox

@nox.session
def tests(session):
    session.install('-e', '.[tests]')
    session.run('pytest')

@nox.session
def lint(session):
    session.install('pre-commit')
    session.run('pre-commit', 'run', '-a')
";

/// Path to content, relative to the repository root.
type Files = BTreeMap<String, Vec<u8>>;

fn project(workflow: Vec<u8>) -> Files {
    let pyproject = b"[project]\nname = 'example'\nversion = '1'\n".to_vec();
    [(CI, workflow), ("noxfile.py", NOXFILE.to_vec()), ("pyproject.toml", pyproject)]
        .map(|(path, content)| (path.to_owned(), content))
        .into()
}

fn repository(folder: &Path) -> Files {
    let entries = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file());
    entries
        .map(|e| {
            let path = e.path().strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            (path, fs::read(e.path()).unwrap())
        })
        .collect()
}

/// The fixtures by name, and the simplest one as other programs would have saved it.
fn fixtures() -> BTreeMap<String, Files> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(FIXTURES).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|e| e == "yml") {
            all.insert(name, project(fs::read(&path).unwrap()));
        } else if name != "snapshots" {
            all.insert(name, repository(&path));
        }
    }
    let simple = String::from_utf8(all["simple"][CI].clone()).unwrap();
    let savings = [
        ("saved-with-crlf", simple.replace('\n', "\r\n")),
        ("saved-with-bom", format!("\u{feff}{simple}")),
        ("saved-without-final-newline", simple.trim_end().to_owned()),
    ];
    all.extend(savings.map(|(name, text)| (name.to_owned(), project(text.into_bytes()))));
    all
}

/// What the check says, the patch, and what is left to say about the patched files.
fn review(files: &Files) -> String {
    let listed: Vec<(&str, &[u8])> =
        files.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
    let mut sandbox = Sandbox::new(&listed);
    let found = sandbox.lint();
    let mut text = findings(&found);
    let fixed = sandbox.fix(found, Applicability::Unsafe);
    for (path, changed) in fixed.changed {
        let mut patch = Vec::new();
        write_diff(&mut patch, &path, &changed.before, &changed.after, false).unwrap();
        text.push('\n');
        text.push_str(&String::from_utf8(patch).unwrap());
    }
    let actionable =
        |f: &&Finding| f.fix.is_some() || (f.withheld.is_none() && f.no_fix_reason.is_none());
    assert_eq!(
        fixed.left.findings.iter().filter(actionable).count(),
        0,
        "{text}\n{:?}",
        fixed.left.findings
    );
    // Invisible characters are part of the promise.
    text.replace('\r', "␍").replace('\u{feff}', "<BOM>")
}

fn findings(outcome: &Outcome) -> String {
    let mut text = String::new();
    for finding in &outcome.findings {
        let at = outcome.texts[&finding.primary.path].position(finding.primary.span.start);
        let place = format!("{}:{}:{}", finding.primary.path, at.line, at.column);
        text.push_str(&format!(
            "{place}: {}[{}] {}\n",
            finding.severity.as_str(),
            finding.rule,
            finding.message
        ));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("  fix ({:?}): {}\n", fix.applicability, fix.message));
        }
        let said = [("no fix", &finding.no_fix_reason), ("withheld", &finding.withheld)];
        for (what, reason) in
            said.into_iter().filter_map(|(what, reason)| Some((what, reason.as_ref()?)))
        {
            text.push_str(&format!("  {what}: {reason}\n"));
        }
        finding.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
    }
    if text.is_empty() { "nothing found\n".to_owned() } else { text }
}

#[test]
fn patches_read_well() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("fixtures/fix/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, files) in fixtures() {
            insta::assert_snapshot!(name, review(&files));
        }
    });
}

#[test]
fn how_a_file_was_saved_changes_nothing_but_its_bytes() {
    let fixtures = fixtures();
    let plain = |name: &str| review(&fixtures[name]).replace("␍", "").replace("<BOM>", "");
    assert_eq!(plain("saved-with-crlf"), plain("simple"));
    assert_eq!(plain("saved-with-bom"), plain("simple"));
    let unfinished =
        plain("saved-without-final-newline").replace("\\ No newline at end of file\n", "");
    assert_eq!(unfinished, plain("simple"));
}
