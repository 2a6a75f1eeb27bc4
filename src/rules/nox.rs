//! nox's options, from `rules/nox.yaml`.
