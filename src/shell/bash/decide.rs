//! Tests of `if` and patterns of `case` whose answer is certain, because all of their words are
//! known.

use tree_sitter::Node;

use super::{BashReader, children};

/// How deep tests nest.
const MAX_TEST_DEPTH: usize = 16;

impl<'t> BashReader<'_, 't> {
    /// What the condition of an `if` certainly answers.
    pub(super) fn answer(&self, condition: &[Node<'t>]) -> Option<bool> {
        let named: Vec<Node<'t>> = condition.iter().copied().filter(|n| n.is_named()).collect();
        match named.as_slice() {
            [one] => self.test(*one, 0),
            _ => None,
        }
    }

    fn test(&self, node: Node<'t>, depth: usize) -> Option<bool> {
        if depth > MAX_TEST_DEPTH || node.has_error() {
            return None;
        }
        let nodes = children(node);
        let named: Vec<Node<'t>> = nodes.iter().copied().filter(|n| n.is_named()).collect();
        let operator = || {
            let operator = node.child_by_field_name("operator");
            let operator = operator.or_else(|| nodes.iter().copied().find(|n| !n.is_named()));
            operator.map_or("", |n| self.text(n))
        };
        match (node.kind(), named.as_slice()) {
            ("test_command" | "parenthesized_expression", [inner]) => self.test(*inner, depth + 1),
            ("negated_command", [inner]) => self.test(*inner, depth + 1).map(|answer| !answer),
            ("binary_expression", [left, .., right]) => match operator() {
                "=" | "==" => self.equal(*left, *right),
                "!=" => self.equal(*left, *right).map(|answer| !answer),
                "&&" => both(self.test(*left, depth + 1), self.test(*right, depth + 1)),
                "||" => either(self.test(*left, depth + 1), self.test(*right, depth + 1)),
                _ => None,
            },
            ("unary_expression", [.., operand]) => match operator() {
                "-n" => self.value(*operand).map(|value| !value.is_empty()),
                "-z" => self.value(*operand).map(|value| value.is_empty()),
                "!" => self.test(*operand, depth + 1).map(|answer| !answer),
                _ => None,
            },
            ("list", [left, right]) => {
                let answers = || [*left, *right].map(|side| self.test(side, depth + 1));
                match nodes.get(1).map(|n| self.text(*n)) {
                    Some("&&") => both(answers()[0], answers()[1]),
                    Some("||") => either(answers()[0], answers()[1]),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn equal(&self, left: Node<'t>, right: Node<'t>) -> Option<bool> {
        let pattern = self.value(right)?;
        // Without quotes, `[[` reads the right side as a pattern.
        let is_plain = !pattern.contains(['*', '?', '[']);
        is_plain.then(|| self.value(left).map(|value| value == pattern))?
    }

    /// The text of a word, where it is certain.
    pub(super) fn value(&self, node: Node<'t>) -> Option<String> {
        self.parts(node, true, 0).into_iter().map(|part| part.text).collect()
    }

    /// Whether a pattern of `case` certainly fits, or certainly does not.
    pub(super) fn fits(&self, pattern: Node<'t>, subject: &str) -> Option<bool> {
        let text = self.text(pattern);
        if text == "*" {
            return Some(true);
        }
        if text.contains(['?', '[', '$', '`', '\\', '(']) {
            return None;
        }
        let plain = text.trim_matches(['"', '\'']);
        match plain.split('*').collect::<Vec<_>>().as_slice() {
            [whole] => Some(subject == *whole),
            [start, end] => Some(
                subject.len() >= start.len() + end.len()
                    && subject.starts_with(start)
                    && subject.ends_with(end),
            ),
            _ => None,
        }
    }
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    both(a.map(|a| !a), b.map(|b| !b)).map(|neither| !neither)
}
