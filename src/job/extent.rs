//! How many instances of a job were looked at, and of which sort.

use std::fmt;

use serde::{Serialize, Serializer};

use super::instance::Instances;

/// Shown and serialized as people read it: "6 matrix legs from 2 callers".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    legs: LegCount,
    callers: usize,
    /// It may be called from elsewhere.
    external_callers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LegCount {
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
        let computed = instances.list.iter().any(|i| i.leg.incomplete && i.job_ref.job.is_some());
        let legs = match (computed, matrix) {
            (true, _) => LegCount::Computed,
            (false, true) => LegCount::Matrix(instances.list.len()),
            (false, false) if callers.is_empty() => LegCount::Plain(1),
            (false, false) => LegCount::Plain(instances.list.len()),
        };
        Self { legs, callers: callers.len(), external_callers: instances.external_callers }
    }

    /// Whether it is the one instance that an ordinary job has.
    pub fn is_single(self) -> bool {
        self == Self { legs: LegCount::Plain(1), callers: 0, external_callers: false }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize, word: &str| {
            if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
        };
        match self.legs {
            LegCount::Computed => f.write_str("legs of a matrix that the workflow computes")?,
            LegCount::Matrix(legs) => f.write_str(&plural(legs, "matrix leg"))?,
            LegCount::Plain(instances) => f.write_str(&plural(instances, "instance"))?,
        }
        if self.callers > 0 {
            write!(f, " from {}", plural(self.callers, "caller"))?;
        }
        if self.external_callers {
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
