//! Calls in a noxfile: what sessions do, what nox's own functions make, and the few library
//! functions worth knowing.

use std::sync::Arc;

use tree_sitter::Node;

use super::definition::{Decorator, DecoratorKind};
use super::exec::NoxfileReader;
use super::shell;
use super::source::PythonSource;
use super::value::{PythonValue, blanked, formatted, join};
use crate::actions::context::HOME;
use crate::rules::folders::folders;
use crate::rules::nox::rules;
use crate::rules::wrappers::WRAPPERS;

/// The arguments of a call.
#[derive(Debug, Default, Clone)]
pub(super) struct Arguments {
    pub(super) positional: Vec<PythonValue>,
    pub(super) keywords: Vec<(String, PythonValue)>,
    /// `**something` that is not known.
    pub(super) incomplete: bool,
    /// `*something` that is not known: it may be the words after `--`.
    pub(super) open: bool,
}

impl Arguments {
    pub(super) fn keyword(&self, name: &str) -> Option<&PythonValue> {
        self.keywords.iter().find(|(k, _)| k == name).map(|(_, v)| v)
    }

    pub(super) fn first(&self) -> Option<&PythonValue> {
        self.positional.first()
    }

    /// Whether the session object is handed on.
    fn pass_session(&self) -> bool {
        self.positional
            .iter()
            .chain(self.keywords.iter().map(|(_, v)| v))
            .any(|v| *v == PythonValue::Session)
    }
}

impl NoxfileReader<'_> {
    pub(super) fn call(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let (Some(function), Some(list)) =
            (node.child_by_field_name("function"), node.child_by_field_name("arguments"))
        else {
            return PythonValue::Unknown;
        };
        // A method of a value: `"…".join(…)`, `path.joinpath(…)`, `names.append(…)`.
        if let (Some(object), Some(method)) =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"))
        {
            let value = self.eval(object, source);
            let args = self.arguments(list, source);
            let method = source.text(method).to_owned();
            return match self.attribute(&value, &method) {
                PythonValue::Name(name) => {
                    if name.starts_with("session.") {
                        let line = source.line(node);
                        self.calling = Some(format!("`{}`, line {line}", source.module.path));
                    }
                    self.named_call(&name, args)
                }
                PythonValue::PythonFunction(number) => {
                    self.enter(number, &args.positional, &args.keywords)
                }
                _ => self.method(object, &value, &method, &args, source),
            };
        }
        let callee = self.eval(function, source);
        let args = if list.kind() == "generator_expression" {
            Arguments { positional: vec![self.eval(list, source)], ..Arguments::default() }
        } else {
            self.arguments(list, source)
        };
        match callee {
            PythonValue::PythonFunction(number) => {
                self.enter(number, &args.positional, &args.keywords)
            }
            PythonValue::Name(name) => self.named_call(&name, args),
            PythonValue::Decorator(number) => self.apply_or_extend(number, args),
            _ => {
                self.effects.opaque |= args.pass_session();
                PythonValue::Unknown
            }
        }
    }

    fn arguments(&mut self, list: Node<'_>, source: &Arc<PythonSource>) -> Arguments {
        let mut args = Arguments::default();
        let children: Vec<Node<'_>> = list.named_children(&mut list.walk()).collect();
        for child in children {
            match child.kind() {
                "comment" => {}
                "keyword_argument" => {
                    if let (Some(name), Some(value)) =
                        (child.child_by_field_name("name"), child.child_by_field_name("value"))
                    {
                        let value = self.eval(value, source);
                        args.keywords.push((source.text(name).to_owned(), value));
                    }
                }
                "list_splat" => match child.named_child(0).map(|n| self.eval(n, source)) {
                    Some(PythonValue::List(items)) => args.positional.extend(items.iter().cloned()),
                    _ => {
                        args.positional.push(PythonValue::Unknown);
                        args.open = true;
                    }
                },
                "dictionary_splat" => match child.named_child(0).map(|n| self.eval(n, source)) {
                    Some(PythonValue::Dict(pairs)) => {
                        args.keywords.extend(
                            pairs
                                .iter()
                                .filter_map(|(k, v)| Some((k.text()?.to_owned(), v.clone()))),
                        );
                    }
                    _ => args.incomplete = true,
                },
                _ => {
                    let value = self.eval(child, source);
                    args.positional.push(value);
                }
            }
        }
        args
    }

    fn method(
        &mut self,
        object: Node<'_>,
        value: &PythonValue,
        method: &str,
        args: &Arguments,
        source: &Arc<PythonSource>,
    ) -> PythonValue {
        self.effects.opaque |= args.pass_session();
        match (value, method, args.first()) {
            (PythonValue::Str(glue), "join", Some(parts)) => match parts.strings() {
                Some(parts) => PythonValue::Str(parts.join(glue)),
                None => PythonValue::Unknown,
            },
            (PythonValue::Str(text), "split", None) => {
                PythonValue::list(text.split_whitespace().map(PythonValue::str))
            }
            (PythonValue::Str(text), "split", Some(PythonValue::Str(at))) if !at.is_empty() => {
                PythonValue::list(text.split(at.as_str()).map(PythonValue::str))
            }
            (PythonValue::Str(text), "replace", Some(PythonValue::Str(from))) => {
                match args.positional.get(1) {
                    Some(PythonValue::Str(to)) if !from.is_empty() => {
                        PythonValue::Str(text.replace(from.as_str(), to))
                    }
                    _ => PythonValue::Unknown,
                }
            }
            (PythonValue::Str(text), "lower", None) => PythonValue::Str(text.to_lowercase()),
            (PythonValue::Str(text), "upper", None) => PythonValue::Str(text.to_uppercase()),
            (PythonValue::Str(text), "strip", None) => PythonValue::str(text.trim()),
            (PythonValue::Str(text), "format", _) => {
                let parts: Option<Vec<&str>> =
                    args.positional.iter().map(PythonValue::text).collect();
                let plain = args.keywords.is_empty() && !args.incomplete;
                parts.filter(|_| plain).and_then(|parts| formatted(text, &parts)).map_or_else(
                    || PythonValue::of_shape(blanked(text), PythonValue::Str),
                    PythonValue::Str,
                )
            }
            (PythonValue::Str(text), "endswith", Some(PythonValue::Str(end))) => {
                PythonValue::Bool(text.ends_with(end))
            }
            (PythonValue::Str(text), "startswith", Some(PythonValue::Str(start))) => {
                PythonValue::Bool(text.starts_with(start))
            }
            (PythonValue::Path(path) | PythonValue::Partly(path), "joinpath", _) => {
                let parts = args.positional.iter().map(PythonValue::shape);
                let path = parts.fold(path.clone(), |base, part| join(&base, part));
                PythonValue::of_shape(path, PythonValue::Path)
            }
            (
                PythonValue::Path(_) | PythonValue::Partly(_),
                "resolve" | "absolute" | "expanduser" | "as_posix",
                _,
            ) if method != "as_posix" || matches!(value, PythonValue::Partly(_)) => value.clone(),
            (PythonValue::Path(path), "glob", Some(PythonValue::Str(pattern))) => {
                self.tracked(path, pattern, PythonValue::Path)
            }
            (PythonValue::Path(path), "rglob", Some(PythonValue::Str(pattern))) => {
                self.tracked(path, &format!("**/{pattern}"), PythonValue::Path)
            }
            (PythonValue::Path(path), "iterdir", None) => {
                self.tracked(path, "*", PythonValue::Path)
            }
            (PythonValue::Path(path), "as_posix", _) => PythonValue::Str(path.clone()),
            (PythonValue::Path(path), "exists" | "is_file", _)
                if self.files.is_tracked(&join(&self.folder, path)) =>
            {
                PythonValue::Bool(true)
            }
            (PythonValue::Path(path), "read_text" | "read_bytes" | "open", _) => {
                self.effects.reads.push(path.clone());
                PythonValue::Unknown
            }
            (PythonValue::Dict(pairs), "get", Some(key)) => {
                let found = pairs
                    .iter()
                    .rev()
                    .find(|(k, _)| k.equals(key) == Some(true))
                    .map(|(_, v)| v.clone());
                found.unwrap_or(PythonValue::Unknown)
            }
            (PythonValue::Dict(pairs), "pop", Some(key))
                if pairs.iter().all(|(k, _)| k.equals(key).is_some()) =>
            {
                let (found, rest): (Vec<_>, Vec<_>) =
                    pairs.iter().cloned().partition(|(k, _)| k.equals(key) == Some(true));
                self.update(object, PythonValue::Dict(Arc::new(rest)), source);
                let default = args.positional.get(1).cloned().unwrap_or(PythonValue::Unknown);
                found.into_iter().next_back().map_or(default, |(_, value)| value)
            }
            (PythonValue::Dict(pairs), "keys", _) => {
                PythonValue::list(pairs.iter().map(|(k, _)| k.clone()))
            }
            (PythonValue::Dict(pairs), "values", _) => {
                PythonValue::list(pairs.iter().map(|(_, v)| v.clone()))
            }
            (PythonValue::Dict(pairs), "items", _) => PythonValue::list(
                pairs.iter().map(|(k, v)| PythonValue::list([k.clone(), v.clone()])),
            ),
            // Methods that change a list in place.
            (PythonValue::List(items), "append", Some(item)) => {
                self.update(object, add_item(items, item), source)
            }
            (PythonValue::List(_), "extend", Some(more)) => {
                let grown = super::value::add(value, more);
                self.update(object, grown, source)
            }
            (
                PythonValue::List(_) | PythonValue::Dict(_),
                "insert" | "remove" | "pop" | "sort" | "update" | "add" | "clear" | "reverse",
                _,
            ) => self.update(object, PythonValue::Unknown, source),
            _ => PythonValue::Unknown,
        }
    }

    /// Gives the variable that `object` names its new value; such methods return nothing.
    fn update(
        &mut self,
        object: Node<'_>,
        value: PythonValue,
        source: &Arc<PythonSource>,
    ) -> PythonValue {
        if object.kind() == "identifier" {
            let name = source.text(object).to_owned();
            self.names().insert(name, value);
        } else if object.kind() == "attribute" {
            self.assign(object, value, source);
        }
        PythonValue::None
    }

    fn named_call(&mut self, name: &str, args: Arguments) -> PythonValue {
        if let Some(method) = name.strip_prefix("session.") {
            return self.session_call(method, &args);
        }
        let (package, member) = name.rsplit_once('.').unwrap_or(("", name));
        if member == "session"
            && rules().session_packages.contains_key(package.split('.').next().unwrap_or_default())
        {
            let kind = DecoratorKind::Session {
                package: package.split('.').next().unwrap_or_default().to_owned(),
            };
            return self.decorator(kind, args);
        }
        self.effects.opaque |= args.pass_session();
        if self.doubts == 0 && folders().python_removers.contains(name) {
            self.removes(args.first());
        }
        if WRAPPERS.python_functions.contains(name) {
            match args.first() {
                Some(PythonValue::List(words)) => self.publishes(words.iter()),
                Some(text) => {
                    for command in shell::of_text(text) {
                        self.publishes(command.words.iter());
                    }
                }
                None => {}
            }
        }
        match (name, args.first()) {
            ("nox.parametrize", _) => self.decorator(DecoratorKind::Parametrize, args),
            ("nox.param", _) => {
                let id = args.keyword("id").and_then(PythonValue::text).map(str::to_owned);
                let tags = args
                    .keyword("tags")
                    .and_then(PythonValue::items)
                    .map(<[PythonValue]>::to_vec)
                    .unwrap_or_default();
                PythonValue::Param { values: Arc::new(args.positional), id, tags: Arc::new(tags) }
            }
            ("functools.partial", Some(PythonValue::Name(inner))) => {
                let inner = inner.clone();
                let rest = Arguments {
                    positional: args.positional.get(1..).unwrap_or_default().to_vec(),
                    ..args
                };
                self.named_call(&inner, rest)
            }
            // Requirements of the project file's groups: for the files that matter, as if they were
            // named by group.
            ("nox.project.dependency_groups", _) => {
                PythonValue::list([PythonValue::str("--all-groups")])
            }
            ("nox.project.load_toml", None) => self.reads("pyproject.toml"),
            ("nox.project.load_toml" | "open", Some(path)) => {
                match path.text().map(str::to_owned) {
                    Some(path) => self.reads(&path),
                    None => PythonValue::Unknown,
                }
            }
            ("os.chdir" | "contextlib.chdir", to) => {
                self.change_folder(to);
                PythonValue::None
            }
            ("os.environ.get" | "os.getenv", Some(PythonValue::Str(variable))) => {
                match self.variable(variable) {
                    Some(PythonValue::None) => args
                        .positional
                        .get(1)
                        .or(args.keyword("default"))
                        .cloned()
                        .unwrap_or(PythonValue::None),
                    Some(value) => value,
                    None => PythonValue::Unknown,
                }
            }
            ("pathlib.Path" | "Path" | "pathlib.PurePath", None)
            | ("pathlib.Path.cwd" | "os.getcwd", _) => PythonValue::Path(String::new()),
            (
                "pathlib.Path" | "pathlib.PurePath" | "os.path.join" | "os.path.abspath"
                | "os.path.realpath",
                _,
            ) => {
                let parts = args.positional.iter().map(PythonValue::shape);
                let path = parts.fold(String::new(), |base, part| join(&base, part));
                PythonValue::of_shape(path, PythonValue::Path)
            }
            ("os.path.expanduser", Some(path @ (PythonValue::Str(_) | PythonValue::Partly(_)))) => {
                match path {
                    PythonValue::Str(text) if text.starts_with("~/") => {
                        PythonValue::Path(text.replacen('~', HOME, 1))
                    }
                    other => other.clone(),
                }
            }
            ("pathlib.Path.home", _) => PythonValue::Path(HOME.to_owned()),
            ("os.path.dirname", Some(PythonValue::Path(path))) => {
                PythonValue::Path(join(path, ".."))
            }
            ("os.path.exists" | "os.path.isfile", Some(path)) => match path.text() {
                Some(path) if self.files.is_tracked(&join(&self.folder, path)) => {
                    PythonValue::Bool(true)
                }
                _ => PythonValue::Unknown,
            },
            ("glob.glob" | "glob.iglob", Some(pattern)) if args.keyword("root_dir").is_none() => {
                match pattern {
                    PythonValue::Str(pattern)
                    | PythonValue::Path(pattern)
                    | PythonValue::Partly(pattern) => self.tracked("", pattern, PythonValue::Str),
                    _ => PythonValue::Unknown,
                }
            }
            ("os.listdir", Some(path)) => match path.text() {
                Some(path) => match self.tracked(path, "*", PythonValue::Str).strings() {
                    Some(found) => PythonValue::list(
                        found.iter().filter_map(|p| p.rsplit('/').next()).map(PythonValue::str),
                    ),
                    None => PythonValue::Unknown,
                },
                None => PythonValue::Unknown,
            },
            ("runpy.run_path", Some(path)) => {
                if path.text().and_then(|p| self.module(&join(&self.folder, p))).is_none() {
                    self.hide("`runpy.run_path(…)` may register sessions");
                }
                PythonValue::Unknown
            }
            ("str", Some(PythonValue::Path(text) | PythonValue::Str(text))) => {
                PythonValue::Str(text.clone())
            }
            ("str" | "os.fspath", Some(partly @ PythonValue::Partly(_))) => partly.clone(),
            ("sys.path.insert" | "sys.path.append", _) => {
                self.searches(args.positional.last());
                PythonValue::None
            }
            ("str", Some(PythonValue::Int(i))) => PythonValue::Str(i.to_string()),
            ("bool", Some(value)) => value.truth().map_or(PythonValue::Unknown, PythonValue::Bool),
            ("list" | "tuple" | "set", None) => PythonValue::list([]),
            ("list" | "tuple" | "set", Some(value @ PythonValue::List(_))) => value.clone(),
            ("sorted", Some(value)) => match value.strings() {
                Some(mut items) if args.keywords.is_empty() => {
                    items.sort();
                    PythonValue::list(items.into_iter().map(PythonValue::Str))
                }
                _ => PythonValue::Unknown,
            },
            _ => {
                // Something from outside that runs while the noxfile loads may register sessions;
                // nox's own functions, the standard library and plain classes do not.
                let mut parts = name.split('.');
                let top = parts.next().unwrap_or_default();
                let known = rules().harmless_modules.iter().any(|module| module == top)
                    || parts.next_back().is_some_and(is_class);
                if self.calls == 0 && self.locals.is_none() && !known {
                    self.hide(format!("`{name}(…)` may register sessions"));
                }
                PythonValue::Unknown
            }
        }
    }

    fn reads(&mut self, path: &str) -> PythonValue {
        self.effects.reads.push(path.to_owned());
        PythonValue::Unknown
    }

    fn decorator(&mut self, kind: DecoratorKind, mut args: Arguments) -> PythonValue {
        let function = match args.first() {
            Some(PythonValue::PythonFunction(number)) if kind != DecoratorKind::Parametrize => {
                Some(*number)
            }
            _ => None,
        };
        if function.is_some() {
            args.positional.remove(0);
        }
        Arc::make_mut(&mut self.decorators).push(Decorator { kind, args });
        let number = self.decorators.len() - 1;
        match function {
            Some(function) => {
                self.define(function, &[number], &[]);
                PythonValue::PythonFunction(function)
            }
            None => PythonValue::Decorator(number),
        }
    }

    /// A decorator called with a function makes a session; a partial one called with more arguments
    /// is that decorator.
    fn apply_or_extend(&mut self, number: usize, args: Arguments) -> PythonValue {
        if let Some(PythonValue::PythonFunction(function)) = args.first() {
            let function = *function;
            let below = self.decorating.as_ref().filter(|(of, _)| *of == function);
            let decorators: Vec<usize> = [number]
                .into_iter()
                .chain(below.map(|(_, d)| d.clone()).unwrap_or_default())
                .collect();
            self.define(function, &decorators, &[]);
            return PythonValue::PythonFunction(function);
        }
        let Some(base) = self.decorators.get(number) else { return PythonValue::Unknown };
        let (kind, mut merged) = (base.kind.clone(), base.args.clone());
        merged.keywords.retain(|(k, _)| args.keyword(k).is_none());
        merged.positional.extend(args.positional);
        merged.keywords.extend(args.keywords);
        merged.incomplete |= args.incomplete;
        self.decorator(kind, merged)
    }
}

/// Whether a name is written as those of classes are: `ProjectConfig`.
fn is_class(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_lowercase())
}

fn add_item(items: &[PythonValue], item: &PythonValue) -> PythonValue {
    super::value::add(&PythonValue::list(items.iter().cloned()), &PythonValue::list([item.clone()]))
}
