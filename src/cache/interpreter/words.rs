//! Words of scripts that tell which Python is meant: installing commands, options, names of
//! versions.

/// Whether a command line installs `program` with `installer`.
pub(super) fn installs(line: &str, installer: &str, program: &str) -> bool {
    let mut words = line.split_whitespace().map(|w| w.trim_matches(['"', '\'']));
    let installer: Vec<&str> = installer.split(' ').collect();
    let names_it = |word: &str| {
        let own = word.rsplit('/').next().unwrap_or(word);
        match installer.as_slice() {
            ["pip"] => own == "pip" || own == "pip3",
            [.., last] => own == *last,
            [] => false,
        }
    };
    words.any(names_it)
        && (installer.len() == 1 || line.contains(&installer.join(" ")))
        && words.next() == Some("install")
        && words.any(|word| {
            word.split(['[', '=', '<', '>', '~', '!', '@', ';']).next() == Some(program)
        })
}

/// The value of the first of these options in a command line.
pub(super) fn option(line: &str, names: &[&str]) -> Option<String> {
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        if names.contains(&word) {
            // An expression may hold spaces.
            let rest: Vec<&str> = words.collect();
            let first = rest.first()?;
            let value = if first.contains("${{") && !first.contains("}}") {
                rest.join(" ").split_inclusive("}}").next().unwrap_or_default().to_owned()
            } else {
                (*first).to_owned()
            };
            return Some(value.trim_matches(['"', '\'']).to_owned());
        }
        let attached = names.iter().find_map(|n| word.strip_prefix(&format!("{n}=")));
        if let Some(value) = attached {
            return Some(value.trim_matches(['"', '\'']).to_owned());
        }
    }
    None
}

/// Whether a word names the Python that a step has set up: by an output of it, by its folder, or as
/// the one that is first on the path.
pub(super) fn is_active(python: &str) -> bool {
    let python = python.trim_matches(['"', '\'']);
    python.contains(".outputs.python-path")
        || python.contains(".outputs.python-version")
        || python.contains("pythonLocation")
        || python.contains("which python")
        || python.contains("command -v python")
        || python == "python"
        || python == "python3"
}

/// Whether a version that a step is asked for is the one of that name: `3.13.1` is a `3.13` and a
/// `3`, `pypy-3.10` is a `pypy3`.
pub(super) fn is_same(version: &str, name: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim_matches(['"', '\'', '~', '^', 'v']).trim_start_matches("python");
        text.replacen("pypy-", "pypy", 1).trim_end_matches("-dev").to_owned()
    };
    let (version, name) = (plain(version), plain(name));
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    version == name || begins(&version, &name) || (version.contains('.') && begins(&name, &version))
}

/// A command that prints the version of a Python by its name; Windows has a launcher for them.
pub(super) fn ask(name: &str, os: Option<&str>) -> String {
    let name = name.replacen("pypy-", "pypy", 1);
    let name = name.trim_end_matches("-dev");
    if !name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("{name} -VV");
    }
    let minor: Vec<&str> = name.split('.').take(2).collect();
    let minor = minor.join(".");
    if os == Some("Windows") { format!("py -{minor} -VV") } else { format!("python{minor} -VV") }
}

/// `python:${{ matrix.python }}-slim`: the value is in the key.
pub(super) fn fixes_minor(image: &str) -> bool {
    let (path, tag) = image.split_once(':').unwrap_or((image, ""));
    path.ends_with("python") && tag.starts_with("${{ matrix.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_same_python() {
        for (version, name, expected) in [
            ("3.13", "3.13", true),
            ("3.13.1", "3.13", true),
            ("3.1", "3.13", false),
            ("3.13", "3.1", false),
            ("pypy-3.10", "pypy3.10", true),
            ("3.14-dev", "3.14", true),
            ("3", "3.12", false),
            ("3.12", "3", true),
            ("3.x", "3", true),
            ("pypy-3.10", "pypy3", true),
            ("pypy3.10-v7.3.17", "pypy3.10", true),
            ("pypy-3.10", "3", false),
            ("3.10", "pypy3", false),
            ("3.13", "3.13t", false),
        ] {
            assert_eq!(is_same(version, name), expected, "{version} {name}");
        }
    }

    #[test]
    fn commands_that_install_nox() {
        for (line, pip, pipx, tool) in [
            ("pip install nox", true, false, false),
            ("python -m pip install --upgrade pip nox[uv]==2025.1", true, false, false),
            ("pipx install nox", false, true, false),
            ("pipx install --python 3.12 nox", false, true, false),
            ("uv tool install nox", false, false, true),
            ("uv pip install --system nox", true, false, false),
            ("pip install noxious", false, false, false),
            ("pipx run nox", false, false, false),
        ] {
            assert_eq!(installs(line, "pip", "nox"), pip, "{line}");
            assert_eq!(installs(line, "pipx", "nox"), pipx, "{line}");
            assert_eq!(installs(line, "uv tool", "nox"), tool, "{line}");
        }
        let value =
            option("pipx run --python ${{ steps.a.outputs.python-path }} nox", &["--python"]);
        assert_eq!(value.as_deref(), Some("${{ steps.a.outputs.python-path }}"));
    }

    #[test]
    fn commands_that_ask_a_python() {
        for (name, os, expected) in [
            ("3.12", Some("Linux"), "python3.12 -VV"),
            ("3.12.1", None, "python3.12 -VV"),
            ("3.12", Some("Windows"), "py -3.12 -VV"),
            ("pypy3.10", Some("Linux"), "pypy3.10 -VV"),
            ("pypy-3.10", Some("Linux"), "pypy3.10 -VV"),
            ("/opt/python/bin/python3", None, "/opt/python/bin/python3 -VV"),
        ] {
            assert_eq!(ask(name, os), expected);
        }
    }
}
