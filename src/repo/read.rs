//! Workflow and action files read and parsed, and what is wrong with them.

use std::path::Path;

use rayon::prelude::*;

use super::document::{Content, Document};
use crate::actions::{Action, Workflow};
use crate::base::finding::Problem;
use crate::base::guard::guarded;
use crate::repo::discover::{Discovered, FileKind};

/// Reads `files`; of what is wrong only what concerns the requested ones: another file cannot spoil
/// the answer.
pub fn read_all(root: &Path, files: &[Discovered]) -> (Vec<Document>, Vec<Problem>) {
    let read: Vec<_> =
        files.par_iter().map(|file| (file, guarded(&file.path, || read(file)).flatten())).collect();
    let (mut documents, mut problems) = (Vec::with_capacity(files.len()), Vec::new());
    for (file, read) in read {
        match read {
            Ok(document) => {
                if file.requested {
                    problems.extend(shapes(&document, root));
                }
                documents.push(document);
            }
            Err(problem) if file.requested => problems.push(problem),
            Err(_) => {}
        }
    }
    (documents, problems)
}

/// Reads and parses one file.
pub fn read(file: &Discovered) -> Result<Document, Problem> {
    let text = file.read()?;
    let tree = crate::yaml::parse(&text).map_err(|error| Problem {
        path: file.path.clone(),
        position: Some(error.position),
        message: error.message,
        help: error.help,
    })?;
    let content = match file.kind {
        FileKind::Workflow => Content::Workflow(Workflow::read(&tree)),
        FileKind::Action => Content::Action(Action::read(&tree)),
    };
    Ok(Document {
        path: file.relative.clone(),
        text,
        tree,
        content,
        linted: false,
        line_limit: None,
    })
}

/// Parts of a document that Actions would refuse.
fn shapes(document: &Document, root: &Path) -> impl Iterator<Item = Problem> {
    document.shapes().iter().map(|shape| Problem {
        path: root.join(&document.path),
        position: Some(document.text.position(shape.span.start)),
        message: shape.message.clone(),
        help: None,
    })
}
