//! What takes a folder of the workspace away, and what brings one, from `rules/folders.yaml`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folders {
    pub removers: Vec<Remover>,
    pub find: Find,
    pub git_clean: GitClean,
    /// Functions of Python that delete a folder.
    pub python_removers: BTreeSet<String>,
    pub unpackers: Vec<Unpacker>,
    pub uploads: Vec<ArtifactAction>,
    pub downloads: Vec<ArtifactAction>,
    pub download_commands: Vec<DownloadCommand>,
}

/// The words of `find` that matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Options that delete what is found, or run what comes after them.
    deletes: Vec<String>,
    /// Programs that delete it when they are run.
    deletes_with: Vec<String>,
    /// Tests for a name or a path.
    names: Vec<String>,
    /// Other words that leave out nothing of a folder: with any other test it is not known what is
    /// found.
    leaves_all: Vec<String>,
    /// With one of these it is not known what is found.
    unless: Vec<String>,
}

impl Find {
    /// Where `find` with these words looks, and the names of what it deletes with all that is in
    /// it; `None` where it deletes no folder by its name, or an unknown test decides what it finds.
    pub fn deletes<'w>(&self, words: &[&'w str]) -> Option<(Vec<&'w str>, Vec<&'w str>)> {
        let is = |list: &[String], word: &str| list.iter().any(|known| known == word);
        let at = words.iter().position(|word| is(&self.deletes, word))?;
        if words.iter().any(|word| is(&self.unless, word)) {
            return None;
        }
        let (before, with) = (&words[..at], &words[at + 1..]);
        let mut names = Vec::new();
        let (mut limits_depth, mut folders_only) = (false, false);
        let mut rest = before.iter();
        while let Some(word) = rest.next() {
            if is(&self.names, word) {
                names.push(*rest.next()?);
            } else if *word == "-type" {
                folders_only = rest.next() == Some(&"d");
                if !folders_only {
                    return None;
                }
            } else if word.starts_with('-') && !is(&self.leaves_all, word) {
                return None;
            }
            limits_depth |= *word == "-maxdepth";
        }
        if words[at] == "-delete" {
            // It takes no folder that has something left in it.
            if !names.is_empty() || folders_only || limits_depth {
                return None;
            }
        } else if !is(&self.deletes_with, with.first()?.rsplit('/').next()?)
            || !has_option(with, "-r") && !has_option(with, "-R")
        {
            return None;
        }
        let places = words.iter().copied().take_while(|word| !word.starts_with('-')).collect();
        if names.is_empty() {
            names.push("*");
        }
        Some((places, names))
    }
}

/// A command that downloads files between jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadCommand {
    /// The program and its sub-commands.
    pub words: Vec<String>,
    pub name: Vec<String>,
    pub pattern: Vec<String>,
    pub path: Vec<String>,
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
    /// The last operand is where the others go.
    #[serde(default)]
    pub moves: bool,
    /// Options that name where the operands go, so that the last one is not it.
    #[serde(default)]
    target_options: Vec<String>,
}

impl Remover {
    /// What a program that moves takes along, and where it goes; `None` where the words say so in
    /// another way.
    pub fn moved<'w>(&self, words: &[&'w str]) -> Option<(Vec<&'w str>, &'w str)> {
        let is =
            |word: &str, option: &String| word == option || word.starts_with(&format!("{option}="));
        if words.iter().any(|word| self.target_options.iter().any(|option| is(word, option))) {
            return None;
        }
        let mut operands: Vec<&str> = words.iter().copied().filter(|w| !is_option(w)).collect();
        let into = operands.pop()?;
        (!operands.is_empty()).then_some((operands, into))
    }
}

/// Whether moving this path takes away a folder whose name holds `name`, or all that is in it; a
/// file or a folder from inside leaves the rest.
pub fn takes_whole(path: &str, name: &str) -> bool {
    let mut parts = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']);
    let last = parts.next().unwrap_or_default();
    let inside = parts.next().is_some_and(|parent| parent.contains(name));
    last == "*"
        || last == format!(".{name}")
        || !inside && (last.contains(name) || last.ends_with('*'))
}

pub fn is_option(word: &str) -> bool {
    // `/s` and `/q` of cmd; longer ones are paths.
    word.starts_with('-') || (word.starts_with('/') && word.len() == 2)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitClean {
    needs: Vec<String>,
    /// Options whose value names what stays.
    pub excludes: Vec<String>,
    /// Letters that its bundled options may have.
    flags: String,
    /// Options of git itself whose value is the next word.
    takes_value: Vec<String>,
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
    /// Inputs that name another run, by its id or its workflow.
    #[serde(default)]
    pub from: Vec<String>,
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

    /// The words of `git` from its subcommand on, and the folder that `-C` names before it.
    pub fn git_command<'w, 'a>(&self, words: &'w [&'a str]) -> (&'w [&'a str], Option<&'a str>) {
        let (mut rest, mut folder) = (words, None);
        while let [option, after @ ..] = rest {
            if !option.starts_with('-') {
                break;
            }
            rest = after;
            if self.git_clean.takes_value.iter().any(|known| known == option) {
                let Some((value, after)) = rest.split_first() else { break };
                folder = if *option == "-C" { Some(*value) } else { folder };
                rest = after;
            }
        }
        (rest, folder)
    }

    /// Whether `git` with these words, from its subcommand on, deletes what is ignored.
    pub fn cleans_ignored(&self, arguments: &[&str]) -> bool {
        let rules = &self.git_clean;
        let bundle = |a: &&&str| {
            a.strip_prefix('-')
                .is_some_and(|letters| letters.chars().all(|c| rules.flags.contains(c)))
        };
        let dry = |a: &str| a == "--dry-run" || (bundle(&&a) && a.contains('n'));
        if arguments.first() == Some(&"stash") {
            return arguments.iter().any(|a| matches!(*a, "-a" | "--all"));
        }
        arguments.first() == Some(&"clean")
            && arguments
                .iter()
                .filter(bundle)
                .any(|a| rules.needs.iter().any(|o| a.contains(o.trim_start_matches('-'))))
            && !arguments.iter().any(|a| dry(a))
    }

    /// The command that downloads files which `program` with these words is, and the words after its
    /// own.
    pub fn download<'w, 'a>(
        &self,
        program: &str,
        words: &'w [&'a str],
    ) -> Option<(&DownloadCommand, &'w [&'a str])> {
        self.download_commands.iter().find_map(|command| {
            let (own, rest) = command.words.split_first()?;
            let fits = own == program
                && words.len() >= rest.len()
                && rest.iter().zip(words).all(|(a, b)| a == b);
            fits.then(|| (command, &words[rest.len()..]))
        })
    }

    /// Whether a text may hold a command that downloads files.
    pub fn may_download(&self, text: &str) -> bool {
        let last =
            |command: &DownloadCommand| command.words.last().is_some_and(|w| text.contains(w));
        self.download_commands.iter().any(last)
    }

    /// Whether a text holds a word that may take folders away or bring them.
    pub fn may_matter(&self, text: &str) -> bool {
        let programs = self.removers.iter().flat_map(|r| &r.programs);
        let mut words = programs.chain(self.unpackers.iter().flat_map(|u| &u.programs));
        let mut removers = self.python_removers.iter().filter_map(|name| name.rsplit('.').next());
        text.contains("clean")
            || removers.any(|name| text.contains(name))
            || text.contains("stash")
            || text.contains("find")
            || self.may_download(text)
            || words.any(|word| text.contains(word.as_str()))
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
            ("echo", &["rm"], false),
            ("mv", &[".nox", "/tmp/old"], true),
            ("Move-Item", &[".nox", "old"], true),
        ] {
            assert_eq!(
                data.remover(program, arguments).is_some(),
                removes,
                "{program} {arguments:?}"
            );
        }
        let mv = data.remover("mv", &[]).unwrap();
        assert_eq!(mv.moved(&["-f", "a", "b", "out"]), Some((vec!["a", "b"], "out")));
        for words in [&["-t", "out", ".nox"][..], &["--target-directory=out", ".nox"], &["a"]] {
            assert_eq!(mv.moved(words), None, "{words:?}");
        }
        for (path, whole) in [
            (".nox", true),
            ("sub/.nox/", true),
            (".nox/*", true),
            (".nox*", true),
            (".\\.nox", true),
            (".nox/coverage.xml", false),
            (".nox/tests", false),
            (".nox/cov*", false),
            ("build", false),
        ] {
            assert_eq!(takes_whole(path, "nox"), whole, "{path}");
        }
        for (words, found) in [
            (&[".", "-name", ".nox", "-exec", "rm", "-rf", "{}", "+"][..], Some(".nox")),
            (&["sub", "-type", "d", "-name", ".nox", "-exec", "rm", "-r", "{}", ";"], Some(".nox")),
            (&[".", "-name", "*.pyc", "-delete"], None),
            (&[".", "-name", "x", "-exec", "ls", "-r", "{}", "+"], None),
            (&[".", "!", "-name", ".nox", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-maxdepth", "1", "-exec", "rm", "-rf", "{}", "+"], Some("*")),
            (&[".", "-type", "f", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-type", "l", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-type", "p", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-iname", "*.pyc", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-mmin", "+60", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-perm", "600", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-user", "root", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-regex", ".*pyc", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-ipath", "*/x", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-name", ".nox", "-type", "l", "-exec", "rm", "-rf", "{}", "+"], None),
            (&[".", "-name", ".nox", "-prune", "-exec", "rm", "-rf", "{}", "+"], Some(".nox")),
            (&[".", "-mindepth", "1", "-type", "d", "-exec", "rm", "-rf", "{}", "+"], Some("*")),
            (&[".", "-delete"], Some("*")),
            (&[".nox", "-mindepth", "1", "-delete"], Some("*")),
            (&[".", "-type", "d", "-delete"], None),
            (&[".", "-size", "+1M", "-delete"], None),
            (&[".", "-user", "root", "-delete"], None),
        ] {
            let names = data.find.deletes(words).map(|(_, names)| names);
            assert_eq!(names, found.map(|name| vec![name]), "{words:?}");
        }
        for (arguments, cleans) in [
            (&["clean", "-fdx"][..], true),
            (&["clean", "-xdf", "-e", ".nox"], true),
            (&["clean", "-fd"], false),
            (&["clean", "-ndx"], false),
            (&["status", "-x"], false),
            (&["stash", "--all"], true),
            (&["stash", "pop"], false),
        ] {
            assert_eq!(data.cleans_ignored(arguments), cleans, "{arguments:?}");
        }
        let words = ["-c", "core.fsmonitor=false", "-C", "sub", "clean", "-fdx"];
        assert_eq!(data.git_command(&words), (&["clean", "-fdx"][..], Some("sub")));
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
