//! Words of bash: quotes removed, variables put in, what cannot be known marked.

use tree_sitter::Node;

use super::{BashReader, ShellValue, children, span};
use crate::base::text::Span;
use crate::shell::TOP_FOLDER;
use crate::shell::word::{PartSource, Word, WordPart};

/// How deep quotes and concatenations nest in one word.
const MAX_WORD_DEPTH: usize = 16;

impl<'t> BashReader<'_, 't> {
    /// The words that `node` becomes; its command substitutions run first.
    pub(super) fn words(&mut self, node: Node<'t>) -> Vec<Word> {
        self.substitutions(node);
        if let Some(words) = self.all_arguments(node) {
            return words;
        }
        if let Some(texts) = alternatives(self.text(node)) {
            let whole = self.script.word(span(node), Vec::new());
            return texts.iter().map(|text| whole.with_value(text)).collect();
        }
        let parts = self.parts(node, false, 0);
        split(parts).into_iter().map(|parts| self.script.word(span(node), parts)).collect()
    }

    /// The arguments of the running function, where `node` is `"$@"`.
    fn all_arguments(&self, node: Node<'t>) -> Option<Vec<Word>> {
        matches!(self.text(node), "\"$@\"" | "$@" | "$*" | "\"${@}\"")
            .then(|| self.state.positional.clone())?
    }

    /// What `node` evaluates to, one part for each origin.
    pub(super) fn parts(&self, node: Node<'t>, quoted: bool, depth: usize) -> Vec<WordPart> {
        let place = span(node);
        // With an error inside, a quote may be missing.
        if depth > MAX_WORD_DEPTH || node.has_error() {
            return vec![self.unknown(place, quoted)];
        }
        match node.kind() {
            "word" | "number" if node.named_child_count() == 0 => self.bare(place, quoted),
            "raw_string" => self.script.parts(inner(place, 1, 1), true),
            "ansi_c_string" if !self.text(node).contains('\\') => {
                self.script.parts(inner(place, 2, 1), true)
            }
            "string" => self.string(node, depth),
            "concatenation" => self.concatenation(node, quoted, depth),
            "simple_expansion" => vec![self.variable(node, quoted)],
            "expansion" => match self.own_folder(self.text(node)) {
                Some(folder) => {
                    vec![WordPart { text: Some(folder), ..self.unknown(place, quoted) }]
                }
                None => vec![self.variable(node, quoted)],
            },
            "command_substitution" => {
                let text = self
                    .own_folder(self.text(node))
                    .or_else(|| found_program(self.text(node)).map(str::to_owned))
                    .or_else(|| self.top_folder(self.text(node)));
                vec![WordPart { text, ..self.unknown(place, quoted) }]
            }
            _ if !node.is_named() => self.bare(place, quoted),
            _ => vec![self.unknown(place, quoted)],
        }
    }

    fn unknown(&self, place: Span, quoted: bool) -> WordPart {
        WordPart::computed(None, self.script.origin(place), quoted)
    }

    fn bare(&self, place: Span, quoted: bool) -> Vec<WordPart> {
        let text = self.script.text().get(place.range()).unwrap_or_default();
        if text.contains('{') && text.contains(',') && text.contains('}') {
            return vec![self.unknown(place, quoted)];
        }
        self.script.unescape(place, quoted, '\\', |_| true)
    }

    fn concatenation(&self, node: Node<'t>, quoted: bool, depth: usize) -> Vec<WordPart> {
        let nodes = children(node);
        let texts: Vec<&str> = nodes.iter().map(|c| self.text(*c)).collect();
        // `{a,b}` comes as single characters.
        if texts.first().is_some_and(|t| t.starts_with('{')) && self.text(node).contains(',') {
            return vec![self.unknown(span(node), quoted)];
        }
        nodes.into_iter().flat_map(|c| self.parts(c, quoted, depth + 1)).collect()
    }

    fn string(&self, node: Node<'t>, depth: usize) -> Vec<WordPart> {
        let content = inner(span(node), 1, 1);
        let (mut parts, mut at) = (Vec::new(), content.start);
        let literal = |from: usize, to: usize| {
            self.script.unescape(Span::new(from, to.max(from)), true, '\\', |c| {
                matches!(c, '$' | '`' | '"' | '\\')
            })
        };
        for child in children(node) {
            if matches!(child.kind(), "string_content" | "\"") || child.start_byte() < at {
                continue;
            }
            parts.extend(literal(at, child.start_byte()));
            parts.extend(self.parts(child, true, depth + 1));
            at = child.end_byte();
        }
        parts.extend(literal(at, content.end));
        parts
    }

    /// `$name` and `${name}`; with a default or a filter only where the variable is known to have a
    /// value.
    fn variable(&self, node: Node<'t>, quoted: bool) -> WordPart {
        let mut part = self.unknown(span(node), quoted);
        let text = self.text(node);
        let bare =
            text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).or(text.strip_prefix('$'));
        let Some(bare) = bare else { return part };
        let name = bare
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(bare, |at| &bare[..at]);
        let filter = &bare[name.len()..];
        // `"$@"` and `"${list[@]}"` are many words in spite of the quotes.
        part.quoted &= !filter.contains('@');
        match self.lookup(name) {
            ShellValue::Known(value)
                if filter.is_empty() || (filter.starts_with(":-") && !value.is_empty()) =>
            {
                part.text = Some(value);
            }
            ShellValue::OneOf(values) if filter.is_empty() => part.choices = values,
            _ => {}
        }
        part
    }

    /// The folder of the script itself, which scripts ask for in many ways: `$(dirname "$0")`,
    /// `${0%/*}`, `$(cd -- "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)`. `text` may contain nothing
    /// else.
    fn own_folder(&self, text: &str) -> Option<String> {
        const HARMLESS: [&str; 13] = [
            "cd",
            "pwd",
            "realpath",
            "readlink",
            "&&",
            ";",
            "--",
            "-P",
            "-L",
            "--physical",
            "-f",
            "-s",
            "-e",
        ];
        let path = (self.vars)("0")?;
        let plain = text
            .replace("${0%/*}", "$(dirname $0)")
            .replace("${BASH_SOURCE%/*}", "$(dirname $0)")
            .replace("${BASH_SOURCE[0]%/*}", "$(dirname $0)")
            .replace("${BASH_SOURCE[0]}", "$0")
            .replace("${BASH_SOURCE}", "$0")
            .replace("${BASH_SOURCE[0]:-$0}", "$0")
            .replace("${BASH_SOURCE:-$0}", "$0")
            .replace("$BASH_SOURCE", "$0")
            .replace("${0}", "$0");
        let plain = plain
            .replace("$(", " ")
            .replace([')', '"', '`'], " ")
            .replace("2>&1", " ")
            .replace("&>", " &> ")
            .replace("2>", " > ")
            .replace(">/", "> /")
            .replace(';', " ; ");
        let (mut steps, mut of_script, mut asks_folder) = (Vec::new(), 0, false);
        for word in plain.split_whitespace().filter(|w| !HARMLESS.contains(w)) {
            match word {
                "dirname" => asks_folder = true,
                "$0" => of_script += 1,
                "&>" | "/dev/null" | ">" => {}
                step if step.starts_with("/..") || step.starts_with("..") => {
                    steps.push(step.trim_start_matches('/'))
                }
                _ => return None,
            }
        }
        let folder = path
            .rsplit_once('/')
            .map(|(folder, _)| folder)
            .filter(|_| asks_folder && of_script == 1)?;
        let mut parts: Vec<&str> = folder.split('/').collect();
        for step in steps.iter().flat_map(|s| s.split('/')).filter(|s| !s.is_empty() && *s != ".") {
            if step == ".." { _ = parts.pop() } else { parts.push(step) }
        }
        Some(parts.join("/"))
    }

    /// The root of the checkout that the script runs in.
    fn top_folder(&self, text: &str) -> Option<String> {
        let inside = substituted(text)?.trim();
        (inside == TOP_FOLDER).then(|| (self.vars)(TOP_FOLDER))?
    }

    fn lookup(&self, name: &str) -> ShellValue {
        if name == "0" {
            return (self.vars)("0").map_or(ShellValue::Unknown, ShellValue::Known);
        }
        if let Ok(position) = name.parse::<usize>() {
            let word =
                position.checked_sub(1).and_then(|at| self.state.positional.as_ref()?.get(at));
            return word.map_or(ShellValue::Unknown, ShellValue::of);
        }
        match self.state.vars.get(name) {
            Some(value) => value.clone(),
            None => (self.vars)(name).map_or(ShellValue::Unknown, ShellValue::Known),
        }
    }
}

/// `nox` in `$(which nox)` and `$(command -v nox)`: where it lies does not matter.
fn found_program(text: &str) -> Option<&str> {
    let inside = substituted(text)?;
    match inside.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["which", name] | ["command", "-v", name] | ["type", "-p" | "-P", name] => {
            Some(name).copied().filter(|name| !name.starts_with(['-', '$', '"']))
        }
        _ => None,
    }
}

/// The words that `{a,b}` becomes; `None` for anything else that a shell would look into.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ',');
    let (before, rest) = text.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let all_plain = [before, inside, after].iter().all(|part| part.chars().all(plain));
    (all_plain && inside.contains(','))
        .then(|| inside.split(',').map(|part| format!("{before}{part}{after}")).collect())
}

/// The command of `$(command)` or of the same in backticks.
fn substituted(text: &str) -> Option<&str> {
    let quoted = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    quoted.or_else(|| text.strip_prefix("$(")?.strip_suffix(')'))
}

fn inner(span: Span, before: usize, after: usize) -> Span {
    let start = span.start + before;
    Span::new(start, span.end.saturating_sub(after).max(start))
}

/// Splits the values of unquoted variables at spaces, as the shell does. A word that is an empty
/// variable vanishes.
fn split(parts: Vec<WordPart>) -> Vec<Vec<WordPart>> {
    let mut words: Vec<Vec<WordPart>> = Vec::new();
    let (mut open, mut empty_is_word) = (Vec::new(), parts.is_empty());
    for part in parts {
        let value =
            part.text.as_deref().filter(|_| part.source == PartSource::Variable && !part.quoted);
        let Some(value) = value else {
            empty_is_word = true;
            open.push(part);
            continue;
        };
        let pieces: Vec<&str> = value.split([' ', '\t', '\n']).collect();
        for (i, piece) in pieces.iter().enumerate() {
            if i > 0 && !open.is_empty() {
                words.push(std::mem::take(&mut open));
            }
            if !piece.is_empty() {
                open.push(WordPart { text: Some((*piece).to_owned()), ..part.clone() });
            }
        }
    }
    if !open.is_empty() || (words.is_empty() && empty_is_word) {
        words.push(open);
    }
    words
}
