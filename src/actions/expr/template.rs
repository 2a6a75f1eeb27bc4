//! Strings with `${{ }}` in them, and `if:` conditions.

use crate::actions::expr::ast::{Expr, ExprKind, FunctionCall, distinct_paths};
use crate::actions::expr::parse::{ExprError, ExprErrorKind, parse_at};
use crate::base::text::Span;

/// A string with zero or more expressions; literal parts are never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub parts: Vec<TemplatePart>,
}

/// A piece of a template; spans are in bytes of the text that was parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplatePart {
    Literal {
        text: String,
        span: Span,
    },
    Expr {
        expr: Expr,
        /// The whole `${{ }}`.
        span: Span,
    },
}

impl Template {
    /// The text when no part is an expression.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TemplatePart::Literal { text, .. }] => Some(text),
            _ => None,
        }
    }

    /// The expressions in order.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Expr { expr, .. } => Some(expr),
            TemplatePart::Literal { .. } => None,
        })
    }

    /// [`Expr::paths`] over all expressions, each path once.
    pub fn paths(&self) -> Vec<Vec<String>> {
        distinct_paths(self.exprs())
    }

    /// [`Expr::calls`] over all expressions.
    pub fn calls(&self, name: &str) -> Vec<FunctionCall<'_>> {
        self.exprs().flat_map(|expr| expr.calls(name)).collect()
    }
}

/// As [`parse_template`](super::parse_template).
pub(super) fn parse(text: &str) -> Result<Template, ExprError> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${{") {
        let open = at + found;
        push_literal(&mut parts, text, Span::new(at, open));
        let inner = open + 3;
        let close = closing(&text[inner..])
            .ok_or(ExprError::at(open, ExprErrorKind::Unterminated))?
            + inner;
        at = close + 2;
        parts.push(TemplatePart::Expr {
            expr: parse_at(&text[inner..close], inner)?,
            span: Span::new(open, at),
        });
    }
    push_literal(&mut parts, text, Span::new(at, text.len()));
    Ok(Template { parts })
}

fn push_literal(parts: &mut Vec<TemplatePart>, text: &str, span: Span) {
    if span.start < span.end {
        parts.push(TemplatePart::Literal { text: text[span.range()].to_owned(), span });
    }
}

/// Offset of the `}}` that ends an expression; inside quotes it is text.
fn closing(inner: &str) -> Option<usize> {
    let mut quoted = false;
    let mut bytes = inner.bytes().enumerate();
    bytes.find_map(|(i, byte)| {
        quoted ^= byte == b'\'';
        (!quoted && inner.as_bytes()[i..].starts_with(b"}}")).then_some(i)
    })
}

/// As [`parse_condition`](super::parse_condition).
pub(super) fn condition(text: &str) -> Result<Template, ExprError> {
    if text.contains("${{") {
        return parse(text);
    }
    let span = Span::new(0, text.len());
    let expr = if text.trim().is_empty() {
        Expr { kind: ExprKind::FunctionCall { name: "success".to_owned(), args: Vec::new() }, span }
    } else {
        parse_at(text, 0)?
    };
    Ok(Template { parts: vec![TemplatePart::Expr { expr, span }] })
}
