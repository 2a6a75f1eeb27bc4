//! Files that a noxfile finds by a pattern: those that are tracked.

use std::collections::BTreeSet;

use super::exec::NoxfileReader;
use super::value::{PythonValue, join};
use crate::base::glob::{name_fits, names_fit};

/// The most files that a pattern may find.
const MAX_FOUND: usize = 500;
/// The longest pattern, in parts.
const MAX_PARTS: usize = 20;

impl NoxfileReader<'_> {
    /// The tracked files and folders below `base` that fit `pattern`, as `glob` and `pathlib` find
    /// them, sorted. Where none does it is unknown: the files may be made while the job runs.
    pub(super) fn tracked(
        &self,
        base: &str,
        pattern: &str,
        value: fn(String) -> PythonValue,
    ) -> PythonValue {
        let whole = join(base, pattern);
        let parts: Vec<&str> = whole.split('/').collect();
        if whole.starts_with(['/', '.']) || pattern.contains('[') || parts.len() > MAX_PARTS {
            return PythonValue::Unknown;
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        for path in self.files.tracked_under(&self.folder) {
            let below = match self.folder.as_str() {
                "" => path.as_str(),
                folder => path
                    .strip_prefix(folder)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .unwrap_or_default(),
            };
            let ends = below.match_indices('/').map(|(at, _)| at).chain([below.len()]);
            found.extend(
                ends.map(|end| &below[..end]).filter(|name| fits(&parts, name)).map(str::to_owned),
            );
            if found.len() > MAX_FOUND {
                return PythonValue::Unknown;
            }
        }
        // What the job builds before is there when the session runs.
        if found.is_empty() && whole.ends_with(".whl") {
            return PythonValue::list([value(whole)]);
        }
        if found.is_empty() {
            PythonValue::Unknown
        } else {
            PythonValue::list(found.into_iter().map(value))
        }
    }
}

/// Whether a path fits a pattern of `*`, `?` and `**`; hidden names are asked for by their point.
fn fits(pattern: &[&str], path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    names_fit(pattern, &names, |part, name| {
        (part.starts_with('.') || !name.starts_with('.')) && name_fits(part, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_python() {
        for (pattern, path, expected) in [
            ("examples/*/noxfile.py", "examples/a/noxfile.py", true),
            ("examples/*/noxfile.py", "examples/a/b/noxfile.py", false),
            ("examples/*", "examples/a", true),
            ("**/noxfile.py", "noxfile.py", true),
            ("**/noxfile.py", "a/b/noxfile.py", true),
            ("*.nox.py", "x.nox.py", true),
            ("*", ".hidden", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
        ] {
            assert_eq!(
                fits(&pattern.split('/').collect::<Vec<_>>(), path),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
