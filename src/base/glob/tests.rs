//! What `@actions/glob` was seen to match, and limits on hostile patterns.

use proptest::prelude::*;

use super::*;

const FILES: &[&str] = &[
    "#hash",
    "-dash",
    ".github/workflows/ci.yml",
    ".python-version",
    "NOXFILE.PY",
    "]br",
    "a",
    "a,b",
    "b",
    "back\\slash",
    "caret^",
    "dir.d/a.txt",
    "dir/a.txt",
    "dir/b.txt",
    "dir/sub/c.txt",
    "noxfile.py",
    "pyproject.toml",
    "q?x",
    "req1.txt",
    "req[1].txt",
    "requirements.txt",
    "star*name",
    "sub/.hidden",
    "sub/a/b/c/d.txt",
    "sub/deep/noxfile.py",
    "sub/noxfile.py",
    "x y.txt",
    "{a,b}",
    "~tilde/x",
];

/// The expected files are what `@actions/glob` found in a folder with [`FILES`].
#[test]
fn matches_what_the_runner_matches() {
    let table: &[(&str, &[&str])] = &[
        ("noxfile.py", &["noxfile.py"]),
        ("./noxfile.py", &["noxfile.py"]),
        ("Noxfile.py", &[]),
        ("nope.py", &[]),
        ("sub", &["sub/.hidden", "sub/a/b/c/d.txt", "sub/deep/noxfile.py", "sub/noxfile.py"]),
        ("sub/", &["sub/.hidden", "sub/a/b/c/d.txt", "sub/deep/noxfile.py", "sub/noxfile.py"]),
        ("sub/**", &["sub/.hidden", "sub/a/b/c/d.txt", "sub/deep/noxfile.py", "sub/noxfile.py"]),
        ("sub/*", &["sub/.hidden", "sub/a/b/c/d.txt", "sub/deep/noxfile.py", "sub/noxfile.py"]),
        ("sub/*/*", &["sub/a/b/c/d.txt", "sub/deep/noxfile.py"]),
        ("sub//noxfile.py", &["sub/noxfile.py"]),
        ("noxfile.py/", &[]),
        ("noxfile.py/**", &["noxfile.py"]),
        ("sub/**/noxfile.py/", &[]),
        ("**/noxfile.py", &["noxfile.py", "sub/deep/noxfile.py", "sub/noxfile.py"]),
        ("**/**/d.txt", &["sub/a/b/c/d.txt"]),
        ("**/a/**", &["a", "sub/a/b/c/d.txt"]),
        ("**/.hidden", &["sub/.hidden"]),
        ("dir/**/a.txt", &["dir/a.txt"]),
        ("dir/**/c.txt", &["dir/sub/c.txt"]),
        ("dir*", &["dir.d/a.txt", "dir/a.txt", "dir/b.txt", "dir/sub/c.txt"]),
        ("dir**", &["dir.d/a.txt", "dir/a.txt", "dir/b.txt", "dir/sub/c.txt"]),
        ("**dir", &["dir/a.txt", "dir/b.txt", "dir/sub/c.txt"]),
        ("*.txt", &["req1.txt", "req[1].txt", "requirements.txt", "x y.txt"]),
        (".*", &[".github/workflows/ci.yml", ".python-version"]),
        (
            "*",
            &[
                "#hash",
                "-dash",
                ".github/workflows/ci.yml",
                ".python-version",
                "NOXFILE.PY",
                "]br",
                "a",
                "a,b",
                "b",
                "back\\slash",
                "caret^",
                "dir.d/a.txt",
                "dir/a.txt",
                "dir/b.txt",
                "dir/sub/c.txt",
                "noxfile.py",
                "pyproject.toml",
                "q?x",
                "req1.txt",
                "req[1].txt",
                "requirements.txt",
                "star*name",
                "sub/.hidden",
                "sub/a/b/c/d.txt",
                "sub/deep/noxfile.py",
                "sub/noxfile.py",
                "x y.txt",
                "{a,b}",
                "~tilde/x",
            ],
        ),
        (
            "**",
            &[
                "#hash",
                "-dash",
                ".github/workflows/ci.yml",
                ".python-version",
                "NOXFILE.PY",
                "]br",
                "a",
                "a,b",
                "b",
                "back\\slash",
                "caret^",
                "dir.d/a.txt",
                "dir/a.txt",
                "dir/b.txt",
                "dir/sub/c.txt",
                "noxfile.py",
                "pyproject.toml",
                "q?x",
                "req1.txt",
                "req[1].txt",
                "requirements.txt",
                "star*name",
                "sub/.hidden",
                "sub/a/b/c/d.txt",
                "sub/deep/noxfile.py",
                "sub/noxfile.py",
                "x y.txt",
                "{a,b}",
                "~tilde/x",
            ],
        ),
        (
            "**/",
            &[
                "#hash",
                "-dash",
                ".github/workflows/ci.yml",
                ".python-version",
                "NOXFILE.PY",
                "]br",
                "a",
                "a,b",
                "b",
                "back\\slash",
                "caret^",
                "dir.d/a.txt",
                "dir/a.txt",
                "dir/b.txt",
                "dir/sub/c.txt",
                "noxfile.py",
                "pyproject.toml",
                "q?x",
                "req1.txt",
                "req[1].txt",
                "requirements.txt",
                "star*name",
                "sub/.hidden",
                "sub/a/b/c/d.txt",
                "sub/deep/noxfile.py",
                "sub/noxfile.py",
                "x y.txt",
                "{a,b}",
                "~tilde/x",
            ],
        ),
        (
            "*/",
            &[
                ".github/workflows/ci.yml",
                "dir.d/a.txt",
                "dir/a.txt",
                "dir/b.txt",
                "dir/sub/c.txt",
                "sub/.hidden",
                "sub/a/b/c/d.txt",
                "sub/deep/noxfile.py",
                "sub/noxfile.py",
                "~tilde/x",
            ],
        ),
        ("?", &["a", "b"]),
        ("a,b", &["a,b"]),
        ("{a,b}", &["{a,b}"]),
        ("@(a|b)", &[]),
        ("req[1].txt", &["req1.txt"]),
        ("req[[]1].txt", &["req[1].txt"]),
        ("req\\[1].txt", &["req[1].txt"]),
        ("req[0-9].txt", &["req1.txt"]),
        ("req[!0-9]*.txt", &["req[1].txt", "requirements.txt"]),
        ("req[^0-9]*.txt", &["req[1].txt", "requirements.txt"]),
        ("[ab]", &["a", "b"]),
        ("[!a]", &["b"]),
        ("[a-]", &["a"]),
        ("[-a]*", &["-dash", "a", "a,b"]),
        ("[z-a]", &[]),
        ("[", &[]),
        ("[a", &[]),
        ("[a/b]", &[]),
        ("[\\]]br", &["]br"]),
        ("q[?]x", &["q?x"]),
        ("star[*]name", &["star*name"]),
        ("star\\*name", &["star*name"]),
        ("back\\slash", &[]),
        ("back\\\\slash", &["back\\slash"]),
        ("~tilde", &["~tilde/x"]),
        ("x y.txt", &["x y.txt"]),
        ("# noxfile.py\na", &["a"]),
        ("#hash", &[]),
        ("\\#hash", &["#hash"]),
        ("", &[]),
        ("!noxfile.py", &[]),
        ("!!noxfile.py", &["noxfile.py"]),
        ("! a\n", &[]),
        ("**/*.py\n!sub", &["noxfile.py"]),
        ("**/*.py\n!sub/", &["noxfile.py"]),
        ("**/*.py\n!sub/*.py", &["noxfile.py", "sub/deep/noxfile.py"]),
        ("dir\n!dir/*", &[]),
        ("dir\n!**/a.txt\ndir/a.txt", &["dir/a.txt", "dir/b.txt", "dir/sub/c.txt"]),
        ("!sub\nsub/noxfile.py", &["sub/noxfile.py"]),
        ("\n  a  \n\nb\n", &["a", "b"]),
    ];
    for (pattern, expected) in table {
        let set = PatternSet::parse(pattern).unwrap_or_else(|e| panic!("{pattern:?}: {e}"));
        assert_eq!(matching(&set), *expected, "{pattern:?}");
    }
}

#[test]
fn refuses_what_the_runner_refuses() {
    for pattern in ["..", "../a", "a/../b", "a/./b", "././a", "[.][.]/a", "~/../a", "!../a"] {
        assert_eq!(PatternSet::parse(pattern), Err(GlobError::Relative), "{pattern}");
    }
    for pattern in ["!", "!!", "! !"] {
        assert_eq!(PatternSet::parse(pattern), Err(GlobError::Empty), "{pattern}");
    }
    for pattern in ["...", "a../b", "..a", ".a", "*/.*"] {
        assert!(PatternSet::parse(pattern).is_ok(), "{pattern}");
    }
}

#[test]
fn the_workspace_itself_is_everything() {
    for pattern in [".", "./", "./**", "**"] {
        assert_eq!(
            PatternSet::parse(pattern).map(|set| matching(&set)),
            Ok(FILES.to_vec()),
            "{pattern}"
        );
    }
}

#[test]
fn other_folders_hold_no_file_of_the_repository() {
    for (pattern, anchor) in
        [("~", Anchor::Home), ("~/a", Anchor::Home), ("/a", Anchor::Root), ("/", Anchor::Root)]
    {
        let pattern = Pattern::parse(pattern).expect("valid");
        assert_eq!(pattern.anchor, anchor);
        assert!(!pattern.matches("a"));
    }
    assert_eq!(Pattern::parse("~a").map(|pattern| pattern.anchor), Ok(Anchor::Workspace));
    let set = PatternSet::parse("a\n!/a").expect("valid");
    assert!(set.matches("a"), "an absolute path is not the workspace's");
}

#[test]
fn literal_paths() {
    for (pattern, literal) in [
        ("noxfile.py", Some("noxfile.py")),
        ("!./sub//dir/", Some("sub/dir")),
        (".", Some(".")),
        ("~/.cache/uv/", Some("~/.cache/uv")),
        ("/opt/x", Some("/opt/x")),
        ("/", Some("/")),
        ("a\\*[?]{b,c}", Some("a*?{b,c}")),
        ("a[", Some("a[")),
        ("a/*", None),
        ("a?", None),
        ("**", None),
        ("[ab]", None),
        ("[!a]", None),
    ] {
        assert_eq!(Pattern::parse(pattern).expect(pattern).literal(), literal, "{pattern}");
    }
}

/// A path without the letters of a pattern costs no comparison of names.
#[test]
fn letters_tell_paths_apart() {
    for (pattern, path, may_match) in [
        ("**/f12*", "d/f13.txt", false),
        ("**/f12*", "d/f12.txt", true),
        ("*[a-z]file?.py", "a/xfile1.py", true),
        ("*[a-z]file?.py", "a/xfil1.py", false),
        ("a/**", "b/c", false),
        ("**/*2*/**/*.py", "d/e3/f.py", false),
        ("**/*2*/**/*.py", "d/e2/f.py", true),
        ("**/*2*/**/*.py", "d/e2/f.txt", false),
        ("a/**", "a/c", true),
        ("**/?[0-9]*", "a/c", true),
        ("\\*x", "y", false),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(pattern.may_match(path), may_match, "{pattern:?} {path}");
    }
}

#[test]
fn many_stars_take_no_time() {
    let path = "a".repeat(200) + &"/a".repeat(500);
    for pattern in ["*a".repeat(100) + "b", "**/".repeat(200) + "b", "**/*a*a*/".repeat(100) + "b"]
    {
        assert!(!Pattern::parse(&pattern).expect("valid").matches(&path));
    }
}

proptest! {
    #[test]
    fn nothing_panics(pattern in r"[a-c*?\[\]!^./~#\\{}é -]{0,20}", path in r"[a-cé./-]{0,20}") {
        if let Ok(set) = PatternSet::parse(&pattern) {
            set.matches(&path);
        }
    }

    #[test]
    fn an_escaped_path_matches_itself_and_what_is_below(path in r"[a-c*?\[{}é!#]{1,8}(/[a-c*?\[]{1,4}){0,3}") {
        let escaped: String = path.chars().flat_map(|c| if c == '/' { vec![c] } else { vec!['\\', c] }).collect();
        let pattern = Pattern::parse(&escaped).expect("valid");
        prop_assert_eq!(pattern.literal(), Some(path.as_str()));
        prop_assert!(pattern.matches(&path));
        let (below, beside) = (format!("{path}/x"), format!("{path}x"));
        prop_assert!(pattern.matches(&below));
        prop_assert!(!pattern.matches(&beside));
    }
}

/// The files that are matched, in order.
fn matching(set: &PatternSet) -> Vec<&'static str> {
    FILES.iter().copied().filter(|path| set.matches(path)).collect()
}
