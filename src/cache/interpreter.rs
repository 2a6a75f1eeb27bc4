//! Who supplies the Python of the environments, and what a key needs to follow it.

/// A small step before the cache that tells what no expression does: the exact interpreters, the
/// week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `nox-key`: the key reads `steps.nox-key.outputs.…`.
    pub id: String,
    /// Where steps have names.
    pub name: String,
    /// The `run` script, for a POSIX shell; it may have several lines.
    pub script: String,
    /// The default shell of some leg is none that can run the script.
    pub needs_bash: bool,
}
