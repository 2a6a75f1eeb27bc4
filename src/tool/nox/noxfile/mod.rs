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
mod splat;
mod state;
mod tree;
mod try_statement;
mod value;

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use definition::{Definition, MAX_SESSIONS, Parameters, Pythons};
pub use effects::{Effects, Install, NestedCall};
pub use exec::NoxfileReader;
pub use import::unread;
pub use value::{PythonValue, join};

use self::state::ModuleState;
use crate::base::memo::{Memo, Room};
use crate::base::path::parent;
use crate::tool::{Files, Loading, Variable};

/// The noxfiles of one repository, each loaded once for the variables that it looks at.
#[derive(Debug)]
pub struct Noxfiles(Memo<String, String, Variable, Option<ModuleState>>);

/// Noxfiles that are kept: at least one of any size.
const ROOM: Room = Room { answer: 160 << 20, all: 160 << 20 };

impl Default for Noxfiles {
    fn default() -> Self {
        Self(Memo::with(ROOM))
    }
}

impl Noxfiles {
    /// Reads the noxfile at `path` (relative to the repository root) and the local modules it
    /// imports. `None` when it is not a tracked text. `files` must always be the same.
    pub fn read<'a>(
        &self,
        path: &str,
        files: &'a dyn Files,
        env: &'a dyn Fn(&str) -> Variable,
    ) -> Option<NoxfileReader<'a>> {
        let load = |path: &String, look_up: &dyn Fn(String) -> Variable| {
            let folder = parent(path);
            let asked: RefCell<Option<DefaultHasher>> = RefCell::new(None);
            let env = |name: &str| {
                let value = look_up(name.to_owned());
                (name, &value).hash(asked.borrow_mut().get_or_insert_default());
                value
            };
            let mut reader = NoxfileReader { files, env: &env, state: ModuleState::new(folder) };
            reader.module(path)?;
            reader.reads = std::mem::take(&mut reader.effects).reads;
            let mut state = reader.state;
            state.needs_environment =
                files.read(path).is_some_and(|text| has_script_dependencies(&text));
            // Without a look at the environment, one reading is for all calls.
            if let Some(mut asked) = asked.into_inner() {
                path.hash(&mut asked);
                state.loading = Loading { id: asked.finish(), work: state.load_work() };
            }
            Some(state)
        };
        let loaded = self.0.answer(path.to_owned(), &|name| env(name), load);
        loaded.as_ref().clone().map(|state| NoxfileReader { files, env, state })
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
