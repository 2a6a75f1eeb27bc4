//! concise
