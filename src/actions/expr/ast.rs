//! The syntax tree of an expression, and the questions asked of it without evaluating.

use std::collections::HashSet;

use crate::actions::expr::value::Value;
use crate::base::text::Span;

/// An expression; its span is in bytes of the text that was given to the parser, without
/// surrounding parentheses.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Literal(Value),
    /// A bare context name such as `github`, as written.
    Context(String),
    /// `base.step[step].*`; never nested directly in another `Access`.
    Access {
        base: Box<Expr>,
        steps: Vec<PathStep>,
    },
    /// A function call; the name as written, functions being case-insensitive.
    FunctionCall {
        name: String,
        args: Vec<Expr>,
    },
    Not(Box<Expr>),
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// A chain of one operator: at least two operands.
    Logical {
        op: LogicalOp,
        args: Vec<Expr>,
    },
}

/// One step of an access: `.name` is an index by a string literal.
#[derive(Debug, Clone, PartialEq)]
pub enum PathStep {
    Index(Expr),
    Star,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogicalOp {
    And,
    Or,
}

/// A call found in an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FunctionCall<'a> {
    pub span: Span,
    pub args: &'a [Expr],
}

impl Expr {
    /// The string when this is a string literal.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The expressions directly inside, in order of appearance.
    fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Context(_) => Vec::new(),
            ExprKind::Access { base, steps } => {
                let indices = steps.iter().filter_map(|step| match step {
                    PathStep::Index(index) => Some(index),
                    PathStep::Star => None,
                });
                std::iter::once(&**base).chain(indices).collect()
            }
            ExprKind::FunctionCall { args, .. } | ExprKind::Logical { args, .. } => {
                args.iter().collect()
            }
            ExprKind::Not(inner) => vec![&**inner],
            ExprKind::Compare { left, right, .. } => vec![&**left, &**right],
        }
    }

    /// Calls `visit` with this expression and everything in it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.children().into_iter().for_each(|child| child.walk(visit));
    }

    /// The context path that this expression is, when it is nothing else: `matrix['os']` is
    /// `matrix`, `os`.
    pub fn as_path(&self) -> Option<Vec<String>> {
        match &self.kind {
            ExprKind::Context(_) => Some(self.static_path()).filter(|path| !path.is_empty()),
            ExprKind::Access { steps, .. } => {
                Some(self.static_path()).filter(|path| path.len() == steps.len() + 1)
            }
            _ => None,
        }
    }

    /// Every context path used, as far as it is static, each once, in order of appearance, in the
    /// case written.
    ///
    /// A path ends where an index is computed or `*`: `matrix[github.job].x` gives `matrix` and
    /// `github`, `job`.
    pub fn paths(&self) -> Vec<Vec<String>> {
        distinct_paths([self])
    }

    fn collect_paths(&self, found: &mut Vec<Vec<String>>) {
        let path = self.static_path();
        // The base of an access is the beginning of its path, not a use of its own.
        let already_seen = usize::from(!path.is_empty());
        if !path.is_empty() {
            found.push(path);
        }
        self.children().into_iter().skip(already_seen).for_each(|child| child.collect_paths(found));
    }

    /// All calls of the function `name` (in any case), outermost first.
    pub fn calls(&self, name: &str) -> Vec<FunctionCall<'_>> {
        let mut found = Vec::new();
        self.walk(&mut |expr| {
            if let ExprKind::FunctionCall { name: called, args } = &expr.kind
                && called.eq_ignore_ascii_case(name)
            {
                found.push(FunctionCall { span: expr.span, args });
            }
        });
        found
    }

    /// The static beginning of a context access; empty for everything else.
    fn static_path(&self) -> Vec<String> {
        match &self.kind {
            ExprKind::Context(name) => vec![name.clone()],
            ExprKind::Access { base, steps } => {
                let mut path = base.static_path();
                if !path.is_empty() {
                    path.extend(steps.iter().map_while(PathStep::literal));
                }
                path
            }
            _ => Vec::new(),
        }
    }
}

impl PathStep {
    /// The key when it is written out: `.os`, `['os']`, `[0]`.
    fn literal(&self) -> Option<String> {
        match self {
            PathStep::Index(Expr { kind: ExprKind::Literal(value), .. }) => Some(value.to_text()),
            _ => None,
        }
    }
}

/// The context paths of all `exprs`, each once, in order of appearance.
pub(super) fn distinct_paths<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    exprs.into_iter().for_each(|expr| expr.collect_paths(&mut found));
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    found
}
