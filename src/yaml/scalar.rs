//! Where each character of a scalar's value stands in the file.

use super::tree::{NodeId, Tree};
use crate::text::{Span, Text};

/// Maps byte offsets of a scalar's value to byte offsets of the file, for every scalar style.
#[derive(Debug, Clone)]
pub struct ScalarMap {
    /// `(offset in the value, offset in the file)`, ascending, one where the distance between the two changes.
    steps: Vec<(usize, usize)>,
}

impl ScalarMap {
    pub fn new(text: &Text, tree: &Tree, scalar: NodeId) -> Option<Self> {
        let _ = (text, tree, scalar);
        None
    }

    /// The file offset of the value's byte `offset`.
    pub fn offset(&self, offset: usize) -> usize {
        let i = self.steps.partition_point(|(v, _)| *v <= offset);
        i.checked_sub(1).map_or(offset, |i| self.steps[i].1 + (offset - self.steps[i].0))
    }

    pub fn span(&self, span: Span) -> Span {
        Span::new(self.offset(span.start), self.offset(span.end))
    }
}
