//! The labelled public workflows, which are not part of the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where they are: in `CACHELINT_CORPUS`, else in `../shared/corpus` beside the repository.
///
/// Without them a test is skipped and says so, past the test harness, which swallows what a passing
/// test prints. It fails where `CACHELINT_REQUIRE_CORPUS` is set.
pub fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("CACHELINT_CORPUS").map_or(beside, PathBuf::from);
    if folder.join("repos").is_dir() {
        return Some(folder);
    }
    let reason = format!("no corpus of workflows at {}; set CACHELINT_CORPUS", folder.display());
    assert!(std::env::var_os("CACHELINT_REQUIRE_CORPUS").is_none(), "{reason}");
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: {reason}").unwrap();
    None
}
