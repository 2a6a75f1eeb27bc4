//! Findings as text for people and programs.

pub mod concise;
pub mod full;
pub mod json;
