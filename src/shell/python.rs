//! Python scripts: the commands that they run with `subprocess` and the like, as far as their words
//! are literal.

use tree_sitter::Node;

use super::bash;
use super::expand::Expanded;
use super::word::{WordPart, quoted};
use super::{Command, Directory, Given, Left, Shell};
use crate::base::syntax::{self, Grammar, TOO_SLOW};
use crate::base::text::Span;
use crate::rules::folders::folders;
use crate::rules::wrappers::WRAPPERS;

/// How deep a script's statements are looked at.
const MAX_DEPTH: usize = 100;
/// What a function that deletes a folder is as a command.
const REMOVE: &str = "rm -r";
/// Stands for a word that is not known.
const UNKNOWN: &str = "?";

/// A call that runs a command.
pub struct CommandCall {
    pub script: String,
    /// Stretches of `script` that are not known.
    pub holes: Vec<Span>,
    /// The last of these may be several words.
    pub splits: bool,
    pub span: Span,
    /// The function it is in.
    pub function: Option<String>,
    pub conditional: bool,
    /// The folder it asks for: none, one, or one that is not known.
    pub cwd: Option<Option<String>>,
}

/// The commands that a Python script runs, in order.
pub(super) fn commands(script: &Expanded, given: &Given<'_>, left: &mut Left) -> Vec<Command> {
    let mut out = Vec::new();
    let Some(calls) = subprocess_calls(script.text()) else {
        left.cut(format!("a script {TOO_SLOW}"));
        return out;
    };
    for call in calls {
        let place = script.origin(call.span);
        let part = |text: Option<&str>| WordPart::computed(text.map(str::to_owned), place, true);
        let last = call.holes.last().filter(|_| call.splits);
        let (mut parts, mut at) = (Vec::new(), 0);
        for hole in &call.holes {
            parts.push(part(call.script.get(at..hole.start)));
            parts.push(WordPart { quoted: last != Some(hole), ..part(None) });
            at = hole.end;
        }
        parts.push(part(call.script.get(at..)));
        for mut command in bash::commands(&Shell::Sh, &script.nested(&parts), given, left) {
            command.conditional |= call.conditional;
            command.directory = match &call.cwd {
                None => command.directory,
                Some(Some(folder)) => Directory::Unchanged.enter(Some(folder)),
                Some(None) => Directory::Unknown,
            };
            out.push(command);
        }
    }
    out
}

/// The calls of `subprocess` and the like in a script. A function that nothing calls by its name
/// does not count. `None` as for [`command_calls`].
pub fn subprocess_calls(text: &str) -> Option<Vec<CommandCall>> {
    let functions = &WRAPPERS.python_functions;
    let removers = &folders().python_removers;
    let is_called = |name: &str| text.matches(&format!("{name}(")).count() > 1;
    let matters = |callee: &str| functions.contains(callee) || removers.contains(callee);
    let mut calls = command_calls(text, &matters)?;
    calls.retain(|call| call.function.as_deref().is_none_or(is_called));
    Some(calls)
}

/// Every call of a function that `runs_commands`; `None` where the text takes too long to parse.
pub fn command_calls(text: &str, runs_commands: &dyn Fn(&str) -> bool) -> Option<Vec<CommandCall>> {
    let tree = syntax::parse(Grammar::Python, text)?;
    let mut out = Vec::new();
    let mut stack = vec![(tree.root_node(), None::<String>, false, 0)];
    while let Some((node, function, conditional, depth)) = stack.pop() {
        if depth > MAX_DEPTH {
            continue;
        }
        if node.kind() == "call"
            && let Some(run) = call(node, text, runs_commands, &function, conditional)
        {
            out.push(run);
        }
        let function = match node.kind() {
            "function_definition" => node
                .child_by_field_name("name")
                .and_then(|n| text.get(n.byte_range()))
                .map(str::to_owned),
            _ => function,
        };
        let main = node
            .child_by_field_name("condition")
            .is_some_and(|c| text.get(c.byte_range()).is_some_and(|t| t.contains("__name__")));
        let branch = matches!(
            node.kind(),
            "if_statement"
                | "while_statement"
                | "for_statement"
                | "except_clause"
                | "match_statement"
                | "conditional_expression"
        );
        let conditional = conditional || (branch && !main);
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        stack.extend(
            children.into_iter().rev().map(|c| (c, function.clone(), conditional, depth + 1)),
        );
    }
    Some(out)
}

fn call(
    node: Node<'_>,
    text: &str,
    runs_commands: &dyn Fn(&str) -> bool,
    function: &Option<String>,
    conditional: bool,
) -> Option<CommandCall> {
    let callee = text.get(node.child_by_field_name("function")?.byte_range())?;
    if !runs_commands(callee) {
        return None;
    }
    let arguments = node.child_by_field_name("arguments")?;
    let mut cursor = arguments.walk();
    let all: Vec<Node<'_>> =
        arguments.named_children(&mut cursor).filter(|n| n.kind() != "comment").collect();
    let first = *all.first()?;
    let mut run = CommandCall {
        script: String::new(),
        holes: Vec::new(),
        splits: false,
        span: Span::new(node.start_byte(), node.end_byte()),
        function: function.clone(),
        conditional,
        cwd: None,
    };
    if folders().python_removers.contains(callee) {
        run.script = REMOVE.to_owned();
        run.word(path(first, text));
        return Some(run);
    }
    match first.kind() {
        "list" | "tuple" => {
            let mut cursor = first.walk();
            for item in first.named_children(&mut cursor).filter(|n| n.kind() != "comment") {
                run.word(word(item, text));
            }
        }
        // `["nox"] + sys.argv[1:]`: words follow that are not known.
        "binary_operator" => {
            let list = first.child_by_field_name("left").filter(|n| n.kind() == "list")?;
            let mut cursor = list.walk();
            for item in list.named_children(&mut cursor).filter(|n| n.kind() != "comment") {
                run.word(word(item, text));
            }
            run.splits = true;
            run.word(None);
        }
        "string" => (run.script, run.holes) = formatted(first, text)?,
        _ => return None,
    }
    for keyword in all.iter().filter(|n| n.kind() == "keyword_argument") {
        if keyword.child_by_field_name("name").and_then(|n| text.get(n.byte_range())) == Some("cwd")
        {
            run.cwd = Some(keyword.child_by_field_name("value").and_then(|v| string(v, text)));
        }
    }
    Some(run)
}

impl CommandCall {
    fn word(&mut self, value: Option<String>) {
        if !self.script.is_empty() {
            self.script.push(' ');
        }
        let start = self.script.len();
        match value {
            Some(value) => self.script.push_str(&quoted(&value)),
            None => {
                self.script.push_str(UNKNOWN);
                self.holes.push(Span::new(start, self.script.len()));
            }
        }
    }
}

/// A path, as text or as `Path("…")`.
fn path(node: Node<'_>, text: &str) -> Option<String> {
    let made = |callee: &str| matches!(callee, "Path" | "pathlib.Path" | "str");
    match node.child_by_field_name("function").and_then(|f| text.get(f.byte_range())) {
        Some(callee) if made(callee) => {
            path(node.child_by_field_name("arguments")?.named_child(0)?, text)
        }
        _ => string(node, text),
    }
}

/// One item of a command list.
fn word(node: Node<'_>, text: &str) -> Option<String> {
    match text.get(node.byte_range())? {
        "sys.executable" => Some("python".to_owned()),
        _ => string(node, text),
    }
}

/// A literal string without escapes; the fields of an f-string are not known.
fn formatted(node: Node<'_>, text: &str) -> Option<(String, Vec<Span>)> {
    if let Some(plain) = string(node, text) {
        return Some((plain, Vec::new()));
    }
    let raw = text.get(node.byte_range())?.trim_start_matches(['f', 'F', 'r', 'R']);
    let inner = unquoted(raw).filter(|inner| !inner.contains("{{"))?;
    let mut holes = Vec::new();
    let mut at = 0;
    while let Some(start) = inner[at..].find('{').map(|found| at + found) {
        at = start + inner[start..].find('}')? + 1;
        holes.push(Span::new(start, at));
    }
    Some((inner.to_owned(), holes))
}

/// A literal string without escapes and fields.
fn string(node: Node<'_>, text: &str) -> Option<String> {
    if node.kind() != "string" {
        return None;
    }
    let raw = text.get(node.byte_range())?;
    let body = raw.trim_start_matches(['r', 'R', 'u', 'U', 'b', 'B']);
    unquoted(body).map(str::to_owned)
}

fn unquoted(literal: &str) -> Option<&str> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| literal.starts_with(q))?;
    literal.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains('\\'))
}
