//! Tools that keep environments in a folder CI could cache.

pub mod nox;
