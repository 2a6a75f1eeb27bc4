//! Runs the short end-to-end proof (`tests/e2e/run.py`) where a real runner can be had, and says
//! why where not.

use std::{
    env,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Seconds that the short variant may take on a machine with two cores.
const LIMIT: &str = "1200";

/// Why the proof cannot be given here, if so.
fn reason_to_skip() -> Option<String> {
    match env::var("CACHELINT_E2E").as_deref() {
        Ok("1") => None,
        Ok(other) => Some(format!("CACHELINT_E2E is {other:?}, not \"1\"")),
        Err(_) if on_path("act") => None,
        Err(_) => {
            Some("`act` is not on PATH; CACHELINT_E2E=1 installs it with the other tools (network, minutes)".into())
        }
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

#[test]
fn fixes_prove_themselves_under_a_real_runner() {
    if let Some(reason) = reason_to_skip() {
        // Written past the test harness, which swallows what a passing test prints.
        writeln!(std::io::stderr(), "SKIPPED end-to-end proof: {reason}").unwrap();
        return;
    }
    let status = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/run.py"))
        .args(["--short", "--limit", LIMIT, "--binary", env!("CARGO_BIN_EXE_cachelint")])
        .stdin(Stdio::null())
        .status()
        .expect("python3 is needed to run the proof");
    assert!(status.success(), "the proof failed ({status}); its logs are under target/e2e/logs");
}
