//! Expressions of a noxfile: constants, lists, paths, texts, and what the environment says.

use std::sync::Arc;

use tree_sitter::Node;

use super::effects::seeks_archives;
use super::exec::{Flow, NoxfileReader};
use super::source::PythonSource;
use super::value::{MAX_SIZE, PythonValue, add, join};
use crate::rules::nox::rules;
use crate::tool::Variable;

impl NoxfileReader<'_> {
    pub(super) fn eval(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        if !self.step() {
            return PythonValue::Unknown;
        }
        self.depth += 1;
        let value = self.expression(node, source);
        self.depth -= 1;
        // A name gives the list that it stands for, everything else may have made one.
        let copied = match (node.kind(), &value) {
            ("identifier" | "attribute", PythonValue::List(_) | PythonValue::Dict(_)) => 0,
            _ => value.weight(),
        };
        if self.copy(copied) { value } else { PythonValue::Unknown }
    }

    fn expression(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let field = |name| node.child_by_field_name(name);
        match node.kind() {
            "identifier" => {
                let name = source.text(node);
                self.effects.shares |= self.is_shared(name);
                self.identifier(name)
            }
            "true" => PythonValue::Bool(true),
            "false" => PythonValue::Bool(false),
            "none" => PythonValue::None,
            "integer" => source
                .text(node)
                .replace('_', "")
                .parse()
                .map_or(PythonValue::Unknown, PythonValue::Int),
            "string" => self.string(node, source),
            "concatenated_string" => self
                .children(node, source)
                .iter()
                .fold(PythonValue::str(""), |text, next| add(&text, next)),
            "list" | "tuple" | "set" | "expression_list" => self.sequence(node, source),
            "dictionary" => self.dictionary(node, source),
            "parenthesized_expression" | "await" => {
                node.named_child(0).map_or(PythonValue::Unknown, |n| self.eval(n, source))
            }
            "named_expression" => {
                let value = field("value").map_or(PythonValue::Unknown, |n| self.eval(n, source));
                if let Some(name) = field("name") {
                    self.assign(name, value.clone(), source);
                }
                value
            }
            "attribute" => match (field("object"), field("attribute")) {
                (Some(object), Some(attribute)) => {
                    let object = self.eval(object, source);
                    self.attribute(&object, source.text(attribute))
                }
                _ => PythonValue::Unknown,
            },
            "subscript" => self.subscript(node, source),
            "call" => self.call(node, source),
            "conditional_expression" => match self.children(node, source).as_slice() {
                [yes, condition, no] => match condition.truth() {
                    Some(true) => yes.clone(),
                    Some(false) => no.clone(),
                    None if yes == no => yes.clone(),
                    None => PythonValue::Unknown,
                },
                _ => PythonValue::Unknown,
            },
            "not_operator" => match field("argument").and_then(|n| self.eval(n, source).truth()) {
                Some(truth) => PythonValue::Bool(!truth),
                None => PythonValue::Unknown,
            },
            "boolean_operator" => self.boolean(node, source),
            "comparison_operator" => self.comparison(node, source),
            "binary_operator" => self.binary(node, source),
            "unary_operator" => match field("argument").map(|n| self.eval(n, source)) {
                Some(PythonValue::Int(i))
                    if field("operator").is_some_and(|op| source.text(op) == "-") =>
                {
                    PythonValue::Int(-i)
                }
                _ => PythonValue::Unknown,
            },
            "list_comprehension" | "set_comprehension" | "generator_expression" => {
                self.comprehension(node, source)
            }
            _ => PythonValue::Unknown,
        }
    }

    pub(super) fn children(
        &mut self,
        node: Node<'_>,
        source: &Arc<PythonSource>,
    ) -> Vec<PythonValue> {
        let children: Vec<Node<'_>> =
            node.named_children(&mut node.walk()).filter(|c| c.kind() != "comment").collect();
        children.into_iter().map(|child| self.eval(child, source)).collect()
    }

    fn identifier(&self, name: &str) -> PythonValue {
        self.lookup(name).unwrap_or(match name {
            "list" | "tuple" | "set" | "sorted" | "str" | "open" | "len" | "range" | "bool"
            | "print" => PythonValue::Name(name.to_owned()),
            _ => PythonValue::Unknown,
        })
    }

    fn string(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let mut text = String::new();
        let raw = node
            .child(0)
            .is_some_and(|start| source.text(start).to_ascii_lowercase().contains('r'));
        let parts: Vec<Node<'_>> = node.named_children(&mut node.walk()).collect();
        for part in &parts {
            match part.kind() {
                "string_content" => {
                    let content = source.text(*part);
                    if content.contains('\\') && !raw {
                        return PythonValue::Unknown;
                    }
                    self.effects.seeks_archives |= seeks_archives(content);
                    text.push_str(content);
                }
                "interpolation" => {
                    let value = part
                        .child_by_field_name("expression")
                        .map_or(PythonValue::Unknown, |e| self.eval(e, source));
                    if part.child_by_field_name("format_specifier").is_some() {
                        text.push('*');
                        continue;
                    }
                    match (value, part.child_by_field_name("type_conversion")) {
                        (PythonValue::Str(s) | PythonValue::Path(s), None) => text.push_str(&s),
                        (PythonValue::Int(i), None) => text.push_str(&i.to_string()),
                        (value, Some(conversion)) if source.text(conversion) == "!r" => {
                            match value.repr() {
                                Some(repr) => text.push_str(&repr),
                                None => text.push('*'),
                            }
                        }
                        (value, _) => text.push_str(value.shape()),
                    }
                }
                _ => {}
            }
        }
        let computed = parts.iter().any(|part| part.kind() == "interpolation");
        match text.len() > MAX_SIZE {
            true => PythonValue::Unknown,
            false if computed => PythonValue::of_shape(text, PythonValue::Str),
            false => PythonValue::Str(text),
        }
    }

    fn sequence(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let mut items = Vec::new();
        let children: Vec<Node<'_>> = node.named_children(&mut node.walk()).collect();
        for child in children {
            match child.kind() {
                "comment" => {}
                "list_splat" => match child.named_child(0).map(|n| self.eval(n, source)) {
                    Some(PythonValue::List(more)) => items.extend(more.iter().cloned()),
                    _ => return PythonValue::Unknown,
                },
                _ => items.push(self.eval(child, source)),
            }
        }
        if items.len() > MAX_SIZE { PythonValue::Unknown } else { PythonValue::list(items) }
    }

    fn dictionary(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let mut pairs = Vec::new();
        let children: Vec<Node<'_>> = node.named_children(&mut node.walk()).collect();
        for child in children {
            match (
                child.kind(),
                child.child_by_field_name("key"),
                child.child_by_field_name("value"),
            ) {
                ("comment", ..) => {}
                ("pair", Some(key), Some(value)) => {
                    pairs.push((self.eval(key, source), self.eval(value, source)))
                }
                _ => return PythonValue::Unknown,
            }
        }
        PythonValue::Dict(Arc::new(pairs))
    }

    pub(super) fn attribute(&mut self, object: &PythonValue, attribute: &str) -> PythonValue {
        match (object, attribute) {
            (PythonValue::Session, "python") => self.python.clone(),
            // A runner is no terminal.
            (PythonValue::Session, "interactive") => PythonValue::Bool(false),
            (PythonValue::Session, _) => {
                self.effects.leftovers.extend(rules().session_leftovers.get(attribute).cloned());
                PythonValue::Name(format!("session.{attribute}"))
            }
            (PythonValue::Path(path), "parent") => PythonValue::Path(join(path, "..")),
            (PythonValue::Path(path), "name") => {
                PythonValue::str(path.rsplit('/').next().unwrap_or_default())
            }
            (PythonValue::Name(name), _) if name == "sys" && attribute == "platform" => {
                PythonValue::Unknown
            }
            (PythonValue::Name(name), _) => match self.module_named(name) {
                Some(module) => module.get(attribute).cloned().unwrap_or(PythonValue::Unknown),
                None => PythonValue::Name(format!("{name}.{attribute}")),
            },
            (PythonValue::PythonFunction(number), "__name__") => self
                .functions
                .get(*number)
                .map_or(PythonValue::Unknown, |f| PythonValue::str(&f.name)),
            _ => PythonValue::Unknown,
        }
    }

    fn subscript(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let Some(base) = node.child_by_field_name("value").map(|n| self.eval(n, source)) else {
            return PythonValue::Unknown;
        };
        let Some(index) = node.child_by_field_name("subscript") else {
            return PythonValue::Unknown;
        };
        if index.kind() == "slice" {
            let Some(items) = base.items() else { return PythonValue::Unknown };
            let mut bounds = [None, None];
            let mut at = 0;
            let parts: Vec<Node<'_>> = index.children(&mut index.walk()).collect();
            for part in parts {
                if part.kind() == ":" {
                    at += 1;
                } else {
                    let value = self.eval(part, source);
                    match (bounds.get_mut(at), value) {
                        (Some(bound), PythonValue::Int(i)) => *bound = Some(i),
                        _ => return PythonValue::Unknown,
                    }
                }
            }
            let place = |bound: i64| {
                let from_end = if bound < 0 { items.len() as i64 + bound } else { bound };
                from_end.clamp(0, items.len() as i64) as usize
            };
            let (start, end) = (bounds[0].map_or(0, place), bounds[1].map_or(items.len(), place));
            return PythonValue::list(
                items.get(start..end.max(start)).unwrap_or_default().iter().cloned(),
            );
        }
        let index = self.eval(index, source);
        match (&base, &index) {
            (PythonValue::List(items), PythonValue::Int(i)) => {
                let at = if *i < 0 { items.len() as i64 + i } else { *i };
                usize::try_from(at)
                    .ok()
                    .and_then(|at| items.get(at))
                    .cloned()
                    .unwrap_or(PythonValue::Unknown)
            }
            (PythonValue::Dict(pairs), key) => {
                let found = pairs.iter().rev().find(|(k, _)| k.equals(key) == Some(true));
                found.map_or(PythonValue::Unknown, |(_, value)| value.clone())
            }
            (PythonValue::Name(name), PythonValue::Str(variable)) if name == "os.environ" => {
                self.variable(variable).unwrap_or(PythonValue::Unknown)
            }
            _ => PythonValue::Unknown,
        }
    }

    /// An environment variable: `Some(None)` as a value when it is not set, `None` when that is
    /// unknown.
    pub(super) fn variable(&self, name: &str) -> Option<PythonValue> {
        match (self.env)(name) {
            Variable::Set(value) => Some(PythonValue::Str(value)),
            Variable::Unknown => None,
            Variable::Unset => match rules().runner_variables.get(name) {
                Some(value) => Some(PythonValue::str(value)),
                None if rules()
                    .runner_variable_prefixes
                    .iter()
                    .any(|prefix| name.starts_with(prefix)) =>
                {
                    None
                }
                None => Some(PythonValue::None),
            },
        }
    }

    fn boolean(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return PythonValue::Unknown;
        };
        let and = node.child_by_field_name("operator").is_some_and(|op| source.text(op) == "and");
        let (left, right) = (self.eval(left, source), self.eval(right, source));
        match (left.truth(), right.truth()) {
            (Some(truth), _) => {
                if truth == and {
                    right
                } else {
                    left
                }
            }
            // `x and False` is false whatever x is, as far as `if` is concerned.
            (None, Some(truth)) if truth != and => PythonValue::Bool(truth),
            _ => PythonValue::Unknown,
        }
    }

    fn comparison(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let operators: Vec<String> = node
            .children_by_field_name("operators", &mut node.walk())
            .map(|op| source.text(op).to_owned())
            .collect();
        let [operator] = operators.as_slice() else { return PythonValue::Unknown };
        let operands = self.children(node, source);
        let [left, right] = operands.as_slice() else { return PythonValue::Unknown };
        let contains = || match (left, right) {
            (PythonValue::Str(variable), PythonValue::Name(name)) if name == "os.environ" => {
                self.variable(variable).map(|value| value != PythonValue::None)
            }
            (PythonValue::Str(part), PythonValue::Str(whole)) => {
                Some(whole.contains(part.as_str()))
            }
            (item, PythonValue::List(items)) => {
                let found: Vec<Option<bool>> = items.iter().map(|i| i.equals(item)).collect();
                if found.contains(&Some(true)) {
                    Some(true)
                } else {
                    (!found.contains(&None)).then_some(false)
                }
            }
            (key, PythonValue::Dict(pairs)) => {
                pairs.iter().map(|(k, _)| k.equals(key)).try_fold(false, |so, k| k.map(|k| so || k))
            }
            _ => None,
        };
        let truth = match operator.as_str() {
            "==" | "is" => left.equals(right),
            "!=" | "is not" => left.equals(right).map(|same| !same),
            "in" => contains(),
            "not in" => contains().map(|found| !found),
            _ => None,
        };
        truth.map_or(PythonValue::Unknown, PythonValue::Bool)
    }

    fn binary(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return PythonValue::Unknown;
        };
        let (left, right) = (self.eval(left, source), self.eval(right, source));
        match node.child_by_field_name("operator").map(|op| source.text(op)) {
            Some("+") => add(&left, &right),
            Some("/") => match &left {
                PythonValue::Path(base) | PythonValue::Partly(base) => {
                    PythonValue::of_shape(join(base, right.shape()), PythonValue::Path)
                }
                _ => PythonValue::Unknown,
            },
            _ => PythonValue::Unknown,
        }
    }

    /// A function that is not followed may do anything with a session that it is given.
    fn not_entered(&mut self, args: &[PythonValue]) -> PythonValue {
        self.effects.opaque |= args.contains(&PythonValue::Session);
        PythonValue::Unknown
    }

    /// Reads a function's body with its parameters bound; returns what it returns.
    pub(super) fn enter(
        &mut self,
        number: usize,
        args: &[PythonValue],
        keywords: &[(String, PythonValue)],
    ) -> PythonValue {
        const MAX_CALLS: usize = 5;
        let Some(function) = self.functions.get(number) else { return PythonValue::Unknown };
        if self.calls >= MAX_CALLS {
            return self.not_entered(args);
        }
        let module = function.module;
        let mut names = function.captured.clone();
        if !self.call_step() || !self.copy(names.len()) {
            return self.not_entered(args);
        }
        let Some(source) = self.parse_function(number) else { return self.not_entered(args) };
        let Some(node) = source.function() else { return self.not_entered(args) };
        let parameters: Vec<Node<'_>> = node
            .child_by_field_name("parameters")
            .map(|p| p.named_children(&mut p.walk()).collect())
            .unwrap_or_default();
        let mut positional = args.iter();
        let mut left: Vec<(PythonValue, PythonValue)> =
            keywords.iter().map(|(k, v)| (PythonValue::str(k), v.clone())).collect();
        for parameter in parameters {
            let splat = if parameter.kind() == "typed_parameter" {
                parameter.named_child(0)
            } else {
                Some(parameter)
            };
            if let Some(splat) = splat.filter(|s| s.kind().ends_with("_splat_pattern")) {
                let value = match splat.kind() {
                    "dictionary_splat_pattern" => {
                        PythonValue::Dict(Arc::new(std::mem::take(&mut left)))
                    }
                    _ => PythonValue::list(positional.by_ref().cloned()),
                };
                if let Some(name) = splat.named_child(0) {
                    names.insert(source.text(name).to_owned(), value);
                }
                continue;
            }
            let name = match parameter.kind() {
                "identifier" => Some(parameter),
                "typed_parameter" => parameter.named_child(0).filter(|n| n.kind() == "identifier"),
                "default_parameter" | "typed_default_parameter" => {
                    parameter.child_by_field_name("name")
                }
                _ => None,
            };
            let Some(name) = name.map(|n| source.text(n).to_owned()) else { continue };
            left.retain(|(k, _)| k.text() != Some(name.as_str()));
            let given = keywords
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| v.clone())
                .or_else(|| positional.next().cloned());
            let value = given.unwrap_or_else(|| match parameter.child_by_field_name("value") {
                Some(default) => self.eval(default, &source),
                None => PythonValue::Unknown,
            });
            names.insert(name, value);
        }
        let Some(body) = node.child_by_field_name("body") else { return PythonValue::Unknown };
        // What the grammar cannot read is not seen.
        self.effects.opaque |= source.tree.root_node().has_error();
        let outer = (self.locals.replace(names), std::mem::replace(&mut self.current, module));
        let returned = std::mem::take(&mut self.returned);
        self.calls += 1;
        let ended = self.block(body, &source);
        self.calls -= 1;
        (self.locals, self.current) = outer;
        let results = std::mem::replace(&mut self.returned, returned);
        match (results.as_slice(), ended) {
            ([one], Flow::Return) => one.clone(),
            ([], _) => PythonValue::None,
            _ => PythonValue::Unknown,
        }
    }
}
