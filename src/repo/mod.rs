//! What a fresh runner has: the repository's tracked files, its workflows and actions, and who calls whom.

pub mod document;
pub mod files;
pub mod index;
pub mod published;
pub mod reach;
pub mod shared;
pub mod survey;
pub mod tracked;
pub mod words;

pub use document::{Content, Document};
pub use files::{RepoFiles, join};
pub use index::Repository;
pub use reach::Reach;
pub use shared::Shared;
pub use survey::{Part, Survey};
