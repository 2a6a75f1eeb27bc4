//! Why no report could be made.

use std::path::PathBuf;

/// Every one makes the exit code 2; the text says what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: neither a file nor a folder; to read from a pipe give `-`", path.display())]
    NoFile { path: PathBuf },
    #[error("{name}: not a run log that cachelint knows\n  expected: {EXPECTED}")]
    UnknownFormat { name: String },
    #[error("{name}: the text is UTF-16; save the log as UTF-8")]
    Utf16 { name: String },
    #[error("{name}: {reason}")]
    Archive { name: String, reason: String },
    #[error("{name}: larger than {limit} bytes when unpacked; give the jobs' logs one by one")]
    TooLarge { name: String, limit: u64 },
    #[error("{name}: more than {limit} jobs, or files, in one input")]
    TooMany { name: String, limit: usize },
    #[error("{}: no log file in this folder\n  expected: {EXPECTED}", path.display())]
    EmptyFolder { path: PathBuf },
    #[error(
        "{names}: no line of nox in any job\n  \
         expected: lines such as `nox > Running session tests`; give the logs of the jobs that run nox"
    )]
    NoNox { names: String },
    #[error(
        "the runs before and after have no job in common\n  before: {before}\n  after:  {after}\n  \
         expected: runs of the same workflow"
    )]
    NothingInCommon { before: String, after: String },
    #[error("give either logs to report on, or both --before and --after")]
    Usage,
    #[error("standard input can be read only once")]
    StdinTwice,
    #[error("`--logs` reads files and folders, not standard input")]
    LogsFromStdin,
    #[error("cannot write the report: {0}")]
    Write(#[from] std::io::Error),
}

const EXPECTED: &str = "a log archive of GitHub (zip, or its folder unpacked), the text of `gh run view --log`, the \
                        log of a Forgejo or Gitea job, the output of `act` or `act --json`, or the file of \
                        `nox --report`";
