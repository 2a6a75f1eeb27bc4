//! What an output of a small script says, or a variable that it sets for later steps: the date, or
//! which interpreters and which machine run it. Everything else is unknown.

use std::sync::LazyLock;

use regex::Regex;

/// The line that writes an output or a variable with nothing but the date in it.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*echo\s+"?(?P<name>[\w-]+)=\$\((?:date(?:\s+(?:-u|["']?\+[^"'$`()]*["']?))*|Get-Date(?:\s+-(?:AsUTC|U?Format\s+["']?[\w%./:-]+["']?))*)\)"?\s*>>\s*"?\$\{?(?:env:)?(?P<file>GITHUB_OUTPUT|GITHUB_ENV)\}?"?\s*$"#)
    .expect("a valid pattern")
});
/// Words of scripts that ask for versions and for the machine.
static MACHINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:echo|printf|uname|cksum|md5sum|sha256sum|cut|true|uv|pipx|find|environment|PIPX_DEFAULT_PYTHON|GITHUB_OUTPUT|GITHUB_ENV|(?:python|pypy)?[\d.]*t?|[\w-]+=|-[-\w]+)$")
    .expect("a valid pattern")
});

/// The line that writes this name to this file of the runner, where it holds only the date.
pub(super) fn date_line<'s>(script: &'s str, file: &str, name: &str) -> Option<&'s str> {
    DATE.captures_iter(script)
        .find(|line| &line["name"] == name && &line["file"] == file)
        .and_then(|line| line.get(0))
        .map(|line| line.as_str().trim())
}

/// Whether what the script writes to this file under this name tells only the interpreters and the
/// machine.
pub(super) fn tells_only_the_machine(script: &str, file: &str, name: &str) -> bool {
    let rest = DATE.replace_all(script, "");
    let written = format!("{name}=");
    let mut words = rest
        .split(|c: char| c.is_whitespace() || "\"'$(){}|;>\\".contains(c))
        .filter(|w| !w.is_empty());
    rest.contains(&written)
        && rest.contains(file)
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
            ("echo \"week=$(Get-Date -UFormat '%G-%V')\" >> $env:GITHUB_OUTPUT", true),
            ("echo \"week=$(Get-Date -Date $env:START)\" >> $env:GITHUB_OUTPUT", false),
        ] {
            let told = |script: &str, file: &str| date_line(script, file, "week").is_some();
            assert_eq!(told(script, "GITHUB_OUTPUT"), is_date, "{script}");
            let variable = script.replace("GITHUB_OUTPUT", "GITHUB_ENV");
            assert_eq!(told(&variable, "GITHUB_ENV"), is_date, "{variable}");
            assert!(!told(&variable, "GITHUB_OUTPUT"), "{variable}");
        }
    }

    #[test]
    fn versions_and_the_machine_are_told_from_all_else() {
        let probe = "echo \"python=$({\n  uname -sm\n  python3.12 -VV || true\n  \"$(uv python find --system 3.11)\" -VV || true\n\
                     } | cksum | cut -d ' ' -f 1)\" >> \"$GITHUB_OUTPUT\"\necho \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"";
        let tells =
            |script: &str, name: &str| tells_only_the_machine(script, "GITHUB_OUTPUT", name);
        assert!(tells(probe, "python") && !tells(probe, "week"));
        let variables = probe.replace("GITHUB_OUTPUT", "GITHUB_ENV");
        assert!(tells_only_the_machine(&variables, "GITHUB_ENV", "python"));
        assert!(!tells(&variables, "python"));
        for other in [
            // The week next to the versions.
            "echo \"python=$({ uname -sm; date +%G-%V; python -VV; } | cksum)\" >> \"$GITHUB_OUTPUT\"",
            "echo \"python=$(python -VV; git rev-parse HEAD)\" >> \"$GITHUB_OUTPUT\"",
            "echo \"python=$(python -VV; cat uv.lock | cksum)\" >> \"$GITHUB_OUTPUT\"",
            "echo \"python=${{ inputs.python }} -V\" >> \"$GITHUB_OUTPUT\"",
        ] {
            assert!(!tells(other, "python"), "{other}");
        }
    }
}
