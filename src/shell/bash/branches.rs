//! Branches and loops: what they leave of the state where it is not known which of them runs.

use tree_sitter::Node;

use super::{BashReader, COPIES_PER_STATEMENT, children};
use crate::shell::Word;
use crate::shell::state::{ShellState, ShellValue};

impl<'t> BashReader<'_, 't> {
    pub(super) fn if_statement(&mut self, node: Node<'t>) {
        let (mut condition, mut then, mut seen_then) = (Vec::new(), Vec::new(), false);
        let mut arms: Vec<(Vec<Node<'t>>, Vec<Node<'t>>, bool)> = Vec::new();
        for child in children(node) {
            match child.kind() {
                "then" => seen_then = true,
                "elif_clause" | "else_clause" => {
                    let (condition, body) = split_clause(child);
                    arms.push((condition, body, child.kind() == "else_clause"));
                }
                _ if seen_then => then.push(child),
                _ => condition.push(child),
            }
        }
        arms.insert(0, (condition, then, false));
        let (mut ends, mut complete) = (Vec::new(), false);
        for (condition, body, is_else) in arms {
            // No branch before this one is taken.
            let is_first = ends.is_empty();
            if is_first {
                condition.iter().for_each(|s| self.statement(*s));
            } else {
                self.maybe(|w| condition.iter().for_each(|s| w.statement(*s)));
            }
            let answer = if is_else { Some(true) } else { self.answer(&condition) };
            match answer {
                Some(false) => continue,
                Some(true) if is_first => {
                    return body.into_iter().for_each(|s| self.statement(s));
                }
                _ => ends.push(self.branch(|w| body.into_iter().for_each(|s| w.statement(s)))),
            }
            complete = answer == Some(true);
            if complete {
                break;
            }
        }
        self.merge(ends, complete);
    }

    pub(super) fn case_statement(&mut self, node: Node<'t>) {
        let subject = node.child_by_field_name("value").and_then(|value| self.value(value));
        let (mut ends, mut complete) = (Vec::new(), false);
        for item in children(node).into_iter().filter(|c| c.kind() == "case_item") {
            let patterns: Vec<_> = item.children_by_field_name("value", &mut item.walk()).collect();
            let any = |found: Option<bool>, pattern: &Node<'t>| {
                let fits = match &subject {
                    Some(subject) => self.fits(*pattern, subject),
                    None => (self.text(*pattern) == "*").then_some(true),
                };
                match (found, fits) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            };
            let fits = patterns.iter().fold(Some(false), any);
            let body = children(item).into_iter().filter(|c| !patterns.contains(c));
            match fits {
                Some(false) => continue,
                Some(true) if ends.is_empty() => return body.for_each(|s| self.statement(s)),
                _ => ends.push(self.branch(|w| body.for_each(|s| w.statement(s)))),
            }
            complete = fits == Some(true);
            if complete || self.left.statements == 0 {
                break;
            }
        }
        self.merge(ends, complete);
    }

    /// Continues from the ends of branches; `complete`: one of them was taken.
    pub(super) fn merge(&mut self, ends: Vec<ShellState>, complete: bool) {
        let mut ends = ends.into_iter();
        let Some(first) = ends.next() else { return };
        let start = if complete { first } else { std::mem::take(&mut self.state).merge(first) };
        self.state = start;
        for end in ends {
            // Once the bound is reached nothing more is read, so that the rest need not be merged.
            if !self.left.work((self.state.vars.len() + end.vars.len()) / COPIES_PER_STATEMENT) {
                break;
            }
            self.state = std::mem::take(&mut self.state).merge(end);
        }
    }

    pub(super) fn for_statement(&mut self, node: Node<'t>) {
        let values: Vec<_> = node.children_by_field_name("value", &mut node.walk()).collect();
        let words: Vec<Word> = values.into_iter().flat_map(|v| self.words(v)).collect();
        let known: Option<Vec<String>> = words.iter().map(|w| w.value.clone()).collect();
        let value = match known {
            Some(values) if values.is_empty() => ShellValue::Unknown,
            Some(values) => ShellValue::OneOf(values),
            None => ShellValue::Unknown,
        };
        if let Some(name) = node.child_by_field_name("variable") {
            let name = self.text(name).to_owned();
            self.state.set(&name, value);
        }
        let Some(body) = node.child_by_field_name("body") else { return };
        if words.iter().any(|w| w.value.is_some()) {
            self.statements(body)
        } else {
            self.maybe(|w| w.statements(body))
        }
    }
}

/// The condition and the body of an `elif` or `else`.
fn split_clause(clause: Node<'_>) -> (Vec<Node<'_>>, Vec<Node<'_>>) {
    let nodes = children(clause);
    match nodes.iter().position(|c| c.kind() == "then") {
        Some(at) => (nodes[..at].to_vec(), nodes[at..].to_vec()),
        None => (Vec::new(), nodes),
    }
}
