//! A noxfile, read without running it: its options, its sessions and what their bodies install.

mod call;
mod comprehension;
mod definition;
mod effects;
mod eval;
mod exec;
mod import;
mod session;
mod shell;
mod source;
mod splat;
mod state;
mod tree;
mod try_statement;
mod value;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use definition::{Definition, MAX_SESSIONS, Parameters, Pythons};
pub use effects::{Effects, Install, NestedCall};
pub use exec::{COPIES_PER_STEP, NoxfileReader};
pub use import::unread;
pub use value::{PythonValue, join};

use self::state::{BYTES_PER_STEP, ModuleState};
use crate::base::memo::{Memo, Room};
use crate::base::path::parent;
use crate::tool::{Files, Loading, TooMuchWork, Variable};

/// The noxfiles of one repository, each loaded once for the variables that it looks at.
#[derive(Debug)]
pub struct Noxfiles {
    loaded: Memo<String, String, Variable, Option<ModuleState>>,
    /// Paths of those that look at any.
    variable: Mutex<HashSet<String>>,
}

/// A larger noxfile costs each job what it takes to parse the rest; public ones are far smaller.
const FREE_BYTES: usize = 64 * 1024;

/// Noxfiles that are kept: at least one of any size.
const ROOM: Room = Room { answer: 160 << 20, all: 160 << 20 };

impl Default for Noxfiles {
    fn default() -> Self {
        Self { loaded: Memo::with(ROOM), variable: Mutex::default() }
    }
}

impl Noxfiles {
    /// Reads the noxfile at `path` (relative to the repository root) and the local modules it
    /// imports. `None` when it is not a tracked text. `files` must always be the same. Loading for
    /// other values of variables may take no more than `most` steps; without variables, one loading
    /// is for all calls and takes what it takes.
    ///
    /// # Errors
    ///
    /// Loading costs the job more than `most` steps.
    pub fn read<'a>(
        &self,
        path: &str,
        files: &'a dyn Files,
        env: &'a dyn Fn(&str) -> Variable,
        most: usize,
    ) -> Result<Option<NoxfileReader<'a>>, TooMuchWork> {
        let load = |path: &String, look_up: &dyn Fn(String) -> Variable| {
            let bytes = files.read(path).map_or(0, |text| text.len());
            let large = bytes.saturating_sub(FREE_BYTES) / BYTES_PER_STEP;
            if large > most {
                return Err(TooMuchWork);
            }
            let is_variable = self.variable().contains(path);
            let most = if is_variable { most } else { usize::MAX };
            let folder = parent(path);
            let asked: RefCell<Option<DefaultHasher>> = RefCell::new(None);
            let env = |name: &str| {
                let value = look_up(name.to_owned());
                (name, &value).hash(asked.borrow_mut().get_or_insert_default());
                value
            };
            let mut reader = NoxfileReader {
                files,
                env: &env,
                state: ModuleState::new(folder),
                parsed: HashMap::new(),
                most,
            };
            if reader.module(path).is_none() {
                return if reader.is_exhausted() { Err(TooMuchWork) } else { Ok(None) };
            }
            reader.reads = std::mem::take(&mut reader.effects).reads;
            if reader.is_exhausted() {
                return Err(TooMuchWork);
            }
            let mut state = reader.state;
            state.needs_environment =
                files.read(path).is_some_and(|text| has_script_dependencies(&text));
            let asked = asked.into_inner();
            if asked.is_some() {
                self.variable().insert(path.clone());
            }
            let work = if asked.is_some() { state.work() } else { large };
            let mut id = asked.unwrap_or_default();
            path.hash(&mut id);
            let shared_work = state.work() - work;
            state.loading = Loading { id: id.finish(), work, shared_work };
            Ok(Some(state))
        };
        let loaded = self.loaded.try_answer(path.to_owned(), &|name| env(name), load)?;
        let Some(state) = loaded.as_ref().clone() else { return Ok(None) };
        // The same for a noxfile that was loaded before.
        if state.loading.work > most {
            return Err(TooMuchWork);
        }
        let parsed = HashMap::new();
        Ok(Some(NoxfileReader { files, env, state, parsed, most: usize::MAX }))
    }

    fn variable(&self) -> MutexGuard<'_, HashSet<String>> {
        self.variable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NoxfileReader<'_> {
    /// The files that define the sessions, relative to the repository root.
    pub fn definition_files(&self) -> std::collections::BTreeSet<String> {
        self.defining.iter().filter_map(|number| self.modules.get(*number)).cloned().collect()
    }
}

/// Whether the text begins with an inline script header (PEP 723) that names dependencies: nox then
/// makes an environment for the noxfile itself.
pub fn has_script_dependencies(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "# /// script").skip(1);
    let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim_end() != "# ///").collect();
    let body: String = block
        .iter()
        .map(|line| line.trim_start_matches('#').trim_start())
        .collect::<Vec<_>>()
        .join("\n");
    let Ok(table) = body.parse::<toml::Table>() else { return false };
    table.get("dependencies").and_then(toml::Value::as_array).is_some_and(|list| {
        // The nox that runs has nox; a header with nothing else needs no environment.
        list.iter().filter_map(toml::Value::as_str).any(|name| {
            let name = name
                .split(['[', '<', '>', '=', '!', '~', ';', ' ', '@'])
                .next()
                .unwrap_or_default();
            !name.eq_ignore_ascii_case("nox")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::has_script_dependencies;

    #[test]
    fn a_script_header_counts_when_it_needs_more_than_nox() {
        for (text, expected) in [
            ("# /// script\n# dependencies = [\"nox\", \"tomlkit\"]\n# ///\n", true),
            (
                "#!/usr/bin/env -S uv run\n# /// script\n# dependencies = [\n#   \"nox>=2025.2.9\",\n#   \"x\",\n# ]\n# ///\n",
                true,
            ),
            ("# /// script\n# dependencies = [\"nox[uv]>=2025.2.9\"]\n# ///\n", false),
            ("# /// script\n# requires-python = \">=3.11\"\n# ///\n", false),
            ("# /// script\n# dependencies = [\n", false),
            ("import nox\n", false),
        ] {
            assert_eq!(has_script_dependencies(text), expected, "{text}");
        }
    }
}
