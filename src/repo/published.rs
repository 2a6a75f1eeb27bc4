//! Published actions as the steps of a document name them.

use super::document::Document;
use crate::actions::Uses;

/// One use of an action as written, with the comment behind it, which names a pinned commit's
/// release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'a> {
    pub uses: Uses<'a>,
    pub comment: Option<&'a str>,
}

/// The published actions that a document uses, in order.
pub fn published(document: &Document) -> impl Iterator<Item = Published<'_>> {
    document.step_lists().flat_map(|list| &list.steps).filter_map(|step| {
        let scalar = step.uses.as_ref()?;
        let line = document.text.line_of(scalar.span.end);
        let rest = &document.text.line(line)
            [scalar.span.end.saturating_sub(document.text.line_start(line))..];
        let comment =
            rest.trim_start_matches(['"', '\'', ' ']).starts_with('#').then(|| rest.trim());
        Some(Published { uses: Uses::parse(&scalar.text)?, comment })
    })
}
