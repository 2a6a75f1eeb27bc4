//! peel
