//! Text from files and logs → text that may be printed. Names are data: they must command neither
//! a terminal nor a runner nor a Markdown page.

use std::borrow::Cow;

/// `text` with what commands a terminal replaced byte for byte, so that no span moves: control
/// characters, a `\r` that ends no line, and what turns the direction of writing.
pub fn printable(text: &str) -> Cow<'_, str> {
    let turns = |c: char| {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
    };
    let harmful = |at: usize, c: char| match c {
        '\n' | '\t' => false,
        '\r' => !text[at + 1..].starts_with('\n'),
        _ => c.is_control() || turns(c),
    };
    if !text.char_indices().any(|(at, c)| harmful(at, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if harmful(at, c) { (0..c.len_utf8()).for_each(|_| out.push('?')) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A name or a path as a part of one line.
pub fn printable_name(text: &str) -> String {
    printable(text).replace(['\n', '\r', '\t'], "?")
}

/// `text` on one line; only a name from a file can hold a line break.
pub fn one_line(text: &str) -> String {
    let text = printable(text);
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Output for people in which no line is a workflow command: a runner obeys `::error::` at the
/// beginning of any line of its log and `##[error]` anywhere, and a name in a checked file may hold
/// a line break.
pub fn without_commands(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let start = line.len() - line.trim_ascii_start().len();
        if line[start..].starts_with(b"::") {
            out.extend_from_slice(b"?");
        }
        for (at, byte) in line.iter().enumerate() {
            out.push(if line[at..].starts_with(b"##[") { b'?' } else { *byte });
        }
    }
    out
}

/// A message for people, of several lines at will, that commands neither a terminal nor a runner.
pub fn harmless(text: &str) -> Vec<u8> {
    without_commands(printable(text).replace('\r', "?").as_bytes())
}

/// Text for one cell of a Markdown table, or one line of a list: it neither leaves its place nor
/// becomes markup, a link or a mention. Balanced code spans stay.
pub fn markdown_cell(text: &str) -> String {
    let text = printable(text).replace(['\n', '\r', '\t'], " ");
    let parts: Vec<&str> = text.split('`').collect();
    let balanced = parts.len() % 2 == 1;
    let mut out = String::with_capacity(text.len());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(if balanced { "`" } else { "\\`" });
        }
        if balanced && index % 2 == 1 {
            out.push_str(&part.replace('|', "\\|"));
        } else {
            escape(part, &mut out);
        }
    }
    out
}

/// A name as code, for a place as [`markdown_cell`] fills. Inside a code span nothing is a link, a
/// mention or HTML.
pub fn markdown_code(name: &str) -> String {
    let name = printable_name(name).replace('`', "'").replace('|', "\\|");
    // A code span that begins or ends with a space loses it, and an empty one is none.
    let name = name.trim();
    if name.is_empty() { "``  ``".to_owned() } else { format!("`{name}`") }
}

/// An HTML comment after `@`, `#` and the colon of an address keeps a forge from turning the text
/// into a mention, a reference or a link: a forge looks for them after it has read the Markdown,
/// so a backslash or an entity does not help.
fn escape(text: &str, out: &mut String) {
    const NOTHING: &str = "<!-- -->";
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.extend(["@", NOTHING]),
            '#' => out.extend(["\\#", NOTHING]),
            ':' if rest.starts_with("//") => out.extend([":", NOTHING]),
            '.' if out.to_ascii_lowercase().ends_with("www") => out.extend([NOTHING, "."]),
            '|' | '[' | ']' | '*' | '_' | '\\' | '!' | '~' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31m\u{9b}b\tc\n"), "a?[31m??b\tc\n");
    }

    #[test]
    fn a_lone_return_and_a_turned_direction_are_shown_as_such() {
        assert_eq!(printable("a\rb\r\nc\r"), "a?b\r\nc?");
        assert_eq!(printable("\u{202e}é\u{2066}\u{61c}"), "???é?????");
    }

    #[test]
    fn no_line_for_people_is_a_workflow_command() {
        let text = b"a ::b\n  ::error::x\n::set-output name=a::b\r\n# ##[error]x\n::";
        let expected = b"a ::b\n?  ::error::x\n?::set-output name=a::b\r\n# ?#[error]x\n?::";
        assert_eq!(without_commands(text), expected);
        assert_eq!(without_commands("é\n".as_bytes()), "é\n".as_bytes());
    }

    #[test]
    fn nothing_leaves_its_cell() {
        assert_eq!(
            markdown_cell("a | <img src=x>\n[x](y) &amp;"),
            "a \\| &lt;img src=x&gt; \\[x\\](y) &amp;amp;"
        );
        assert_eq!(markdown_cell("`a_<b>|c` *d*"), "`a_<b>\\|c` \\*d\\*");
        assert_eq!(markdown_cell("open ` <b>"), "open \\` &lt;b&gt;");
    }

    #[test]
    fn nothing_becomes_a_link_or_a_mention() {
        assert_eq!(
            markdown_cell("@all #1 https://x www.x.org"),
            "@<!-- -->all \\#<!-- -->1 https:<!-- -->//x www<!-- -->.x.org"
        );
    }

    #[test]
    fn a_name_is_one_code_span() {
        assert_eq!(markdown_code("a`<b>` | @x\n"), "`a'<b>' \\| @x?`");
        assert_eq!(markdown_code(" "), "``  ``");
    }
}
