//! Paths with `/`, relative to a root.

/// The folder that holds `path`: "" is the root.
pub fn parent(path: &str) -> &str {
    split(path).0
}

/// The folder that holds `path`, and the name in it.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A folder and those around it, innermost first; the last is the root.
pub fn upward(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |inner| (!inner.is_empty()).then(|| parent(inner)))
}

/// `name` in `folder`, of which "" is the root.
pub fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a line with `folder` in the `path` of a cache step means this folder alone, and not a
/// pattern, an exclusion, a comment or the line without its blanks.
pub fn is_its_own_pattern(folder: &str) -> bool {
    folder.trim() == folder
        && !folder.starts_with(['!', '#'])
        && !folder.contains(['*', '?', '['])
        && !folder.contains(char::is_control)
}

/// `path` seen from `folder`, both relative to the same root; `None` when it is absolute or leaves
/// the root.
pub fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.starts_with('~') || path.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_and_a_name() {
        for (path, parts) in [("a", ("", "a")), ("a/b/c", ("a/b", "c"))] {
            assert_eq!(split(path), parts);
            assert_eq!((parent(path), inside(parts.0, parts.1)), (parts.0, path.to_owned()));
        }
    }

    #[test]
    fn some_folders_are_patterns() {
        for own in [".nox", "a b", "a!", "x#1", "é/{b}"] {
            assert!(is_its_own_pattern(own), "{own}");
        }
        for other in ["!a", "#a", "a*", "a?", "[a]", " a", "a ", "a\nb", "a\tb"] {
            assert!(!is_its_own_pattern(other), "{other:?}");
        }
    }

    #[test]
    fn folders_around_end_at_the_root() {
        assert_eq!(upward("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upward("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn join_stays_inside_the_root() {
        for (folder, path, joined) in [
            ("", "a/b", Some("a/b")),
            ("a", "../b", Some("b")),
            ("a", "../../b", None),
            ("a/b", ".", Some("a/b")),
            ("", "./x/", Some("x")),
            ("a", "/etc", None),
            ("a", "~/x", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), joined, "{folder} + {path}");
        }
    }
}
