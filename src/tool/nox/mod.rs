//! nox: what a call of it builds, where, and whether it would reuse what a cache restored.

