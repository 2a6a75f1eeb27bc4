//! Characters of an expression to tokens.

use crate::actions::expr::coerce::parse_number;
use crate::actions::expr::parse::{ExprError, ExprErrorKind};
use crate::base::text::Span;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    OpenIndex,
    CloseIndex,
    Comma,
    Dot,
    Star,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Name(String),
}

/// The tokens of `text`; `base` is added to every offset.
pub(super) fn tokens(text: &str, base: usize) -> Result<Vec<(Token, Span)>, ExprError> {
    let mut found: Vec<(Token, Span)> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let previous = found.last().map(|(token, _)| token);
        let (token, length) = match operator(rest, previous) {
            Some(operator) => operator,
            None if first == '\'' => {
                string(rest).ok_or(ExprError::at(base + at, ExprErrorKind::UnterminatedString))?
            }
            None => word(rest, previous)
                .ok_or(ExprError::at(base + at, ExprErrorKind::UnexpectedSymbol))?,
        };
        found.push((token, Span::new(base + at, base + at + length)));
        at += length;
    }
    Ok(found)
}

fn operator(rest: &str, previous: Option<&Token>) -> Option<(Token, usize)> {
    const TWO: [(&str, Token); 6] = [
        ("==", Token::Equal),
        ("!=", Token::NotEqual),
        ("<=", Token::LessOrEqual),
        (">=", Token::GreaterOrEqual),
        ("&&", Token::And),
        ("||", Token::Or),
    ];
    if let Some((_, token)) = TWO.iter().find(|(spelling, _)| rest.starts_with(spelling)) {
        return Some((token.clone(), 2));
    }
    let token = match rest.chars().next()? {
        '(' => Token::Open,
        ')' => Token::Close,
        '[' => Token::OpenIndex,
        ']' => Token::CloseIndex,
        ',' => Token::Comma,
        '*' => Token::Star,
        '!' => Token::Not,
        '<' => Token::Less,
        '>' => Token::Greater,
        // Elsewhere a dot begins a number: `.5`.
        '.' if matches!(
            previous,
            Some(Token::Name(_) | Token::Close | Token::CloseIndex | Token::Star)
        ) =>
        {
            Token::Dot
        }
        _ => return None,
    };
    Some((token, 1))
}

/// A quoted string; a quote inside is written twice. `None` when it does not end.
fn string(rest: &str) -> Option<(Token, usize)> {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let quote = at + rest[at..].find('\'')?;
        value.push_str(&rest[at..quote]);
        if !rest[quote + 1..].starts_with('\'') {
            return Some((Token::String(value), quote + 1));
        }
        value.push('\'');
        at = quote + 2;
    }
}

fn word(rest: &str, previous: Option<&Token>) -> Option<(Token, usize)> {
    let first = rest.chars().next()?;
    let is_number = first.is_ascii_digit() || matches!(first, '+' | '-' | '.');
    let ends = |c: char| c.is_whitespace() || "([)],!<>=&|".contains(c) || (c == '.' && !is_number);
    let length = rest.find(ends).unwrap_or(rest.len());
    let word = &rest[..length];
    if is_number {
        return Some(parse_number(word))
            .filter(|number| !number.is_nan())
            .map(|n| (Token::Number(n), length));
    }
    let legal = (first.is_ascii_alphabetic() || first == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !legal {
        return None;
    }
    let token = match word {
        // After a dot every word is a property name.
        _ if previous == Some(&Token::Dot) => Token::Name(word.to_owned()),
        "null" => Token::Null,
        "true" => Token::Bool(true),
        "false" => Token::Bool(false),
        "NaN" => Token::Number(f64::NAN),
        "Infinity" => Token::Number(f64::INFINITY),
        _ => Token::Name(word.to_owned()),
    };
    Some((token, length))
}
