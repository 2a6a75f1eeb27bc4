//! nox: what a call of it builds, where, and whether it would reuse what a cache restored.

pub mod argv;
pub mod noxfile;
pub mod reuse;
