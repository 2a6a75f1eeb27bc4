//! What takes a folder of the workspace away, and what brings one, from `rules/folders.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folders {
    pub removers: Vec<Remover>,
    pub git_clean: GitClean,
    /// Functions of Python that delete a folder.
    pub python_removers: Vec<String>,
    pub unpackers: Vec<Unpacker>,
    pub uploads: Vec<ArtifactAction>,
    pub downloads: Vec<ArtifactAction>,
}

/// Programs that delete the folders they are given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remover {
    pub programs: Vec<String>,
    /// One of these options must be there.
    #[serde(default)]
    needs: Vec<String>,
    /// With one of these it is not known what is deleted.
    #[serde(default)]
    unless: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitClean {
    needs: Vec<String>,
    /// Options whose value names what stays.
    pub excludes: Vec<String>,
    /// Letters that its bundled options may have.
    flags: String,
}

/// Programs that unpack an archive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpacker {
    pub programs: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    /// Options that name the folder to unpack into.
    pub into: Vec<String>,
}

/// An action that uploads or downloads files between jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactAction {
    pub action: String,
    /// The input that names the artifact.
    pub name: String,
    /// The input with a pattern of names.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The input with the folder.
    pub path: String,
    /// The name without that input.
    #[serde(default)]
    pub default: Option<String>,
}

static DATA: LazyLock<Folders> = LazyLock::new(|| super::embedded!("folders"));

pub fn folders() -> &'static Folders {
    &DATA
}

impl Folders {
    /// The remover that a call of `program` with these words is.
    pub fn remover(&self, program: &str, arguments: &[&str]) -> Option<&Remover> {
        self.removers.iter().find(|r| {
            is_program(&r.programs, program)
                && (r.needs.is_empty() || r.needs.iter().any(|o| has_option(arguments, o)))
                && !r.unless.iter().any(|o| arguments.contains(&o.as_str()))
        })
    }

    /// The unpacker that a call of `program` with these words is.
    pub fn unpacker(&self, program: &str, arguments: &[&str]) -> Option<&Unpacker> {
        self.unpackers.iter().find(|u| {
            let bundled = || {
                // `tar xzf` has no dash.
                arguments
                    .first()
                    .is_some_and(|a| a.starts_with('x') && is_program(&u.programs, "tar"))
            };
            is_program(&u.programs, program)
                && (u.needs.is_empty()
                    || u.needs.iter().any(|o| has_option(arguments, o))
                    || bundled())
        })
    }

    /// Whether `git` with these words deletes what is ignored.
    pub fn cleans_ignored(&self, arguments: &[&str]) -> bool {
        let rules = &self.git_clean;
        let bundle = |a: &&&str| {
            a.strip_prefix('-')
                .is_some_and(|letters| letters.chars().all(|c| rules.flags.contains(c)))
        };
        let dry = |a: &str| a == "--dry-run" || (bundle(&&a) && a.contains('n'));
        arguments.first() == Some(&"clean")
            && arguments
                .iter()
                .filter(bundle)
                .any(|a| rules.needs.iter().any(|o| a.contains(o.trim_start_matches('-'))))
            && !arguments.iter().any(|a| dry(a))
    }

    /// Whether a text holds a word that may take folders away or bring them.
    pub fn may_matter(&self, text: &str) -> bool {
        let programs = self.removers.iter().flat_map(|r| &r.programs);
        let mut words = programs.chain(self.unpackers.iter().flat_map(|u| &u.programs));
        text.contains("clean") || words.any(|word| text.contains(word.as_str()))
    }
}

/// PowerShell and cmd do not distinguish case.
fn is_program(known: &[String], program: &str) -> bool {
    known.iter().any(|k| k.eq_ignore_ascii_case(program))
}

/// An option, alone or among bundled letters: `-r` in `-rf`.
fn has_option(arguments: &[&str], option: &str) -> bool {
    let letter = option.strip_prefix('-').filter(|rest| rest.chars().count() == 1);
    arguments.iter().any(|a| {
        *a == option
            || letter.is_some_and(|l| {
                a.strip_prefix('-').is_some_and(|rest| {
                    !rest.starts_with('-')
                        && rest.chars().all(|c| c.is_ascii_alphabetic())
                        && rest.len() <= 6
                        && rest.contains(l)
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_delete_or_unpack_folders() {
        let data = folders();
        for (program, arguments, removes) in [
            ("rm", &["-rf", ".nox"][..], true),
            ("rm", &["--recursive", ".nox"], true),
            ("rm", &[".coverage"], false),
            ("remove-item", &["-Recurse", "-Force", ".nox"], true),
            ("rmdir", &["/s", "/q", ".nox"], true),
            ("rmdir", &["empty"], false),
            ("find", &[".", "-delete"], true),
            ("find", &[".", "-name", "*.pyc", "-delete"], false),
            ("echo", &["rm"], false),
        ] {
            assert_eq!(
                data.remover(program, arguments).is_some(),
                removes,
                "{program} {arguments:?}"
            );
        }
        for (arguments, cleans) in [
            (&["clean", "-fdx"][..], true),
            (&["clean", "-xdf", "-e", ".nox"], true),
            (&["clean", "-fd"], false),
            (&["clean", "-ndx"], false),
            (&["status", "-x"], false),
        ] {
            assert_eq!(data.cleans_ignored(arguments), cleans, "{arguments:?}");
        }
        for (program, arguments, unpacks) in [
            ("tar", &["xzf", "a.tgz"][..], true),
            ("tar", &["-xf", "a.tgz"], true),
            ("tar", &["--extract"], true),
            ("tar", &["-czf", "a.tgz", ".nox"], false),
            ("unzip", &["a.zip"], true),
        ] {
            assert_eq!(
                data.unpacker(program, arguments).is_some(),
                unpacks,
                "{program} {arguments:?}"
            );
        }
    }
}
