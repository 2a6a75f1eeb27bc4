//! Whether a text spells the tool's name, as a shell or a YAML parser may put it together.

use memchr::memchr3_iter;

/// Whether `nox` is in the text in whatever case. A shell takes quotes and line breaks out of a
/// word; a character written as a number (`\x6e`) may be any.
pub fn is_spelled_in(text: &str) -> bool {
    let text = text.as_bytes();
    memchr3_iter(b'x', b'X', b'\\', text).any(|at| match text[at] {
        b'\\' => matches!(text.get(at + 1), Some(b'x' | b'u' | b'U' | b'0'..=b'7')),
        _ => before(&text[..at], b'o').and_then(|rest| before(rest, b'n')).is_some(),
    })
}

/// The text before a letter that it ends with, if it does.
fn before(text: &[u8], letter: u8) -> Option<&[u8]> {
    let last =
        text.iter().rposition(|byte| !matches!(byte, b'\\' | b'\'' | b'"' | b'\r' | b'\n'))?;
    text[last].eq_ignore_ascii_case(&letter).then(|| &text[..last])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::is_spelled_in;

    #[test]
    fn the_name_in_parts() {
        for (text, expected) in [
            ("nox", true),
            ("pip install Nox[uv]", true),
            ("n\\\no'x'", true),
            ("\"\"n\"\"o\"\"x", true),
            ("\\x6eox", true),
            ("\\156ox", true),
            ("no x", false),
            ("box\\n", false),
            ("ox", false),
            ("", false),
        ] {
            assert_eq!(is_spelled_in(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn as_a_pattern_finds_it(text in "[nNoOxXéuU08 \\\\'\"\r\n]{0,24}") {
            let pattern = r#"(?i)n[\\'"\r\n]*o[\\'"\r\n]*x|\\(?-i:[xuU0-7])"#;
            prop_assert_eq!(is_spelled_in(&text), Regex::new(pattern).unwrap().is_match(&text));
        }
    }
}
