//! Batch scripts of cmd, read line by line and conservatively: what is in doubt is conditional or
//! left out.

use super::expand::Expanded;
use super::state::{ShellState, ShellValue};
use super::word::{PartSource, Word, WordPart};
use super::{Command, Host};
use crate::base::text::Span;

/// The commands of `script` in the order of its lines.
pub(super) fn commands(script: &Expanded, vars: &dyn Fn(&str) -> Option<String>) -> Vec<Command> {
    let mut reader = CmdReader {
        script,
        vars,
        state: ShellState::default(),
        jumps: false,
        blocks: 0,
        out: Vec::new(),
    };
    for line in lines(script.text()) {
        reader.line(line);
    }
    reader.out
}

/// The lines of `text`; one that ends in `^` goes on in the next.
fn lines(text: &str) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let (mut start, mut goes_on) = (0, false);
    for line in text.split_inclusive('\n') {
        let span = Span::new(start, start + line.trim_end_matches(['\n', '\r']).len());
        match out.last_mut().filter(|_| goes_on) {
            Some(last) => last.end = span.end,
            None => out.push(span),
        }
        goes_on = text[span.range()].ends_with('^');
        start += line.len();
    }
    out
}

struct CmdReader<'a> {
    script: &'a Expanded,
    vars: &'a dyn Fn(&str) -> Option<String>,
    state: ShellState,
    /// Whether a `goto` or a label was seen: what follows may be skipped.
    jumps: bool,
    /// Open `( … )` blocks.
    blocks: usize,
    out: Vec<Command>,
}

impl<'a> CmdReader<'a> {
    fn text(&self, span: Span) -> &'a str {
        self.script.text().get(span.range()).unwrap_or_default()
    }

    fn line(&mut self, line: Span) {
        let text = self.text(line);
        let start = text.trim_start_matches([' ', '\t', '@']);
        let lower = start.to_ascii_lowercase();
        if start.starts_with(':') {
            self.jumps |= !start.starts_with("::");
            return;
        }
        if lower == "rem" || lower.starts_with("rem ") {
            return;
        }
        let mut may_skip = false;
        for (operator, span) in pieces(text) {
            may_skip |= operator == "||";
            self.piece(Span::new(line.start + span.start, line.start + span.end), may_skip);
        }
    }

    /// One command between operators.
    fn piece(&mut self, mut span: Span, mut may_skip: bool) {
        loop {
            let text = self.text(span);
            let trimmed = text.trim_start_matches([' ', '\t', '@']);
            span.start += text.len() - trimmed.len();
            let closing = trimmed.starts_with(')');
            if !trimmed.starts_with(['(', ')']) {
                break;
            }
            span.start += 1;
            self.blocks = if closing { self.blocks.saturating_sub(1) } else { self.blocks + 1 };
        }
        let mut closes = 0;
        let open = self.blocks + self.text(span).matches('(').count();
        while self.text(span).trim_end().ends_with(')') && open > closes {
            span.end = span.start + self.text(span).trim_end().len() - 1;
            closes += 1;
        }
        let mut words = self.words(span);
        let mut conditional = may_skip;
        while let Some(body) = after_condition(&words) {
            let answer = answer(&words[..body]);
            words.drain(..body);
            // `if x (` opens a block.
            let opens = words.first().is_some_and(|w| w.raw.starts_with('('));
            if answer == Some(false) && !opens {
                return;
            }
            let certain = answer == Some(true) && !opens;
            (conditional, may_skip) = (conditional || !certain, may_skip || !certain);
            if opens {
                self.blocks += 1;
                let Some(first) = words.first() else { return };
                let offset = first.span.start;
                if first.raw == "(" {
                    words.remove(0);
                } else {
                    let raw = first.raw[1..].to_owned();
                    let value = first.value.clone().map(|v| v[1..].to_owned());
                    let known = WordPart {
                        text: value,
                        choices: Vec::new(),
                        span: Span::new(offset + 1, first.span.end),
                        source: PartSource::Script,
                        quoted: false,
                    };
                    words[0] = Word::new(&raw, known.span, vec![known]);
                }
            }
        }
        let conditional = conditional || may_skip || self.jumps || self.blocks > 0;
        self.run(words, conditional, span);
        self.blocks = self.blocks.saturating_sub(closes);
    }

    fn run(&mut self, words: Vec<Word>, conditional: bool, span: Span) {
        let Some(name) =
            words.first().map(|w| w.value.clone().unwrap_or_default().to_ascii_lowercase())
        else {
            return;
        };
        let arguments = &words[1..];
        match name.as_str() {
            "goto" => self.jumps = true,
            "set" => self.set(arguments, conditional),
            "exit" if !conditional => self.state.ended = Some(true),
            "cd" | "chdir" | "pushd" | "popd" => {
                let switch = |w: &&Word| w.raw.eq_ignore_ascii_case("/d");
                let path: Vec<Word> = arguments.iter().filter(|w| !switch(w)).cloned().collect();
                let program = if name == "chdir" { "cd" } else { name.as_str() };
                let before = self.state.clone();
                self.state.change_directory(program, &path);
                if conditional {
                    self.state = std::mem::take(&mut self.state).merge(before);
                }
            }
            _ => {}
        }
        if self.state.ended.is_some() || name.starts_with(':') {
            return;
        }
        self.out.push(Command {
            words,
            assignments: Vec::new(),
            exports: self.state.exports(),
            span: self.script.origin(span),
            directory: self.state.directory.clone(),
            conditional,
            host: Host::Runner,
            nested: false,
            here_document: None,
        });
    }

    /// `set NAME=value`, `set "NAME=value"`.
    fn set(&mut self, arguments: &[Word], conditional: bool) {
        let [first, rest @ ..] = arguments else { return };
        let Some((name, value)) =
            first.static_prefix().split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()))
        else {
            return;
        };
        let known = !conditional && rest.is_empty() && first.value.is_some();
        let name = name.to_ascii_uppercase();
        self.state.set(&name, if known { ShellValue::Known(value) } else { ShellValue::Unknown });
        self.state.export(&name);
    }

    /// The words in `span`, redirections left out.
    fn words(&self, span: Span) -> Vec<Word> {
        let text = self.text(span);
        let mut words = Vec::new();
        let (mut at, mut skip) = (0, false);
        while at < text.len() {
            let rest = &text[at..];
            let blank = rest.find(|c: char| !(c.is_whitespace() || c == '^')).unwrap_or(rest.len());
            at += blank;
            let length = word_length(&text[at..]);
            let word = Span::new(span.start + at, span.start + at + length);
            at += length;
            if length == 0 {
                break;
            }
            let raw = self.text(word);
            let operator = raw.trim_start_matches(|c: char| c.is_ascii_digit());
            if operator.starts_with(['>', '<']) {
                skip = operator.trim_start_matches(['>', '<']).is_empty();
                continue;
            }
            if !std::mem::take(&mut skip) {
                words.push(self.script.word(word, self.parts(word)));
            }
        }
        words
    }

    /// A word without its quotes, `%X%` put in.
    fn parts(&self, word: Span) -> Vec<WordPart> {
        let text = self.text(word);
        let (mut parts, mut run, mut quoted) = (Vec::new(), 0, false);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let step = rest.chars().next().map_or(1, char::len_utf8);
            let piece = Span::new(word.start + run, word.start + at);
            if rest.starts_with('"') || rest.starts_with('^') && !quoted {
                parts.extend(self.script.parts(piece, quoted));
                quoted ^= rest.starts_with('"');
                run = at + 1;
            } else if let Some((value, length)) = self.argument(rest) {
                parts.extend(self.script.parts(piece, quoted));
                let place = Span::new(word.start + at, word.start + at + length);
                parts.push(WordPart::computed(value, self.script.origin(place), quoted));
                at += length;
                run = at;
                continue;
            } else if rest.starts_with(['%', '!']) {
                parts.extend(self.script.parts(piece, quoted));
                let close =
                    rest[1..].find(if rest.starts_with('%') { '%' } else { '!' }).map(|i| i + 2);
                let length = close.unwrap_or(rest.len());
                parts.push(
                    self.variable(Span::new(word.start + at, word.start + at + length), quoted),
                );
                at += length;
                run = at;
                continue;
            }
            at += step;
        }
        parts.extend(
            self.script.parts(Span::new(word.start + run.min(text.len()), word.end), quoted),
        );
        parts
    }

    /// What the script was given (`%1`, `%*`), or the folder that it lies in (`%~dp0`), and the length
    /// of that.
    fn argument(&self, rest: &str) -> Option<(Option<String>, usize)> {
        const OWN_FOLDER: &str = "%~dp0";
        let is_folder = |start: &str| start.eq_ignore_ascii_case(OWN_FOLDER);
        if rest.get(..OWN_FOLDER.len()).is_some_and(is_folder) {
            let path = (self.vars)("0");
            let folder = path.and_then(|path| Some(path.rsplit_once('/')?.0.to_owned() + "/"));
            return Some((folder, OWN_FOLDER.len()));
        }
        match rest.strip_prefix('%')?.chars().next()? {
            '*' => Some((None, 2)),
            digit if digit.is_ascii_digit() => Some(((self.vars)(&digit.to_string()), 2)),
            _ => None,
        }
    }

    fn variable(&self, place: Span, quoted: bool) -> WordPart {
        let name = self.text(place).trim_matches(['%', '!']);
        let value = match self.state.vars.get(&name.to_ascii_uppercase()) {
            Some(value) => value.known(),
            None => (self.vars)(name),
        };
        WordPart::computed(value, self.script.origin(place), quoted)
    }
}

/// Whether `if "a"=="b"` holds, where both texts are known.
fn answer(condition: &[Word]) -> Option<bool> {
    let [first, rest @ ..] = condition else { return None };
    let mut rest = rest;
    let (mut negated, mut any_case) = (false, false);
    while let [switch, after @ ..] = rest {
        match switch.raw.to_ascii_lowercase().as_str() {
            "not" => negated = !negated,
            "/i" => any_case = true,
            _ => break,
        }
        rest = after;
    }
    let [comparison] = rest else { return None };
    let (left, right) = comparison.value.as_deref()?.split_once("==")?;
    let equal = if any_case { left.eq_ignore_ascii_case(right) } else { left == right };
    first.raw.eq_ignore_ascii_case("if").then_some(equal != negated)
}

/// Splits at `&`, `&&`, `|` and `||` outside quotes; each piece with the operator before it.
fn pieces(text: &str) -> Vec<(&str, Span)> {
    let (mut out, mut start, mut operator, mut quoted, mut at) = (Vec::new(), 0, "", false, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => quoted = !quoted,
            b'^' if !quoted => at += 1,
            // `2>&1`
            b'&' if !quoted && at > 0 && matches!(bytes[at - 1], b'>' | b'<') => {}
            c @ (b'&' | b'|') if !quoted => {
                out.push((operator, Span::new(start, at)));
                let length = 1 + usize::from(bytes.get(at + 1) == Some(&c));
                operator = &text[at..at + length];
                start = at + length;
                at = start;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    out.push((operator, Span::new(start, text.len())));
    out
}

/// Length of the word at the start of `rest`, quotes respected.
fn word_length(rest: &str) -> usize {
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if c.is_whitespace() && !quoted => return at,
            _ => {}
        }
    }
    rest.len()
}

/// The number of words that a leading `if …`, `else` or `for … do` takes.
fn after_condition(words: &[Word]) -> Option<usize> {
    let word = |at: usize| words.get(at).map(|w| w.raw.to_ascii_lowercase());
    let first = word(0)?;
    match first.as_str() {
        "else" => Some(1),
        "for" => words.iter().position(|w| w.raw.eq_ignore_ascii_case("do")).map(|at| at + 1),
        "if" => {
            let mut at = 1;
            while matches!(word(at)?.as_str(), "/i" | "not") {
                at += 1;
            }
            at += match word(at)?.as_str() {
                "exist" | "defined" | "errorlevel" | "cmdextversion" => 2,
                comparison if comparison.contains("==") => {
                    1 + usize::from(comparison.ends_with("=="))
                }
                _ if word(at + 1)?.starts_with("==") => 2 + usize::from(word(at + 1)? == "=="),
                _ => 3,
            };
            (at <= words.len()).then_some(at)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Call, Directory, Shell, calls, commands};

    fn nox(script: &str) -> Vec<Call> {
        let vars = |name: &str| (name == "SESSION").then(|| "lint".to_owned());
        let found = commands(&Shell::Cmd, &Expanded::new(script, &[]), &vars);
        for word in found.iter().flat_map(|c| &c.words) {
            assert_eq!(
                script.get(word.span.range()),
                Some(word.raw.as_str()),
                "span of a word in {script:?}"
            );
        }
        found.iter().flat_map(|c| calls(c, "nox")).collect()
    }

    #[test]
    fn every_way_to_run_nox_takes_the_flag_after_its_program() {
        for marked in [
            "nox@ -s a",
            "@nox@ -s a",
            "call nox@ -s a\r\nnox@\r\n",
            "call venv\\Scripts\\nox.exe@ ^\r\n  -s a",
            "pip install nox && python -m nox@ -s a || exit /b 1",
            "py -3 -m nox@ -s \"a & b\" > out.log 2>&1",
            "if exist x nox@ -s a",
            "if \"%X%\"==\"y\" nox@ else echo nox",
            "if not defined X (\n  nox@ -s a\n) else (\n  nox@\n)",
            "if exist x (nox@ -s a)",
            "for %%s in (a b) do nox@ -s %%s",
            "\"C:\\Program Files\\Python\\Scripts\\nox.exe\"@ -s a",
        ] {
            let lead = if marked.starts_with('@') { "@" } else { "" };
            let body = marked.trim_start_matches('@');
            let bare = format!("{lead}{}", body.replace('@', ""));
            let mut flagged = bare.clone();
            for at in nox(&bare)
                .into_iter()
                .filter_map(|c| c.insert_at)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
            {
                flagged.insert_str(at, " -r");
            }
            assert_eq!(flagged, format!("{lead}{}", body.replace('@', " -r")));
        }
    }

    #[test]
    fn what_only_looks_like_nox_is_no_call() {
        for script in [
            "rem nox",
            ":: nox",
            ":nox",
            "echo nox",
            "pip install nox",
            "where nox",
            "set X=nox",
            "exit /b\nnox",
        ] {
            assert_eq!(nox(script).len(), 0, "{script:?}");
        }
    }

    #[test]
    fn state_is_followed() {
        let call = nox("set A=b\ncd /d sub\nnox -s %SESSION%-%A% %UNKNOWN%").remove(0);
        assert_eq!(call.directory, Directory::Into("sub".to_owned()));
        assert_eq!(call.env, [("A".to_owned(), Some("b".to_owned()))]);
        assert_eq!(call.args[1].value.as_deref(), Some("lint-b"));
        assert_eq!((call.args[2].value.as_deref(), call.conditional), (None, false));
        assert!(nox("goto end\nnox\n:end")[0].conditional && nox("x || nox")[0].conditional);
        assert!(nox("if exist x (\nnox\n)\nnox").iter().map(|c| c.conditional).eq([true, false]));
    }
}
