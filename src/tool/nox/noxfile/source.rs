//! The texts of modules and functions, and their syntax trees.

use std::ops::Range;
use std::sync::Arc;

use tree_sitter::{Node, Tree};

use super::exec::Names;

/// The text of a module as it is parsed.
#[derive(Debug)]
pub(super) struct ModuleText {
    /// Relative to the repository root.
    pub(super) path: String,
    pub(super) text: Arc<str>,
}

/// The syntax tree of a module or of one of its functions.
#[derive(Debug)]
pub(super) struct PythonSource {
    pub(super) module: Arc<ModuleText>,
    /// Where it begins in the module: bytes and lines.
    pub(super) start: (usize, usize),
    pub(super) tree: Tree,
}

impl PythonSource {
    pub(super) fn text(&self, node: Node<'_>) -> &str {
        self.module.text.get(self.span(node)).unwrap_or_default()
    }

    /// The line of a node in its file, from 1.
    pub(super) fn line(&self, node: Node<'_>) -> usize {
        self.start.1 + node.start_position().row + 1
    }

    /// The place of a node in its module.
    pub(super) fn span(&self, node: Node<'_>) -> Range<usize> {
        self.start.0 + node.start_byte()..self.start.0 + node.end_byte()
    }

    /// The function that it is the tree of.
    pub(super) fn function(&self) -> Option<Node<'_>> {
        let root = self.tree.root_node();
        root.named_children(&mut root.walk()).find(|node| node.kind() == "function_definition")
    }
}

/// A function of the noxfile. Only its text is kept: syntax trees of all would fill the memory.
#[derive(Debug, Clone)]
pub(super) struct PythonFunction {
    pub(super) name: String,
    pub(super) text: Arc<ModuleText>,
    pub(super) module: usize,
    pub(super) span: Range<usize>,
    /// Lines before it.
    pub(super) line: usize,
    /// The enclosing function's variables, for functions made inside functions.
    pub(super) captured: Names,
}
