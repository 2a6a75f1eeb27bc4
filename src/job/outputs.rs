//! What an output of a small script tells: the date, or which interpreters and which machine run
//! it. Everything else is unknown.

use std::sync::LazyLock;

use regex::Regex;

/// The line that writes an output with nothing but the date in it.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*echo\s+"?(?P<name>[\w-]+)=\$\(date(?:\s+(?:-u|["']?\+[^"'$`()]*["']?))*\)"?\s*>>\s*"?\$\{?GITHUB_OUTPUT\}?"?\s*$"#)
    .expect("a valid pattern")
});
/// Words of scripts that ask for versions and for the machine.
static MACHINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:echo|printf|uname|cksum|md5sum|sha256sum|cut|true|uv|pipx|find|environment|PIPX_DEFAULT_PYTHON|GITHUB_OUTPUT|(?:python|pypy)?[\d.]*t?|[\w-]+=|-[-\w]+)$")
    .expect("a valid pattern")
});

/// The line that writes this output, where it holds only the date.
pub(super) fn date_line<'s>(script: &'s str, output: &str) -> Option<&'s str> {
    DATE.captures_iter(script)
        .find(|line| line.name("name").is_some_and(|name| name.as_str() == output))
        .and_then(|line| line.get(0))
        .map(|line| line.as_str().trim())
}

/// Whether this output of the script tells only the interpreters and the machine.
pub(super) fn tells_only_the_machine(script: &str, output: &str) -> bool {
    let rest = DATE.replace_all(script, "");
    let written = format!("{output}=");
    let mut words = rest
        .split(|c: char| c.is_whitespace() || "\"'$(){}|;>\\".contains(c))
        .filter(|w| !w.is_empty());
    rest.contains(&written)
        && (rest.contains("-V") || rest.contains("uname"))
        && words.all(|word| MACHINE.is_match(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_told_from_all_else() {
        for (script, is_date) in [
            ("echo \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"", true),
            ("set -e\necho week=$(date -u +%V) >> $GITHUB_OUTPUT\n", true),
            ("echo \"week=$(date +%G-%V)$(hostname)\" >> \"$GITHUB_OUTPUT\"", false),
            ("echo \"week=$(date -r file +%V)\" >> \"$GITHUB_OUTPUT\"", false),
            ("echo \"day=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"", false),
        ] {
            assert_eq!(date_line(script, "week").is_some(), is_date, "{script}");
        }
    }

    #[test]
    fn versions_and_the_machine_are_told_from_all_else() {
        let probe = "echo \"python=$({\n  uname -sm\n  python3.12 -VV || true\n  \"$(uv python find --system 3.11)\" -VV || true\n\
                     } | cksum | cut -d ' ' -f 1)\" >> \"$GITHUB_OUTPUT\"\necho \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"";
        assert!(tells_only_the_machine(probe, "python"));
        assert!(!tells_only_the_machine(probe, "week"));
        for other in [
            "echo \"python=$(python -VV; git rev-parse HEAD)\" >> \"$GITHUB_OUTPUT\"",
            "echo \"python=$(python -VV; cat uv.lock | cksum)\" >> \"$GITHUB_OUTPUT\"",
            "echo \"python=${{ inputs.python }} -V\" >> \"$GITHUB_OUTPUT\"",
        ] {
            assert!(!tells_only_the_machine(other, "python"), "{other}");
        }
    }
}
