//! Text from files and logs → text that may be printed. Names are data: they must command neither
//! a terminal nor a runner nor a Markdown page.

use std::borrow::Cow;
use std::io::{self, Write};

use memchr::memmem;

/// What commands a terminal: control characters, what turns the direction of writing, and the two
/// characters that only some programs take for the end of a line.
fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// `text` with what commands a terminal replaced byte for byte, so that no span moves. Tabs and
/// line ends stay, but not a `\r` that ends no line.
pub fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |at: usize, c: char| match c {
        '\n' | '\t' => false,
        '\r' => !text[at + 1..].starts_with('\n'),
        _ => is_harmful(c),
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
/// beginning of any line of its log, after white space of any kind, and `##[error]` anywhere. A
/// name in a checked file may hold a line break.
pub fn without_commands(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if String::from_utf8_lossy(line).trim_start().starts_with("::") {
            out.extend_from_slice(b"?");
        }
        let start = out.len();
        out.extend_from_slice(line);
        for at in memmem::find_iter(line, b"##[") {
            out[start + at] = b'?';
        }
    }
    out
}

/// A message for people, of several lines at will, that commands neither a terminal nor a runner.
pub fn harmless(text: &str) -> Vec<u8> {
    without_commands(printable(text).replace('\r', "?").as_bytes())
}

/// `value` as JSON and a line break. A program reads every text as it is, but a terminal or a runner
/// that shows the document gets nothing to obey: such characters can only be in texts, where an
/// escape means the same.
pub fn write_json(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    serde_json::to_writer_pretty(Escaping(&mut out), value)?;
    writeln!(out)?;
    out.flush()
}

/// Writes JSON on, and escapes what must not be shown. Each text comes in parts that end before what
/// JSON itself escapes, so no character or command is in two of them.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_plain =
            |byte: &u8| *byte == b'\n' || (*byte != b'#' && (b' '..b'\x7f').contains(byte));
        if bytes.iter().all(is_plain) {
            return self.0.write_all(bytes);
        }
        for c in String::from_utf8_lossy(bytes).replace("##[", "\\u0023#[").chars() {
            if c != '\n' && is_harmful(c) {
                write!(self.0, "\\u{:04x}", u32::from(c))?;
            } else {
                write!(self.0, "{c}")?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Text for one cell of a Markdown table, or one line of a list: it neither leaves its place nor
/// becomes markup, a link or a mention. Code spans stay: as in Markdown, as many backticks end one
/// as begin it.
pub fn markdown_cell(text: &str) -> String {
    let text = printable(text).replace(['\n', '\r', '\t'], " ");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('`') {
        let (before, ticks) = rest.split_at(start);
        escape(before, &mut out);
        let (ticks, after) = ticks.split_at(run_length(ticks));
        match end_of_code(after, ticks.len()) {
            Some(end) => {
                let (code, after) = after.split_at(end);
                out.extend([ticks, &code.replace('|', "\\|"), ticks]);
                rest = &after[ticks.len()..];
            }
            None => {
                out.push_str(&"\\`".repeat(ticks.len()));
                rest = after;
            }
        }
    }
    escape(rest, &mut out);
    out
}

/// How many backticks `text` starts with.
fn run_length(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

/// Where the next run of exactly `ticks` backticks begins.
fn end_of_code(text: &str, ticks: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`').map(|at| from + at) {
        let run = run_length(&text[at..]);
        if run == ticks {
            return Some(at);
        }
        from = at + run;
    }
    None
}

/// A name as code, for a place as [`markdown_cell`] fills. Inside a code span nothing is a link, a
/// mention or HTML.
pub fn markdown_code(name: &str) -> String {
    let name = printable_name(name).replace('`', "'").replace('|', "\\|");
    // A code span that begins or ends with a space loses it, and an empty one is none.
    let name = name.trim();
    if name.is_empty() { "``  ``".to_owned() } else { format!("`{name}`") }
}

/// An HTML comment after `@`, `#`, `!`, `GH-` and the colon of an address keeps a forge from turning
/// the text into a mention, a reference or a link: a forge looks for them after it has read the
/// Markdown, so a backslash or an entity does not help.
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
            '.' if ends_with(out, "www") => out.extend([NOTHING, "."]),
            '-' if ends_with(out, "gh") => out.extend(["-", NOTHING]),
            '!' => out.extend(["\\!", NOTHING]),
            '|' | '[' | ']' | '*' | '_' | '\\' | '~' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
}

fn ends_with(text: &str, word: &str) -> bool {
    let end = text.len().checked_sub(word.len()).and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
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
        assert_eq!(printable("\u{202e}é\u{2066}\u{61c}\u{2028}"), "???é????????");
    }

    #[test]
    fn no_line_for_people_is_a_workflow_command() {
        let text = b"a ::b\n  ::error::x\n::set-output name=a::b\r\n# ##[error]x\n::";
        let expected = b"a ::b\n?  ::error::x\n?::set-output name=a::b\r\n# ?#[error]x\n?::";
        assert_eq!(without_commands(text), expected);
        assert_eq!(without_commands("é\n".as_bytes()), "é\n".as_bytes());
        // A runner skips all white space that Unicode knows.
        let text = "\u{a0}::error::x\n \u{3000}\u{2003}::x\n\u{200b}::x";
        let expected = "?\u{a0}::error::x\n? \u{3000}\u{2003}::x\n\u{200b}::x";
        assert_eq!(without_commands(text.as_bytes()), expected.as_bytes());
    }

    #[test]
    fn json_shows_nothing_to_obey_and_means_the_same() {
        let text = "a\u{9b}\u{7f}\u{202e}\u{2028}\n##[error]é";
        let mut out = Vec::new();
        write_json(&mut out, &[text]).unwrap();
        let out = String::from_utf8(out).unwrap();
        let expected = r#""a\u009b\u007f\u202e\u2028\n\u0023#[error]é""#;
        assert_eq!(out, format!("[\n  {expected}\n]\n"));
        assert_eq!(serde_json::from_str::<Vec<String>>(&out).unwrap(), [text]);
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
    fn as_many_backticks_end_code_as_begin_it() {
        for (text, expected) in [
            ("job ```<b> ` is", "job \\`\\`\\`&lt;b&gt; \\` is"),
            ("`` a ` <b> `` <i>", "`` a ` <b> `` &lt;i&gt;"),
            ("``<b>`` ` *c* `", "``<b>`` ` *c* `"),
            ("` ``<s> `a` <u>", "` ``<s> `a\\` &lt;u&gt;"),
            ("\\`<b>`", "\\\\`<b>`"),
        ] {
            assert_eq!(markdown_cell(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_becomes_a_link_or_a_mention() {
        assert_eq!(
            markdown_cell("@all #1 https://x www.x.org"),
            "@<!-- -->all \\#<!-- -->1 https:<!-- -->//x www<!-- -->.x.org"
        );
        assert_eq!(markdown_cell("GH-1 !2 gh WWW.x"), "GH-<!-- -->1 \\!<!-- -->2 gh WWW<!-- -->.x");
    }

    #[test]
    fn a_name_is_one_code_span() {
        assert_eq!(markdown_code("a`<b>` | @x\n"), "`a'<b>' \\| @x?`");
        assert_eq!(markdown_code(" "), "``  ``");
    }
}
