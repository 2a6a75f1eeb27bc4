//! Words of a PowerShell command as a native program receives them.

use super::{PowerShellReader, ShellValue};
use crate::base::text::Span;
use crate::shell::word::{Word, WordPart};

/// The key under which a variable is kept: `X` for `$env:X`, `$x` for `$X`.
pub(super) fn variable_name(text: &str) -> String {
    let bare = text.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}');
    match bare.get(..4).filter(|p| p.eq_ignore_ascii_case("env:")) {
        Some(_) => bare[4..].to_owned(),
        None => format!("${}", bare.to_ascii_lowercase()),
    }
}

impl PowerShellReader<'_, '_> {
    /// The words in `span` of the expanded text, redirections left out.
    pub(super) fn lex(&self, span: Span) -> Vec<Word> {
        let mut lexer =
            Lexer { reader: self, text: self.script.text(), end: span.end, at: span.start };
        let mut words = Vec::new();
        while let Some(word) = lexer.word() {
            words.extend(word);
        }
        words
    }

    /// The words in `span` line by line, with the stretch of each line: the grammar takes lines
    /// together whose words it does not know (`cd $PSScriptRoot/..`).
    pub(super) fn lines(&self, span: Span) -> Vec<(Span, Vec<Word>)> {
        let mut lexer =
            Lexer { reader: self, text: self.script.text(), end: span.end, at: span.start };
        let mut lines: Vec<(Span, Vec<Word>)> = Vec::new();
        loop {
            let before = lexer.at;
            lexer.blanks();
            let start = lexer.at;
            let ends = ends_line(self.script.text().get(before..start).unwrap_or_default());
            let Some(word) = lexer.word() else { return lines };
            match lines.last_mut().filter(|_| !ends) {
                Some((line, words)) => {
                    line.end = lexer.at;
                    words.extend(word);
                }
                None => lines.push((Span::new(start, lexer.at), word.into_iter().collect())),
            }
        }
    }
}

/// Whether spaces hold the end of a line that does not go on in the next.
fn ends_line(blanks: &str) -> bool {
    blanks.replace("`\r\n", "").replace("`\n", "").contains('\n')
}

struct Lexer<'w, 'a, 't> {
    reader: &'w PowerShellReader<'a, 't>,
    text: &'w str,
    end: usize,
    at: usize,
}

impl<'w> Lexer<'w, '_, '_> {
    fn rest(&self) -> &'w str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// Length of the line continuation that stands here.
    fn continuation(&self) -> Option<usize> {
        ["`\n", "`\r\n"].iter().find(|c| self.rest().starts_with(**c)).map(|c| c.len())
    }

    fn blanks(&mut self) {
        loop {
            match (self.continuation(), self.rest().chars().next()) {
                (Some(length), _) => self.at += length,
                (None, Some(c)) if c.is_whitespace() => self.at += c.len_utf8(),
                _ => return,
            }
        }
    }

    /// The next word; the inner `None` is a redirection.
    fn word(&mut self) -> Option<Option<Word>> {
        self.blanks();
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with(['#', ';', '|']) {
            return None;
        }
        if let Some(length) = redirection(rest) {
            self.at += length;
            let whole = rest[..length].ends_with(|c: char| c.is_ascii_digit());
            if !whole {
                self.blanks();
                self.parts();
            }
            return Some(None);
        }
        let start = self.at;
        let parts = self.parts();
        if self.at == start {
            return None;
        }
        Some(Some(self.reader.script.word(Span::new(start, self.at), parts)))
    }

    /// Reads up to the end of the word.
    fn parts(&mut self) -> Vec<WordPart> {
        let mut parts = Vec::new();
        while let Some(c) = self.rest().chars().next() {
            if c.is_whitespace() || matches!(c, ';' | '|') || self.continuation().is_some() {
                break;
            }
            match c {
                '\'' => parts.extend(self.verbatim()),
                '"' => parts.extend(self.string()),
                '$' => parts.push(self.variable(false)),
                '(' | '{' | '@' if self.balanced().is_some() => {
                    let length = self.balanced().unwrap_or(1);
                    parts.push(self.unknown(length, false));
                }
                // `@arguments` and a list become several arguments.
                '@' if parts.is_empty() => {
                    let name =
                        self.rest()[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    parts.push(self.unknown(name.map_or(self.rest().len(), |at| at + 1), false));
                }
                ',' => parts.push(self.unknown(1, false)),
                _ => parts.extend(self.bare()),
            }
        }
        parts
    }

    fn take(&mut self, length: usize) -> Span {
        let span = Span::new(self.at, self.at + length);
        self.at = span.end;
        span
    }

    fn unknown(&mut self, length: usize, quoted: bool) -> WordPart {
        let place = self.take(length);
        WordPart::computed(None, self.reader.script.origin(place), quoted)
    }

    fn bare(&mut self) -> Vec<WordPart> {
        let rest = self.rest();
        let mut length = 0;
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let ends =
                c.is_whitespace() || matches!(c, ';' | '|' | '\'' | '"' | '$' | ',' | '(' | '{');
            if ends && at > 0 {
                break;
            }
            if c == '`' && chars.next().is_none_or(|(_, next)| next == '\n' || next == '\r') {
                break;
            }
            length = chars.clone().next().map_or(rest.len(), |(next, _)| next);
        }
        let span = self.take(length.max(rest.chars().next().map_or(0, char::len_utf8)));
        self.reader.script.unescape(span, false, '`', |_| true)
    }

    /// `'…'`, where `''` is a quote.
    fn verbatim(&mut self) -> Vec<WordPart> {
        let rest = self.rest();
        let mut end = 1;
        loop {
            match rest.get(end..).and_then(|r| r.find('\'')) {
                Some(i) if rest[end + i + 1..].starts_with('\'') => end += i + 2,
                Some(i) => break end += i,
                None => break end = rest.len(),
            }
        }
        let doubled = rest[1..end].contains("''");
        let span = self.take((end + 1).min(rest.len()));
        let inner = Span::new(span.start + 1, (span.start + end).max(span.start + 1));
        match doubled {
            true => self.reader.script.unescape(inner, true, '\'', |c| c == '\''),
            false => self.reader.script.parts(inner, true),
        }
    }

    /// `"…"`.
    fn string(&mut self) -> Vec<WordPart> {
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            let rest = self.rest();
            let stop = string_run(rest);
            let run = self.take(stop);
            parts.extend(self.reader.script.unescape(run, true, '`', |_| true));
            match self.rest().chars().next() {
                Some('"') => {
                    self.at += 1;
                    return parts;
                }
                Some('$') => parts.push(self.variable(true)),
                _ => return parts,
            }
        }
    }

    /// `$x`, `$env:X`, `${x}` or `$( … )`.
    fn variable(&mut self, quoted: bool) -> WordPart {
        let rest = self.rest();
        let after = &rest[1..];
        if after.starts_with('(') {
            self.at += 1;
            let length = self.balanced().unwrap_or(self.rest().len());
            self.at -= 1;
            return self.unknown(1 + length, quoted);
        }
        let length = match after.strip_prefix('{') {
            Some(braced) => 2 + braced.find('}').map_or(braced.len(), |i| i + 1),
            None => {
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '?');
                let plain = after.find(|c: char| !fits(c)).unwrap_or(after.len());
                match after[plain..].strip_prefix(':') {
                    Some(scoped) if plain > 0 && scoped.starts_with(fits) => {
                        plain + 2 + scoped.find(|c: char| !fits(c)).unwrap_or(scoped.len())
                    }
                    _ => 1 + plain,
                }
            }
        };
        let length = length.min(rest.len());
        let name = variable_name(&rest[..length]);
        // Outside strings `$x.y` and `$x[0]` are expressions.
        let member =
            !quoted && rest[length..].starts_with(['.', '[']) && !rest[length..].starts_with(".\\");
        let mut part = self.unknown(length, quoted);
        if member {
            return part;
        }
        let value = match self.reader.state.vars.get(&name) {
            Some(value) => value.clone(),
            // The folder of the script itself.
            None if name == "$psscriptroot" => {
                let folder = (self.reader.vars)("0")
                    .and_then(|path| path.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
                folder.map_or(ShellValue::Unknown, ShellValue::Known)
            }
            None if name.starts_with('$') => ShellValue::Unknown,
            None => (self.reader.vars)(&name).map_or(ShellValue::Unknown, ShellValue::Known),
        };
        match value {
            // A native program receives one argument, spaces and all.
            ShellValue::Known(text) => part.text = Some(text),
            ShellValue::OneOf(choices) => part.choices = choices,
            ShellValue::Unknown => {}
        }
        part
    }

    /// Length of the bracket that opens here, up to its end.
    fn balanced(&self) -> Option<usize> {
        let rest = self.rest();
        let offset = usize::from(rest.starts_with('@'));
        rest[offset..].starts_with(['(', '{']).then_some(())?;
        let (mut depth, mut quote) = (0usize, None);
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (Some(open), _) if open == c => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '(' | '{') => depth += 1,
                (None, ')' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(at + c.len_utf8());
                    }
                }
                _ => {}
            }
        }
        Some(rest.len())
    }
}

/// Length of the text up to the end of a string or a `$` that is a variable.
fn string_run(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '`' => _ = chars.next(),
            '"' => return at,
            '$' if chars.peek().is_some_and(|(_, n)| {
                n.is_ascii_alphanumeric() || matches!(n, '_' | '{' | '(')
            }) =>
            {
                return at;
            }
            _ => {}
        }
    }
    rest.len()
}

/// Length of a redirection operator at the start of `rest`: `>`, `2>&1`, `*>>`.
fn redirection(rest: &str) -> Option<usize> {
    let stream = usize::from(rest.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
    let after =
        rest[stream..].strip_prefix('>').or(rest.strip_prefix('<').filter(|_| stream == 0))?;
    let operator = rest.len() - after.len();
    match after.strip_prefix('&').map(|a| a.starts_with(['1', '2'])) {
        Some(true) => Some(operator + 2),
        _ => Some(operator + usize::from(after.starts_with('>'))),
    }
}
