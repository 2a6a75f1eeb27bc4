//! Statements of a noxfile, followed in order; both ways where a condition cannot be decided.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tree_sitter::Node;

use super::source::{PythonFunction, PythonSource};
use super::state::{BYTES_PER_STEP, ModuleState};
use super::value::PythonValue;
use crate::base::syntax::{self, Grammar};
use crate::tool::{Files, Variable};

/// Statements and expressions looked at before reading gives up: far above any real noxfile, and a
/// bound for loops and for what values together hold.
const MAX_STEPS: usize = 100_000;
/// Items and variables that are copied for the price of one step.
pub const COPIES_PER_STEP: usize = 8;
/// What calling a function takes besides its statements.
const STEPS_PER_CALL: usize = 8;
/// Nesting of statements and expressions.
const MAX_DEPTH: usize = 80;

pub(super) type Names = HashMap<String, PythonValue>;

/// How a block was left.
#[derive(Debug, PartialEq)]
pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return,
}

/// A noxfile that is being read, and what it finds around it.
pub struct NoxfileReader<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) env: &'a dyn Fn(&str) -> Variable,
    pub(super) state: ModuleState,
    /// Functions that were called.
    pub(super) parsed: HashMap<usize, Arc<PythonSource>>,
    /// The most work it may have taken in the end, in steps.
    pub(in crate::tool::nox) most: usize,
}

impl Deref for NoxfileReader<'_> {
    type Target = ModuleState;

    fn deref(&self) -> &ModuleState {
        &self.state
    }
}

impl DerefMut for NoxfileReader<'_> {
    fn deref_mut(&mut self) -> &mut ModuleState {
        &mut self.state
    }
}

impl NoxfileReader<'_> {
    /// Counts one step; false when the bounds are reached.
    pub(super) fn step(&mut self) -> bool {
        self.spend(1);
        self.goes_on() && self.depth < MAX_DEPTH
    }

    /// Counts the copying of so many items or variables; false when the bound is reached.
    pub(super) fn copy(&mut self, items: usize) -> bool {
        self.spend(items / COPIES_PER_STEP);
        self.goes_on()
    }

    /// Counts the call of a function; false when the bound is reached.
    pub(super) fn call_step(&mut self) -> bool {
        self.spend(STEPS_PER_CALL);
        self.goes_on()
    }

    /// Whether more work would be needed than is allowed: what is known then is not all.
    pub(in crate::tool::nox) fn is_exhausted(&self) -> bool {
        self.work() > self.most
    }

    fn goes_on(&self) -> bool {
        self.steps < MAX_STEPS && !self.is_exhausted()
    }

    fn spend(&mut self, steps: usize) {
        let before = self.steps;
        self.steps = before.saturating_add(steps);
        if before < MAX_STEPS && self.steps >= MAX_STEPS {
            self.hide(format!("evaluating the noxfile takes more than {MAX_STEPS} steps"));
        }
    }

    pub(super) fn hide(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.hidden_sessions.contains(&why) {
            self.hidden_sessions.push(why);
        }
    }

    pub(super) fn names(&mut self) -> &mut Names {
        let ModuleState { locals, globals, current, .. } = &mut self.state;
        match locals {
            Some(locals) => locals,
            None => Arc::make_mut(&mut globals[*current]),
        }
    }

    pub(super) fn lookup(&self, name: &str) -> Option<PythonValue> {
        let local = self.locals.as_ref().and_then(|names| names.get(name));
        local.or_else(|| self.globals.get(self.current)?.get(name)).cloned()
    }

    pub(super) fn block(&mut self, block: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        let mut cursor = block.walk();
        let statements: Vec<Node<'_>> = block.named_children(&mut cursor).collect();
        for statement in statements {
            self.depth += 1;
            let flow = if self.step() { self.statement(statement, source) } else { Flow::On };
            self.depth -= 1;
            if flow != Flow::On {
                return flow;
            }
        }
        Flow::On
    }

    fn statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        match node.kind() {
            "expression_statement" => self.expression_statement(node, source),
            "import_statement" | "import_from_statement" => self.import(node, source),
            "function_definition" => {
                let function = self.function(node, source);
                self.assign_name(node, source, function);
            }
            "decorated_definition" => self.decorated(node, source),
            "class_definition" => self.assign_name(node, source, PythonValue::Unknown),
            "if_statement" => return self.if_statement(node, source),
            "for_statement" => return self.for_statement(node, source),
            "while_statement" => self.doubtful(|reader| reader.field_block(node, "body", source)),
            "try_statement" => return self.try_statement(node, source),
            "with_statement" => return self.with_statement(node, source),
            "match_statement" => self.doubtful(|reader| reader.cases(node, source)),
            "return_statement" => {
                let value = node.named_child(0).map_or(PythonValue::None, |v| self.eval(v, source));
                self.returned.push(value);
                return Flow::Return;
            }
            "raise_statement" => return Flow::Return,
            "break_statement" => return Flow::Break,
            "continue_statement" => return Flow::Continue,
            _ => {}
        }
        Flow::On
    }

    fn assign_name(&mut self, node: Node<'_>, source: &PythonSource, value: PythonValue) {
        if let Some(name) = node.child_by_field_name("name") {
            let name = source.text(name).to_owned();
            self.names().insert(name, value);
        }
    }

    /// The tree of a function that is called; `None` when it can't be read.
    pub(super) fn parse_function(&mut self, number: usize) -> Option<Arc<PythonSource>> {
        if let Some(known) = self.parsed.get(&number) {
            return Some(Arc::clone(known));
        }
        let function = self.functions.get(number)?;
        let (module, start) = (Arc::clone(&function.text), (function.span.start, function.line));
        let span = function.span.clone();
        self.spend(span.len() / BYTES_PER_STEP);
        if !self.goes_on() {
            return None;
        }
        let tree = syntax::parse(Grammar::Python, module.text.get(span)?)?;
        let source = Arc::new(PythonSource { module, start, tree });
        self.parsed.insert(number, Arc::clone(&source));
        Some(source)
    }

    /// Makes a function value; its body is read when it is called.
    pub(super) fn function(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let name =
            node.child_by_field_name("name").map(|n| source.text(n).to_owned()).unwrap_or_default();
        let function = PythonFunction {
            name,
            text: Arc::clone(&source.module),
            module: self.current,
            span: source.span(node),
            line: source.line(node) - 1,
            captured: self.locals.clone().unwrap_or_default(),
        };
        let captured = function.captured.len();
        Arc::make_mut(&mut self.functions).push(function);
        self.copy(captured);
        PythonValue::PythonFunction(self.functions.len() - 1)
    }

    fn expression_statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) {
        let Some(inner) = node.named_child(0) else { return };
        match inner.kind() {
            "assignment" => {
                let Some(left) = inner.child_by_field_name("left") else { return };
                // `a = b = value` nests to the right.
                let value = match inner.child_by_field_name("right") {
                    Some(right) if right.kind() == "assignment" => self.chained(right, source),
                    Some(right) => self.eval(right, source),
                    None => return,
                };
                self.assign(left, value, source);
            }
            "augmented_assignment" => {
                let (Some(left), Some(right)) =
                    (inner.child_by_field_name("left"), inner.child_by_field_name("right"))
                else {
                    return;
                };
                let (old, new) = (self.eval(left, source), self.eval(right, source));
                let adds =
                    inner.child_by_field_name("operator").is_some_and(|op| source.text(op) == "+=");
                let value = if adds { super::value::add(&old, &new) } else { PythonValue::Unknown };
                self.assign(left, value, source);
            }
            _ => drop(self.eval(inner, source)),
        }
    }

    fn chained(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> PythonValue {
        let value = node
            .child_by_field_name("right")
            .map_or(PythonValue::Unknown, |right| self.eval(right, source));
        if let Some(left) = node.child_by_field_name("left") {
            self.assign(left, value.clone(), source);
        }
        value
    }

    pub(super) fn assign(
        &mut self,
        target: Node<'_>,
        value: PythonValue,
        source: &Arc<PythonSource>,
    ) {
        match target.kind() {
            "identifier" => {
                let name = source.text(target).to_owned();
                self.names().insert(name, value);
            }
            "attribute" => {
                let object = target.child_by_field_name("object").map(|o| self.eval(o, source));
                let Some(attribute) = target.child_by_field_name("attribute") else { return };
                if object == Some(PythonValue::Name("nox.options".to_owned())) {
                    let name = source.text(attribute).to_owned();
                    self.option_values.entry(name.clone()).or_default().push(value.clone());
                    self.options.insert(name, value);
                }
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let mut cursor = target.walk();
                let targets: Vec<Node<'_>> = target.named_children(&mut cursor).collect();
                let parts = value
                    .items()
                    .filter(|items| items.len() == targets.len())
                    .map(<[PythonValue]>::to_vec);
                for (i, part) in targets.into_iter().enumerate() {
                    let value = parts
                        .as_ref()
                        .and_then(|p| p.get(i))
                        .cloned()
                        .unwrap_or(PythonValue::Unknown);
                    self.assign(part, value, source);
                }
            }
            // An item or slice of something: what it belongs to is no longer known.
            "subscript" => {
                if let Some(base) =
                    target.child_by_field_name("value").filter(|b| b.kind() == "identifier")
                {
                    let name = source.text(base).to_owned();
                    self.names().insert(name, PythonValue::Unknown);
                }
            }
            _ => {}
        }
    }

    pub(super) fn field_block(
        &mut self,
        node: Node<'_>,
        field: &str,
        source: &Arc<PythonSource>,
    ) -> Flow {
        node.child_by_field_name(field).map_or(Flow::On, |block| self.block(block, source))
    }

    fn cases(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        let Some(body) = node.child_by_field_name("body") else { return Flow::On };
        let cases: Vec<Node<'_>> = body.named_children(&mut body.walk()).collect();
        for case in cases {
            self.doubtful(|reader| reader.field_block(case, "consequence", source));
        }
        Flow::On
    }

    /// Follows something that may or may not happen: what it changes is unknown afterwards.
    pub(super) fn doubtful(&mut self, happens: impl FnOnce(&mut Self) -> Flow) {
        self.either(happens, |_| Flow::On);
    }

    /// Follows two ways of which one happens.
    fn either(
        &mut self,
        one: impl FnOnce(&mut Self) -> Flow,
        other: impl FnOnce(&mut Self) -> Flow,
    ) -> Flow {
        let copied = self.names().len() + self.options.len();
        // Both ways are copied, and then compared.
        if !self.copy(3 * copied) {
            return Flow::On;
        }
        self.doubts += 1;
        let (names, options) = (self.names().clone(), self.options.clone());
        let first = one(self);
        let (first_names, first_options) =
            (std::mem::replace(self.names(), names), std::mem::replace(&mut self.options, options));
        let second = other(self);
        self.doubts -= 1;
        match (first == Flow::On, second == Flow::On) {
            // A way that leaves the block does not reach what follows.
            (false, true) => Flow::On,
            (true, false) => {
                *self.names() = first_names;
                self.options = first_options;
                Flow::On
            }
            (true, true) | (false, false) => {
                merge(self.names(), first_names);
                merge(&mut self.options, first_options);
                if first == second { first } else { Flow::On }
            }
        }
    }

    fn if_statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        let alternatives: Vec<Node<'_>> =
            node.children_by_field_name("alternative", &mut node.walk()).collect();
        self.branch(node, &alternatives, source)
    }

    /// `node` has a condition and a consequence; `rest` are the `elif` and `else` clauses after it.
    fn branch(&mut self, node: Node<'_>, rest: &[Node<'_>], source: &Arc<PythonSource>) -> Flow {
        if node.kind() == "else_clause" {
            return self.field_block(node, "body", source);
        }
        let truth =
            node.child_by_field_name("condition").and_then(|c| self.eval(c, source).truth());
        self.depth += 1;
        let flow = match truth {
            Some(true) => self.field_block(node, "consequence", source),
            Some(false) => self.otherwise(rest, source),
            None if !self.step() => Flow::On,
            None => self.either(
                |r| r.field_block(node, "consequence", source),
                |r| r.otherwise(rest, source),
            ),
        };
        self.depth -= 1;
        flow
    }

    fn otherwise(&mut self, rest: &[Node<'_>], source: &Arc<PythonSource>) -> Flow {
        rest.split_first().map_or(Flow::On, |(next, rest)| self.branch(*next, rest, source))
    }

    fn for_statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        let (Some(target), Some(over)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return Flow::On;
        };
        let Some(items) = self.eval(over, source).items().map(<[PythonValue]>::to_vec) else {
            self.doubtful(|reader| {
                reader.assign(target, PythonValue::Unknown, source);
                reader.field_block(node, "body", source)
            });
            return Flow::On;
        };
        for item in items {
            self.assign(target, item, source);
            match self.field_block(node, "body", source) {
                Flow::Return => return Flow::Return,
                Flow::Break => break,
                Flow::On | Flow::Continue => {}
            }
            if !self.step() {
                break;
            }
        }
        Flow::On
    }

    fn with_statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        // `with session.chdir(…):` comes back.
        let before = self.cwd.clone();
        let items: Vec<Node<'_>> =
            node.named_children(&mut node.walk()).filter(|c| c.kind() == "with_clause").collect();
        for clause in items {
            let items: Vec<Node<'_>> = clause.named_children(&mut clause.walk()).collect();
            for value in items.into_iter().filter_map(|item| item.child_by_field_name("value")) {
                let (expression, alias) = match value.kind() {
                    "as_pattern" => (value.named_child(0), value.child_by_field_name("alias")),
                    _ => (Some(value), None),
                };
                if let Some(expression) = expression {
                    self.eval(expression, source);
                }
                if let Some(name) = alias.and_then(|a| a.named_child(0)) {
                    self.assign(name, PythonValue::Unknown, source);
                }
            }
        }
        let comes_back = self.cwd != before;
        let flow = self.field_block(node, "body", source);
        if comes_back {
            self.cwd = before;
        }
        flow
    }
}

/// What is true after either of two ways: values on which they agree, else unknown.
fn merge<K: std::hash::Hash + Ord + Clone, M>(into: &mut M, other: M)
where
    M: IntoIterator<Item = (K, PythonValue)> + Extend<(K, PythonValue)> + Clone,
    M: Default,
{
    let mut all: BTreeMap<K, PythonValue> = std::mem::take(into).into_iter().collect();
    let mut seen: BTreeMap<K, ()> = BTreeMap::new();
    for (name, value) in other {
        seen.insert(name.clone(), ());
        let merged = match all.get(&name) {
            Some(same) if *same == value => value,
            // A function that only one way defines is meant when it is called at all.
            None if matches!(value, PythonValue::PythonFunction(_)) => value,
            _ => PythonValue::Unknown,
        };
        all.insert(name, merged);
    }
    for (name, value) in &mut all {
        if !seen.contains_key(name) && !matches!(value, PythonValue::PythonFunction(_)) {
            *value = PythonValue::Unknown;
        }
    }
    into.extend(all);
}
