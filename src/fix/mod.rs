//! Findings to fixes: a value change and the text edits that perform it, in the file's own style.

pub mod action_ref;
pub mod insert_step;
pub mod move_step;
pub mod quote;
pub mod reuse_flag;
pub mod rewrite_key;
pub mod scalar;
pub mod style;
