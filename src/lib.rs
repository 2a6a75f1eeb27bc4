//! Finds CI jobs that rebuild nox environments on every run, and gives them a cache that works.
//!
//! Data flows one way: text → yaml → workflow → repository → timeline → findings → fixes → output.

pub mod cache;
pub mod check;
pub mod cli;
pub mod config;
pub mod discover;
pub mod edit;
pub mod expr;
pub mod finding;
pub mod fix;
pub mod follow;
pub mod glob;
pub mod lint;
pub mod memo;
pub mod output;
pub mod repo;
pub mod report;
pub mod rules;
#[cfg(test)]
mod schema;
pub mod shell;
pub mod suppress;
mod syntax;
#[cfg(test)]
mod testing;
pub mod text;
pub mod timeline;
pub mod tool;
pub mod workflow;
pub mod yaml;
