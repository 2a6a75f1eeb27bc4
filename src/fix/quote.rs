//! Text as a YAML scalar on one line.

use serde_yaml::Value;

/// `text`, which has one line, as a scalar: plain where YAML reads that as the same string, else
/// quoted.
pub fn scalar(text: &str) -> String {
    let control = text.contains(must_be_escaped);
    if !control && serde_yaml::from_str(text).is_ok_and(|read: Value| read.as_str() == Some(text)) {
        return text.to_owned();
    }
    if control || (text.contains('\'') && !text.contains(['"', '\\'])) {
        return double_quoted(text);
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A control character, or one on which YAML parsers disagree.
pub fn must_be_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// `text` in double quotes, with an escape for each character that must have one.
pub fn double_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if must_be_escaped(c) => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_only_where_they_must_be() {
        let table = [
            (".nox", ".nox"),
            ("${{ matrix.os == 'Linux' }}", "${{ matrix.os == 'Linux' }}"),
            ("always() && github.ref != 'x'", "always() && github.ref != 'x'"),
            ("!cancelled()", "'!cancelled()'"),
            ("!contains(github.ref, 'x')", "\"!contains(github.ref, 'x')\""),
            ("!contains('a', '\"')", "'!contains(''a'', ''\"'')'"),
            ("a == 'b: c'", "\"a == 'b: c'\""),
            ("a # b", "'a # b'"),
            ("1.0", "'1.0'"),
            ("true", "'true'"),
            ("", "''"),
            ("a\tb\u{7f}é", "\"a\\u0009b\\u007fé\""),
            ("a\u{85}\u{2028}\u{feff}", "\"a\\u0085\\u2028\\ufeff\""),
        ];
        for (text, written) in table {
            assert_eq!(scalar(text), written);
            let read: Value = serde_yaml::from_str(&format!("key: {written}")).unwrap();
            assert_eq!(read["key"].as_str(), Some(text));
        }
    }
}
