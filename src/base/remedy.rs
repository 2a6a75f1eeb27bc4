//! What would cure a finding, as a value; `fix` knows how to write it into a file.

/// Named by a check, performed by `fix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// A cache step for the environments of the job, with what belongs to it.
    InsertCache,
    /// Nothing that could be written automatically; the reason, as one clause.
    Refused(String),
}
