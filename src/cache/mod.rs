//! Caches of environments: what a key must contain, and whether a job may have one.

pub mod action_users;
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

use std::collections::HashSet;

pub use needs::Needs;

/// Adds what the list doesn't hold yet, in one pass.
fn push_all(list: &mut Vec<String>, items: impl IntoIterator<Item = String>) {
    let mut seen: HashSet<String> = list.iter().cloned().collect();
    list.extend(items.into_iter().filter(|item| seen.insert(item.clone())));
}

/// Adds what the list doesn't hold yet.
fn push(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}
