//! Expressions as a whole: syntax, coercions, functions, undecided values, hostile input.

use proptest::prelude::*;

use super::*;
use crate::text::Span;

/// A context of fixed paths; `matrix.either` is one of two, everything else unknown.
struct Fixed;

impl Context for Fixed {
    fn lookup(&self, path: &[String]) -> Eval {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let known = |value: Value| Eval::Known(value);
        match path.as_slice() {
            ["matrix", "os"] => known("Linux".into()),
            ["matrix", "key"] => known("os".into()),
            ["matrix", "either"] => Eval::one_of(["a".into(), "b".into()]),
            ["matrix", "maybe"] => Eval::one_of(["".into(), "b".into()]),
            ["matrix", "which"] => Eval::one_of(["os".into(), "key".into()]),
            ["matrix", "none"] => known(Value::Null),
            ["matrix", "list"] => known(Value::Array(vec![Value::Number(1.0), "x".into()])),
            ["matrix", "rows"] => known(json(r#"[{"n":"a","t":["p","q"]},{"n":"b"},3]"#)),
            _ => Eval::Unknown,
        }
    }

    fn hash_files(&self, patterns: &[Value]) -> Eval {
        Eval::Known(Value::String(format!("hash of {} patterns", patterns.len())))
    }

    fn status(&self, name: &str) -> Eval {
        Eval::Known((name == "always" || name == "success").into())
    }
}

struct Nothing;

impl Context for Nothing {
    fn lookup(&self, _: &[String]) -> Eval {
        Eval::Unknown
    }
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("test data is JSON")
}

fn value(text: &str) -> Eval {
    eval(&parse_expr(text).unwrap_or_else(|e| panic!("{text}: {e}")), &Fixed)
}

/// Each expression has the same known value as the JSON beside it.
fn assert_values(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(value(text), Eval::Known(json(expected)), "{text}");
    }
}

fn assert_unknown(table: &[&str]) {
    for text in table {
        assert_eq!(value(text), Eval::Unknown, "{text}");
    }
}

#[test]
fn literals() {
    assert_values(&[
        ("null", "null"),
        ("true", "true"),
        (" false ", "false"),
        ("12", "12"),
        ("-1.5", "-1.5"),
        ("+3", "3"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("2.5E-1", "0.25"),
        ("0xff", "255"),
        ("0xFFFFFFFF", "-1"),
        ("0o17", "15"),
        ("'it''s'", "\"it's\""),
        ("''", "\"\""),
        ("''''", "\"'\""),
        ("'\"}}'", "\"\\\"}}\""),
    ]);
}

#[test]
fn syntax_errors_have_a_kind_and_a_place() {
    use ExprErrorKind::*;
    for (text, offset, kind) in [
        ("", 0, Empty),
        ("  ", 0, Empty),
        ("1 +", 2, UnexpectedSymbol),
        ("a = b", 2, UnexpectedSymbol),
        ("a & b", 2, UnexpectedSymbol),
        ("a ==", 4, UnexpectedEnd),
        ("(a", 2, UnexpectedEnd),
        ("a)", 1, UnexpectedSymbol),
        ("a b", 2, UnexpectedSymbol),
        ("\"a\"", 0, UnexpectedSymbol),
        ("'a", 0, UnterminatedString),
        ("a['b'", 5, UnexpectedEnd),
        ("a.", 2, UnexpectedEnd),
        ("a.'b'", 2, UnexpectedSymbol),
        ("f(1,)", 4, UnexpectedSymbol),
        ("f(1 2)", 4, UnexpectedSymbol),
        ("'a'.b", 3, UnexpectedSymbol),
        ("-a", 0, UnexpectedSymbol),
        ("1x", 0, UnexpectedSymbol),
        ("0x", 0, UnexpectedSymbol),
        ("inf", 3, UnexpectedEnd),
        ("ä", 0, UnexpectedSymbol),
        ("a.ä", 2, UnexpectedSymbol),
    ] {
        if text == "inf" {
            assert!(parse_expr(text).is_ok(), "a name like any other");
            continue;
        }
        assert_eq!(parse_expr(text), Err(ExprError { offset, kind }), "{text}");
    }
}

#[test]
fn template_spans_are_offsets_into_the_text() {
    let text = "é-${{ matrix.os }}-${{ '}}' }}";
    let template = parse_template(text).expect("valid");
    let shown: Vec<(bool, &str)> = template
        .parts
        .iter()
        .map(|part| match part {
            Part::Literal { span, .. } => (false, &text[span.range()]),
            Part::Expr { span, .. } => (true, &text[span.range()]),
        })
        .collect();
    assert_eq!(shown, [(false, "é-"), (true, "${{ matrix.os }}"), (false, "-"), (true, "${{ '}}' }}")]);
    let inner: Vec<&str> = template.exprs().map(|expr| &text[expr.span.range()]).collect();
    assert_eq!(inner, ["matrix.os", "'}}'"]);
    assert_eq!(eval_template(&template, &Fixed), Eval::Known("é-Linux-}}".into()));
}
