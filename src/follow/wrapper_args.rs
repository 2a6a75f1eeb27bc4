//! The command line of a wrapper: which file, which entries, which variables.

use crate::rules::wrappers::{Wrapper, WrapperKind};
use crate::shell::{UnwrappedCommand, Word};

#[derive(Debug, Default)]
pub struct WrapperArgs<'a> {
    pub directory: Option<String>,
    pub file: Option<String>,
    /// `A=b` among the operands; `None` is a value that is not known.
    pub sets: Vec<(String, Option<String>)>,
    /// Names of entries and the words after them.
    pub operands: Vec<&'a Word>,
    /// Entries named by an option.
    pub names: Vec<String>,
    /// The words after `--`.
    pub rest: Option<Vec<&'a Word>>,
    /// An environment before the entry's name: `lint:check`.
    pub environment: Option<String>,
}

impl<'a> WrapperArgs<'a> {
    /// The entry is the program of a launcher, with its arguments.
    pub fn launched(program: &'a UnwrappedCommand) -> Self {
        let text = program.program.value.as_deref().unwrap_or_default();
        let environment = text.rsplit_once(':').map(|(environment, _)| environment.to_owned());
        let operands = std::iter::once(&program.program).chain(&program.args).collect();
        Self { environment, operands, ..Self::default() }
    }

    /// Reads the arguments; `None` where that is not decided, or nothing is run.
    pub fn read(program: &'a UnwrappedCommand, wrapper: &Wrapper) -> Option<Self> {
        let mut out = Self::default();
        let mut words = program.args.iter();
        let mut subcommand = wrapper.subcommands.is_empty();
        // After `run`, any word is the name of an entry.
        let mut is_entry = false;
        // Whether options are still the wrapper's own: after the entry's name they are the
        // entry's.
        let keeps_reading = matches!(
            wrapper.reader,
            WrapperKind::Make | WrapperKind::Tox | WrapperKind::PreCommit | WrapperKind::Task
        );
        while let Some(word) = words.next() {
            let text = word.value.as_deref();
            if text == Some("--") {
                out.rest = Some(words.by_ref().collect());
                break;
            }
            let own = out.operands.is_empty() || keeps_reading;
            let prefix = word.static_prefix();
            if own && prefix.starts_with('-') && prefix.len() > 1 {
                out.option(wrapper, text?, &mut words)?;
                continue;
            }
            if !subcommand {
                let text = text?;
                subcommand = true;
                if wrapper.subcommands.iter().any(|s| s == text) {
                    is_entry = true;
                    continue;
                }
                let name = program.name.as_deref().unwrap_or_default();
                let direct = wrapper.shorthands.iter().any(|s| s == text)
                    || wrapper.bare.iter().any(|b| b == name);
                if !direct {
                    return None;
                }
            }
            if own && !is_entry && wrapper.builtin.iter().any(|b| Some(b.as_str()) == text) {
                return None;
            }
            match prefix.split_once('=').filter(|_| wrapper.assignments && own_assignment(&prefix))
            {
                Some((name, _)) => {
                    let value = text.and_then(|t| t.split_once('=')).map(|(_, v)| v.to_owned());
                    out.sets.push((name.trim_end_matches(':').to_owned(), value));
                }
                None => out.operands.push(word),
            }
        }
        // `tox` alone runs environments; `pre-commit` and `npm` alone run nothing.
        let needs_subcommand =
            matches!(wrapper.reader, WrapperKind::PackageJson | WrapperKind::PreCommit);
        (subcommand || !needs_subcommand).then_some(out)
    }

    fn option(
        &mut self,
        wrapper: &Wrapper,
        text: &str,
        words: &mut std::slice::Iter<'a, Word>,
    ) -> Option<()> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) if text.starts_with("--") => (name, Some(value.to_owned())),
            _ => (text, None),
        };
        let takes = |name: &str| {
            [&wrapper.value, &wrapper.directory, &wrapper.file, &wrapper.names]
                .iter()
                .any(|list| list.contains(name))
        };
        if wrapper.stop.contains(name) {
            return None;
        }
        if wrapper.flag.contains(name) {
            // `make -j 4`
            let number = |w: &Word| {
                w.value.as_deref().is_some_and(|v| v.chars().all(|c| c.is_ascii_digit()))
            };
            if wrapper.reader == WrapperKind::Make && words.as_slice().first().is_some_and(number) {
                words.next();
            }
            return Some(());
        }
        if takes(name) {
            let value = attached.map_or_else(|| words.next()?.value.clone(), Some);
            return self.set(wrapper, name, value);
        }
        // Short options joined: `-j4`, `-sk`, `-Cdocs`, `-efoo`.
        if text.starts_with("--") {
            return None;
        }
        for (at, letter) in text.char_indices().skip(1) {
            let short = format!("-{letter}");
            let rest = text.get(at + letter.len_utf8()..).unwrap_or_default();
            if wrapper.stop.contains(&short) {
                return None;
            }
            if takes(&short) {
                let value = if rest.is_empty() {
                    words.next()?.value.clone()
                } else {
                    Some(rest.to_owned())
                };
                return self.set(wrapper, &short, value);
            }
            let numeric = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.');
            if !wrapper.flag.contains(&short) {
                return None;
            }
            if numeric {
                return Some(());
            }
        }
        Some(())
    }

    fn set(&mut self, wrapper: &Wrapper, name: &str, value: Option<String>) -> Option<()> {
        if wrapper.directory.contains(name) {
            self.directory = Some(value?);
        } else if wrapper.file.contains(name) {
            self.file = Some(value?);
        } else if wrapper.names.contains(name) {
            self.names.extend(value?.split(',').map(|n| n.trim().to_owned()));
        }
        Some(())
    }

    /// The first operand, where it is known, and what comes after it.
    pub fn entry(&self) -> Option<(&str, Vec<&'a Word>)> {
        let (first, rest) = self.operands.split_first()?;
        let rest = rest.iter().copied().chain(self.rest.iter().flatten().copied()).collect();
        Some((first.value.as_deref()?, rest))
    }
}

fn own_assignment(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default().trim_end_matches(':');
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
