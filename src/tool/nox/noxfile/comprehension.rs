//! Comprehensions of a noxfile: lists that are made of others.

use std::sync::Arc;

use tree_sitter::Node;

use super::exec::NoxfileReader;
use super::source::PythonSource;
use super::value::{MAX_SIZE, PythonValue};

impl NoxfileReader<'_> {
    /// `[… for x in known if …]` with any number of clauses.
    pub(super) fn comprehension(
        &mut self,
        node: Node<'_>,
        source: &Arc<PythonSource>,
    ) -> PythonValue {
        let Some(body) = node.child_by_field_name("body") else { return PythonValue::Unknown };
        let clauses: Vec<Node<'_>> = node.named_children(&mut node.walk()).skip(1).collect();
        let copied = self.names().len();
        if !self.copy(copied) {
            return PythonValue::Unknown;
        }
        let outer = self.names().clone();
        let mut items = Vec::new();
        let known = self.clause(&clauses, body, source, &mut items);
        // Where nothing is known to go through, its conditions have not been read.
        self.effects.seeks_archives |= !known && source.text(node).contains(".whl");
        *self.names() = outer;
        if known { PythonValue::list(items) } else { PythonValue::Unknown }
    }

    fn clause(
        &mut self,
        clauses: &[Node<'_>],
        body: Node<'_>,
        source: &Arc<PythonSource>,
        items: &mut Vec<PythonValue>,
    ) -> bool {
        let Some((first, rest)) = clauses.split_first() else {
            let value = self.eval(body, source);
            items.push(value);
            return items.len() <= MAX_SIZE && self.step();
        };
        match first.kind() {
            "for_in_clause" => {
                let (Some(target), Some(over)) =
                    (first.child_by_field_name("left"), first.child_by_field_name("right"))
                else {
                    return false;
                };
                let Some(values) = self.eval(over, source).items().map(<[PythonValue]>::to_vec)
                else {
                    return false;
                };
                values.into_iter().all(|value| {
                    self.assign(target, value, source);
                    self.clause(rest, body, source, items)
                })
            }
            "if_clause" => match first.named_child(0).and_then(|c| self.eval(c, source).truth()) {
                Some(true) => self.clause(rest, body, source, items),
                Some(false) => true,
                None => false,
            },
            _ => self.clause(rest, body, source, items),
        }
    }
}
