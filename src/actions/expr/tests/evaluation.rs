//! Coercions, functions, access, undecided values, conditions.

use super::*;

#[test]
fn equality_and_order_coerce() {
    assert_values(&[
        ("'LINUX' == 'linux'", "true"),
        ("'É' == 'é'", "true"),
        ("'ß' == 'ss'", "false"),
        ("'ı' == 'I'", "false"),
        ("1 == '1'", "true"),
        ("1 == ' 1.0 '", "true"),
        ("31 == '0x1f'", "true"),
        ("1 == 'one'", "false"),
        ("0 == ''", "true"),
        ("null == ''", "true"),
        ("null == 0", "true"),
        ("null == false", "true"),
        ("null == 'null'", "false"),
        ("true == 'true'", "false"),
        ("true == 1", "true"),
        ("NaN == NaN", "false"),
        ("NaN != NaN", "true"),
        ("'NaN' == NaN", "false"),
        ("'a' < 'B'", "true"),
        ("'b' < 'A'", "false"),
        ("'𐀀' < '￮'", "true"),
        ("'ab' > 'A'", "true"),
        ("'10' < '9'", "true"),
        ("'10' < 9", "false"),
        ("1 <= 1", "true"),
        ("NaN <= NaN", "false"),
        ("'x' < 1", "false"),
        ("'x' > 1", "false"),
        ("matrix.list == 1", "false"),
        ("matrix.list < 1", "false"),
    ]);
    // Equal only when they are the same object, which values do not show.
    assert_unknown(&[
        "matrix.list == matrix.list",
        "matrix.list != matrix.rows",
        "matrix.list <= matrix.list",
    ]);
}

#[test]
fn numbers_print_as_the_runner_prints_them() {
    for (number, text) in [
        (3.10, "3.1"),
        (3.0, "3"),
        (0.0, "0"),
        (-0.0, "0"),
        (-2.5, "-2.5"),
        (100.0, "100"),
        (0.1 + 0.2, "0.3"),
        (1.0 / 3.0, "0.333333333333333"),
        (0.000_1, "0.0001"),
        (0.000_012, "1.2E-05"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1E+15"),
        (123_456_789_012_345_678.0, "1.23456789012346E+17"),
        (0.999_999_999_999_999_9, "1"),
        (1e100, "1E+100"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(Value::Number(number).to_text(), text);
    }
    assert_eq!(Value::Null.to_text(), "");
    assert_eq!(Value::Bool(true).to_text(), "true");
    assert_eq!(json("[1]").to_text(), "Array");
    assert_eq!(json("{}").to_text(), "Object");
}

#[test]
fn truth_of_values() {
    assert_values(&[
        ("!null", "true"),
        ("!0", "true"),
        ("!NaN", "true"),
        ("!''", "true"),
        ("!'false'", "false"),
        ("!'0'", "false"),
        ("!matrix.list", "false"),
        ("!fromJSON('{}')", "false"),
    ]);
}

#[test]
fn functions_of_known_values() {
    assert_values(&[
        ("contains('Hello', 'LL')", "true"),
        ("contains('Hello', 'lo ')", "false"),
        ("contains('', '')", "true"),
        ("contains(120, 2)", "true"),
        ("contains(matrix.list, '1')", "true"),
        ("contains(matrix.list, 'X')", "true"),
        ("contains(matrix.list, 'xx')", "false"),
        ("contains('Array', matrix.list)", "false"),
        ("contains(fromJSON('{\"a\":1}'), 'a')", "false"),
        ("startsWith('refs/tags/v1', 'REFS/tags/')", "true"),
        ("startsWith('refs/heads/x', 'refs/tags/')", "false"),
        ("startsWith(matrix.list, 'Arr')", "false"),
        ("endsWith('a.PY', '.py')", "true"),
        ("endsWith('a.pyc', '.py')", "false"),
        ("format('{0}-{1}-{0}', 'a', 3.10)", "\"a-3.1-a\""),
        ("format('{{0}} {0}', 'x')", "\"{0} x\""),
        ("format('x')", "\"x\""),
        ("join(matrix.list)", "\"1,x\""),
        ("join(matrix.list, '-')", "\"1-x\""),
        ("join(matrix.list, matrix.list)", "\"1,x\""),
        ("join('a', '-')", "\"a\""),
        ("join(fromJSON('{\"a\":1}'))", "\"\""),
        ("join(fromJSON('[[1],{}]'), '')", "\"ArrayObject\""),
        ("toJSON('a\"b')", r#""\"a\\\"b\"""#),
        ("TOJSON(fromjson('[]'))", "\"[]\""),
        ("toJSON(fromJSON('{\"a\":[1,null]}'))", r#""{\n  \"a\": [\n    1,\n    null\n  ]\n}""#),
        ("fromJSON('3.0')", "3"),
        ("fromJSON('{\"A\":{\"b\":[5]}}').a['B'][0]", "5"),
        ("case(false, 'a', true, 'b', 'c')", "\"b\""),
        ("case(false, 'a', 'c')", "\"c\""),
        ("case(true, 'a', matrix.unknown)", "\"a\""),
        ("hashFiles('a', 'b')", "\"hash of 2 patterns\""),
        ("success()", "true"),
        ("Always()", "true"),
        ("failure()", "false"),
        ("cancelled()", "false"),
    ]);
}

#[test]
fn what_fails_or_does_not_exist_is_unknown() {
    assert_unknown(&[
        "contains('a')",
        "contains('a', 'b', 'c')",
        "format()",
        "format('{1}', 'x')",
        "format('{a}', 'x')",
        "format('{}', 'x')",
        "format('{0', 'x')",
        "format('0}', 'x')",
        "format('{99999999999999999999}', 'x')",
        "join()",
        "toJSON()",
        "fromJSON('')",
        "fromJSON('{')",
        "case(true, 'a')",
        "case(1, 'a', 'b')",
        "case(true, 'a', false, 'b')",
        "hashFiles()",
        "hashFiles(matrix.unknown)",
        "replace('a', 'b', 'c')",
        "always(1)",
    ]);
}

#[test]
fn access() {
    assert_values(&[
        ("matrix['os']", "\"Linux\""),
        ("matrix[matrix.key]", "\"Linux\""),
        ("matrix [ 'os' ]", "\"Linux\""),
        ("matrix.rows.*.n", r#"["a","b"]"#),
        ("matrix.rows[*].t[1]", r#"["q"]"#),
        ("matrix.rows.*.t.*", r#"["p","q"]"#),
        ("(matrix.rows.*).n", r#"["a","b"]"#),
        ("matrix.os.*", "[]"),
        ("fromJSON('[1,2]')[1]", "2"),
        ("fromJSON('[1,2]')['1']", "2"),
        ("fromJSON('[1,2]')[1.9]", "2"),
        ("fromJSON('[1,2]')[2]", "null"),
        ("fromJSON('[1,2]')[-1]", "null"),
        ("fromJSON('{\"1\":5}')[1]", "5"),
        ("fromJSON('1').a", "null"),
        ("contains(matrix.rows.*.n, 'B')", "true"),
    ]);
    assert_unknown(&[
        "github.ref",
        "matrix[github.ref]",
        "matrix[true]",
        "matrix.unknown.*",
        "fromJSON(github.ref).a",
    ]);
}

#[test]
fn undecided_values() {
    let one_of = |values: &[&str]| Eval::one_of(values.iter().map(|v| json(v)));
    for (text, expected) in [
        ("matrix.either", one_of(&["\"a\"", "\"b\""])),
        ("format('x{0}', matrix.either)", one_of(&["\"xa\"", "\"xb\""])),
        ("matrix.either == 'a'", one_of(&["true", "false"])),
        ("matrix.either == 'c'", one_of(&["false"])),
        ("matrix.either != ''", one_of(&["true"])),
        ("matrix[matrix.which]", one_of(&["\"Linux\"", "\"os\""])),
        ("matrix.maybe || 'c'", one_of(&["\"b\"", "\"c\""])),
        ("matrix.maybe && 'c'", one_of(&["\"\"", "\"c\""])),
        ("matrix.either && 'c'", one_of(&["\"c\""])),
        ("!matrix.either", one_of(&["false"])),
        ("!matrix.maybe", one_of(&["true", "false"])),
        ("case(matrix.either == 'a', 1, 2)", one_of(&["1", "2"])),
        ("false && github.ref", one_of(&["false"])),
        ("'x' || github.ref", one_of(&["\"x\""])),
        ("github.ref || 'x'", Eval::Unknown),
        ("github.ref && false", Eval::Unknown),
        ("matrix.maybe && github.ref", Eval::Unknown),
        ("github.ref == 'x' && 'a' || 'b'", Eval::Unknown),
        ("!(github.ref && false)", one_of(&["true"])),
        ("!(github.ref || 1)", one_of(&["false"])),
        ("!github.ref", Eval::Unknown),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_lone_expression_keeps_its_type() {
    for (text, expected) in [
        ("${{ 3.10 }}", json("3.1")),
        (" ${{ 3.10 }}", " 3.1".into()),
        ("${{ matrix.list }}-${{ null }}${{ true }}", "Array-true".into()),
        ("plain", "plain".into()),
        ("", "".into()),
    ] {
        assert_eq!(
            eval_template(&parse_template(text).expect("valid"), &Fixed),
            Eval::Known(expected),
            "{text}"
        );
    }
    let both = parse_template("${{ matrix.either }}-${{ matrix.either }}").expect("valid");
    assert_eq!(
        eval_template(&both, &Fixed).values().map(|v| v.len()),
        Some(4),
        "uses count as independent"
    );
    let unknown = parse_template("x-${{ github.ref }}").expect("valid");
    assert_eq!(eval_template(&unknown, &Fixed), Eval::Unknown);
}

#[test]
fn conditions() {
    let yes = Eval::Known(Value::Bool(true));
    let no = Eval::Known(Value::Bool(false));
    for (text, expected) in [
        ("matrix.os == 'linux'", &yes),
        ("${{ matrix.os == 'macos' }}", &no),
        ("${{ false }}\n", &yes),
        ("${{ false }} && true", &yes),
        ("false\n", &no),
        ("${{ '' }}${{ '' }}", &no),
        ("'text'", &yes),
        ("", &yes),
        (" \n", &yes),
        ("always()", &yes),
        ("failure() || cancelled()", &no),
        ("github.ref && failure()", &no),
        ("github.ref == 'x' || success()", &yes),
        ("github.ref", &Eval::Unknown),
        ("matrix.maybe", &Eval::one_of([false.into(), true.into()])),
    ] {
        assert_eq!(
            eval_condition(&parse_condition(text).expect(text), &Fixed),
            *expected,
            "{text:?}"
        );
    }
    let always = parse_condition("always()").expect("valid");
    assert_eq!(eval_condition(&always, &Nothing), yes, "by default");
    let success = parse_condition("success()").expect("valid");
    assert_eq!(eval_condition(&success, &Nothing), Eval::Unknown, "by default");
}
