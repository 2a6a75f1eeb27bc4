//! Why no report could be made.

use std::path::{Path, PathBuf};

use crate::base::printable::printable_name;
use crate::base::text::{io_reason, unreadable};

/// Every one makes the exit code 2; the text says what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{}: {}", shown(path), unreadable(source))]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: is neither a file nor a folder; to read from a pipe, give `-`", shown(path))]
    NoFile { path: PathBuf },
    #[error(
        "{}: isn't a run log that cachelint knows\n  expected: {EXPECTED}",
        printable_name(name)
    )]
    UnknownFormat { name: String },
    #[error("{}: is empty", printable_name(name))]
    Empty { name: String },
    #[error("{}: is compressed; unpack it first, for example with {with}", printable_name(name))]
    Compressed { name: String, with: &'static str },
    #[error("{}: the text is UTF-16; save the log as UTF-8", printable_name(name))]
    Utf16 { name: String },
    #[error("{}: {reason}", printable_name(name))]
    Archive { name: String, reason: String },
    #[error(
        "{}: larger than {} MiB when unpacked; give the logs of its jobs one by one",
        printable_name(name),
        limit >> 20
    )]
    TooLarge { name: String, limit: u64 },
    #[error("{}: more than {limit} jobs, or files, in one input", printable_name(name))]
    TooMany { name: String, limit: usize },
    #[error(
        "{}: the name of a job, or of a file in it, is longer than {limit} bytes",
        printable_name(name)
    )]
    LongName { name: String, limit: usize },
    #[error("{}: no log file in this folder\n  expected: {EXPECTED}", shown(path))]
    EmptyFolder { path: PathBuf },
    #[error(
        "{names}: no job has a line from nox\n  \
         expected: lines such as `nox > Running session tests`; give the logs of the jobs that run nox",
        names = printable_name(names)
    )]
    NothingOfTool { names: String },
    #[error(
        "the runs before and after have no job in common\n  before: {before}\n  after:  {after}\n  \
         expected: runs of the same workflow",
        before = printable_name(before),
        after = printable_name(after)
    )]
    NothingInCommon { before: String, after: String },
    #[error("give either logs or both --before and --after")]
    Usage,
    #[error("standard input can be read only once")]
    StdinTwice,
    #[error("`--logs` reads files and folders, not standard input")]
    LogsFromStdin,
    #[error("the report can't be written: {}", io_reason(.0))]
    Write(#[from] std::io::Error),
}

impl ReportError {
    /// Whether the input isn't a log at all; among logs, it is skipped.
    pub fn is_no_log(&self) -> bool {
        matches!(self, Self::UnknownFormat { .. } | Self::Empty { .. })
    }
}

const EXPECTED: &str = "a GitHub log archive (zip or unpacked), the output of `gh run view --log`, \
                        the log of a Forgejo or Gitea job, the output of `act` or `act --json`, or \
                        the file that `nox --report` writes";

fn shown(path: &Path) -> String {
    printable_name(&path.to_string_lossy())
}
