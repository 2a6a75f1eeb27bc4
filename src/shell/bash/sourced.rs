//! Scripts that a script reads into itself with `source`: what they set and where they leave it.

use super::{BashReader, walk};
use crate::shell::word::WordPart;
use crate::shell::{Directory, Expanded, Given, MAX_SOURCED, Word};

/// How many scripts may read each other this way; those that read themselves end here.
const MAX_SOURCES: usize = 3;

impl BashReader<'_, '_> {
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
        let borrowed = std::mem::take(&mut self.borrowed);
        let walked = walk(
            &Expanded::new(&text, &[]),
            &given,
            before.clone(),
            borrowed,
            self.sources + 1,
            self.left,
        );
        // `return` ends the file alone, and an `exit` in it is not what it is read for.
        self.state = walked.state;
        (self.state.ended, self.state.conditional) = (before.ended, before.conditional);
        self.borrowed = walked.functions;
    }

    /// Runs a function of a script that was read with `source`, where it is called.
    pub(super) fn call_borrowed(&mut self, name: String, body: &str, mut words: Vec<Word>) {
        let place = words.remove(0).span;
        let is_running = self.running.contains(&name) || self.sources == MAX_SOURCES;
        if is_running || !self.left.inner(body.len()) {
            return;
        }
        let part = WordPart::computed(Some(body.to_owned()), place, true);
        let script = self.script.nested(&[part]);
        let given = Given { vars: self.vars, files: self.files };
        let outer = self.state.positional.replace(words);
        let before = self.state.clone();
        self.running.push(name);
        let borrowed = self.borrowed.clone();
        let walked = walk(&script, &given, before.clone(), borrowed, self.sources + 1, self.left);
        self.running.pop();
        self.state = walked.state;
        self.state.positional = outer;
        self.state.ended = before.ended;
        self.out.extend(walked.commands);
    }
}
