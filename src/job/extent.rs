//! How many instances of a job were looked at, and of which sort.

use std::fmt;

use serde::{Serialize, Serializer};

use super::instance::Instances;

/// Shown and serialized as people read it: "6 matrix legs from 2 callers".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    legs: Legs,
    callers: usize,
    /// It may be called from elsewhere.
    open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Legs {
    /// Those of a matrix that is computed while the workflow runs.
    Computed,
    Matrix(usize),
    /// Instances of a job without matrix.
    Plain(usize),
}

impl Extent {
    pub fn of(instances: &Instances) -> Self {
        let mut callers: Vec<_> =
            instances.list.iter().filter_map(|i| i.caller).map(|c| (c.document, c.job)).collect();
        callers.sort_unstable();
        callers.dedup();
        let matrix = instances.list.iter().any(|i| !i.leg.values.is_empty());
        let computed = instances.list.iter().any(|i| i.leg.open && i.unit.job.is_some());
        let legs = match (computed, matrix) {
            (true, _) => Legs::Computed,
            (false, true) => Legs::Matrix(instances.list.len()),
            (false, false) if callers.is_empty() => Legs::Plain(1),
            (false, false) => Legs::Plain(instances.list.len()),
        };
        Self { legs, callers: callers.len(), open: instances.open }
    }

    /// Whether it is the one instance that an ordinary job has.
    pub fn is_single(self) -> bool {
        self == Self { legs: Legs::Plain(1), callers: 0, open: false }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize, word: &str| {
            if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
        };
        match self.legs {
            Legs::Computed => {
                f.write_str("legs of a matrix that is computed while the workflow runs")?
            }
            Legs::Matrix(legs) => f.write_str(&plural(legs, "matrix leg"))?,
            Legs::Plain(instances) => f.write_str(&plural(instances, "instance"))?,
        }
        if self.callers > 0 {
            write!(f, " from {}", plural(self.callers, "caller"))?;
        }
        if self.open {
            f.write_str("; may be called from elsewhere")?;
        }
        Ok(())
    }
}

impl Serialize for Extent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
