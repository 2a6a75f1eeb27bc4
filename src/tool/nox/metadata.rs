//! What a project's own metadata says about its dependencies: files that they are read from, and
//! addresses that no file of the repository follows.

use toml::{Table, Value};

use super::noxfile::join;
use crate::rules::nox::rules;
use crate::tool::Files;

/// The dependencies of a project, as far as its files say.
#[derive(Debug, Default)]
pub struct Project {
    /// Tracked files that its dependencies are read from, relative to the repository root.
    pub files: Vec<String>,
    /// Folders of local projects that it is installed with.
    pub folders: Vec<String>,
    /// It has dependencies, or may have.
    pub depends: bool,
    /// An address whose content changes without a change of the repository.
    pub moving: Option<String>,
}

/// Reads the project in `folder`, relative to the repository root.
pub fn read(folder: &str, files: &dyn Files) -> Project {
    let mut project = Project::default();
    let text = |name: &str| files.read(&join(folder, name));
    let mut named: Vec<String> = Vec::new();
    if let Some(table) = text("pyproject.toml").and_then(|t| t.parse::<Table>().ok()) {
        project.declared(&table, &mut named);
    }
    if let Some(config) = text("setup.cfg") {
        project.depends |= config.contains("install_requires") || config.contains("extras_require");
        named.extend(files_in_config(&config));
    }
    if let Some(script) = text("setup.py") {
        project.depends |= script.contains("install_requires") || script.contains("extras_require");
        named.extend(quoted_files(&script, folder, files));
    }
    for name in named {
        let path = join(folder, &name);
        if files.is_tracked(&path) && !project.files.contains(&path) {
            project.files.push(path);
        }
    }
    project.folders = project.folders.iter().map(|f| join(folder, f)).collect();
    project
}

impl Project {
    fn declared(&mut self, table: &Table, named: &mut Vec<String>) {
        let at = |path: &[&str]| -> Option<&Value> {
            let (first, rest) = path.split_first()?;
            rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
        };
        let mut words: Vec<&str> = Vec::new();
        for path in [
            &["project", "dependencies"][..],
            &["project", "optional-dependencies"],
            &["dependency-groups"],
            &["tool", "poetry", "dependencies"],
            &["tool", "poetry", "group"],
        ] {
            at(path).into_iter().for_each(|value| strings(value, &mut words));
        }
        let own = ["project", "optional-dependencies"];
        let filled = |value: &Value| match value {
            Value::Array(items) => !items.is_empty(),
            Value::Table(table) => table.keys().any(|key| key != "python"),
            _ => true,
        };
        let dynamic = at(&["project", "dynamic"]).and_then(Value::as_array);
        let dynamic = dynamic.is_some_and(|names| {
            names.iter().filter_map(Value::as_str).any(|name| name.ends_with("dependencies"))
        });
        self.depends |= dynamic
            || at(&own).is_some_and(filled)
            || at(&["project", "dependencies"]).is_some_and(filled)
            || at(&["tool", "poetry", "dependencies"]).is_some_and(filled)
            || at(&["project"]).is_none();
        self.moving = words.iter().find_map(|word| moving(word));
        // setuptools: `dependencies = {file = […]}`; hatch's plugins name their files in any form.
        for key in ["dependencies", "optional-dependencies"] {
            let mut found = Vec::new();
            let dynamic = at(&["tool", "setuptools", "dynamic", key]);
            dynamic.into_iter().for_each(|value| strings(value, &mut found));
            named.extend(found.into_iter().map(str::to_owned));
        }
        let mut hooks = Vec::new();
        let metadata = at(&["tool", "hatch", "metadata", "hooks"]);
        metadata.into_iter().for_each(|value| strings(value, &mut hooks));
        named.extend(hooks.into_iter().map(str::to_owned));
        if metadata.and_then(|m| m.get("requirements_txt")).is_some() {
            named.push("requirements.txt".to_owned());
        }
        let sources = at(&["tool", "uv", "sources"]).and_then(Value::as_table);
        for source in sources.into_iter().flat_map(Table::values) {
            if let Some(path) = source.get("path").and_then(Value::as_str) {
                self.folders.push(path.to_owned());
            }
            let fixed = ["rev", "tag"].iter().any(|key| source.get(key).is_some());
            if let Some(address) = source.get("git").and_then(Value::as_str).filter(|_| !fixed) {
                self.moving.get_or_insert_with(|| address.to_owned());
            }
        }
    }
}

/// All texts below a value.
fn strings<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Table(table) => table.values().for_each(|item| strings(item, out)),
        _ => {}
    }
}

/// `install_requires = file: a.txt, b.txt` of `setup.cfg`.
fn files_in_config(config: &str) -> Vec<String> {
    let lines = config.lines().filter(|line| {
        let key = line.split('=').next().unwrap_or_default().trim();
        !matches!(key, "version" | "long_description" | "description" | "license")
    });
    let lists = lines.filter_map(|line| line.split_once("file:")).map(|(_, names)| names);
    lists.flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect()
}

/// Requirement files whose names are in quotes in a script; folders may be joined to them.
fn quoted_files(script: &str, folder: &str, files: &dyn Files) -> Vec<String> {
    let quoted = |name: &str| ["\"", "'"].iter().any(|q| script.contains(&format!("{name}{q}")));
    let mut found = Vec::new();
    for path in files.tracked_under(folder) {
        let below = path.strip_prefix(folder).unwrap_or(&path).trim_start_matches('/');
        let name = below.rsplit('/').next().unwrap_or(below);
        let lists = [".txt", ".in", ".json"].iter().any(|end| name.ends_with(end));
        let deep = below.matches('/').count() > 2;
        let prose = ["LICENSE", "COPYING", "README", "CHANGE", "HISTORY", "AUTHORS", "VERSION"];
        let upper = name.to_ascii_uppercase();
        if lists && !deep && !prose.iter().any(|p| upper.starts_with(p)) && quoted(name) {
            found.push(below.to_owned());
        }
    }
    found
}

/// The address in a requirement, if its content can change while the requirement stays: a branch,
/// an archive without a release in its name.
pub fn moving(requirement: &str) -> Option<String> {
    let requirement = requirement.trim().trim_matches(['"', '\'']);
    let start = requirement.find("://")?;
    let scheme =
        requirement[..start].rfind(|c: char| c.is_whitespace() || c == '@').map_or(0, |i| i + 1);
    let address = requirement[scheme..].split([' ', ';', '#']).next().unwrap_or_default();
    let after = &address[address.find("://")? + 3..];
    let versioned = |text: &str| {
        let text = text.trim_start_matches('v');
        text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.')
    };
    let repository = ["git+", "hg+", "svn+", "bzr+"].iter().any(|p| address.starts_with(p));
    let fixed = if repository {
        // A user name may be in front of the host.
        let path = after.split_once('/').map_or(after, |(_, path)| path);
        path.rsplit_once('@').is_some_and(|(_, reference)| {
            let hexadecimal =
                reference.len() >= 7 && reference.bytes().all(|b| b.is_ascii_hexdigit());
            hexadecimal
                || versioned(reference)
                || versioned(reference.rsplit('-').next().unwrap_or(""))
        })
    } else if address.starts_with("http") {
        let parts = after.split(['/', '-', '@']);
        parts.skip(1).any(|part| {
            versioned(part)
                || (part.len() >= 40 && part.bytes().take(40).all(|b| b.is_ascii_hexdigit()))
        })
    } else {
        true
    };
    (!fixed).then(|| address.to_owned())
}

/// Whether every requirement of a file is fixed: a lock, or a list that was compiled from one.
pub fn is_locked(text: &str) -> bool {
    let text = text.replace("\\\n", " ");
    let mut requirements = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']));
    let file_options =
        |line: &str| rules().file_options.iter().any(|o| line.starts_with(o.as_str()));
    requirements.all(|line| file_options(line) || line.contains("==") || line.contains(" @ "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_move() {
        for (requirement, moves) in [
            ("x @ git+https://example.org/x.git", true),
            ("git+https://example.org/x.git@main#egg=x", true),
            ("git+ssh://git@example.org/x", true),
            ("git+https://example.org/x.git@v1.2.0", false),
            ("git+https://example.org/x.git@release-1.2", false),
            ("git+https://example.org/x.git@0123456789abcdef0123456789abcdef01234567", false),
            ("https://example.org/x/archive/main.zip", true),
            ("https://example.org/x/archive/refs/tags/v1.2.0.zip", false),
            ("x @ https://example.org/x-1.2-py3-none-any.whl", false),
            ("requests==2.0", false),
            (".[test]", false),
        ] {
            assert_eq!(moving(requirement).is_some(), moves, "{requirement}");
        }
    }

    #[test]
    fn lists_that_fix_every_requirement() {
        for (text, locked) in [
            ("attrs==25.4.0\n# via x\nruff==0.14.0 ; python_version > '3'\n", true),
            ("attrs==25.4.0 \\\n    --hash=sha256:00\n", true),
            ("-r base.txt\n", true),
            ("attrs\n", false),
            ("attrs>=25\nruff==0.14.0\n", false),
        ] {
            assert_eq!(is_locked(text), locked, "{text}");
        }
    }
}
