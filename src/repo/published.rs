//! Published actions as the steps of a document name them.

use super::document::Document;
use crate::actions::{Scalar, Uses};
use crate::rules::cache_actions::{cache_actions, release_numbers};

/// One use of an action as written, with the comment after it, which names a pinned commit's
/// release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'a> {
    pub uses: Uses<'a>,
    pub comment: Option<&'a str>,
}

impl<'a> Published<'a> {
    /// The use that `scalar` holds, with the comment after it.
    pub fn of(document: &'a Document, scalar: &Scalar, uses: Uses<'a>) -> Self {
        let line = document.text.line_of(scalar.span.end);
        let rest = &document.text.line(line)
            [scalar.span.end.saturating_sub(document.text.line_start(line))..];
        let comment =
            rest.trim_start_matches(['"', '\'', ' ']).starts_with('#').then(|| rest.trim());
        Self { uses, comment }
    }

    /// The release that the comment names. Other words there are about that use alone.
    pub fn release(&self) -> Option<&'a str> {
        let word = self.comment?.trim_start_matches('#').split_whitespace().next()?;
        release_numbers(word).map(|_| word)
    }
}

/// The published actions that a document uses, in order.
pub fn published(document: &Document) -> impl Iterator<Item = Published<'_>> {
    published_if(document, |_| true)
}

/// Those that are `wanted`; the comments after the others are not looked for.
fn published_if(
    document: &Document,
    wanted: impl Fn(&Uses<'_>) -> bool,
) -> impl Iterator<Item = Published<'_>> {
    document.step_lists().flat_map(|list| &list.steps).filter_map(move |step| {
        let scalar = step.uses.as_ref()?;
        let uses = Uses::parse(&scalar.text).filter(&wanted)?;
        Some(Published::of(document, scalar, uses))
    })
}

/// How a step writes the cache action that fixes insert, or one of its halves.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    name: String,
    reference: String,
    comment: Option<String>,
}

impl Written {
    /// All in a document, in order.
    pub fn all(document: &Document) -> Vec<Self> {
        let is_cache = |uses: &Uses<'_>| {
            let mut halves = ["/restore", "/save"].iter();
            let whole = halves.find_map(|half| uses.name.strip_suffix(half));
            whole.unwrap_or(uses.name) == cache_actions().release.repository
        };
        let caches = published_if(document, is_cache);
        let written = caches.map(|Published { uses, comment }| Self {
            name: uses.name.to_owned(),
            reference: uses.reference.to_owned(),
            comment: comment.map(str::to_owned),
        });
        written.collect()
    }

    pub fn published(&self) -> Published<'_> {
        Published {
            uses: Uses { prefix: "", name: &self.name, reference: &self.reference },
            comment: self.comment.as_deref(),
        }
    }
}
