//! Commands of scripts, cached for scripts that recur.

use std::sync::Arc;

use super::{Expanded, Given, Read, Shell, Word, read_script};
use crate::base::memo::{Memo, Weight};

/// The scripts of one repository.
#[derive(Debug, Default)]
pub struct Scripts(Memo<Script, Name, Option<String>, ReadScript>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Script {
    shell: Shell,
    text: Expanded,
}

/// The commands of a script, in order.
#[derive(Debug)]
pub struct ReadScript {
    pub commands: Vec<Read>,
    /// Why these are not all, where a limit was reached.
    pub cut: Option<String>,
}

/// What a script looks up around it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Variable(String),
    File(String),
}

impl Weight for Script {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.text().len() + self.text.original().len()
    }
}

impl Weight for Name {
    fn bytes(&self) -> usize {
        match self {
            Name::Variable(name) | Name::File(name) => name.bytes(),
        }
    }
}

impl Weight for Word {
    fn bytes(&self) -> usize {
        let parts = self
            .parts
            .iter()
            .map(|part| size_of_val(part) + part.text.bytes() + part.choices.bytes());
        size_of::<Self>() + self.raw.len() + self.value.bytes() + parts.sum::<usize>()
    }
}

impl Weight for Read {
    fn bytes(&self) -> usize {
        let exports = self.command.exports.iter().map(|(name, value)| name.bytes() + value.bytes());
        let values = self.command.words.bytes() + exports.sum::<usize>();
        // The program holds most of it a second time.
        size_of::<Self>() + 2 * values
    }
}

impl Weight for ReadScript {
    fn bytes(&self) -> usize {
        self.commands.bytes() + self.cut.bytes()
    }
}

impl Scripts {
    /// As [`read_script`].
    pub fn read(&self, shell: Shell, text: Expanded, given: &Given<'_>) -> Arc<ReadScript> {
        let look_up = |name: &Name| match name {
            Name::Variable(name) => (given.vars)(name),
            Name::File(path) => (given.files)(path),
        };
        self.0.answer(Script { shell, text }, &look_up, |script, look_up| {
            let vars = |name: &str| look_up(Name::Variable(name.to_owned()));
            let files = |path: &str| look_up(Name::File(path.to_owned()));
            let given = Given { vars: &vars, files: &files };
            let (commands, cut) = read_script(&script.shell, &script.text, &given);
            ReadScript { commands, cut }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::Span;

    #[test]
    fn a_script_is_read_again_where_what_it_looks_up_differs() {
        let scripts = Scripts::default();
        let read = |script: &str, hole: &str, variable: &str, file: &str| {
            let at = script.find('?').unwrap_or_default();
            let holes = [(Span::new(at, at + 1), Some(hole.to_owned()))];
            let holes = if script.contains('?') { &holes[..] } else { &[] };
            let vars = |name: &str| (name == "S").then(|| variable.to_owned());
            let files = |path: &str| (path == "env").then(|| file.to_owned());
            scripts.read(
                Shell::Bash,
                Expanded::new(script, holes),
                &Given { vars: &vars, files: &files },
            )
        };
        let words = |read: &[Read]| -> Vec<Vec<Option<String>>> {
            let of = |read: &Read| {
                read.program.iter().flat_map(|p| &p.args).map(|word| word.value.clone()).collect()
            };
            read.iter().map(of).collect()
        };
        let script = "nox -s $S ?";
        let first = read(script, "a", "x", "");
        assert!(Arc::ptr_eq(&first, &read(script, "a", "x", "other")), "a file that nobody reads");
        let known = |text: &str| Some(text.to_owned());
        for (hole, variable) in [("a", "x"), ("a", "y"), ("b", "x")] {
            assert_eq!(
                words(&read(script, hole, variable, "").commands),
                [[known("-s"), known(variable), known(hole)]]
            );
        }
        for file in ["T=1", "T=2"] {
            let read = read(". ./env\nnox -s $T", "", "", file);
            assert_eq!(words(&read.commands[1..]), [[known("-s"), known(&file[2..])]]);
        }
    }

    #[test]
    fn the_same_text_from_elsewhere_is_another_script() {
        let scripts = Scripts::default();
        let given = Given { vars: &|_| None, files: &|_| None };
        let plain = scripts.read(Shell::Bash, Expanded::new("nox -s a", &[]), &given);
        let hole = Expanded::new("nox -s ?", &[(Span::new(7, 8), Some("a".to_owned()))]);
        let hole = scripts.read(Shell::Bash, hole, &given);
        let word = |read: &ReadScript| read.commands[0].command.words[2].clone();
        assert_eq!(word(&plain).value, word(&hole).value);
        let source = |read: &ReadScript| word(read).parts[0].source;
        assert_ne!(source(&plain), source(&hole));
    }
}
