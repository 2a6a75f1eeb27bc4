//! Literals, precedence, errors, spans, and what is found without evaluating.

use super::*;

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
        ("ä", 0, UnexpectedSymbol),
        ("a.ä", 2, UnexpectedSymbol),
    ] {
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
            TemplatePart::Literal { span, .. } => (false, &text[span.range()]),
            TemplatePart::Expr { span, .. } => (true, &text[span.range()]),
        })
        .collect();
    assert_eq!(
        shown,
        [(false, "é-"), (true, "${{ matrix.os }}"), (false, "-"), (true, "${{ '}}' }}")]
    );
    let inner: Vec<&str> = template.exprs().map(|expr| &text[expr.span.range()]).collect();
    assert_eq!(inner, ["matrix.os", "'}}'"]);
    assert_eq!(eval_template(&template, &Fixed), Eval::Known("é-Linux-}}".into()));
}

#[test]
fn templates_that_github_refuses() {
    use ExprErrorKind::*;
    for (text, offset, kind) in [
        ("a ${{ b", 2, Unterminated),
        ("${{ 'a }}", 0, Unterminated),
        ("x${{ }}", 4, Empty),
        ("ü${{ a b }}", 8, UnexpectedSymbol),
        ("${{ a }}${{ 'x }} ", 8, Unterminated),
    ] {
        assert_eq!(parse_template(text), Err(ExprError { offset, kind }), "{text}");
    }
    for text in ["", "}}", "$ {{ a }}", "{{ a }}", "${ a }"] {
        assert_eq!(parse_template(text).expect("text").literal(), Some(text));
    }
}

#[test]
fn precedence() {
    assert_values(&[
        ("true || false && false", "true"),
        ("(true || false) && false", "false"),
        ("1 < 2 == true", "true"),
        ("1 == 2 < 3", "true"),
        ("1 == 1 == 2", "false"),
        ("!1 == 2", "false"),
        ("!(1 == 2)", "true"),
        ("!!'a'", "true"),
        ("0 || 1 && 2 || 3", "2"),
        ("2 > 1 != false", "true"),
    ]);
}

#[test]
fn paths_in_use() {
    for (text, expected) in [
        ("matrix.os", "matrix.os"),
        ("Matrix['OS'] || matrix.os", "Matrix.OS matrix.os"),
        ("matrix.os == matrix.os", "matrix.os"),
        ("toJSON(matrix)", "matrix"),
        ("matrix.a.*.b", "matrix.a"),
        ("matrix.a[0].b", "matrix.a.0.b"),
        ("matrix[github.job].x", "matrix github.job"),
        ("(needs.a).outputs.b", "needs.a.outputs.b"),
        ("fromJSON(needs.a).b", "needs.a"),
        ("!env.a && format('{0}', env.b)", "env.a env.b"),
        ("'matrix.os'", ""),
    ] {
        let paths: Vec<String> =
            parse_expr(text).expect(text).paths().iter().map(|path| path.join(".")).collect();
        assert_eq!(paths.join(" "), expected, "{text}");
    }
    let template = parse_template("${{ a.b }}${{ a.b }}${{ c }}").expect("valid");
    assert_eq!(template.paths(), [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]]);
    let whole = |text: &str| parse_expr(text).expect(text).as_path().map(|path| path.join("."));
    assert_eq!(whole("matrix['os']").as_deref(), Some("matrix.os"));
    for text in ["matrix.*", "matrix[a]", "matrix.a || 1", "fromJSON('1').a", "'a'"] {
        assert_eq!(whole(text), None, "{text}");
    }
}

#[test]
fn calls_with_their_spans() {
    let text = "k-${{ hashFiles('a', 'b') }}-${{ format('{0}', HASHFILES(matrix.f)) }}";
    let template = parse_template(text).expect("valid");
    let calls = template.calls("hashFiles");
    let shown: Vec<&str> = calls.iter().map(|call| &text[call.span.range()]).collect();
    assert_eq!(shown, ["hashFiles('a', 'b')", "HASHFILES(matrix.f)"]);
    let args: Vec<Option<&str>> =
        calls.iter().flat_map(|call| call.args).map(Expr::as_str).collect();
    assert_eq!(args, [Some("a"), Some("b"), None]);
    assert_eq!(&text[calls[0].args[1].span.range()], "'b'");
    assert!(template.calls("toJSON").is_empty());
}
