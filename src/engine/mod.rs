//! Files to findings, and findings to proved, written fixes.

pub mod fix_loop;
pub mod lint;
pub mod suppress;
