//! A line on standard error when a person at a terminal has waited for more than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// Shows a line until it is dropped.
pub struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    pub fn start(files: usize, wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self(None);
        }
        let (done, waiting) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // A terminal that has gone away isn't a reason to stop checking.
                let _ = write!(io::stderr(), "Checking {files} files…");
                let _ = waiting.recv();
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        Self(Some((done, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            // It only writes to the terminal; how it ended does not matter.
            let _ = thread.join();
        }
    }
}
