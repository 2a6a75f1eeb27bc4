//! Scripts that a script reads into itself with `source`: what they set and where they leave it.

use std::collections::BTreeMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::{BYTES_PER_STATEMENT, BashReader, COPIES_PER_STATEMENT, walk};
use crate::shell::word::WordPart;
use crate::shell::{Directory, Expanded, Given, MAX_SOURCED, Word};

/// How many scripts may read each other this way; those that read themselves end here.
const MAX_SOURCES: usize = 3;

/// Bodies of functions by name.
pub(super) type Functions = BTreeMap<String, Rc<str>>;

/// What is around a script that another one reads, or around the body of a function.
#[derive(Default)]
pub(super) struct Around {
    pub functions: Functions,
    /// Functions that run.
    pub running: Vec<String>,
    pub depth: usize,
    /// How many scripts read each other with `source`.
    pub sources: usize,
}

impl<'t> BashReader<'_, 't> {
    /// Takes over what the file sets. The commands in it are found by following the file.
    pub(super) fn source(&mut self, file: Option<&Word>) {
        let Some(path) = file.and_then(|w| w.value.as_deref()) else { return };
        let Directory::Into(path) = self.state.directory.enter(Some(path)) else { return };
        if self.sources == MAX_SOURCES || self.left.sourced == 0 {
            self.left.cut(format!(
                "scripts source more than {MAX_SOURCED} others, or are nested more than \
                 {MAX_SOURCES} deep"
            ));
            return;
        }
        let Some(text) = (self.files)(&path) else { return };
        self.left.sourced -= 1;
        if !self.left.inner(text.len()) {
            return;
        }
        let given = Given { vars: self.vars, files: self.files };
        let before = self.state.clone();
        let around = Around {
            functions: std::mem::take(&mut self.bodies),
            running: self.running.clone(),
            depth: 0,
            sources: self.sources + 1,
        };
        let walked = walk(&Expanded::new(&text, &[]), &given, before.clone(), around, self.left);
        // `return` ends the file alone, and an `exit` in it is not what it is read for.
        self.state = walked.state;
        (self.state.ended, self.state.conditional) = (before.ended, before.conditional);
        self.bodies = walked.functions;
    }

    /// Takes the function for those that follow, also in other scripts.
    pub(super) fn define_function(&mut self, name: Node<'t>, body: Node<'t>) {
        if !self.left.work(body.byte_range().len() / BYTES_PER_STATEMENT) {
            return;
        }
        let name = self.text(name).to_owned();
        self.bodies.insert(name.clone(), Rc::from(self.text(body)));
        self.functions.insert(name, body);
    }

    /// Runs a function of a script that was read with `source`, where it is called.
    pub(super) fn call_borrowed(&mut self, name: String, body: &str, mut words: Vec<Word>) {
        let place = words.remove(0).span;
        // Each call copies the names of the functions.
        if self.running.contains(&name)
            || !self.left.inner(body.len())
            || !self.left.work(self.bodies.len() / COPIES_PER_STATEMENT)
        {
            return;
        }
        let part = WordPart::computed(Some(body.to_owned()), place, true);
        let script = self.script.nested(&[part]);
        let given = Given { vars: self.vars, files: self.files };
        let outer = self.state.positional.replace(words);
        let before = self.state.clone();
        self.running.push(name);
        let around = Around {
            functions: self.bodies.clone(),
            running: self.running.clone(),
            depth: self.depth,
            sources: self.sources,
        };
        let walked = walk(&script, &given, before.clone(), around, self.left);
        self.running.pop();
        self.state = walked.state;
        self.state.positional = outer;
        self.state.ended = before.ended;
        self.out.extend(walked.commands);
    }
}
