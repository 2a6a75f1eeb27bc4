//! What would cure a finding, as a value; `fix` knows how to write it into a file.

/// Named by a check, performed by `fix`. `cache` is the position among the job's existing caches,
/// `caches` are those of several steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// A cache step for the environments of the job, with what belongs to it.
    InsertCache,
    /// The flag that makes the tool reuse what the caches restore, on every call that deletes it.
    Reuse,
    /// The cache step before the step of the event at `before` in the cache's timeline.
    MoveStep { cache: usize, before: usize, title: &'static str },
    /// The folders in which the tool keeps its environments as the `path`.
    SetPath { caches: Vec<usize> },
    /// A key that follows everything the environments depend on.
    RewriteKey { caches: Vec<usize> },
    /// Restore keys that match something and bring back nothing wrong.
    CorrectRestoreKeys { caches: Vec<usize> },
    /// Restore keys where there are none.
    AddRestoreKeys { caches: Vec<usize> },
    /// A step that removes the environments unless the hit was exact.
    RebuildOnPartialHit { caches: Vec<usize> },
    /// A part of the key that changes every week.
    TurnWeekly { caches: Vec<usize> },
    /// A release of the cache action that the service still accepts, wherever the job uses a
    /// retired one.
    ReplaceAction,
    /// Nothing that could be written automatically; the reason, as one clause.
    Refused(String),
}
