//! `${{ }}`: parsed, and evaluated as far as static facts allow.

pub mod eval;
pub mod parse;
pub mod value;
