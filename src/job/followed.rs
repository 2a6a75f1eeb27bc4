//! Commands that lead to scripts, targets and tasks in other files, followed a bounded number of
//! times.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::commands::shown;
use super::exported::exports;
use super::state::prefixed;
use super::timeline::{Here, TimelineBuilder};
use crate::actions::Scalar;
use crate::actions::context::WORKSPACE;
use crate::base::finding::Location;
use crate::base::text::Span;
use crate::follow::{self, Ask, FileScript};
use crate::shell::{Command, Given, UnwrappedCommand, reading_cost};
use crate::yaml::ScalarMap;

/// How many files a command is followed through.
const MAX_FOLLOW_DEPTH: usize = 5;
/// How many scripts of other files one instance is followed into.
const MAX_FOLLOWED: usize = 400;

/// Bytes of a Makefile or the like that cost as much to look through as one byte of a script.
pub(super) const FOLLOWED_AS_SCRIPT: usize = 16;

/// The script that a command is in, and how it was reached.
pub(super) struct CommandOrigin<'o> {
    pub here: Here<'o>,
    /// The script of the step.
    pub script: &'o Scalar,
    /// The script that the command is in, as written.
    pub text: &'o str,
    /// Where that script starts, relative to the workspace; `None` when not known.
    pub folder: Option<String>,
    /// What the way sets beyond the step's own environment; `None` is a value that is not known.
    pub env: Vec<(String, Option<String>)>,
    /// Where the step's script is in the file, found once for all that is asked about it.
    pub map: &'o OnceCell<Option<ScalarMap>>,
    /// The script of another file; `None` in the step itself.
    pub file_script: Option<&'o FileScript>,
    /// The command of the step that leads here.
    pub span: Option<Span>,
    /// The commands that lead here, outermost first.
    pub via: Vec<Location>,
    pub conditional: bool,
    pub in_container: bool,
    /// How often each name is in `text`, counted once for all of its commands.
    pub names: OnceCell<Option<HashMap<&'o str, usize>>>,
}

impl<'o> CommandOrigin<'o> {
    /// The script of a step.
    pub fn step(
        here: Here<'o>,
        script: &'o Scalar,
        map: &'o OnceCell<Option<ScalarMap>>,
        folder: Option<String>,
    ) -> Self {
        Self {
            here,
            script,
            map,
            text: &script.text,
            folder,
            env: Vec::new(),
            file_script: None,
            span: None,
            via: Vec::new(),
            conditional: false,
            in_container: false,
            names: OnceCell::new(),
        }
    }

    /// The way from the script's value to the file; `None` where the file does not say it.
    pub fn map(&self) -> Option<&ScalarMap> {
        let document = self.here.document;
        let find = || ScalarMap::new(&document.text, &document.tree, self.script.node);
        self.map.get_or_init(find).as_ref()
    }
}

impl TimelineBuilder<'_> {
    /// Reads the commands that a program leads to in other files; whether it leads anywhere.
    pub(super) fn follow_command(
        &mut self,
        origin: &CommandOrigin<'_>,
        command: &Command,
        unwrapped: &UnwrappedCommand,
    ) -> bool {
        let (folder, in_container) =
            match self.folder_of(origin, &unwrapped.directory, &unwrapped.host) {
                Some(Some(found)) => found,
                Some(None) => return true,
                None => {
                    self.folder_unknown(origin, command, unwrapped);
                    return false;
                }
            };
        let place = self.state.place(&folder);
        if !place.own {
            return false;
        }
        let vars = |name: &str| self.lookup(origin, &unwrapped.env, name);
        let root = format!("{WORKSPACE}/{}", place.checkout);
        let root = root.trim_end_matches('/');
        let ask = Ask {
            program: unwrapped,
            folder: &place.inside,
            files: self.files(&place),
            root,
            vars: &vars,
        };
        // Asked before it is looked through: thousands of jobs can lead to one large file.
        let size = follow::size(&ask) / FOLLOWED_AS_SCRIPT;
        let found = self.affords(size).then(|| follow::follow(&ask));
        if size > 0 && !self.spend(origin.here, size) {
            return true;
        }
        let Some(found) = found else { return true };
        for note in found.notes {
            self.undecide_command(origin, command, note);
        }
        if found.file_scripts.is_empty() {
            return false;
        }
        let span = self.span_in_step(origin, command.span);
        let mut via = origin.via.clone();
        via.push(self.place_of(origin, command.span));
        // What leads to itself is not read again.
        let again = |file_script: &FileScript| {
            let is_same = |via_place: &Location| {
                via_place.path == file_script.path
                    && via_place.label.starts_with(&file_script.label)
            };
            via.iter().any(|via_place| {
                is_same(via_place) && file_script.span.contains(via_place.span.start)
            })
        };
        if found.file_scripts.iter().any(again) {
            return true;
        }
        if origin.via.len() == MAX_FOLLOW_DEPTH {
            let why = format!("more than {MAX_FOLLOW_DEPTH} files call each other in a chain");
            self.undecide_command(origin, command, why);
            return true;
        }
        for file_script in &found.file_scripts {
            if self.followed == MAX_FOLLOWED {
                let why = format!("more than {MAX_FOLLOWED} scripts in other files");
                self.undecide_command(origin, command, why);
                return true;
            }
            if !self.spend(origin.here, reading_cost(&file_script.script)) {
                return true;
            }
            self.followed += 1;
            let inner = CommandOrigin {
                here: origin.here,
                script: origin.script,
                map: origin.map,
                text: &file_script.script,
                folder: Some(prefixed(&place.checkout, &file_script.folder)),
                env: origin
                    .env
                    .iter()
                    .chain(&unwrapped.env)
                    .chain(&file_script.env)
                    .cloned()
                    .collect(),
                file_script: Some(file_script),
                span: Some(span),
                via: via.clone(),
                conditional: origin.conditional || command.conditional || file_script.conditional,
                in_container,
                names: OnceCell::new(),
            };
            let path = format!("{root}/{}", file_script.path);
            let variable = |name: &str| match argument(file_script, &path, name) {
                Some(value) => value,
                None => self.variable(&inner, &[], name),
            };
            let files = |path: &str| self.text_of(inner.folder.as_deref()?, path);
            let given = Given { vars: &variable, files: &files };
            let all = self.repository.scripts.read(
                file_script.shell.clone(),
                file_script.expanded(),
                &given,
            );
            self.state.exporting.extend(exports(&file_script.script));
            if let Some(why) = &all.cut {
                self.undecide_command(origin, command, why.clone());
            }
            for read in &all.commands {
                self.command(&inner, &read.command, read.program.as_ref());
            }
        }
        true
    }

    /// Where a command is, in the step or in the file that the step led to.
    pub(super) fn place_of(&self, origin: &CommandOrigin<'_>, span: Span) -> Location {
        let text = shown(origin.text, span);
        match origin.file_script {
            None => {
                self.location(origin.here, self.span_in_step(origin, span), &format!("`{text}`"))
            }
            Some(file_script) => Location {
                path: file_script.path.clone(),
                span: file_script.locate(span),
                label: format!("{}: `{text}`", file_script.label),
            },
        }
    }
}

/// `$0`, `$#`, `$1` and so on of a script at `path`; `None` for any other variable, and where its
/// words are not known.
fn argument(file_script: &FileScript, path: &str, name: &str) -> Option<Option<String>> {
    let arguments = file_script.arguments.as_ref()?;
    if name == "#" {
        return Some(Some(arguments.len().to_string()));
    }
    let position: usize = name.parse().ok()?;
    if position == 0 {
        return Some(Some(path.to_owned()));
    }
    Some(position.checked_sub(1).and_then(|at| arguments.get(at).cloned().flatten()))
}
