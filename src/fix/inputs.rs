//! Inputs of an existing cache step rewritten: key, restore keys, paths.

use super::fix;
use super::scalar::{add_after, set_line, set_lines};
use crate::actions::{Scalar, Step};
use crate::base::finding::{Applicability, Change, Edit, Fix};
use crate::cache::job_caches::JobCaches;
use crate::job::StepRef;
use crate::repo::Document;

/// Edits and changes of one fix.
pub struct InputEdits<'p, 'a> {
    caches: &'p JobCaches<'a>,
    edits: Vec<Edit>,
    changes: Vec<Change>,
}

/// Why an input cannot be edited.
const UNSAFE: &str = "cachelint can't edit this input safely";

impl<'p, 'a> InputEdits<'p, 'a> {
    pub fn new(caches: &'p JobCaches<'a>) -> Self {
        Self { caches, edits: Vec::new(), changes: Vec::new() }
    }

    pub fn set_key(&mut self, step_ref: StepRef, key: &str) -> Result<(), String> {
        self.set(step_ref, "key", |document, step, scalar| set_line(document, step, scalar, key))
    }

    pub fn set_path(&mut self, step_ref: StepRef, lines: &[String]) -> Result<(), String> {
        self.set(step_ref, "path", |document, step, scalar| {
            set_lines(document, step, scalar, lines)
        })
    }

    /// Writes restore keys, where the step has some or not.
    pub fn set_restore(&mut self, step_ref: StepRef, lines: &[String]) -> Result<(), String> {
        let step = self.caches.step_at(step_ref).ok_or(UNSAFE)?;
        if step.input("restore-keys").is_some() {
            return self.set(step_ref, "restore-keys", |document, step, scalar| {
                set_lines(document, step, scalar, lines)
            });
        }
        let document = self.caches.document_of(step_ref);
        if document
            .tree
            .get(step.node, "with")
            .is_none_or(|with| document.tree.entry(with, "restore-keys").is_some())
        {
            return Err(UNSAFE.to_owned());
        }
        let (_, last) = step.with.last().ok_or(UNSAFE)?;
        let (edit, value) = add_after(document, step, last, "restore-keys", lines).ok_or(UNSAFE)?;
        self.edits.push(edit);
        let mapping = self.caches.route(step_ref, &["with"]).ok_or(UNSAFE)?;
        self.changes.push(Change::AddKey {
            mapping,
            key: "restore-keys".into(),
            value: value.into(),
        });
        Ok(())
    }

    fn set(
        &mut self,
        step_ref: StepRef,
        name: &str,
        write: impl Fn(&Document, &Step, &Scalar) -> Option<(Edit, String)>,
    ) -> Result<(), String> {
        let step = self.caches.step_at(step_ref).ok_or(UNSAFE)?;
        let (written, scalar) =
            step.with.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).ok_or(UNSAFE)?;
        let (edit, value) = write(self.caches.document_of(step_ref), step, scalar).ok_or(UNSAFE)?;
        if value == scalar.text {
            return Ok(());
        }
        self.edits.push(edit);
        let at = self.caches.route(step_ref, &["with", written]).ok_or(UNSAFE)?;
        self.changes.push(Change::SetScalar { at, value });
        Ok(())
    }

    /// Everything is as it should be already.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// New lines with everything that they change.
    pub fn insert(&mut self, edit: Edit, changes: Vec<Change>) {
        self.edits.push(edit);
        self.changes.extend(changes);
    }

    pub fn finish(self, step_ref: StepRef, applicability: Applicability, message: String) -> Fix {
        fix(
            applicability,
            message,
            &self.caches.document_of(step_ref).path,
            self.edits,
            self.changes,
        )
    }
}
