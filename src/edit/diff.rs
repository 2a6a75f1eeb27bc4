//! Unified diffs that `git apply` and `patch -p1` take, byte for byte.

use std::io::{self, Write};

use similar::ChangeTag;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;

const CONTEXT_LINES: usize = 3;

/// Writes the patch from `old` to `new`, both whole files with their BOM, `path` relative to the
/// folder the patch is applied in. Writes nothing when they are equal. Lines are raw: a `\r` before
/// the line break stays.
pub fn write_diff(
    out: &mut dyn Write,
    path: &str,
    old: &str,
    new: &str,
    colour: bool,
) -> io::Result<()> {
    let paint = |style: &'static str| if colour { style } else { "" };
    let reset = paint("\x1b[0m");
    // Split here, because a lone `\r` ends a line for `similar`, but not for git.
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    // Called by name: a choice at run time would put every other algorithm into the program.
    let mut changed = Compact::new(Replace::new(Capture::new()), &old[..], &new[..]);
    let Ok(()) = myers::diff(&mut changed, &old[..], 0..old.len(), &new[..], 0..new.len());
    let hunks = changed.into_inner().into_inner().into_grouped_ops(CONTEXT_LINES);
    for (number, hunk) in hunks.iter().enumerate() {
        if number == 0 {
            let bold = paint("\x1b[1m");
            writeln!(out, "{bold}--- {}{reset}", header_name("a", path))?;
            writeln!(out, "{bold}+++ {}{reset}", header_name("b", path))?;
        }
        writeln!(out, "{}{}{reset}", paint("\x1b[36m"), UnifiedHunkHeader::new(hunk))?;
        for change in hunk.iter().flat_map(|op| op.iter_changes(&old[..], &new[..])) {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', ""),
                ChangeTag::Delete => ('-', paint("\x1b[31m")),
                ChangeTag::Insert => ('+', paint("\x1b[32m")),
            };
            let line = change.value();
            let content = line.strip_suffix('\n');
            let after = if style.is_empty() { "" } else { reset };
            writeln!(out, "{style}{sign}{}{after}", content.unwrap_or(line))?;
            if content.is_none() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

/// A path as git writes it in a header: quoted when it holds characters that would end or break the
/// line.
fn header_name(prefix: &str, path: &str) -> String {
    let plain = format!("{prefix}/{path}");
    if !plain.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        // The tab tells readers that a space belongs to the name.
        return if plain.contains(' ') { plain + "\t" } else { plain };
    }
    let mut quoted = String::from('"');
    for c in plain.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn diff(path: &str, old: &str, new: &str) -> String {
        let mut out = Vec::new();
        write_diff(&mut out, path, old, new, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(diff("ci.yml", "a\n", "a\n"), "");
    }

    #[test]
    fn shows_a_patch() {
        let expected = "--- a/ci.yml\n+++ b/ci.yml\n@@ -1,2 +1,3 @@\n a\n+x\n b\n\\ No newline at end of file\n";
        assert_eq!(diff("ci.yml", "a\nb", "a\nx\nb"), expected);
    }

    #[test]
    #[cfg_attr(miri, ignore = "starts git")]
    fn git_apply_makes_the_new_bytes_of_the_old() {
        let many: String = (0..40).map(|i| format!("line {i}\n")).collect();
        let table = [
            ("ci.yml", "a\nb\nc\n".to_owned(), "a\nx\nb\nc\n".to_owned()),
            (".github/workflows/a b.yml", "a\r\nb\r\n".into(), "a\r\nx\r\nb\r\n".into()),
            ("é \"quoted\".yml", "a\nb".into(), "a\nx\nb".into()),
            ("tab\there.yml", "a\nb".into(), "a\nb\n".into()),
            ("bom.yml", "\u{feff}on: é\n".into(), "\u{feff}x\non: é\n".into()),
            ("cr.yml", "a\rb\nc\n".into(), "a\rb\nx\rz\nc\n".into()),
            (
                "hunks.yml",
                many.clone(),
                many.replace("line 3\n", "").replace("line 33\n", "line 33\nnew\n"),
            ),
            ("first.yml", "a\n".into(), "x\na\n".into()),
        ];
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            Command::new("git")
                .args(args)
                .current_dir(folder.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .output()
        };
        git(&["init", "-q"]).unwrap();
        for (path, old, new) in table {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &old).unwrap();
            std::fs::write(folder.path().join("patch"), diff(path, &old, &new)).unwrap();
            let applied = git(&["apply", "--whitespace=nowarn", "patch"]).unwrap();
            assert!(
                applied.status.success(),
                "{path}: {}",
                String::from_utf8_lossy(&applied.stderr)
            );
            assert_eq!(std::fs::read_to_string(&file).unwrap(), new, "{path}");
        }
    }

    #[test]
    fn colour_only_when_asked() {
        let mut out = Vec::new();
        write_diff(&mut out, "ci.yml", "a\n", "b\n", true).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("\x1b[31m-a\x1b[0m\n") && text.contains("\x1b[32m+b\x1b[0m\n"),
            "{text:?}"
        );
        assert!(!diff("ci.yml", "a\n", "b\n").contains('\x1b'));
    }
}
