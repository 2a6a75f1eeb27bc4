//! Session definitions: what `@nox.session` and `@nox.parametrize` say about a function.

use std::sync::Arc;

use tree_sitter::Node;

use super::call::Arguments;
use super::effects::Effects;
use super::exec::NoxfileReader;
use super::source::PythonSource;
use super::value::PythonValue;
use crate::rules::nox::{SessionPackage, rules};

/// A call of a decorator, waiting for its function.
#[derive(Debug, Clone)]
pub(super) struct Decorator {
    pub(super) kind: DecoratorKind,
    pub(super) args: Arguments,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum DecoratorKind {
    /// `session` of nox or of a package built on it.
    Session {
        package: String,
    },
    Parametrize,
}

/// The interpreters a definition asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Pythons {
    /// None named: the one that runs nox.
    Own,
    /// `python=False`: no environment.
    None,
    One(String),
    /// A list: one session each, with the version in its name.
    Many(Vec<String>),
    Unknown,
}

/// The sets of parameters that `nox.parametrize` makes, in nox's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// One signature text and its tags and `python` each: `docs='html'`; `None` when it cannot be
    /// written down.
    pub sets: Option<Vec<ParameterSet>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSet {
    /// As it is in the parentheses of the session's name.
    pub signature: String,
    pub python: Option<PythonValue>,
    pub tags: Vec<PythonValue>,
}

/// One function that nox makes sessions of.
#[derive(Debug, Clone)]
pub struct Definition {
    /// `None` when it is computed.
    pub name: Option<String>,
    pub pythons: Pythons,
    /// Values of the decorator's keywords; absent ones are `PythonValue::None`.
    pub reuse_venv: PythonValue,
    pub venv_backend: PythonValue,
    /// Whether it runs when no session is named; `PythonValue::Unknown` when computed.
    pub default: PythonValue,
    pub tags: PythonValue,
    pub requires: PythonValue,
    /// `None`: not parametrized.
    pub parameters: Option<Parameters>,
    /// Whether it is defined whatever the conditions around it.
    pub certain: bool,
    /// What the decorator's package installs before the body runs.
    pub package: Option<&'static SessionPackage>,
    function: usize,
}

/// A body is read for so many Pythons one by one.
const MAX_PYTHONS: usize = 12;
/// The most parameter sets that are written down for one session.
const MAX_SETS: usize = 500;
/// The most sessions of a noxfile that are told apart, counting parameter sets and Pythons.
pub const MAX_SESSIONS: usize = 2_000;

impl Definition {
    /// How many sessions it makes, as far as that is known.
    pub fn count(&self) -> usize {
        let pythons = match &self.pythons {
            Pythons::Many(versions) => versions.len(),
            _ => 1,
        };
        let sets = self.parameters.as_ref().and_then(|p| p.sets.as_ref()).map_or(1, Vec::len);
        pythons * sets
    }
}

impl NoxfileReader<'_> {
    pub(super) fn decorated(&mut self, node: Node<'_>, source: &Arc<PythonSource>) {
        let Some(definition) = node.child_by_field_name("definition") else { return };
        let name = definition
            .child_by_field_name("name")
            .map(|n| source.text(n).to_owned())
            .unwrap_or_default();
        if definition.kind() != "function_definition" {
            self.names().insert(name, PythonValue::Unknown);
            return;
        }
        let PythonValue::PythonFunction(function) = self.function(definition, source) else {
            return;
        };
        let decorators: Vec<Node<'_>> =
            node.named_children(&mut node.walk()).filter(|c| c.kind() == "decorator").collect();
        let values: Vec<(PythonValue, &str)> = decorators
            .into_iter()
            .filter_map(|decorator| decorator.named_child(0))
            .map(|expression| {
                let value = match self.eval(expression, source) {
                    // `@nox.session` without a call.
                    PythonValue::Name(name) => self.bare_decorator(&name),
                    other => other,
                };
                (value, source.text(expression))
            })
            .collect();
        let (mut known, mut strange) = (Vec::new(), Vec::new());
        // The lowest one gets the function first.
        for (value, text) in values.into_iter().rev() {
            match value {
                PythonValue::Decorator(number) => known.insert(0, number),
                // A decorator of the noxfile's own, which may hand the function to nox.
                PythonValue::PythonFunction(own) if self.makes_session(own, function, &known) => {
                    self.names().insert(name, PythonValue::PythonFunction(function));
                    return;
                }
                _ => strange.insert(0, text.to_owned()),
            }
        }
        self.names().insert(name, PythonValue::PythonFunction(function));
        self.define(function, &known, &strange);
    }

    fn makes_session(&mut self, decorator: usize, function: usize, below: &[usize]) -> bool {
        let outer = self.decorating.replace((function, below.to_vec()));
        self.enter(decorator, &[PythonValue::PythonFunction(function)], &[]);
        self.decorating = outer;
        self.sessions.last().is_some_and(|session| session.function == function)
    }

    fn bare_decorator(&mut self, name: &str) -> PythonValue {
        let package =
            name.strip_suffix(".session").and_then(|p| p.split('.').next()).unwrap_or_default();
        if !rules().session_packages.contains_key(package) {
            return PythonValue::Unknown;
        }
        let kind = DecoratorKind::Session { package: package.to_owned() };
        let args = Arguments::default();
        Arc::make_mut(&mut self.decorators).push(Decorator { kind, args });
        PythonValue::Decorator(self.decorators.len() - 1)
    }

    /// Makes the sessions that these decorators (in source order) make of the function, if they
    /// make any.
    pub(super) fn define(&mut self, function: usize, decorators: &[usize], strange: &[String]) {
        let known = decorators.iter().rev().filter_map(|d| self.decorators.get(*d));
        let sessions: Vec<_> = known
            .filter_map(|d| match &d.kind {
                DecoratorKind::Session { package } => Some((package.clone(), d.args.clone())),
                DecoratorKind::Parametrize => None,
            })
            .collect();
        if sessions.is_empty() {
            // A decorator of the file's own making may end in `nox.session`; those of the standard
            // library do not.
            let harmless =
                |d: &&String| rules().harmless_decorators.iter().any(|h| d.starts_with(h.as_str()));
            if self.calls == 0
                && let Some(decorator) = strange.iter().find(|d| !harmless(d))
            {
                self.hide(format!(
                    "`@{}` may make a session",
                    decorator.split('(').next().unwrap_or_default()
                ));
            }
        }
        // Each of several decorators makes a session of its own.
        for (package, args) in sessions {
            self.define_one(function, decorators, package, &args);
        }
    }

    fn define_one(
        &mut self,
        function: usize,
        decorators: &[usize],
        package: String,
        args: &Arguments,
    ) {
        let keyword = |name: &str| match args.keyword(name) {
            Some(value) => value.clone(),
            None if args.incomplete => PythonValue::Unknown,
            None => PythonValue::None,
        };
        let name = match keyword("name") {
            PythonValue::None => self.functions.get(function).map(|f| f.name.clone()),
            other => other.text().map(str::to_owned),
        };
        let python = match keyword("python") {
            PythonValue::None => args.positional.first().cloned().unwrap_or_else(|| keyword("py")),
            python => python,
        };
        let by_keyword = rules()
            .installer_keyword_prefixes
            .iter()
            .find(|(p, _)| args.keywords.iter().any(|(k, _)| k.starts_with(p.as_str())));
        let package = by_keyword.map_or(package, |(_, named)| named.clone());
        let package =
            rules().session_packages.get(&package).filter(|p| p.exact || !p.installs.is_empty());
        // Decorators apply from the function outwards, and each multiplies the sets made so far.
        let mut parameters: Option<Parameters> = None;
        for number in decorators.iter().rev() {
            let Some(decorator) =
                self.decorators.get(*number).filter(|d| d.kind == DecoratorKind::Parametrize)
            else {
                continue;
            };
            parameters = Some(match parameters {
                None => Parameters { sets: parameter_sets(&decorator.args) },
                Some(so_far) => {
                    Parameters { sets: multiply(so_far.sets, parameter_sets(&decorator.args)) }
                }
            });
        }
        let default = keyword("default");
        let definition = Definition {
            name,
            pythons: pythons(&python),
            reuse_venv: keyword("reuse_venv"),
            venv_backend: keyword("venv_backend"),
            default: if default == PythonValue::None {
                PythonValue::Bool(args.keyword("default").is_none())
            } else {
                default
            },
            tags: keyword("tags"),
            requires: keyword("requires"),
            parameters,
            certain: self.doubts == 0,
            package,
            function,
        };
        let made = self.made + definition.count();
        if made > MAX_SESSIONS {
            self.hide(format!("the noxfile makes more than {MAX_SESSIONS} sessions"));
            return;
        }
        self.made = made;
        // A later session of the same name replaces the earlier one.
        let sessions = Arc::make_mut(&mut self.sessions);
        if definition.certain && definition.name.is_some() {
            sessions.retain(|s| s.name != definition.name);
        }
        sessions.push(definition);
    }

    /// Follows a session's body.
    pub fn effects(&mut self, definition: &Definition) -> Effects {
        // What a body installs may depend on the Python of the session.
        let pythons: Vec<PythonValue> = match &definition.pythons {
            Pythons::One(python) => vec![PythonValue::str(python)],
            Pythons::Many(all) if !all.is_empty() && all.len() <= MAX_PYTHONS => {
                all.iter().map(PythonValue::str).collect()
            }
            _ => vec![PythonValue::Unknown],
        };
        let ways = pythons.into_iter().map(|python| {
            self.effects = Effects::default();
            self.doubts = 0;
            self.cwd = Some(self.folder.clone());
            self.python = python;
            drop(self.enter(definition.function, &[PythonValue::Session], &[]));
            std::mem::take(&mut self.effects)
        });
        let mut effects = Effects::any(ways.collect());
        if let Some(package) = definition.package {
            effects.installs.push(super::effects::Install {
                args: Vec::new(),
                files: package.installs.clone(),
                exact: package.exact,
                certain: true,
                conda: false,
                folder: Some(self.folder.clone()),
            });
        }
        effects
    }
}

fn pythons(value: &PythonValue) -> Pythons {
    match value {
        PythonValue::None => Pythons::Own,
        PythonValue::Bool(false) => Pythons::None,
        PythonValue::Str(one) => Pythons::One(one.clone()),
        other => other.strings().map_or(Pythons::Unknown, |mut all| {
            let mut seen = std::collections::BTreeSet::new();
            all.retain(|python| seen.insert(python.clone()));
            Pythons::Many(all)
        }),
    }
}

/// The sets one `nox.parametrize` makes.
fn parameter_sets(args: &Arguments) -> Option<Vec<ParameterSet>> {
    let names: Vec<String> = match args.positional.first()? {
        PythonValue::Str(names) => {
            names.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect()
        }
        other => other.strings()?,
    };
    let given = args.positional.get(1).or_else(|| args.keyword("arg_values_list"))?;
    let values: Vec<PythonValue> = match (given, names.len()) {
        (PythonValue::List(items), _) => items.to_vec(),
        (PythonValue::Unknown, _) => return None,
        (single, _) => vec![single.clone()],
    };
    let ids = match args.positional.get(2).or_else(|| args.keyword("ids")) {
        None | Some(PythonValue::None) => Vec::new(),
        Some(ids) => ids.items()?.to_vec(),
    };
    let tags = match args.keyword("tags") {
        None | Some(PythonValue::None) => Vec::new(),
        Some(tags) => tags.items()?.to_vec(),
    };
    let set = |(i, value): (usize, &PythonValue)| {
        let (parts, id, own_tags) = match value {
            PythonValue::Param { values, id, tags } => (values.to_vec(), id.clone(), tags.to_vec()),
            value if names.len() == 1 => (vec![value.clone()], None, Vec::new()),
            value => (value.items()?.to_vec(), None, Vec::new()),
        };
        let id = id.or_else(|| ids.get(i).and_then(PythonValue::text).map(str::to_owned));
        let signature = match id {
            Some(id) => id,
            None => {
                let parts: Option<Vec<String>> = names
                    .iter()
                    .zip(&parts)
                    .map(|(name, part)| Some(format!("{name}={}", part.repr()?)))
                    .collect();
                parts?.join(", ")
            }
        };
        let python = names.iter().position(|n| n == "python").and_then(|at| parts.get(at)).cloned();
        let tags = own_tags
            .into_iter()
            .chain(tags.get(i).and_then(PythonValue::items).unwrap_or_default().iter().cloned())
            .collect();
        Some(ParameterSet { signature, python, tags })
    };
    if values.len() > MAX_SETS {
        return None;
    }
    values.iter().enumerate().map(set).collect()
}

/// Every new set with every set so far: nox writes the inner decorator's parameters first.
fn multiply(
    so_far: Option<Vec<ParameterSet>>,
    new: Option<Vec<ParameterSet>>,
) -> Option<Vec<ParameterSet>> {
    let (so_far, new) = (so_far?, new?);
    if so_far.len() * new.len() > MAX_SETS {
        return None;
    }
    let pair = |outer: &ParameterSet, inner: &ParameterSet| ParameterSet {
        signature: format!("{}, {}", inner.signature, outer.signature),
        python: inner.python.clone().or_else(|| outer.python.clone()),
        tags: inner.tags.iter().chain(&outer.tags).cloned().collect(),
    };
    Some(new.iter().flat_map(|outer| so_far.iter().map(move |inner| pair(outer, inner))).collect())
}
