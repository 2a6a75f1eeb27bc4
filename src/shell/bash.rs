//! Bash and sh scripts through tree-sitter-bash: every simple command that runs, with the state it
//! runs in.

mod aliases;
mod branches;
mod decide;
mod sourced;
mod words;

use std::collections::BTreeMap;
use std::rc::Rc;

use tree_sitter::Node;

use self::sourced::{Around, Functions};
use super::expand::Expanded;
use super::state::{ShellState, ShellValue};
use super::word::{Word, WordPart};
use super::{Command, Given, Host, Left, MAX_PIPES, Shell, pipes};
use crate::base::syntax::{self, Grammar, TOO_SLOW};
use crate::base::text::Span;

/// How deep statements may nest, function calls counted.
const MAX_DEPTH: usize = 48;
/// Variables that are copied, and bytes of values that a command carries, for the price of one
/// statement.
pub(super) const COPIES_PER_STATEMENT: usize = 32;
const BYTES_PER_STATEMENT: usize = 1024;
/// More words than this given to a script are taken as unknown.
const MAX_ARGUMENTS: usize = 100;

/// The commands of `script` in the order in which they run. Unlike bash, sh expands aliases in a
/// script.
pub(super) fn commands(
    shell: &Shell,
    script: &Expanded,
    given: &Given<'_>,
    left: &mut Left,
) -> Vec<Command> {
    let mut state = ShellState::default();
    state.positional = arguments(given.vars);
    state.expands_aliases = *shell == Shell::Sh;
    walk(script, given, state, Around::default(), left).commands
}

/// What a script comes to.
struct Walked {
    commands: Vec<Command>,
    /// At its end.
    state: ShellState,
    /// The bodies of the functions that there are then.
    functions: Functions,
}

/// Runs `script` from a state.
fn walk(
    script: &Expanded,
    given: &Given<'_>,
    state: ShellState,
    around: Around,
    left: &mut Left,
) -> Walked {
    let tree = if pipes(script.text()) > MAX_PIPES {
        left.cut(format!("a script has more than {MAX_PIPES} pipes"));
        None
    } else {
        let tree = syntax::parse(Grammar::Bash, script.text());
        if tree.is_none() {
            left.cut(format!("a script {TOO_SLOW}"));
        }
        tree
    };
    let Some(tree) = tree else {
        return Walked { commands: Vec::new(), state, functions: around.functions };
    };
    let mut reader = BashReader {
        script,
        vars: given.vars,
        files: given.files,
        sources: around.sources,
        state,
        functions: BTreeMap::new(),
        aliases: BTreeMap::new(),
        bodies: around.functions,
        running: around.running,
        depth: around.depth,
        left,
        out: Vec::new(),
    };
    reader.statements(tree.root_node());
    Walked { commands: reader.out, state: reader.state, functions: reader.bodies }
}

/// The words that the script itself was given: `$#` of them, `$1` and so on.
fn arguments(vars: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Word>> {
    let count: usize = vars("#")?.parse().ok().filter(|count| *count <= MAX_ARGUMENTS)?;
    let word = |position: usize| {
        let text = vars(&position.to_string());
        Word::new("", Span::at(0), vec![WordPart::computed(text, Span::at(0), true)])
    };
    Some((1..=count).map(word).collect())
}

pub(super) struct BashReader<'a, 't> {
    script: &'a Expanded,
    vars: &'a dyn Fn(&str) -> Option<String>,
    files: &'a dyn Fn(&str) -> Option<String>,
    /// How many scripts read each other with `source` around this one.
    sources: usize,
    state: ShellState,
    /// The functions that this script defines itself, with their bodies.
    functions: BTreeMap<String, (Node<'t>, Rc<str>)>,
    /// Words that the shell puts in place of a program.
    aliases: BTreeMap<String, Vec<String>>,
    /// The bodies of all functions, those of scripts that were read with `source` too.
    bodies: Functions,
    running: Vec<String>,
    depth: usize,
    left: &'a mut Left,
    out: Vec<Command>,
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.children(&mut node.walk()).collect()
}

fn span(node: Node<'_>) -> Span {
    Span::new(node.start_byte(), node.end_byte())
}

impl<'t> BashReader<'_, 't> {
    fn text(&self, node: Node<'_>) -> &str {
        self.script.text().get(node.byte_range()).unwrap_or_default()
    }

    fn statements(&mut self, node: Node<'t>) {
        for child in children(node) {
            self.statement(child);
        }
    }

    /// Counts the copying of the state: a script with many variables and branches would otherwise
    /// cost as much as their product.
    fn copies(&mut self) {
        self.left.work(self.state.vars.len() / COPIES_PER_STATEMENT);
    }

    /// Runs `body` in a copy of the state that is thrown away: a subshell.
    fn apart(&mut self, body: impl FnOnce(&mut Self)) {
        self.copies();
        let outer = self.state.clone();
        body(self);
        self.state = outer;
    }

    /// The state after `body` as a part that may be left out; the state itself stays.
    fn branch(&mut self, body: impl FnOnce(&mut Self)) -> ShellState {
        self.copies();
        let outer = self.state.clone();
        self.state.conditional = true;
        body(self);
        let mut after = std::mem::replace(&mut self.state, outer);
        after.conditional = self.state.conditional;
        after
    }

    fn maybe(&mut self, body: impl FnOnce(&mut Self)) {
        self.copies();
        let after = self.branch(body);
        let state = std::mem::take(&mut self.state);
        self.state = state.merge(after);
    }

    /// Counts a statement; false where a bound is reached.
    fn may_read(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.left.cut(format!("a script is nested deeper than {MAX_DEPTH} levels"));
            return false;
        }
        self.left.work(1)
    }

    fn statement(&mut self, node: Node<'t>) {
        if self.state.ended.is_some() || !self.may_read() {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "command" => self.command(node, Vec::new()),
            "declaration_command" => self.declaration(node),
            "unset_command" => {
                for name in children(node).into_iter().skip(1) {
                    let name = self.text(name).to_owned();
                    self.state.unset(&name);
                }
            }
            "variable_assignment" => {
                self.assign(node);
            }
            "list" => self.list(node),
            "pipeline" => self.pipeline(node),
            "redirected_statement" => self.redirected(node),
            "subshell" => self.apart(|w| w.statements(node)),
            "if_statement" => self.if_statement(node),
            "while_statement" => {
                let (body, condition): (Vec<_>, Vec<_>) =
                    children(node).into_iter().partition(|c| c.kind() == "do_group");
                condition.into_iter().for_each(|c| self.statement(c));
                self.maybe(|w| body.into_iter().for_each(|b| w.statements(b)));
            }
            "c_style_for_statement" => {
                if let Some(body) = node.child_by_field_name("body") {
                    self.maybe(|w| w.statements(body));
                }
            }
            "for_statement" => self.for_statement(node),
            "case_statement" => self.case_statement(node),
            "function_definition" => {
                let parts = (node.child_by_field_name("name"), node.child_by_field_name("body"));
                if let (Some(name), Some(body)) = parts {
                    self.define_function(name, body);
                }
            }
            "program"
            | "compound_statement"
            | "do_group"
            | "negated_command"
            | "variable_assignments" => {
                self.statements(node);
            }
            // Nothing inside is known to be a command: a quote may be open.
            "ERROR" => {}
            _ => self.substitutions(node),
        }
        self.depth -= 1;
    }

    /// Runs the `$( … )` and `<( … )` inside `node`.
    fn substitutions(&mut self, node: Node<'t>) {
        if !self.may_read() {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "command_substitution" | "process_substitution" => self.apart(|w| w.statements(node)),
            _ => {
                for child in children(node).into_iter().filter(|c| c.named_child_count() > 0) {
                    self.substitutions(child);
                }
            }
        }
        self.depth -= 1;
    }

    /// `a && b || c`, which the grammar nests to the left, as deep as it is long.
    fn list(&mut self, node: Node<'t>) {
        let (mut first, mut rest) = (node, Vec::new());
        while first.kind() == "list" {
            let nodes = children(first);
            let (Some(&left), Some(&right)) = (nodes.first(), nodes.last()) else { return };
            rest.push((nodes.iter().any(|c| c.kind() == "||"), right));
            first = left;
        }
        self.statement(first);
        let mut asked = is_test(self.script, first);
        for (or, right) in rest.into_iter().rev() {
            if or || asked {
                self.maybe(|w| w.statement(right))
            } else {
                self.statement(right)
            }
            asked |= is_test(self.script, right);
        }
    }

    fn pipeline(&mut self, node: Node<'t>) {
        for (i, child) in children(node).into_iter().filter(|c| c.is_named()).enumerate() {
            // `a && b | c` is read by the grammar as `(a && b) | c`; `a` runs in the script itself.
            if i == 0 && child.kind() == "list" {
                self.statement(child)
            } else {
                self.apart(|w| w.statement(child))
            }
        }
    }

    fn redirected(&mut self, node: Node<'t>) {
        let (mut extra, mut after) = (Vec::new(), Vec::new());
        for redirect in children(node).into_iter().filter(|c| c.kind().ends_with("_redirect")) {
            let mut cursor = redirect.walk();
            // The grammar takes every word after `> file` for a further target; the shell passes
            // them to the program.
            let mut words: Vec<_> =
                redirect.children_by_field_name("destination", &mut cursor).skip(1).collect();
            words.extend(redirect.children_by_field_name("argument", &mut cursor));
            let mut statements: Vec<_> =
                redirect.children_by_field_name("right", &mut cursor).collect();
            statements.extend(redirect.children(&mut cursor).filter(|c| c.kind() == "pipeline"));
            for child in redirect
                .children(&mut cursor)
                .filter(|c| !words.contains(c) && !statements.contains(c))
            {
                self.substitutions(child);
            }
            extra.extend(words);
            after.extend(statements);
        }
        match node.child_by_field_name("body") {
            Some(body) if body.kind() == "command" => {
                let before = self.out.len();
                self.command(body, extra);
                let text = here_document(node).map(|text| self.script.parts(span(text), true));
                if self.out.len() == before + 1
                    && let Some(command) = self.out.last_mut()
                {
                    command.here_document = text;
                }
            }
            Some(body) => self.statement(body),
            None => {}
        }
        for statement in after {
            self.statement(statement);
        }
    }

    /// Performs an assignment; the variable's name, if it is a plain one, and the assigned word.
    fn assign(&mut self, node: Node<'t>) -> Option<(String, Word)> {
        let (name, word) = self.assignment(node)?;
        let append = children(node).iter().any(|c| c.kind() == "+=");
        let value = if append { ShellValue::Unknown } else { ShellValue::of(&word) };
        self.state.set(&name, value);
        // The environment of the step is exported already.
        if (self.vars)(&name).is_some() {
            self.state.export(&name);
        }
        Some((name, word))
    }

    fn assignment(&mut self, node: Node<'t>) -> Option<(String, Word)> {
        let name = node.child_by_field_name("name").filter(|n| n.kind() == "variable_name")?;
        let name = self.text(name).to_owned();
        let Some(value) = node.child_by_field_name("value") else {
            return Some((name, self.script.word(Span::at(node.end_byte()), Vec::new())));
        };
        self.substitutions(value);
        let parts = self.parts(value, true, 0);
        Some((name, self.script.word(span(value), parts)))
    }

    fn declaration(&mut self, node: Node<'t>) {
        let exports = children(node).first().is_some_and(|c| c.kind() == "export")
            || children(node).iter().any(|c| matches!(self.text(*c), "-x" | "-gx" | "-xg"));
        for child in children(node).into_iter().skip(1) {
            let name = match child.kind() {
                "variable_assignment" => self.assign(child).map(|(name, _)| name),
                "variable_name" | "word" => {
                    Some(self.text(child).to_owned()).filter(|n| !n.starts_with('-'))
                }
                _ => None,
            };
            if let Some(name) = name.filter(|_| exports) {
                self.state.export(&name);
            }
        }
    }

    fn command(&mut self, node: Node<'t>, extra: Vec<Node<'t>>) {
        let (mut words, mut assignments, mut end) = (Vec::new(), Vec::new(), node.end_byte());
        let mut cursor = node.walk();
        let nodes: Vec<_> = node.children(&mut cursor).chain(extra).collect();
        for child in nodes {
            match child.kind() {
                "variable_assignment" => assignments.extend(self.assignment(child)),
                "command_name" => {
                    words.extend(children(child).into_iter().flat_map(|c| self.words(c)))
                }
                "file_redirect" | "herestring_redirect" | "heredoc_redirect" => {
                    self.substitutions(child)
                }
                // `time ( … )`
                "subshell" => self.apart(|w| w.statements(child)),
                "ERROR" => {}
                _ => {
                    end = end.max(child.end_byte());
                    words.extend(self.words(child));
                }
            }
        }
        let Some(program) = words.first().and_then(|w| w.value.clone()) else {
            return self.emit(words, assignments, Span::new(node.start_byte(), end));
        };
        if let Some(body) = self.bodies.get(&program).cloned() {
            return match self.functions.get(&program) {
                Some((node, own)) if Rc::ptr_eq(own, &body) => self.call(program, *node, words),
                _ => self.call_borrowed(program, &body, words),
            };
        }
        if let Some(alias) = self.aliases.get(&program) {
            let first = words.remove(0);
            words.splice(..0, alias.iter().map(|text| first.with_value(text)));
            return self.emit(words, assignments, Span::new(node.start_byte(), end));
        }
        match program.as_str() {
            "cd" | "pushd" | "popd" => self.state.change_directory(&program, &words[1..]),
            "exit" => {
                let code = words.get(1).map_or(Some("0"), |w| w.value.as_deref());
                self.state.ended = Some(code == Some("0"));
            }
            "source" | "." => self.source(words.get(1)),
            "alias" => self.define_aliases(&words[1..]),
            "shopt" => self.shopt(&words[1..]),
            "read" | "mapfile" => {}
            "set" if sets_arguments(&words[1..]) => self.state.positional = None,
            "shift" => self.shift(words.get(1)),
            _ => {}
        }
        let replaces = program == "exec" && words.len() > 1;
        self.emit(words, assignments, Span::new(node.start_byte(), end));
        if replaces {
            self.state.ended = Some(true);
        }
    }

    /// `shift`, or `shift 2`: the first arguments go.
    fn shift(&mut self, count: Option<&Word>) {
        let count = count.map_or(Some(1), |w| w.value.as_deref()?.parse().ok());
        let left = self.state.positional.take();
        // In a loop or a branch it is not known how often.
        let left = left.filter(|_| !self.state.conditional);
        self.state.positional =
            count.zip(left).map(|(count, left)| left.into_iter().skip(count).collect());
    }

    fn emit(&mut self, words: Vec<Word>, assignments: Vec<(String, Word)>, span: Span) {
        if words.is_empty() {
            return;
        }
        let exports = self.state.exports();
        let values = words.iter().map(|w| &w.value).chain(exports.iter().map(|(_, value)| value));
        let bytes: usize = values.flatten().map(String::len).sum();
        if !self.left.work(bytes / BYTES_PER_STATEMENT) {
            return;
        }
        self.out.push(Command {
            words,
            assignments,
            exports,
            span: self.script.origin(span),
            directory: self.state.directory.clone(),
            conditional: self.state.conditional,
            host: Host::Runner,
            nested: false,
            here_document: None,
        });
    }
}

/// Whether `set` with these words gives the script new arguments, beyond options such as `-e` and
/// `-o pipefail`.
fn sets_arguments(words: &[Word]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.value.as_deref() {
            Some(text) if text.starts_with(['-', '+']) && text.len() > 1 && text != "--" => {
                if text.ends_with('o') {
                    words.next();
                }
            }
            _ => return true,
        }
    }
    false
}

/// The text of a here-document of a redirected statement.
fn here_document(node: Node<'_>) -> Option<Node<'_>> {
    let redirect = children(node).into_iter().find(|c| c.kind() == "heredoc_redirect")?;
    children(redirect).into_iter().find(|c| c.kind() == "heredoc_body")
}

/// Whether a statement only asks something, so that what follows its `&&` often does not run.
fn is_test(script: &Expanded, node: Node<'_>) -> bool {
    let node = if node.kind() == "redirected_statement" {
        node.child_by_field_name("body").unwrap_or(node)
    } else {
        node
    };
    match node.kind() {
        "test_command" | "negated_command" => true,
        "command" => {
            let name =
                node.child_by_field_name("name").and_then(|n| script.text().get(n.byte_range()));
            matches!(name, Some("test" | "grep" | "command" | "which" | "false"))
        }
        _ => false,
    }
}
