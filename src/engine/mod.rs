//! Files to findings, and findings to proved, written fixes.

mod by_logs;
pub mod fix_loop;
pub mod lint;
pub mod suppress;
