//! Scripts of `run:` steps as commands with spans; wrappers around a program peeled off. Nothing is executed.

pub mod bash;
pub mod cmd;
pub mod expand;
pub mod peel;
pub mod powershell;
