//! What the answer about one call costs.

use crate::tool::{Most, TooMuchWork};

/// Steps spent on one call, and the most that it may take.
#[derive(Debug)]
pub struct CallWork {
    spent: usize,
    most: Most,
}

impl CallWork {
    pub fn new(most: Most) -> Self {
        Self { spent: 0, most }
    }

    pub fn spent(&self) -> usize {
        self.spent
    }

    pub fn left(&self) -> usize {
        self.most.work.saturating_sub(self.spent)
    }

    /// What a call inside a session may take.
    pub fn rest(&self) -> Most {
        Most { work: self.left(), ..self.most }
    }

    /// Counts steps, before they are done wherever their number is known.
    ///
    /// # Errors
    ///
    /// They are more than the call may take.
    pub fn spend(&mut self, steps: usize) -> Result<(), TooMuchWork> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > self.most.work { Err(TooMuchWork) } else { Ok(()) }
    }
}
