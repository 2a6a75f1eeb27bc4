//! What a session's body does with the session object.

use super::call::Arguments;
use super::effects::{Install, NestedCall};
use super::exec::NoxfileReader;
use super::shell::{self, ShellCommand};
use super::value::{PythonValue, changed, join};
use crate::rules::folders::{folders, takes_whole};
use crate::rules::nox::rules;
use crate::rules::publishers::publishers;
use crate::tool::Argument;
use crate::tool::nox::NAME;

impl NoxfileReader<'_> {
    /// A method of the session object.
    pub(super) fn session_call(&mut self, method: &str, args: &Arguments) -> PythonValue {
        let certain = self.doubts == 0;
        match method {
            "install" | "run_install" | "conda_install" | "run_always" | "run"
                if args.positional.is_empty() =>
            {
                // `session.install(*[])`: nothing is installed, or it is not known what.
                self.effects.opaque |= args.incomplete;
            }
            "install" | "conda_install" => {
                let install = Install {
                    files: Vec::new(),
                    exact: false,
                    certain,
                    conda: method == "conda_install",
                    ..self.installed(&args.positional)
                };
                self.effects.installs.push(install);
            }
            "run" | "run_install" | "run_always" => {
                if !self.shell_script(args, certain) {
                    self.command(method, args, certain);
                }
            }
            "notify" => self.effects.notifies.extend(args.first().cloned()),
            "chdir" | "cd" => self.change_folder(args.first()),
            "create_tmp" => {}
            "log" | "warn" | "debug" | "error" | "skip" => {}
            "env.get" | "env.update" | "env.copy" | "posargs.copy" => {}
            _ if method.starts_with("poetry.") => {
                let files = rules()
                    .session_packages
                    .get("nox_poetry")
                    .map(|p| p.installs.clone())
                    .unwrap_or_default();
                let install = Install { files, certain, ..self.installed(&args.positional) };
                self.effects.installs.push(install);
            }
            _ => self.effects.opaque = true,
        }
        PythonValue::Unknown
    }

    /// The session goes to another folder.
    pub(super) fn change_folder(&mut self, to: Option<&PythonValue>) {
        self.effects.changes_folder = true;
        let here = self.cwd.take();
        self.cwd = match to.filter(|_| self.doubts == 0) {
            Some(PythonValue::Path(path)) => self.folder_of(here.as_deref(), path),
            Some(value) => changed(here.as_deref(), value.text()),
            None => None,
        };
    }

    /// The folder that a path leads to from `here`. Where it was built on the noxfile's own place or
    /// on the first folder, it leads there from everywhere.
    fn folder_of(&self, here: Option<&str>, path: &str) -> Option<String> {
        let home = changed(Some(&self.folder), Some(path));
        let exists = home.as_deref().is_some_and(|home| !self.files.tracked_under(home).is_empty());
        if path.is_empty() || exists { home } else { changed(here, Some(path)) }
    }

    /// An installing command with these words, where the session is now.
    fn installed(&self, words: &[PythonValue]) -> Install {
        let folder = self.cwd.clone();
        let away = folder.as_deref().filter(|folder| *folder != self.folder);
        let word = |word: &PythonValue| match (word, away) {
            (PythonValue::Path(path), Some(away)) => {
                PythonValue::Path(self.seen_from(away, path).unwrap_or_else(|| path.clone()))
            }
            _ => word.clone(),
        };
        Install {
            args: words.iter().map(word).collect(),
            files: Vec::new(),
            exact: false,
            certain: true,
            conda: false,
            folder,
        }
    }

    /// A path that was built on the noxfile's own place, as another folder names it.
    fn seen_from(&self, folder: &str, path: &str) -> Option<String> {
        let home = changed(Some(&self.folder), Some(path))?;
        let exists = self.files.is_tracked(&home) || !self.files.tracked_under(&home).is_empty();
        let up = "../".repeat(folder.split('/').filter(|part| !part.is_empty()).count());
        exists.then(|| format!("{up}{home}"))
    }

    /// A command that a session runs: an installer, or something that leaves the environment as it
    /// is.
    fn command(&mut self, method: &str, args: &Arguments, certain: bool) {
        if self.shell_text(args, certain) {
            return;
        }
        self.publishes(args.positional.iter());
        if args.open {
            self.may_publish(&args.positional);
        }
        let words: Vec<Option<&str>> = args.positional.iter().map(PythonValue::text).collect();
        let known: Vec<&str> = words.iter().copied().flatten().collect();
        if let Some((program, rest)) = known.split_first()
            && let Some(remover) = folders().remover(program, rest).filter(|_| certain)
        {
            if !remover.moves {
                let paths = args.positional.get(1..).unwrap_or_default();
                paths.iter().for_each(|path| self.removes(Some(path)));
            } else if let Some((moved, into)) = remover.moved(rest) {
                // What comes back to where it was is not removed.
                let back = self.cwd.as_deref().map(|cwd| join(cwd, into));
                self.effects.removes.retain(|path| Some(path) != back.as_ref());
                let whole = moved.into_iter().filter(|path| takes_whole(path, NAME));
                whole.for_each(|path| self.removes(Some(&PythonValue::str(path))));
            }
        }
        let begins = |said: &[Option<&str>], with: &[String]| {
            with.len() <= said.len() && with.iter().zip(said).all(|(a, b)| *b == Some(a.as_str()))
        };
        let starts = |with: &[String]| begins(&words, with);
        let launcher = rules().session_launchers.iter().find(|launcher| starts(launcher));
        let rest = words.get(launcher.map_or(0, Vec::len)..).unwrap_or_default();
        let runs = |command: &Vec<String>| begins(rest, command);
        for keeper in rules().session_caches.iter().filter(|k| k.commands.iter().any(runs)) {
            self.effects.keepers.insert(keeper.path.clone());
        }
        if let Some(exporter) = rules().exporters.iter().find(|e| starts(&e.words)) {
            self.effects.exports.extend(exporter.files.iter().cloned());
        }
        self.effects.builds |= rules().builders.iter().any(|builder| starts(builder));
        if let Some(rule) = rules().installers.iter().find(|rule| starts(&rule.words)) {
            let rest = if rule.arguments {
                args.positional.get(rule.words.len()..).unwrap_or_default()
            } else {
                &[]
            };
            let install = Install {
                files: rule.files.clone(),
                exact: rule.exact,
                certain,
                ..self.installed(rest)
            };
            self.effects.installs.push(install);
            return;
        }
        if let Some(rule) = rules().nested_calls.iter().find(|rule| starts(rule)) {
            let word =
                |w: &Option<&str>| w.map_or_else(|| Argument::unknown("", false), Argument::known);
            let args = words.iter().skip(rule.len()).map(word).collect();
            let folder = self.cwd.clone();
            let place = self.calling.clone().unwrap_or_default();
            self.effects.nested.push(NestedCall { args, folder, certain, place });
            // The nox that runs the noxfile is found outside the environment too.
            return;
        }
        // A program from outside, or the environment's own interpreter, adds nothing; any other
        // program must have come into the environment somehow.
        let outside = args.keyword("external").is_some_and(|v| v.truth() != Some(false));
        let interpreter =
            matches!(words.first(), Some(Some("python"))) && !words.contains(&Some("pip"));
        self.effects.opaque |= method == "run_install";
        self.effects.runs |= !(outside || interpreter);
    }

    /// Reads the commands that a session gives to a shell: `session.run("sh", "-c", "…")`; whether it
    /// does.
    fn shell_text(&mut self, args: &Arguments, certain: bool) -> bool {
        let Some(commands) = shell::in_shell(&args.positional) else { return false };
        match commands {
            Some(commands) => self.shell_commands(commands, args, certain),
            // What the shell is told is not known.
            None => self.effects.opaque = true,
        }
        true
    }

    /// Reads the commands of a shell script of the repository that a session runs; whether it runs
    /// one.
    fn shell_script(&mut self, args: &Arguments, certain: bool) -> bool {
        let mut words = args.positional.iter().filter_map(PythonValue::text);
        let Some(first) = words.next() else { return false };
        let path = if shell::is_shell(first) {
            words.find(|word| !word.starts_with('-'))
        } else {
            Some(first).filter(|path| path.ends_with(".sh") || path.ends_with(".bash"))
        };
        let Some(path) = path.filter(|_| self.cwd.as_deref() == Some(self.folder.as_str())) else {
            return false;
        };
        let Some(text) = self.files.read(&join(&self.folder, path)) else { return false };
        self.effects.reads.push(path.to_owned());
        self.effects.runs = true;
        self.shell_commands(shell::of_text(&PythonValue::str(&*text)), args, certain);
        true
    }

    fn shell_commands(&mut self, commands: Vec<ShellCommand>, args: &Arguments, certain: bool) {
        for command in commands {
            // A path in another folder is not that of the same name here, and any program may install.
            let unknown = command.words.first() == Some(&PythonValue::Unknown);
            self.effects.opaque |= command.elsewhere || unknown;
            self.effects.changes_folder |= command.elsewhere;
            let inner = Arguments {
                positional: command.words,
                keywords: args.keywords.clone(),
                incomplete: args.incomplete,
                open: false,
            };
            self.command("run", &inner, certain && !command.conditional);
        }
    }

    /// Notes what a command publishes.
    pub(super) fn publishes<'v>(&mut self, words: impl Iterator<Item = &'v PythonValue>) {
        let words: Vec<&str> = words.filter_map(PythonValue::text).collect();
        if let Some(what) = publishers().words(&words) {
            self.effects.publishes.get_or_insert_with(|| what.to_owned());
        }
    }

    /// Notes a command that publishes with the right words after it.
    fn may_publish(&mut self, words: &[PythonValue]) {
        let known: Option<Vec<&str>> =
            words.split_last().and_then(|(_, known)| known.iter().map(PythonValue::text).collect());
        let Some(known) = known.filter(|known| publishers().may_become(known)) else { return };
        self.effects.open_commands.push(known.into_iter().map(str::to_owned).collect());
    }

    /// Notes that a folder is deleted.
    pub(super) fn removes(&mut self, path: Option<&PythonValue>) {
        let path = path.and_then(PythonValue::text).filter(|path| !path.starts_with('-'));
        if let Some((path, cwd)) = path.zip(self.cwd.as_deref()) {
            let path = join(cwd, path);
            self.effects.removes.push(path);
        }
    }
}
