//! A bug that one file hits must not take the run of all others down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::finding::Problem;

/// What `work` gives. Where it panics, a problem of the file at `path`: what it was about to give is
/// lost, and nothing else has seen it.
pub fn guarded<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Problem {
        path: path.to_owned(),
        position: None,
        message: "couldn't be checked because of a bug in cachelint".to_owned(),
        help: Some("please report it with this file; the other files were checked".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_problem_of_the_file() {
        assert_eq!(guarded(Path::new("a.yml"), || 1), Ok(1));
        let problem = guarded(Path::new("a.yml"), || Vec::<u8>::new()[0]).unwrap_err();
        assert_eq!(problem.path, Path::new("a.yml"));
    }
}
