//! An `action.yml` file; only composite actions have steps to look at.

use super::reader::{Shape, scalar_at};
use super::step::StepList;
use super::triggers::{InputDeclaration, read_inputs};
use crate::base::finding::Segment;
use crate::yaml::Tree;

#[derive(Debug, Clone, Default)]
pub struct Action {
    pub inputs: Vec<InputDeclaration>,
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
        let composite = scalar_at(tree, runs, "using")
            .is_some_and(|s| s.text.eq_ignore_ascii_case("composite"));
        let steps = if composite {
            StepList::read(tree, runs, vec![Segment::Key("runs".into())], &mut shapes)
        } else {
            StepList::default()
        };
        Self { inputs, composite, steps, shapes }
    }
}
