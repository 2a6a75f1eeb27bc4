//! `${{ }}`: parsed, and evaluated as far as static facts allow.

mod ast;
mod coerce;
mod eval;
mod functions;
mod lex;
mod parse;
mod parse_cache;
mod template;
mod value;

pub use ast::{CompareOp, Expr, ExprKind, FunctionCall, LogicalOp, PathStep};
pub use eval::{Context, eval, eval_condition, eval_template};
pub use parse::{ExprError, ExprErrorKind, parse_expr};
pub use parse_cache::{parse_condition, parse_template};
pub use template::{Template, TemplatePart};
pub use value::{Eval, MAX_ALTERNATIVES, Value};

#[cfg(test)]
mod tests;
