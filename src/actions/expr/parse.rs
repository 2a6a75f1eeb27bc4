//! Tokens of an expression to its syntax tree.

use crate::actions::expr::ast::{CompareOp, Expr, ExprKind, LogicalOp, PathStep};
use crate::actions::expr::lex::{Token, tokens};
use crate::actions::expr::value::Value;
use crate::base::text::Span;

/// GitHub's own limits: characters of one expression, and its depth.
const MAX_LENGTH: usize = 21_000;
const MAX_DEPTH: usize = 50;

/// Why a text isn't an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ExprError {
    /// Byte offset into the text that was given to the parser.
    pub offset: usize,
    pub kind: ExprErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExprErrorKind {
    #[error("`${{{{` without a closing `}}}}`")]
    Unterminated,
    #[error("string without a closing quote")]
    UnterminatedString,
    #[error("an expression was expected")]
    Empty,
    #[error("unexpected symbol")]
    UnexpectedSymbol,
    #[error("unexpected end of the expression")]
    UnexpectedEnd,
    #[error("expression longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("expression nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl ExprError {
    pub(super) fn at(offset: usize, kind: ExprErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// Parses what stands between `${{` and `}}`. Names of contexts and functions are not checked:
/// forges differ.
pub fn parse_expr(text: &str) -> Result<Expr, ExprError> {
    parse_at(text, 0)
}

/// [`parse_expr`] of a piece of text that begins at the offset `base`.
pub(super) fn parse_at(text: &str, base: usize) -> Result<Expr, ExprError> {
    if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
        return Err(ExprError::at(base, ExprErrorKind::TooLong));
    }
    let tokens = tokens(text, base)?;
    if tokens.is_empty() {
        return Err(ExprError::at(base, ExprErrorKind::Empty));
    }
    let mut parser = Parser { tokens, next: 0, end: base + text.len(), depth: 0, chained: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    next: usize,
    end: usize,
    depth: usize,
    /// Comparisons that continue a chain (`a == b == c`): each deepens the tree without nesting in
    /// the text.
    chained: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn advance(&mut self) -> Option<(Token, Span)> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), ExprError> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Where the next token starts, for errors.
    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(_, span)| span.start)
    }

    /// Where the last token taken ends.
    fn taken_to(&self) -> usize {
        self.next
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(self.end, |(_, span)| span.end)
    }

    fn unexpected(&self) -> ExprError {
        let kind = if self.peek().is_some() {
            ExprErrorKind::UnexpectedSymbol
        } else {
            ExprErrorKind::UnexpectedEnd
        };
        ExprError::at(self.offset(), kind)
    }

    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        if self.depth == MAX_DEPTH {
            return Err(ExprError::at(self.offset(), ExprErrorKind::TooDeep));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Result<Expr, ExprError> {
        self.nested(|parser| parser.logical(&Token::Or, LogicalOp::Or, Self::and))
    }

    fn and(&mut self) -> Result<Expr, ExprError> {
        self.logical(&Token::And, LogicalOp::And, Self::equality)
    }

    fn logical(
        &mut self,
        token: &Token,
        op: LogicalOp,
        operand: fn(&mut Self) -> Result<Expr, ExprError>,
    ) -> Result<Expr, ExprError> {
        let first = operand(self)?;
        if self.peek() != Some(token) {
            return Ok(first);
        }
        let start = first.span.start;
        let mut args = vec![first];
        while self.take(token) {
            args.push(operand(self)?);
        }
        let span = Span::new(start, self.taken_to());
        Ok(Expr { kind: ExprKind::Logical { op, args }, span })
    }

    fn equality(&mut self) -> Result<Expr, ExprError> {
        self.compare(Self::relation, |token| match token {
            Token::Equal => Some(CompareOp::Equal),
            Token::NotEqual => Some(CompareOp::NotEqual),
            _ => None,
        })
    }

    fn relation(&mut self) -> Result<Expr, ExprError> {
        self.compare(Self::unary, |token| match token {
            Token::Less => Some(CompareOp::Less),
            Token::LessOrEqual => Some(CompareOp::LessOrEqual),
            Token::Greater => Some(CompareOp::Greater),
            Token::GreaterOrEqual => Some(CompareOp::GreaterOrEqual),
            _ => None,
        })
    }

    fn compare(
        &mut self,
        operand: fn(&mut Self) -> Result<Expr, ExprError>,
        operator: fn(&Token) -> Option<CompareOp>,
    ) -> Result<Expr, ExprError> {
        let mut left = operand(self)?;
        let mut is_chain = false;
        while let Some(op) = self.peek().and_then(operator) {
            self.chained += usize::from(is_chain);
            if self.chained == MAX_DEPTH {
                return Err(ExprError::at(self.offset(), ExprErrorKind::TooDeep));
            }
            is_chain = true;
            self.next += 1;
            let right = operand(self)?;
            let span = Span::new(left.span.start, self.taken_to());
            left = Expr {
                kind: ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) },
                span,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, ExprError> {
        let start = self.offset();
        if self.take(&Token::Not) {
            let inner = self.nested(Self::unary)?;
            let span = Span::new(start, self.taken_to());
            return Ok(Expr { kind: ExprKind::Not(Box::new(inner)), span });
        }
        self.access()
    }

    fn access(&mut self) -> Result<Expr, ExprError> {
        let start = self.offset();
        let is_group = self.peek() == Some(&Token::Open);
        let base = self.primary()?;
        if !is_group && matches!(base.kind, ExprKind::Literal(_)) {
            return Ok(base);
        }
        let mut steps = Vec::new();
        loop {
            if self.take(&Token::Dot) {
                steps.push(self.property()?);
            } else if self.take(&Token::OpenIndex) {
                steps.push(self.index()?);
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = Span::new(start, self.taken_to());
        // Parentheses do not end an access: `(a.*).b` filters like `a.*.b`.
        let kind = match base.kind {
            ExprKind::Access { base, steps: mut before } => {
                before.extend(steps);
                ExprKind::Access { base, steps: before }
            }
            _ => ExprKind::Access { base: Box::new(base), steps },
        };
        Ok(Expr { kind, span })
    }

    fn property(&mut self) -> Result<PathStep, ExprError> {
        match self.peek() {
            Some(Token::Star) => {
                self.next += 1;
                Ok(PathStep::Star)
            }
            Some(Token::Name(name)) => {
                let kind = ExprKind::Literal(Value::String(name.clone()));
                let start = self.offset();
                self.next += 1;
                Ok(PathStep::Index(Expr { kind, span: Span::new(start, self.taken_to()) }))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn index(&mut self) -> Result<PathStep, ExprError> {
        let step = if self.take(&Token::Star) {
            PathStep::Star
        } else {
            PathStep::Index(self.expression()?)
        };
        self.expect(&Token::CloseIndex)?;
        Ok(step)
    }

    fn primary(&mut self) -> Result<Expr, ExprError> {
        let error = self.unexpected();
        let Some((token, span)) = self.advance() else { return Err(error) };
        let kind = match token {
            Token::Null => ExprKind::Literal(Value::Null),
            Token::Bool(value) => ExprKind::Literal(Value::Bool(value)),
            Token::Number(value) => ExprKind::Literal(Value::Number(value)),
            Token::String(value) => ExprKind::Literal(Value::String(value)),
            Token::Open => {
                let inner = self.expression()?;
                self.expect(&Token::Close)?;
                return Ok(inner);
            }
            Token::Name(name) if self.take(&Token::Open) => {
                ExprKind::FunctionCall { name, args: self.arguments()? }
            }
            Token::Name(name) => ExprKind::Context(name),
            _ => return Err(error),
        };
        Ok(Expr { kind, span: Span::new(span.start, self.taken_to()) })
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, ExprError> {
        let mut args = Vec::new();
        if self.take(&Token::Close) {
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            if self.take(&Token::Close) {
                return Ok(args);
            }
            self.expect(&Token::Comma)?;
        }
    }
}
