//! Program wrappers and launchers, from `rules/launchers.yaml`.
