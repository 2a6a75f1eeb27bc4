//! What the answer about one call costs.

use crate::tool::TooMuchWork;

/// Steps spent on one call, and the most that it may take.
#[derive(Debug)]
pub struct CallWork {
    spent: usize,
    most: usize,
}

impl CallWork {
    pub fn new(most: usize) -> Self {
        Self { spent: 0, most }
    }

    pub fn spent(&self) -> usize {
        self.spent
    }

    pub fn left(&self) -> usize {
        self.most.saturating_sub(self.spent)
    }

    /// Counts steps, before they are done wherever their number is known.
    ///
    /// # Errors
    ///
    /// They are more than the call may take.
    pub fn spend(&mut self, steps: usize) -> Result<(), TooMuchWork> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > self.most { Err(TooMuchWork) } else { Ok(()) }
    }
}
