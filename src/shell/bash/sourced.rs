//! Functions, and the scripts that a script reads into itself with `source`: what they set, where
//! they leave it, and the functions that they define.

use std::collections::BTreeMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::{BYTES_PER_STATEMENT, BashReader, walk};
use crate::shell::word::WordPart;
use crate::shell::{Command, Directory, Expanded, Given, MAX_SOURCED, Word};

/// How many scripts may read each other this way; those that read themselves end here.
const MAX_SOURCES: usize = 3;

/// Bodies of functions by name.
pub(super) type Functions = BTreeMap<String, Rc<str>>;

/// What is around a script that another one reads, or around the body of a function.
#[derive(Default)]
pub(super) struct Around {
    pub functions: Functions,
    /// Functions that are running.
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
        // An `exit` in the file is not what it is read for, so what follows is as certain as before.
        let conditional = self.state.conditional;
        self.run_inside(&Expanded::new(&text, &[]), 0, self.sources + 1);
        self.state.conditional = conditional;
    }

    /// Runs another script in the state of this one; an `exit` in it ends only that script.
    fn run_inside(&mut self, script: &Expanded, depth: usize, sources: usize) -> Vec<Command> {
        let given = Given { vars: self.vars, files: self.files };
        let ended = self.state.ended;
        let functions = std::mem::take(&mut self.bodies);
        let around = Around { functions, running: self.running.clone(), depth, sources };
        let walked = walk(script, &given, std::mem::take(&mut self.state), around, self.left);
        self.state = walked.state;
        self.state.ended = ended;
        self.bodies = walked.functions;
        walked.commands
    }

    /// Keeps the function for the commands that follow, in other scripts too.
    pub(super) fn define_function(&mut self, name: Node<'t>, body: Node<'t>) {
        if !self.left.work(body.byte_range().len() / BYTES_PER_STATEMENT) {
            return;
        }
        let name = self.text(name).to_owned();
        let text: Rc<str> = Rc::from(self.text(body));
        self.functions.insert(name.clone(), (body, text.clone()));
        self.bodies.insert(name, text);
    }

    /// Runs a function of this script in the state of its caller.
    pub(super) fn call(&mut self, name: String, body: Node<'t>, mut words: Vec<Word>) {
        if self.running.contains(&name) {
            return;
        }
        self.running.push(name);
        words.remove(0);
        let outer = self.state.positional.replace(words);
        self.statement(body);
        self.state.positional = outer;
        self.running.pop();
    }

    /// Runs a function of a script that was read with `source`, where it is called.
    pub(super) fn call_borrowed(&mut self, name: String, body: &str, mut words: Vec<Word>) {
        let place = words.remove(0).span;
        if self.running.contains(&name) || !self.left.inner(body.len()) {
            return;
        }
        let part = WordPart::computed(Some(body.to_owned()), place, true);
        let script = self.script.nested(&[part]);
        let outer = self.state.positional.replace(words);
        self.running.push(name);
        let commands = self.run_inside(&script, self.depth, self.sources);
        self.running.pop();
        self.state.positional = outer;
        self.out.extend(commands);
    }
}
