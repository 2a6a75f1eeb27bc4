//! What a script has done so far that decides how a later command runs: variables, exports, the
//! current directory.

use std::collections::{BTreeMap, BTreeSet};

use super::{Directory, Word};

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShellValue {
    Known(String),
    OneOf(Vec<String>),
    Unknown,
}

impl ShellValue {
    /// The value of `word`.
    pub fn of(word: &Word) -> Self {
        match (&word.value, word.choices()) {
            (Some(value), _) => ShellValue::Known(value.clone()),
            (None, choices) if !choices.is_empty() => ShellValue::OneOf(choices),
            _ => ShellValue::Unknown,
        }
    }

    pub fn known(&self) -> Option<String> {
        match self {
            ShellValue::Known(value) => Some(value.clone()),
            ShellValue::OneOf(_) | ShellValue::Unknown => None,
        }
    }
}

/// Every command carries the exports before it, so a hostile script could make their number
/// quadratic.
const MAX_EXPORTS: usize = 100;

/// The state at one point of a script.
#[derive(Debug, Clone, Default)]
pub(super) struct ShellState {
    pub vars: BTreeMap<String, ShellValue>,
    exported: BTreeSet<String>,
    pub directory: Directory,
    previous: Option<Directory>,
    stack: Vec<Directory>,
    /// Arguments of the function that runs, where they are known.
    pub positional: Option<Vec<Word>>,
    pub conditional: bool,
    /// Whether the script has ended on this path; `Some(true)` with success.
    pub ended: Option<bool>,
    /// Whether an alias stands for what it was given.
    pub expands_aliases: bool,
}

impl ShellState {
    pub fn set(&mut self, name: &str, value: ShellValue) {
        self.vars.insert(name.to_owned(), value);
    }

    pub fn export(&mut self, name: &str) {
        if self.exported.len() < MAX_EXPORTS {
            self.exported.insert(name.to_owned());
        }
    }

    /// Takes the variable away; it counts as exported with an unknown value, since the step may
    /// have set it.
    pub fn unset(&mut self, name: &str) {
        self.set(name, ShellValue::Unknown);
        self.export(name);
    }

    /// Exported variables with their values.
    pub fn exports(&self) -> Vec<(String, Option<String>)> {
        let value = |name: &String| self.vars.get(name).and_then(ShellValue::known);
        self.exported.iter().map(|name| (name.clone(), value(name))).collect()
    }

    fn go(&mut self, to: Directory) {
        self.previous = Some(std::mem::replace(&mut self.directory, to));
    }

    /// The effect of `cd`, `pushd` and `popd` with these arguments.
    pub fn change_directory(&mut self, program: &str, args: &[Word]) {
        let target = args.iter().find(|w| !(w.raw.len() > 1 && w.raw.starts_with('-')));
        match program {
            "popd" | "Pop-Location" => {
                let to = self.stack.pop().unwrap_or(Directory::Unknown);
                self.go(to);
            }
            _ => {
                if matches!(program, "pushd" | "Push-Location") {
                    self.stack.push(self.directory.clone());
                }
                let to = match target.map(|w| w.value.as_deref()) {
                    Some(Some("-")) => self.previous.clone().unwrap_or(Directory::Unknown),
                    Some(path) => self.directory.enter(path),
                    None => Directory::Unknown,
                };
                self.go(to);
            }
        }
    }

    /// The state after a place that is reached by this path or by `other`.
    pub fn merge(self, other: ShellState) -> ShellState {
        match (self.ended, other.ended) {
            (Some(_), Some(_)) => return self,
            (Some(success), None) => {
                return ShellState { conditional: success || other.conditional, ..other };
            }
            (None, Some(success)) => {
                return ShellState { conditional: success || self.conditional, ..self };
            }
            (None, None) => {}
        }
        let mut out = self;
        for (name, value) in &other.vars {
            if out.vars.get(name) != Some(value) {
                out.vars.insert(name.clone(), ShellValue::Unknown);
            }
        }
        for (name, value) in &mut out.vars {
            if !other.vars.contains_key(name) {
                *value = ShellValue::Unknown;
            }
        }
        out.exported.extend(other.exported);
        if out.directory != other.directory {
            out.directory = Directory::Unknown;
        }
        if out.stack != other.stack {
            out.stack.clear();
        }
        out.conditional |= other.conditional;
        out.expands_aliases |= other.expands_aliases;
        out
    }
}
