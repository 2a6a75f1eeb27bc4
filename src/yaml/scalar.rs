//! Where each character of a scalar's value is in the file.

use super::scalar_map::{Shift, walk};
use super::tree::{Kind, NodeId, Tree};
use crate::base::text::{Span, Text};

/// Maps byte offsets of a scalar's value to byte offsets of the file, for every scalar style.
#[derive(Debug, Clone)]
pub struct ScalarMap {
    /// Ascending, one where the distance between value and file changes.
    steps: Vec<Shift>,
    /// Length of the value.
    length: usize,
}

impl ScalarMap {
    /// The map of `scalar`, aliases followed; `None` for collections and for a scalar whose source
    /// does not say its value, which then belongs to another text.
    pub fn new(text: &Text, tree: &Tree, scalar: NodeId) -> Option<Self> {
        let node = tree.node(tree.resolve(scalar));
        let Kind::Scalar { value, style } = node.kind else { return None };
        let mut steps: Vec<Shift> = Vec::new();
        let end =
            walk(text.as_str(), node.span.start, style, value, |step| push(&mut steps, step))?;
        (end == node.span.end).then_some(Self { steps, length: value.len() })
    }

    /// The file offset at which the value's byte `offset` begins; a line break that the value holds
    /// begins where the line's text ends. The empty lines that `|+` keeps come after the scalar's
    /// span. Offsets past the value count as its end.
    pub fn offset(&self, offset: usize) -> usize {
        self.place(offset).0
    }

    /// The file offset right after the value's byte `offset - 1`, at which inserted text follows
    /// that byte in the value: before a `\` that ends the line, after the indentation of a new
    /// line. At the end of a block scalar, where no text can follow the last line break, it is the
    /// place before that break.
    pub fn insertion_offset(&self, offset: usize) -> usize {
        self.place(offset).1
    }

    /// The file's text from the first to after the last byte of `span`.
    pub fn span(&self, span: Span) -> Span {
        let start = self.offset(span.start);
        let end = if span.start < span.end { self.insertion_offset(span.end) } else { start };
        Span::new(start, end.max(start))
    }

    /// True when `text` writes the bytes `span` of `value` as they are: no escape, line break or
    /// indentation between.
    pub fn is_contiguous(&self, text: &Text, value: &str, span: Span) -> bool {
        let there = text.as_str().get(self.span(span).range());
        there.is_some() && there == value.get(span.range())
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.length);
        let i = self.steps.partition_point(|s| s.value <= offset);
        match i.checked_sub(1).map(|i| self.steps[i]) {
            Some(step) if step.value == offset => (step.file, step.before),
            Some(step) => {
                let place = step.file + (offset - step.value);
                (place, place)
            }
            None => (offset, offset),
        }
    }
}

/// Adds `step` unless the steps so far say the same.
fn push(steps: &mut Vec<Shift>, step: Shift) {
    if let Some(last) = steps.last_mut() {
        if last.value == step.value {
            *last = step;
            return;
        }
        if last.file + (step.value - last.value) == step.file && step.before == step.file {
            return;
        }
    }
    steps.push(step);
}
