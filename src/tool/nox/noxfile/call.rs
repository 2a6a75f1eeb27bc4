//! Calls in a noxfile: what sessions do, what nox's own functions make, and the few library
//! functions worth knowing.

use std::sync::Arc;

use tree_sitter::Node;

use super::definition::{Decorator, DecoratorKind};
use super::exec::{NoxfileReader, PythonSource};
use super::shell;
use super::value::{Value, join};
use crate::actions::context::HOME;
use crate::rules::folders::folders;
use crate::rules::nox::rules;
use crate::rules::wrappers::WRAPPERS;

/// The arguments of a call.
#[derive(Debug, Default, Clone)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) keywords: Vec<(String, Value)>,
    /// `**something` that is not known.
    pub(super) incomplete: bool,
    /// `*something` that is not known, at the end: the words of the call may be among them.
    pub(super) open: bool,
}

impl Arguments {
    pub(super) fn keyword(&self, name: &str) -> Option<&Value> {
        self.keywords.iter().find(|(k, _)| k == name).map(|(_, v)| v)
    }

    pub(super) fn first(&self) -> Option<&Value> {
        self.positional.first()
    }

    /// Whether the session object is handed on.
    fn pass_session(&self) -> bool {
        self.positional
            .iter()
            .chain(self.keywords.iter().map(|(_, v)| v))
            .any(|v| *v == Value::Session)
    }
}

impl NoxfileReader<'_> {
    pub(super) fn call(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Value {
        let (Some(function), Some(list)) =
            (node.child_by_field_name("function"), node.child_by_field_name("arguments"))
        else {
            return Value::Unknown;
        };
        // A method of a value: `"…".join(…)`, `path.joinpath(…)`, `names.append(…)`.
        if let (Some(object), Some(method)) =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"))
        {
            let value = self.eval(object, source);
            let args = self.arguments(list, source);
            let method = source.text(method).to_owned();
            return match self.attribute(&value, &method) {
                Value::Name(name) => {
                    if name.starts_with("session.") {
                        let line = node.start_position().row + 1;
                        self.calling = Some(format!("`{}`, line {line}", source.path));
                    }
                    self.named_call(&name, args)
                }
                Value::PythonFunction(number) => {
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
            Value::PythonFunction(number) => self.enter(number, &args.positional, &args.keywords),
            Value::Name(name) => self.named_call(&name, args),
            Value::Decorator(number) => self.apply_or_extend(number, args),
            _ => {
                self.effects.opaque |= args.pass_session();
                Value::Unknown
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
                    Some(Value::List(items)) => args.positional.extend(items.iter().cloned()),
                    _ => {
                        args.positional.push(Value::Unknown);
                        args.open = true;
                    }
                },
                "dictionary_splat" => match child.named_child(0).map(|n| self.eval(n, source)) {
                    Some(Value::Dict(pairs)) => {
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
        value: &Value,
        method: &str,
        args: &Arguments,
        source: &Arc<PythonSource>,
    ) -> Value {
        self.effects.opaque |= args.pass_session();
        match (value, method, args.first()) {
            (Value::Str(glue), "join", Some(parts)) => match parts.strings() {
                Some(parts) => Value::Str(parts.join(glue)),
                None => Value::Unknown,
            },
            (Value::Str(text), "split", None) => {
                Value::list(text.split_whitespace().map(Value::str))
            }
            (Value::Str(text), "split", Some(Value::Str(at))) if !at.is_empty() => {
                Value::list(text.split(at.as_str()).map(Value::str))
            }
            (Value::Str(text), "replace", Some(Value::Str(from))) => match args.positional.get(1) {
                Some(Value::Str(to)) if !from.is_empty() => {
                    Value::Str(text.replace(from.as_str(), to))
                }
                _ => Value::Unknown,
            },
            (Value::Str(text), "lower", None) => Value::Str(text.to_lowercase()),
            (Value::Str(text), "upper", None) => Value::Str(text.to_uppercase()),
            (Value::Str(text), "strip", None) => Value::str(text.trim()),
            (Value::Str(text), "format", _) => {
                let parts: Option<Vec<&str>> = args.positional.iter().map(Value::text).collect();
                let plain = args.keywords.is_empty() && !args.incomplete;
                parts
                    .filter(|_| plain)
                    .and_then(|parts| formatted(text, &parts))
                    .map_or_else(|| Value::of_shape(blanked(text), Value::Str), Value::Str)
            }
            (Value::Str(text), "endswith", Some(Value::Str(end))) => {
                Value::Bool(text.ends_with(end))
            }
            (Value::Str(text), "startswith", Some(Value::Str(start))) => {
                Value::Bool(text.starts_with(start))
            }
            (Value::Path(path) | Value::Partly(path), "joinpath", _) => {
                let parts = args.positional.iter().map(Value::shape);
                let path = parts.fold(path.clone(), |base, part| join(&base, part));
                Value::of_shape(path, Value::Path)
            }
            (
                Value::Path(_) | Value::Partly(_),
                "resolve" | "absolute" | "expanduser" | "as_posix",
                _,
            ) if method != "as_posix" || matches!(value, Value::Partly(_)) => value.clone(),
            (Value::Path(path), "glob", Some(Value::Str(pattern))) => {
                self.tracked(path, pattern, Value::Path)
            }
            (Value::Path(path), "rglob", Some(Value::Str(pattern))) => {
                self.tracked(path, &format!("**/{pattern}"), Value::Path)
            }
            (Value::Path(path), "iterdir", None) => self.tracked(path, "*", Value::Path),
            (Value::Path(path), "as_posix", _) => Value::Str(path.clone()),
            (Value::Path(path), "exists" | "is_file", _)
                if self.files.is_tracked(&join(&self.folder, path)) =>
            {
                Value::Bool(true)
            }
            (Value::Path(path), "read_text" | "read_bytes" | "open", _) => {
                self.effects.reads.push(path.clone());
                Value::Unknown
            }
            (Value::Dict(pairs), "get", Some(key)) => {
                let found = pairs
                    .iter()
                    .rev()
                    .find(|(k, _)| k.equals(key) == Some(true))
                    .map(|(_, v)| v.clone());
                found.unwrap_or(Value::Unknown)
            }
            (Value::Dict(pairs), "pop", Some(key))
                if pairs.iter().all(|(k, _)| k.equals(key).is_some()) =>
            {
                let (found, rest): (Vec<_>, Vec<_>) =
                    pairs.iter().cloned().partition(|(k, _)| k.equals(key) == Some(true));
                self.update(object, Value::Dict(Arc::new(rest)), source);
                let default = args.positional.get(1).cloned().unwrap_or(Value::Unknown);
                found.into_iter().next_back().map_or(default, |(_, value)| value)
            }
            (Value::Dict(pairs), "keys", _) => Value::list(pairs.iter().map(|(k, _)| k.clone())),
            (Value::Dict(pairs), "values", _) => Value::list(pairs.iter().map(|(_, v)| v.clone())),
            (Value::Dict(pairs), "items", _) => {
                Value::list(pairs.iter().map(|(k, v)| Value::list([k.clone(), v.clone()])))
            }
            // Methods that change a list in place.
            (Value::List(items), "append", Some(item)) => {
                self.update(object, add_item(items, item), source)
            }
            (Value::List(_), "extend", Some(more)) => {
                let grown = super::value::add(value, more);
                self.update(object, grown, source)
            }
            (
                Value::List(_) | Value::Dict(_),
                "insert" | "remove" | "pop" | "sort" | "update" | "add" | "clear" | "reverse",
                _,
            ) => self.update(object, Value::Unknown, source),
            _ => Value::Unknown,
        }
    }

    /// Gives the variable that `object` names its new value; such methods return nothing.
    fn update(&mut self, object: Node<'_>, value: Value, source: &Arc<PythonSource>) -> Value {
        if object.kind() == "identifier" {
            let name = source.text(object).to_owned();
            self.names().insert(name, value);
        } else if object.kind() == "attribute" {
            self.assign(object, value, source);
        }
        Value::None
    }

    fn named_call(&mut self, name: &str, args: Arguments) -> Value {
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
        if folders().python_removers.iter().any(|remover| remover == name) {
            self.removes(args.first());
        }
        if WRAPPERS.python_functions.contains(name) {
            match args.first() {
                Some(Value::List(words)) => self.publishes(words.iter()),
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
                let id = args.keyword("id").and_then(Value::text).map(str::to_owned);
                let tags = args
                    .keyword("tags")
                    .and_then(Value::items)
                    .map(<[Value]>::to_vec)
                    .unwrap_or_default();
                Value::Param { values: Arc::new(args.positional), id, tags: Arc::new(tags) }
            }
            ("functools.partial", Some(Value::Name(inner))) => {
                let inner = inner.clone();
                let rest = Arguments {
                    positional: args.positional.get(1..).unwrap_or_default().to_vec(),
                    ..args
                };
                self.named_call(&inner, rest)
            }
            // Requirements of the project file's groups: for the files that matter, as if they were
            // named by group.
            ("nox.project.dependency_groups", _) => Value::list([Value::str("--all-groups")]),
            ("nox.project.load_toml", None) => self.reads("pyproject.toml"),
            ("nox.project.load_toml" | "open", Some(path)) => {
                match path.text().map(str::to_owned) {
                    Some(path) => self.reads(&path),
                    None => Value::Unknown,
                }
            }
            ("os.environ.get" | "os.getenv", Some(Value::Str(variable))) => {
                match self.variable(variable) {
                    Some(Value::None) => args
                        .positional
                        .get(1)
                        .or(args.keyword("default"))
                        .cloned()
                        .unwrap_or(Value::None),
                    Some(value) => value,
                    None => Value::Unknown,
                }
            }
            ("pathlib.Path" | "Path" | "pathlib.PurePath", None)
            | ("pathlib.Path.cwd" | "os.getcwd", _) => Value::Path(String::new()),
            (
                "pathlib.Path" | "pathlib.PurePath" | "os.path.join" | "os.path.abspath"
                | "os.path.realpath",
                _,
            ) => {
                let parts = args.positional.iter().map(Value::shape);
                let path = parts.fold(String::new(), |base, part| join(&base, part));
                Value::of_shape(path, Value::Path)
            }
            ("os.path.expanduser", Some(path @ (Value::Str(_) | Value::Partly(_)))) => match path {
                Value::Str(text) if text.starts_with("~/") => {
                    Value::Path(text.replacen('~', HOME, 1))
                }
                other => other.clone(),
            },
            ("pathlib.Path.home", _) => Value::Path(HOME.to_owned()),
            ("os.path.dirname", Some(Value::Path(path))) => Value::Path(join(path, "..")),
            ("os.path.exists" | "os.path.isfile", Some(path)) => match path.text() {
                Some(path) if self.files.is_tracked(&join(&self.folder, path)) => Value::Bool(true),
                _ => Value::Unknown,
            },
            ("glob.glob" | "glob.iglob", Some(pattern)) if args.keyword("root_dir").is_none() => {
                match pattern {
                    Value::Str(pattern) | Value::Path(pattern) | Value::Partly(pattern) => {
                        self.tracked("", pattern, Value::Str)
                    }
                    _ => Value::Unknown,
                }
            }
            ("os.listdir", Some(path)) => match path.text() {
                Some(path) => match self.tracked(path, "*", Value::Str).strings() {
                    Some(found) => Value::list(
                        found.iter().filter_map(|p| p.rsplit('/').next()).map(Value::str),
                    ),
                    None => Value::Unknown,
                },
                None => Value::Unknown,
            },
            ("runpy.run_path", Some(path)) => {
                if path.text().and_then(|p| self.module(&join(&self.folder, p))).is_none() {
                    self.hide("`runpy.run_path(…)` may register sessions");
                }
                Value::Unknown
            }
            ("str", Some(Value::Path(text) | Value::Str(text))) => Value::Str(text.clone()),
            ("str" | "os.fspath", Some(partly @ Value::Partly(_))) => partly.clone(),
            ("sys.path.insert" | "sys.path.append", _) => {
                self.searches(args.positional.last());
                Value::None
            }
            ("str", Some(Value::Int(i))) => Value::Str(i.to_string()),
            ("bool", Some(value)) => value.truth().map_or(Value::Unknown, Value::Bool),
            ("list" | "tuple" | "set", None) => Value::list([]),
            ("list" | "tuple" | "set", Some(value @ Value::List(_))) => value.clone(),
            ("sorted", Some(value)) => match value.strings() {
                Some(mut items) if args.keywords.is_empty() => {
                    items.sort();
                    Value::list(items.into_iter().map(Value::Str))
                }
                _ => Value::Unknown,
            },
            _ => {
                // Something from outside that runs while the noxfile loads may register sessions;
                // nox's own functions and the standard library do not.
                let top = name.split('.').next().unwrap_or_default();
                let known = rules().harmless_modules.iter().any(|module| module == top);
                if self.calls == 0 && self.locals.is_none() && !known {
                    self.hide(format!("`{name}(…)` may register sessions"));
                }
                Value::Unknown
            }
        }
    }

    fn reads(&mut self, path: &str) -> Value {
        self.effects.reads.push(path.to_owned());
        Value::Unknown
    }

    fn decorator(&mut self, kind: DecoratorKind, mut args: Arguments) -> Value {
        let function = match args.first() {
            Some(Value::PythonFunction(number)) if kind != DecoratorKind::Parametrize => {
                Some(*number)
            }
            _ => None,
        };
        if function.is_some() {
            args.positional.remove(0);
        }
        self.decorators.push(Decorator { kind, args });
        let number = self.decorators.len() - 1;
        match function {
            Some(function) => {
                self.define(function, &[number], &[]);
                Value::PythonFunction(function)
            }
            None => Value::Decorator(number),
        }
    }

    /// A decorator called with a function makes a session; a partial one called with more arguments
    /// is that decorator.
    fn apply_or_extend(&mut self, number: usize, args: Arguments) -> Value {
        if let Some(Value::PythonFunction(function)) = args.first() {
            let function = *function;
            self.define(function, &[number], &[]);
            return Value::PythonFunction(function);
        }
        let Some(base) = self.decorators.get(number) else { return Value::Unknown };
        let (kind, mut merged) = (base.kind.clone(), base.args.clone());
        merged.keywords.retain(|(k, _)| args.keyword(k).is_none());
        merged.positional.extend(args.positional);
        merged.keywords.extend(args.keywords);
        merged.incomplete |= args.incomplete;
        self.decorator(kind, merged)
    }
}

/// A template for `format` with a `*` in each of its places.
fn blanked(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// `"{}-{}".format(…)`; nothing where the template holds more than plain places in order.
fn formatted(template: &str, parts: &[&str]) -> Option<String> {
    let mut pieces = template.split("{}");
    let mut out = pieces.next()?.to_owned();
    let mut parts = parts.iter();
    for piece in pieces {
        out.push_str(parts.next()?);
        out.push_str(piece);
    }
    (!template.replace("{}", "").contains(['{', '}'])).then_some(out)
}

fn add_item(items: &[Value], item: &Value) -> Value {
    super::value::add(&Value::list(items.iter().cloned()), &Value::list([item.clone()]))
}
