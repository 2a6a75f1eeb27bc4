//! PowerShell scripts: statements through tree-sitter-powershell, the words of a command by
//! PowerShell's own quoting.

mod words;

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::expand::Expanded;
use super::state::{ShellState, ShellValue};
use super::word::Word;
use super::{Command, Host, Left};
use crate::base::syntax::{self, Grammar, TOO_SLOW};
use crate::base::text::Span;

/// How deep nodes are followed; the grammar wraps each expression in about fifteen.
const MAX_DEPTH: usize = 150;
/// Nodes read per script, so that functions which call each other end.
const MAX_NODES: usize = 200_000;

/// The commands of `script` in the order in which they run.
pub(super) fn commands(
    script: &Expanded,
    vars: &dyn Fn(&str) -> Option<String>,
    limits: &mut Left,
) -> Vec<Command> {
    let text = readable(script.text());
    let Some(tree) = syntax::parse(Grammar::PowerShell, &text) else {
        limits.cut(format!("a script {TOO_SLOW}"));
        return Vec::new();
    };
    let mut reader = PowerShellReader {
        script,
        vars,
        state: ShellState::default(),
        functions: BTreeMap::new(),
        aliases: BTreeMap::new(),
        running: Vec::new(),
        depth: 0,
        left: MAX_NODES,
        out: Vec::new(),
    };
    reader.visit(tree.root_node());
    reader.out
}

/// The text with the program paths that the grammar does not read (`./build.ps1`, `../build.ps1`)
/// written with backslashes; no offset moves.
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let program = line.trim_start();
        let end = program.find(char::is_whitespace).unwrap_or(program.len());
        let (word, rest) = program.split_at(end);
        out.push_str(&line[..line.len() - program.len()]);
        if word.starts_with("./") || word.starts_with("../") {
            out.push_str(&word.replace('/', "\\"));
        } else {
            out.push_str(word);
        }
        out.push_str(rest);
    }
    out
}

struct PowerShellReader<'a, 't> {
    script: &'a Expanded,
    vars: &'a dyn Fn(&str) -> Option<String>,
    state: ShellState,
    functions: BTreeMap<String, Node<'t>>,
    /// Programs by the names that the script gives them, in lower case.
    aliases: BTreeMap<String, String>,
    running: Vec<String>,
    depth: usize,
    left: usize,
    out: Vec<Command>,
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.children(&mut node.walk()).collect()
}

impl<'t> PowerShellReader<'_, 't> {
    fn text(&self, node: Node<'_>) -> &str {
        self.script.text().get(node.byte_range()).unwrap_or_default()
    }

    fn visit_all(&mut self, nodes: impl IntoIterator<Item = Node<'t>>) {
        for node in nodes {
            self.visit(node);
        }
    }

    /// The state after `body` as a part that may be left out; the state itself stays.
    fn branch(&mut self, body: impl FnOnce(&mut Self)) -> ShellState {
        let outer = self.state.clone();
        self.state.conditional = true;
        body(self);
        let mut after = std::mem::replace(&mut self.state, outer);
        after.conditional = self.state.conditional;
        after
    }

    fn maybe(&mut self, body: impl FnOnce(&mut Self)) {
        let after = self.branch(body);
        self.state = std::mem::take(&mut self.state).merge(after);
    }

    fn visit(&mut self, node: Node<'t>) {
        if self.depth >= MAX_DEPTH || self.left == 0 || self.state.ended.is_some() {
            return;
        }
        self.left -= 1;
        self.depth += 1;
        match node.kind() {
            "command" => self.command(node),
            "assignment_expression" => self.assign(node),
            "if_statement" => self.if_statement(node),
            "while_statement" | "for_statement" | "foreach_statement" | "switch_statement"
            | "trap_statement" => {
                let (body, head): (Vec<_>, Vec<_>) = children(node)
                    .into_iter()
                    .partition(|c| matches!(c.kind(), "statement_block" | "switch_body"));
                let mut values = None;
                if let Some(variable) = head.iter().find(|c| c.kind() == "variable") {
                    let name = words::variable_name(self.text(*variable));
                    values = head.iter().rfind(|c| c.is_named()).and_then(|c| self.literals(*c));
                    let value = values.clone().map_or(ShellValue::Unknown, ShellValue::OneOf);
                    self.state.set(&name, value);
                }
                self.visit_all(head);
                match values {
                    Some(_) => self.visit_all(body),
                    None => self.maybe(|w| w.visit_all(body)),
                }
            }
            "catch_clauses" | "script_block_expression" => {
                self.maybe(|w| w.visit_all(children(node)))
            }
            "function_statement" => self.define(node),
            "pipeline" => self.pipeline(node),
            "flow_control_statement" => {
                self.visit_all(children(node));
                let text = self.text(node).to_ascii_lowercase();
                if let Some(code) = text.strip_prefix("exit") {
                    self.state.ended = Some(matches!(code.trim(), "" | "0"));
                } else if text.starts_with("throw") {
                    self.state.ended = Some(false);
                }
            }
            // Nothing inside is known to be a command: a quote may be open.
            "ERROR" => {}
            _ => self.visit_all(children(node)),
        }
        self.depth -= 1;
    }

    /// The texts of a literal list: `"a", "b"` or `@("a", "b")`.
    fn literals(&self, node: Node<'t>) -> Option<Vec<String>> {
        let text = self.text(node).trim();
        let inside = text.strip_prefix("@(").and_then(|text| text.strip_suffix(')'));
        let text_of = |item: &str| {
            let quote = item.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let inner = item.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.contains(['$', '`', '"', '\''])).then(|| inner.to_owned())
        };
        inside.unwrap_or(text).split(',').map(|item| text_of(item.trim())).collect()
    }

    /// `a && b`, `a || b`.
    fn pipeline(&mut self, node: Node<'t>) {
        let mut or = false;
        for child in children(node) {
            match child.kind() {
                "pipeline_chain_tail" => or = self.text(child) == "||",
                _ if or => self.maybe(|w| w.visit(child)),
                _ => self.visit(child),
            }
        }
    }

    fn if_statement(&mut self, node: Node<'t>) {
        let (mut ends, mut complete) = (Vec::new(), false);
        let nodes = children(node);
        let is_condition = |c: &&Node<'t>| c.is_named() && c.kind() != "statement_block";
        let answer = nodes.iter().find(is_condition).and_then(|c| self.answer(*c));
        let clauses = nodes.into_iter().flat_map(|c| match c.kind() {
            "elseif_clauses" => children(c),
            _ => vec![c],
        });
        for clause in clauses {
            match clause.kind() {
                "statement_block" if answer == Some(true) => return self.visit(clause),
                "statement_block" if answer == Some(false) => {}
                "else_clause" if answer == Some(false) && ends.is_empty() => {
                    return self.visit_all(children(clause));
                }
                "statement_block" => ends.push(self.branch(|w| w.visit(clause))),
                "elseif_clause" | "else_clause" => {
                    complete |= clause.kind() == "else_clause";
                    let (body, condition): (Vec<_>, Vec<_>) =
                        children(clause).into_iter().partition(|c| c.kind() == "statement_block");
                    self.visit_all(condition);
                    ends.push(self.branch(|w| w.visit_all(body)));
                }
                _ => self.visit(clause),
            }
        }
        let mut ends = ends.into_iter();
        let Some(first) = ends.next() else { return };
        let start = if complete { first } else { std::mem::take(&mut self.state).merge(first) };
        self.state = ends.fold(start, ShellState::merge);
    }

    /// Whether two texts that a condition compares are equal, where both are known.
    fn answer(&self, condition: Node<'t>) -> Option<bool> {
        let words = self.lex(Span::new(condition.start_byte(), condition.end_byte()));
        let [left, operator, right] = words.as_slice() else { return None };
        let (left, right) = (left.value.as_deref()?, right.value.as_deref()?);
        match operator.raw.to_ascii_lowercase().as_str() {
            "-eq" | "-ieq" => Some(left.eq_ignore_ascii_case(right)),
            "-ne" | "-ine" => Some(!left.eq_ignore_ascii_case(right)),
            "-ceq" => Some(left == right),
            "-cne" => Some(left != right),
            _ => None,
        }
    }

    fn define(&mut self, node: Node<'t>) {
        let nodes = children(node);
        let find = |kind: &str| nodes.iter().copied().find(|c| c.kind() == kind);
        if let (Some(name), Some(body)) = (find("function_name"), find("script_block")) {
            self.functions.insert(self.text(name).to_ascii_lowercase(), body);
        }
    }

    /// `$x = …` and `$env:X = …`.
    fn assign(&mut self, node: Node<'t>) {
        let nodes = children(node);
        let (Some(left), Some(value)) = (nodes.first(), node.child_by_field_name("value")) else {
            return;
        };
        let name = words::variable_name(self.text(*left));
        let before = self.out.len();
        self.visit(value);
        let words = self.lex(Span::new(value.start_byte(), value.end_byte()));
        let plain = nodes.iter().any(|c| self.text(*c) == "=") && self.out.len() == before;
        let value = match words.as_slice() {
            [word] if plain => ShellValue::of(word),
            _ => ShellValue::Unknown,
        };
        self.state.set(&name, value);
        if !name.starts_with('$') {
            self.state.export(&name);
        }
    }

    fn command(&mut self, node: Node<'t>) {
        // `$( … )`, `( … )` and script blocks among the arguments.
        self.visit_all(children(node));
        let mut start = node.start_byte();
        if let Some(operator) =
            children(node).first().filter(|c| c.kind() == "command_invokation_operator")
            && self.text(*operator) == "&"
        {
            start = operator.end_byte();
        }
        for (at, (line, words)) in
            self.lines(Span::new(start, node.end_byte())).into_iter().enumerate()
        {
            let start = if at == 0 { node.start_byte() } else { line.start };
            self.simple_command(words, Span::new(start, line.end));
        }
    }

    fn simple_command(&mut self, mut words: Vec<Word>, place: Span) {
        let Some(program) = words.first() else { return };
        let mut name = program.value.clone().unwrap_or_default();
        if let Some(meant) = self.aliases.get(&name.to_ascii_lowercase()) {
            name.clone_from(meant);
            words[0] = program.with_value(meant);
        }
        if let Some(body) = self.functions.get(&name.to_ascii_lowercase()).copied() {
            if !self.running.contains(&name) {
                self.running.push(name);
                self.visit(body);
                self.running.pop();
            }
            return;
        }
        match name.to_ascii_lowercase().as_str() {
            "cd" | "chdir" | "sl" | "set-location" => {
                self.state.change_directory("cd", &words[1..])
            }
            "pushd" | "push-location" => self.state.change_directory("pushd", &words[1..]),
            "popd" | "pop-location" => self.state.change_directory("popd", &words[1..]),
            "set-alias" | "new-alias" | "sal" | "nal" => {
                let plain = words[1..].iter().filter_map(|word| word.value.as_deref());
                let mut plain = plain.filter(|word| !word.starts_with('-'));
                if let (Some(name), Some(meant)) = (plain.next(), plain.next()) {
                    self.aliases.insert(name.to_ascii_lowercase(), meant.to_owned());
                }
            }
            _ => {}
        }
        self.emit(words, place);
    }

    fn emit(&mut self, words: Vec<Word>, span: Span) {
        self.out.push(Command {
            words,
            assignments: Vec::new(),
            exports: self.state.exports(),
            span: self.script.origin(span),
            directory: self.state.directory.clone(),
            conditional: self.state.conditional,
            host: Host::Runner,
            nested: false,
            here_document: None,
        });
    }
}

#[cfg(test)]
mod tests;
