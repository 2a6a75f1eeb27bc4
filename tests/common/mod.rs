//! A repository whose workflows are checked and fixed in memory, with every promise of a fix
//! checked on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cachelint::base::finding::{Applicability, Edit, Fix};
use cachelint::base::text::Text;
use cachelint::config::Config;
use cachelint::edit::apply::{apply, combine};
use cachelint::edit::verify::verify;
use cachelint::engine::lint::{Details, Outcome, lint};
use cachelint::repo::discover::{Discovered, discover};

/// More rounds than any sound set of fixes needs.
const MAX_ROUNDS: usize = 5;

pub struct Sandbox {
    /// Deleted when the sandbox goes.
    folder: tempfile::TempDir,
    files: Vec<Discovered>,
}

/// A file that the fixes changed, BOM included.
pub struct Changed {
    pub before: String,
    pub after: String,
}

pub struct Fixed {
    /// By path.
    pub changed: BTreeMap<String, Changed>,
    /// What is said about the fixed files.
    pub left: Outcome,
}

impl Sandbox {
    /// A repository with these files.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        for (path, content) in files {
            write(&folder.path().join(path), content);
        }
        let discovery = discover(&[folder.path().to_owned()], None);
        assert_eq!(discovery.problems, []);
        let files = discovery.repositories.into_iter().flat_map(|r| r.files).collect();
        Self { folder, files }
    }

    /// Gives a workflow that exists another content, in memory.
    pub fn set(&mut self, path: &str, content: &[u8]) {
        let file = self.files.iter_mut().find(|f| f.relative == path).unwrap();
        file.content = Some(Arc::from(content));
    }

    pub fn lint(&self) -> Outcome {
        lint(
            &self.folder.path().canonicalize().unwrap(),
            &self.files,
            &Config::default(),
            Details::ALL,
        )
    }

    /// Applies every fix that is at least `required`, from what [`Self::lint`] has just said until
    /// none is left; panics where one breaks a promise.
    pub fn fix(&mut self, mut outcome: Outcome, required: Applicability) -> Fixed {
        let mut changed: BTreeMap<String, Changed> = BTreeMap::new();
        for _ in 0..MAX_ROUNDS {
            assert_eq!(outcome.problems, []);
            let mut fixes: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
            for fix in outcome
                .findings
                .iter()
                .filter_map(|f| f.fix.as_ref())
                .filter(|f| f.applicability >= required)
            {
                fixes.entry(&fix.path).or_default().push(fix);
            }
            if fixes.is_empty() {
                return Fixed { changed, left: outcome };
            }
            for (path, fixes) in fixes {
                let text = &outcome.texts[path];
                let new = perform(text, &fixes);
                let (before, after) = (text.encode(text.as_str()), text.encode(&new));
                self.set(path, &after);
                let after = String::from_utf8(after).unwrap();
                let before = || String::from_utf8(before).unwrap();
                changed
                    .entry(path.to_owned())
                    .or_insert_with(|| Changed { before: before(), after: String::new() })
                    .after = after;
            }
            outcome = self.lint();
        }
        panic!("the fixes do not come to an end");
    }
}

fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// The text with as many `fixes` as go together; each is proved alone and all are proved together.
fn perform(text: &Text, fixes: &[&Fix]) -> String {
    let old = text.as_str();
    for fix in fixes {
        let new = apply(old, &fix.edits).unwrap();
        verify(old, &new, &fix.changes)
            .unwrap_or_else(|e| panic!("{e}\n--- old\n{old}\n--- new\n{new}"));
    }
    let combined = combine(fixes);
    assert!(!combined.taken.is_empty());
    let new = apply(old, &combined.edits).unwrap();
    verify(old, &new, &combined.changes)
        .unwrap_or_else(|e| panic!("{e}\n--- old\n{old}\n--- new\n{new}"));
    only_declared(text, &new, &combined.edits);
    new
}

/// A fix inserts whole lines, in the file's newline style, or a reuse flag after a word; it takes
/// away whole steps or rewrites a value on one line. Every other byte of `old` stays.
fn only_declared(text: &Text, new: &str, edits: &[Edit]) {
    let (old, newline) = (text.as_str(), text.newline().as_str());
    let mut rest = new.to_owned();
    for edit in edits {
        let lost = &old[edit.span.range()];
        let begins_line = edit.span.start == 0 || old[..edit.span.start].ends_with('\n');
        let whole_lines = begins_line
            && edit.content.ends_with(newline)
            && edit.content.matches('\n').count() == edit.content.matches(newline).count();
        let after_word = old[..edit.span.start].ends_with(|c: char| !c.is_whitespace());
        let is_step = begins_line && lost.ends_with('\n') && dash(lost).is_some();
        let fits = match (lost.is_empty(), edit.content.is_empty()) {
            (true, _) => whole_lines || (edit.content == " -r" && after_word),
            (false, true) => is_step,
            (false, false) => !lost.contains('\n') && !edit.content.contains('\n'),
        };
        assert!(fits, "{edit:?} in\n{old}");
        if whole_lines && dash(&edit.content).is_some() {
            assert_eq!(
                dash(&edit.content),
                dash(&old[edit.span.start..]),
                "{edit:?} is not a step among steps in\n{old}"
            );
        }
        // All before this edit is old again, so that its offset holds.
        assert!(rest[edit.span.start..].starts_with(&edit.content));
        rest.replace_range(edit.span.start..edit.span.start + edit.content.len(), lost);
    }
    assert_eq!(rest, old);
}

/// The indentation of the list item with which `text` begins, after comments.
fn dash(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| !line.trim_start().starts_with('#'))?;
    line.trim_start().starts_with('-').then(|| line.len() - line.trim_start().len())
}
