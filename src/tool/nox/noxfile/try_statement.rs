//! `try` statements: the body is followed, its handlers may run.

use std::sync::Arc;

use tree_sitter::Node;

use super::exec::{Flow, Names, NoxfileReader};
use super::source::PythonSource;
use super::value::PythonValue;

/// What Python raises when a module is not there.
const IMPORT_ERRORS: [&str; 2] = ["ImportError", "ModuleNotFoundError"];

impl NoxfileReader<'_> {
    pub(super) fn try_statement(&mut self, node: Node<'_>, source: &Arc<PythonSource>) -> Flow {
        let flow = self.field_block(node, "body", source);
        let clauses: Vec<Node<'_>> = node.named_children(&mut node.walk()).skip(1).collect();
        for clause in clauses {
            let Some(block) =
                clause.named_children(&mut clause.walk()).filter(|c| c.kind() == "block").last()
            else {
                continue;
            };
            match clause.kind() {
                "finally_clause" | "else_clause" => drop(self.block(block, source)),
                _ => {
                    let imported = if catches_missing(clause, source) {
                        self.imported()
                    } else {
                        Names::new()
                    };
                    self.doubtful(|reader| reader.block(block, source));
                    self.names().extend(imported);
                }
            }
        }
        if flow == Flow::Return { Flow::On } else { flow }
    }

    /// Names of things from outside. A handler may import substitutes for them where they are
    /// missing.
    fn imported(&mut self) -> Names {
        let outside = |(_, value): &(&String, &PythonValue)| matches!(value, PythonValue::Name(_));
        self.names()
            .iter()
            .filter(outside)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// Whether a handler is for modules that are not installed.
fn catches_missing(clause: Node<'_>, source: &PythonSource) -> bool {
    clause.named_child(0).is_some_and(|caught| {
        let text = source.text(caught);
        caught.kind() != "block" && IMPORT_ERRORS.iter().any(|error| text.contains(error))
    })
}
