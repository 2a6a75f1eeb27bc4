//! Modules: the noxfile itself, what it imports from beside it, and names that come from elsewhere.

use std::sync::Arc;

use tree_sitter::Node;

use super::exec::{Names, NoxfileReader};
use super::source::{ModuleText, PythonSource};
use super::splat;
use super::value::{PythonValue, join};
use crate::base::syntax::TOO_SLOW;
use crate::rules::nox::rules;

/// Local modules read.
const MAX_MODULES: usize = 100;
/// Bytes of a module; its syntax tree needs a hundred times as many while it is read.
const MAX_SOURCE: usize = 512 * 1024;
/// Bytes of all modules of one noxfile.
const MAX_SOURCES: usize = 1024 * 1024;

impl NoxfileReader<'_> {
    /// Follows the module at `path` (from the repository root); its number, or `None` when it
    /// can't be read.
    pub(super) fn module(&mut self, path: &str) -> Option<usize> {
        let direct = self.modules.is_empty() || self.current == 0;
        if let Some(known) = self.modules.iter().position(|m| m == path) {
            if direct {
                self.defining.insert(known);
            }
            return Some(known);
        }
        if self.modules.len() >= MAX_MODULES {
            self.hide("the noxfile imports more modules than cachelint follows");
            return None;
        }
        let text = self.files.read(path).filter(|text| text.len() <= MAX_SOURCE)?;
        if self.source_bytes + text.len() > MAX_SOURCES {
            self.hide(format!(
                "the noxfile imports more than {} KiB of modules",
                MAX_SOURCES / 1024
            ));
            return None;
        }
        self.source_bytes += text.len();
        // Asked before it is parsed.
        if self.is_exhausted() {
            return None;
        }
        let Some((text, tree)) = splat::parse(text) else {
            self.hide(format!("`{path}` {TOO_SLOW}"));
            return None;
        };
        let module = Arc::new(ModuleText { path: path.to_owned(), text });
        let source = Arc::new(PythonSource { module, start: (0, 0), tree });
        let number = self.modules.len();
        self.modules.push(path.to_owned());
        // What a project's own package imports in its turn has nothing to do with nox.
        if direct || source.module.text.contains("nox") {
            self.defining.insert(number);
        }
        let file = path.strip_prefix(&format!("{}/", self.folder)).unwrap_or(path).to_owned();
        let names = Names::from([("__file__".to_owned(), PythonValue::Path(file))]);
        self.globals.push(Arc::new(names));
        let (before, locals) = (std::mem::replace(&mut self.current, number), self.locals.take());
        self.block(source.tree.root_node(), &source);
        self.share(source.tree.root_node(), &source);
        (self.current, self.locals) = (before, locals);
        Some(number)
    }

    /// What variables of the current module are that its functions set is not known.
    fn share(&mut self, node: Node<'_>, source: &PythonSource) {
        if !source.module.text.contains("global ") {
            return;
        }
        let mut left = vec![node];
        while let Some(node) = left.pop().filter(|_| self.step()) {
            if node.kind() == "global_statement" {
                for name in node.named_children(&mut node.walk()) {
                    let name = source.text(name).to_owned();
                    self.names().insert(name.clone(), PythonValue::Unknown);
                    let shared = (self.current, name);
                    self.shared.insert(shared);
                }
            }
            left.extend(node.named_children(&mut node.walk()));
        }
    }

    /// Whether a name is a variable of the current module that its functions set.
    pub(super) fn is_shared(&self, name: &str) -> bool {
        !self.shared.is_empty() && self.shared.contains(&(self.current, name.to_owned()))
    }

    pub(super) fn import(&mut self, node: Node<'_>, source: &Arc<PythonSource>) {
        let mut cursor = node.walk();
        let imported: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        let module_node = node.child_by_field_name("module_name");
        let star = { node.named_children(&mut node.walk()).any(|c| c.kind() == "wildcard_import") };
        let module = module_node.map(|m| source.text(m).to_owned());
        if let Some(module) = &module {
            let local = self.local_module(module);
            self.note_foreign(module, local);
            if star {
                match local {
                    Some(number) => {
                        let names = Arc::clone(&self.globals[number]);
                        let public = names.iter().filter(|(name, _)| !name.starts_with('_'));
                        self.names()
                            .extend(public.map(|(name, value)| (name.clone(), value.clone())));
                    }
                    None if module == "nox" => {
                        for name in ["session", "options", "parametrize", "param", "project"] {
                            self.names()
                                .insert(name.to_owned(), PythonValue::Name(format!("nox.{name}")));
                        }
                    }
                    None if self.makes_sessions(module) => {}
                    None => {
                        self.foreign = true;
                        self.hide(format!(
                            "`from {module} import *` may add sessions that aren't in this \
                             repository"
                        ));
                    }
                }
                return;
            }
        }
        for item in imported {
            let (path, alias) = match item.kind() {
                "aliased_import" => {
                    (item.child_by_field_name("name"), item.child_by_field_name("alias"))
                }
                _ => (Some(item), None),
            };
            let Some(path) = path.map(|p| source.text(p).to_owned()) else { continue };
            let alias = alias.map(|a| source.text(a).to_owned());
            match &module {
                Some(module) => {
                    let known = self.local_module(module).map(|n| {
                        self.globals[n].get(&path).cloned().unwrap_or(PythonValue::Unknown)
                    });
                    let known = known.unwrap_or_else(|| {
                        let inner = format!("{module}.{path}");
                        if self.local_module(&inner).is_none() {
                            self.makes_sessions(&inner);
                        }
                        PythonValue::Name(format!("{module}.{path}"))
                    });
                    self.names().insert(alias.unwrap_or(path), known);
                }
                None => {
                    let local = self.local_module(&path);
                    self.note_foreign(&path, local);
                    if local.is_none() {
                        self.makes_sessions(&path);
                    }
                    let top = path.split('.').next().unwrap_or_default().to_owned();
                    let (name, value) = match alias {
                        Some(alias) => (alias, path),
                        None => (top.clone(), top),
                    };
                    self.names().insert(name, PythonValue::Name(value));
                }
            }
        }
    }

    /// A folder is added to the search path.
    pub(super) fn searches(&mut self, folder: Option<&PythonValue>) {
        let Some(folder) = folder.and_then(PythonValue::text) else { return };
        let path = join(&self.folder, folder);
        let inside = self.files.tracked_under(&path).iter().any(|file| file.ends_with(".py"));
        if !inside && !path.is_empty() && !self.elsewhere.contains(&path) {
            self.elsewhere.push(path);
        }
    }

    /// Notes where a module comes from a folder whose files are not in the repository.
    fn note_foreign(&mut self, module: &str, local: Option<usize>) {
        let Some(folder) = self.elsewhere.first().cloned() else { return };
        let top = module.split('.').next().unwrap_or_default();
        let known = rules().harmless_modules.iter().any(|m| m == top) || is_package(module);
        // A folder at the front of the search path comes before the noxfile's own.
        let own = local.is_some_and(|number| number != self.current);
        if !known && !own && !module.starts_with('.') {
            self.foreign_code.get_or_insert(folder.clone());
            self.hide(format!("`{module}` comes from `{folder}`, which isn't in this repository"));
        }
    }

    /// Whether importing `module`, which is out of sight, is known to make sessions.
    fn makes_sessions(&mut self, module: &str) -> bool {
        let Some((package, known)) = rules().imported_sessions(module) else { return false };
        if known.environments {
            self.hide(format!("`{package}` adds sessions that aren't in this repository"));
        } else if !self.bare_packages.iter().any(|p| p == package) {
            self.bare_packages.push(package.to_owned());
        }
        true
    }

    /// The names of a module that was read, by its dotted name.
    pub(super) fn module_named(&self, dotted: &str) -> Option<&Names> {
        if is_package(dotted) {
            return None;
        }
        let base = join(&self.folder, &dotted.replace('.', "/"));
        let is_it = |path: &String| {
            let module = path.strip_suffix(".py").unwrap_or(path);
            module.strip_suffix("/__init__").unwrap_or(module) == base
        };
        self.globals.get(self.modules.iter().position(is_it)?).map(Arc::as_ref)
    }

    /// Follows `dotted` when it is a module beside the noxfile (nox puts that folder first on the
    /// search path).
    fn local_module(&mut self, dotted: &str) -> Option<usize> {
        let path = dotted.trim_start_matches('.').replace('.', "/");
        if path.is_empty() || is_package(dotted) {
            return None;
        }
        let base = join(&self.folder, &path);
        [format!("{base}.py"), format!("{base}/__init__.py")]
            .into_iter()
            .find(|candidate| self.files.is_tracked(candidate))
            .and_then(|candidate| {
                if self.files.read(&candidate).is_none() {
                    self.hide(unread(&candidate));
                }
                self.module(&candidate)
            })
    }
}

/// Why a tracked file isn't looked at.
pub fn unread(path: &str) -> String {
    format!("`{path}` isn't readable text, or is too large")
}

/// A package whose sessions are known, also in the repository that it comes from.
fn is_package(dotted: &str) -> bool {
    rules().session_packages.contains_key(dotted.split('.').next().unwrap_or_default())
}
