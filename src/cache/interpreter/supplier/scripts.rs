//! What the scripts up to a call say of its Python. All calls of a step share the answers: one
//! script can hold thousands of calls.

use std::cell::OnceCell;

use super::super::words::{installs, option};
use crate::rules::setup_actions::setup_actions;
use crate::tool::{known_name, python_downloads};

/// A program that keeps nox in an environment of its own, with the Python that it is told.
pub(super) enum Installed {
    Pipx(Option<String>),
    UvTool(Option<String>),
}

/// The scripts of the steps up to one step, its own last. Each question is answered once.
pub(in super::super) struct EarlierScripts<'a> {
    texts: Vec<&'a str>,
    chooser: OnceCell<Option<String>>,
    installed: OnceCell<Option<Installed>>,
    name_uv: OnceCell<bool>,
    make_venv: OnceCell<bool>,
    name_downloads: OnceCell<bool>,
    install_pipx_by_pip: OnceCell<bool>,
    /// How often all texts were read.
    #[cfg(test)]
    pub reads: std::cell::Cell<usize>,
}

impl<'a> EarlierScripts<'a> {
    pub(super) fn new(texts: Vec<&'a str>) -> Self {
        Self {
            texts,
            chooser: OnceCell::new(),
            installed: OnceCell::new(),
            name_uv: OnceCell::new(),
            make_venv: OnceCell::new(),
            name_downloads: OnceCell::new(),
            install_pipx_by_pip: OnceCell::new(),
            #[cfg(test)]
            reads: std::cell::Cell::new(0),
        }
    }

    fn read(&self) -> impl Iterator<Item = &'a str> {
        #[cfg(test)]
        self.reads.set(self.reads.get() + 1);
        self.texts.iter().copied()
    }

    /// The commands of the scripts that hold `word`, roughly.
    fn lines_with(&self, word: &'static str) -> impl Iterator<Item = String> {
        self.read().filter(move |script| script.contains(word)).flat_map(|script| {
            let joined = script.replace("\\\n", " ");
            let lines: Vec<String> = joined
                .split(['\n', ';', '&', '|'])
                .map(|l| l.trim().to_owned())
                .filter(|l| !l.starts_with('#'))
                .collect();
            lines
        })
    }

    /// A command of the call's own script that chooses its Python: `pyenv activate`.
    pub(super) fn chooser(&self) -> Option<&str> {
        let find = || {
            let own = self.read().last()?;
            let words: Vec<&str> = words(own, &['-', '_', '.']).collect();
            let choosers = setup_actions().choosers.iter();
            let mut here =
                choosers.filter(|chooser| words.windows(chooser.len()).any(|w| w == *chooser));
            here.next().map(|chooser| chooser.join(" "))
        };
        self.chooser.get_or_init(find).as_deref()
    }

    /// How nox came onto the runner, where that decides its Python.
    pub(super) fn installed(&self) -> Option<&Installed> {
        let find = || {
            let mut found = None;
            for line in self.lines_with("install") {
                let python = option(&line, &["--python", "-p"]);
                if installs(&line, "pipx", known_name()) {
                    found = Some(Installed::Pipx(python));
                } else if installs(&line, "uv tool", known_name()) {
                    found = Some(Installed::UvTool(python));
                } else if installs(&line, "pip", known_name()) {
                    found = None;
                }
            }
            found
        };
        self.installed.get_or_init(find).as_ref()
    }

    /// pip installs pipx into the Python that is set up.
    pub(super) fn install_pipx_by_pip(&self) -> bool {
        let find = || self.lines_with("install").any(|line| installs(&line, "pip", "pipx"));
        *self.install_pipx_by_pip.get_or_init(find)
    }

    /// `uv` is a word of some script.
    pub(super) fn name_uv(&self) -> bool {
        let find = || {
            let mut all = self.read().flat_map(|script| words(script, &['-', '_', '.', '/']));
            all.any(|word| word == "uv")
        };
        *self.name_uv.get_or_init(find)
    }

    /// Steps made an environment with uv in which nox runs.
    pub(super) fn make_venv(&self) -> bool {
        let makes = |line: String| line.contains("uv venv") || line.contains("uv sync");
        *self.make_venv.get_or_init(|| self.lines_with("uv").any(makes))
    }

    /// Some command speaks of interpreters that the tool downloads.
    pub(super) fn name_downloads(&self) -> bool {
        let says = |word: &'static String| {
            let mut lines = self.lines_with(word);
            lines.any(|line| line.contains(word.as_str()))
        };
        *self.name_downloads.get_or_init(|| python_downloads().iter().any(says))
    }
}

/// The words of a script, of letters, digits and these characters.
fn words<'t>(script: &'t str, more: &'static [char]) -> impl Iterator<Item = &'t str> {
    script.split(|c: char| !(c.is_ascii_alphanumeric() || more.contains(&c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_reads_the_scripts_once() {
        let scripts =
            EarlierScripts::new(vec!["pipx install --python 3.12 nox", "pyenv local 3\nuv x"]);
        for _ in 0..9 {
            let installed = scripts.installed();
            assert!(matches!(installed, Some(Installed::Pipx(Some(python))) if python == "3.12"));
            assert_eq!(scripts.chooser(), Some("pyenv local"));
            assert!(scripts.name_uv() && !scripts.make_venv());
            assert!(!scripts.name_downloads() && !scripts.install_pipx_by_pip());
        }
        assert_eq!(scripts.reads.get(), 5 + python_downloads().len());
    }
}
