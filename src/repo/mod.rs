//! What a fresh runner has: the repository's tracked files, its workflows and actions, and who
//! calls whom.

mod below;
pub mod discover;
pub mod document;
pub mod files;
pub mod index;
mod prettier;
pub mod published;
pub mod reach;
pub mod read;
pub mod tracked;
pub mod words;
mod yamllint;

pub use document::{Content, Document};
pub use files::RepoFiles;
pub use index::Repository;
pub use reach::Reach;

/// Reads what nearly every check needs of what is always the same, in the order in which it is
/// needed.
pub fn preload() {
    words::preload();
    crate::rules::preload();
}
