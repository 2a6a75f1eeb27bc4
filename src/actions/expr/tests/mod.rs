//! Expressions as a whole: what the tests share, and limits on hostile input.

mod evaluation;
mod syntax;

use proptest::prelude::*;

use super::*;

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
fn alternatives_are_capped() {
    let number = |i: i32| Value::Number(f64::from(i));
    assert_eq!(Eval::one_of([]), Eval::Unknown);
    assert_eq!(Eval::one_of([number(1), number(1)]), Eval::Known(number(1)));
    assert!(matches!(Eval::one_of((0..64).map(number)), Eval::OneOf(values) if values.len() == 64));
    assert_eq!(Eval::one_of((0..65).map(number)), Eval::Unknown);
    let two = || Eval::one_of([number(1), number(2)]);
    let sum =
        |values: &[&Value]| Eval::Known(Value::Number(values.iter().map(|v| v.to_number()).sum()));
    assert_eq!(
        Eval::combine(&[two(), two()], sum),
        Eval::one_of([number(2), number(3), number(4)])
    );
    assert!(Eval::combine(&vec![two(); 6], sum).values().is_some());
    assert_eq!(Eval::combine(&vec![two(); 7], sum), Eval::Unknown);
    assert_eq!(Eval::combine(&[two(), Eval::Unknown], sum), Eval::Unknown);
    assert_eq!(two().known(), None);
}

#[test]
fn depth_and_length_are_limited() {
    let nested =
        |n: usize, open: &str, inner: &str, close: &str| open.repeat(n) + inner + &close.repeat(n);
    for (open, inner, close) in
        [("(", "1", ")"), ("!", "1", ""), ("f(", "1", ")"), ("a[", "1", "]")]
    {
        assert!(parse_expr(&nested(40, open, inner, close)).is_ok(), "{open}");
        let error = parse_expr(&nested(60, open, inner, close)).expect_err("too deep");
        assert_eq!(error.kind, ExprErrorKind::TooDeep, "{open}");
    }
    assert_eq!(
        parse_expr(&format!("1{}", " == 1".repeat(100))).map_err(|e| e.kind),
        Err(ExprErrorKind::TooDeep)
    );
    assert!(parse_expr(&format!("1{}", " || 1".repeat(4000))).is_ok(), "a chain is flat");
    assert!(parse_expr(&format!("a{}", ".b".repeat(9000))).is_ok(), "an access is flat");
    assert_eq!(parse_expr(&"1 ".repeat(11_000)).map_err(|e| e.kind), Err(ExprErrorKind::TooLong));
}

#[test]
fn growth_is_limited() {
    let mut text = "'xxxxxxxxxx'".to_owned();
    for _ in 0..40 {
        text = format!("format('{{0}}{{0}}{{0}}{{0}}', {text})");
    }
    assert_eq!(value(&text), Eval::Unknown);
    let wide = format!("'{}'", "x".repeat(10_000));
    assert_eq!(
        value(&format!("join(fromJSON('[{}1]'), {wide})", "1,".repeat(4_000))),
        Eval::Unknown
    );
    assert_eq!(value(&format!("a{}", ".b".repeat(9_000))), Eval::Unknown);
    let template = "${{a}}${{ b.c }}".repeat(20_000);
    assert_eq!(parse_template(&template).expect("valid").paths().len(), 2);
    let many = format!("${{{{ {wide} }}}}").repeat(7);
    assert_eq!(eval_template(&parse_template(&many).expect("valid"), &Fixed), Eval::Unknown);
}

proptest! {
    #[test]
    fn nothing_panics(text in r"[${}' a-c().*\[\]!=<>&|,0-9xeé\n+-]{0,60}") {
        if let Ok(template) = parse_template(&text) {
            eval_template(&template, &Fixed);
            template.paths();
        }
        if let Ok(condition) = parse_condition(&text) {
            eval_condition(&condition, &Nothing);
        }
    }

    #[test]
    fn parts_cover_the_template(text in r"(\$\{\{ '?a?'? \}\}|[a-c$é{}' ]){0,12}") {
        if let Ok(template) = parse_template(&text) {
            let covered: String = template.parts.iter().map(|part| match part {
                TemplatePart::Literal { span, .. } | TemplatePart::Expr { span, .. } => &text[span.range()],
            }).collect();
            prop_assert_eq!(covered, text);
        }
    }

    #[test]
    fn numbers_survive_printing(number in -1e6..1e6) {
        let text = Value::Number(number).to_text();
        let back = Value::from(text.as_str()).to_number();
        prop_assert!((back - number).abs() <= number.abs() * 1e-14, "{} printed as {}", number, text);
    }
}
