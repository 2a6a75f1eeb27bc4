//! Expressions to values, as far as a context knows them.

use std::cell::Cell;
use std::cmp::Ordering;

use crate::actions::expr::ast::{CompareOp, Expr, ExprKind, LogicalOp, PathStep};
use crate::actions::expr::functions;
use crate::actions::expr::template::{Template, TemplatePart};
use crate::actions::expr::value::{Eval, MAX_ALTERNATIVES, Value};

/// What one evaluation may produce in all its intermediate values, in bytes; hostile files stop
/// here.
const MAX_WORK: usize = 4 << 20;

/// What is known about the run in which an expression is evaluated.
pub trait Context {
    /// The value at a path such as `matrix`, `os`, in the case written although case does not
    /// matter to GitHub. What certainly does not exist is known to be null.
    fn lookup(&self, path: &[String]) -> Eval;

    /// The result of `hashFiles` with these arguments.
    fn hash_files(&self, patterns: &[Value]) -> Eval {
        let _ = patterns;
        Eval::Unknown
    }

    /// The result of the status function `name`: `success`, `failure`, `cancelled` or `always`, in
    /// lower case.
    fn status(&self, name: &str) -> Eval {
        if name == "always" { Eval::Known(Value::Bool(true)) } else { Eval::Unknown }
    }
}

/// The value of an expression. What would fail on the runner is unknown.
///
/// Several uses of one context value are taken as independent: [`Eval::OneOf`] may hold a value too
/// many, never one too few.
pub fn eval(expr: &Expr, context: &dyn Context) -> Eval {
    Evaluator::new(context).eval(expr)
}

/// The value of a template: of its expression when it is nothing else, otherwise the concatenated
/// text.
pub fn eval_template(template: &Template, context: &dyn Context) -> Eval {
    Evaluator::new(context).template(template)
}

/// Whether a condition holds, see [`crate::actions::expr::parse_condition`]: a boolean, either, or
/// unknown.
pub fn eval_condition(condition: &Template, context: &dyn Context) -> Eval {
    let evaluator = Evaluator::new(context);
    match condition.parts.as_slice() {
        [TemplatePart::Expr { expr, .. }] => evaluator.truth(expr),
        // Literal text is true whatever is next to it.
        parts if parts.iter().any(|part| matches!(part, TemplatePart::Literal { .. })) => {
            Eval::Known(Value::Bool(true))
        }
        _ => evaluator.template(condition).map(|value| Value::Bool(value.is_truthy())),
    }
}

struct Evaluator<'a> {
    context: &'a dyn Context,
    work_left: Cell<usize>,
}

/// Where an access has arrived.
enum Cursor {
    /// Still static: the context is asked only when the path is complete, for it may know the leaf
    /// but not the whole.
    Paths(Vec<Vec<String>>),
    Value(Eval),
    /// The results of `*`; further steps apply to each item.
    Filtered(Eval),
}

impl<'a> Evaluator<'a> {
    fn new(context: &'a dyn Context) -> Self {
        Self { context, work_left: Cell::new(MAX_WORK) }
    }

    fn eval(&self, expr: &Expr) -> Eval {
        if self.work_left.get() == 0 {
            return Eval::Unknown;
        }
        let result = match &expr.kind {
            ExprKind::Literal(value) => Eval::Known(value.clone()),
            ExprKind::Context(name) => self.context.lookup(std::slice::from_ref(name)),
            ExprKind::Access { base, steps } => self.access(base, steps),
            ExprKind::FunctionCall { name, args } => self.call(name, args),
            ExprKind::Not(_) => self.truth(expr),
            ExprKind::Compare { op, left, right } => {
                Eval::combine(&[self.eval(left), self.eval(right)], |sides| compare(*op, sides))
            }
            ExprKind::Logical { op, args } => self.logical(*op, args),
        };
        self.charged(result)
    }

    /// `result`, unless the work allowed is used up.
    fn charged(&self, result: Eval) -> Eval {
        let weight: usize =
            1 + result.values().unwrap_or_default().into_iter().map(weight).sum::<usize>();
        self.work_left.set(self.work_left.get().saturating_sub(weight));
        if self.work_left.get() == 0 { Eval::Unknown } else { result }
    }

    fn template(&self, template: &Template) -> Eval {
        if let [TemplatePart::Expr { expr, .. }] = template.parts.as_slice() {
            return self.eval(expr);
        }
        let mut text = Eval::Known(Value::String(String::new()));
        for part in &template.parts {
            let next = match part {
                TemplatePart::Literal { text, .. } => Eval::Known(Value::String(text.clone())),
                TemplatePart::Expr { expr, .. } => self.eval(expr),
            };
            let joined = Eval::combine(&[text, next], functions::concat);
            text = self.charged(joined);
            if text == Eval::Unknown {
                break;
            }
        }
        text
    }

    /// The truth of an expression, a boolean; unlike its value it can be known although an operand
    /// is not.
    fn truth(&self, expr: &Expr) -> Eval {
        match &expr.kind {
            ExprKind::Not(inner) => self.truth(inner).map(|truth| Value::Bool(!truth.is_truthy())),
            ExprKind::Logical { op, args } => {
                let decisive = Eval::Known(Value::Bool(*op == LogicalOp::Or));
                let mut truths = Vec::new();
                for arg in args {
                    let truth = self.truth(arg);
                    if truth == decisive {
                        return decisive;
                    }
                    truths.push(truth);
                }
                Eval::union(truths)
            }
            _ => self.eval(expr).map(|value| Value::Bool(value.is_truthy())),
        }
    }

    fn logical(&self, op: LogicalOp, args: &[Expr]) -> Eval {
        let mut results = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            let eval = self.eval(arg);
            let Some(values) = eval.values() else { return Eval::Unknown };
            let is_last = i + 1 == args.len();
            let (end, go_on): (Vec<&Value>, Vec<&Value>) = values
                .into_iter()
                .partition(|value| is_last || value.is_truthy() == (op == LogicalOp::Or));
            results.extend(end.into_iter().cloned());
            if go_on.is_empty() {
                break;
            }
        }
        Eval::one_of(results)
    }

    fn access(&self, base: &Expr, steps: &[PathStep]) -> Eval {
        let mut cursor = match &base.kind {
            ExprKind::Context(name) => Cursor::Paths(vec![vec![name.clone()]]),
            _ => Cursor::Value(self.eval(base)),
        };
        for step in steps {
            cursor = match step {
                PathStep::Star => Cursor::Filtered(match cursor {
                    Cursor::Filtered(eval) => eval.map(|value| filtered(value, items)),
                    other => self.resolve(other).map(|value| Value::Array(items(value))),
                }),
                PathStep::Index(index) => {
                    let index = self.eval(index);
                    match cursor {
                        Cursor::Paths(paths) => match extend_paths(paths, &index) {
                            Some(paths) => Cursor::Paths(paths),
                            None => return Eval::Unknown,
                        },
                        Cursor::Value(eval) => {
                            Cursor::Value(Eval::combine(&[eval, index], |pair| match pair {
                                [value, index] => {
                                    Eval::Known(item(value, index).unwrap_or(Value::Null))
                                }
                                _ => Eval::Unknown,
                            }))
                        }
                        Cursor::Filtered(eval) => {
                            Cursor::Filtered(Eval::combine(&[eval, index], |pair| match pair {
                                [value, index] => Eval::Known(filtered(value, |v| {
                                    item(v, index).into_iter().collect()
                                })),
                                _ => Eval::Unknown,
                            }))
                        }
                    }
                }
            };
        }
        self.resolve(cursor)
    }

    fn resolve(&self, cursor: Cursor) -> Eval {
        let eval = match cursor {
            Cursor::Paths(paths) => Eval::union(paths.iter().map(|path| self.context.lookup(path))),
            Cursor::Value(eval) | Cursor::Filtered(eval) => eval,
        };
        self.charged(eval)
    }

    fn call(&self, name: &str, args: &[Expr]) -> Eval {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "success" | "failure" | "cancelled" | "always" if args.is_empty() => {
                self.context.status(&name)
            }
            "case" => self.case(args),
            "hashfiles" if !args.is_empty() => {
                let args: Vec<Eval> = args.iter().map(|arg| self.eval(arg)).collect();
                Eval::combine(&args, |values| {
                    let patterns: Vec<Value> =
                        values.iter().map(|value| (*value).clone()).collect();
                    self.context.hash_files(&patterns)
                })
            }
            _ => match functions::find(&name, args.len()) {
                Some(function) => {
                    let args: Vec<Eval> = args.iter().map(|arg| self.eval(arg)).collect();
                    Eval::combine(&args, |values| {
                        function(values).map_or(Eval::Unknown, Eval::Known)
                    })
                }
                None => Eval::Unknown,
            },
        }
    }

    /// `case(condition, value, ..., default)`: known although the values that are not chosen are
    /// unknown.
    fn case(&self, args: &[Expr]) -> Eval {
        let (pairs, [default]) = args.as_chunks::<2>() else { return Eval::Unknown };
        if pairs.is_empty() {
            return Eval::Unknown;
        }
        let mut results = Vec::new();
        for [condition, value] in pairs {
            let condition = self.eval(condition);
            let Some(conditions) = condition.values() else { return Eval::Unknown };
            if conditions.iter().any(|condition| !matches!(condition, Value::Bool(_))) {
                return Eval::Unknown;
            }
            if conditions.contains(&&Value::Bool(true)) {
                results.push(self.eval(value));
            }
            if !conditions.contains(&&Value::Bool(false)) {
                return Eval::union(results);
            }
        }
        results.push(self.eval(default));
        Eval::union(results)
    }
}

fn compare(op: CompareOp, sides: &[&Value]) -> Eval {
    let [left, right] = sides else { return Eval::Unknown };
    let order = left.loose_cmp(right);
    let equal = || left.loose_eq(right);
    let result = match op {
        CompareOp::Equal => equal(),
        CompareOp::NotEqual => equal().map(|equal| !equal),
        CompareOp::Less => Some(order == Some(Ordering::Less)),
        CompareOp::Greater => Some(order == Some(Ordering::Greater)),
        CompareOp::LessOrEqual => equal().map(|equal| equal || order == Some(Ordering::Less)),
        CompareOp::GreaterOrEqual => equal().map(|equal| equal || order == Some(Ordering::Greater)),
    };
    result.map_or(Eval::Unknown, |result| Eval::Known(Value::Bool(result)))
}

/// Every path with every index appended; `None` when an index is unknown, no string or number, or
/// there are too many.
fn extend_paths(mut paths: Vec<Vec<String>>, index: &Eval) -> Option<Vec<Vec<String>>> {
    let keys = index.values()?;
    let is_key = |key: &&Value| matches!(key, Value::String(_) | Value::Number(_));
    let (last, others) = keys.split_last()?;
    if keys.len() * paths.len() > MAX_ALTERNATIVES || !keys.iter().all(is_key) {
        return None;
    }
    let mut extended = Vec::new();
    for key in others {
        extended.extend(paths.iter().map(|path| [path.as_slice(), &[key.to_text()]].concat()));
    }
    // Paths are moved for the last key: a long access with one key a step stays linear.
    paths.iter_mut().for_each(|path| path.push(last.to_text()));
    extended.extend(paths);
    Some(extended)
}

/// What `value[index]` gives; `None` when there is no such item.
fn item(value: &Value, index: &Value) -> Option<Value> {
    match value {
        Value::Object(_) if index.is_primitive() => value.get(&index.to_text()).cloned(),
        Value::Array(items) => {
            let number = index.to_number().floor();
            let found = items.iter().enumerate().find(|(i, _)| *i as f64 == number);
            found.map(|(_, item)| item.clone())
        }
        _ => None,
    }
}

/// What `value.*` gives: the items of an array, the values of an object.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(entries) => entries.iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    }
}

/// The results of `step` for every item of an array that `*` made.
fn filtered(value: &Value, step: impl FnMut(&Value) -> Vec<Value>) -> Value {
    Value::Array(items(value).iter().flat_map(step).collect())
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len(),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(entries) => {
            1 + entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>()
        }
    }
}
