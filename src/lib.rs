//! Finds CI jobs that rebuild nox environments on every run, and gives them a cache that works.
//!
//! Data flows one way: text → yaml → workflow → repository → timeline → findings → fixes → output.

pub mod actions;
pub mod base;
pub mod cache;
pub mod check;
pub mod cli;
pub mod config;
pub mod edit;
pub mod engine;
pub mod fix;
pub mod follow;
pub mod job;
pub mod output;
pub mod repo;
pub mod report;
pub mod rules;
#[cfg(test)]
mod schema;
pub mod shell;
#[cfg(test)]
mod testing;
pub mod tool;
pub mod yaml;
