//! An `action.yml` file; only composite actions have steps to look at.

use super::reader::{Shape, scalar_at};
use super::step::StepList;
use super::triggers::{InputDeclaration, read_inputs};
use crate::base::finding::Segment;
use crate::yaml::{Entry, NodeId, Tree};

#[derive(Debug, Clone, Default)]
pub struct Action {
    pub inputs: Vec<InputDeclaration>,
    /// Outputs with their values as written, in a composite action.
    pub outputs: Vec<(String, String)>,
    pub composite: bool,
    pub steps: StepList,
    pub shapes: Vec<Shape>,
}

impl Action {
    pub fn read(tree: &Tree) -> Self {
        let Some(root) = tree.root() else { return Self::default() };
        let mut shapes = Vec::new();
        let inputs = tree.get(root, "inputs").map(|n| read_inputs(tree, n)).unwrap_or_default();
        let Some(runs) = tree.get(root, "runs") else { return Self { inputs, ..Self::default() } };
        let outputs = tree.get(root, "outputs").map(|n| read_outputs(tree, n)).unwrap_or_default();
        let composite = scalar_at(tree, runs, "using")
            .is_some_and(|s| s.text.eq_ignore_ascii_case("composite"));
        let steps = if composite {
            StepList::read(tree, runs, vec![Segment::Key("runs".into())], &mut shapes)
        } else {
            StepList::default()
        };
        Self { inputs, outputs, composite, steps, shapes }
    }
}

fn read_outputs(tree: &Tree, node: NodeId) -> Vec<(String, String)> {
    let output = |entry: &Entry| {
        let value = tree.str(tree.get(entry.value, "value")?)?;
        Some((tree.str(entry.key)?.to_owned(), value.to_owned()))
    };
    tree.entries(node).iter().filter_map(output).collect()
}
