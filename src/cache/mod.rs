//! Caches of environments: what a key must contain, and whether a job may have one.

pub mod all_jobs;
pub mod artifacts;
pub mod builds;
pub mod earlier;
pub mod existing;
pub mod foreign;
pub mod hash_text;
pub mod hashed;
pub mod interpreter;
pub mod job_caches;
pub mod needs;
pub mod packages;
pub mod publish;
pub mod reach;
pub mod separate;
pub mod supplied;
pub mod uncovered;

pub use needs::Needs;

/// Adds what the list doesn't hold yet.
fn push(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}
