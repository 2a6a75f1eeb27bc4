//! Scripts that Python project tools keep in TOML files: hatch, pdm, rye, pipenv, pixi, poe.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::path::join;
use crate::base::text::Span;
use crate::shell::Word;
use crate::shell::word::quoted;

/// How deep scripts refer to each other.
const MAX_DEPTH: usize = 8;

/// The file as a table with places.
pub(super) fn table<'a>(file: &File<'a>, out: &mut Followed) -> Option<Spanned<DeTable<'a>>> {
    match DeTable::parse(file.text) {
        Ok(table) => Some(table),
        Err(_) => {
            out.notes.push(format!("`{}` can't be read", file.path));
            None
        }
    }
}

/// The value under a path of keys.
pub(super) fn at<'t, 'a>(
    table: &'t DeTable<'a>,
    path: &[&str],
) -> Option<&'t Spanned<DeValue<'a>>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { at(value.get_ref().as_table()?, rest) }
}

pub(super) fn text_of<'t>(value: &'t DeValue<'_>) -> Option<&'t str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

/// How a tool writes and runs its scripts.
struct Dialect {
    /// Keys of a table that hold one command.
    commands: &'static [&'static str],
    /// Keys of a table that hold several entries, by name or as commands.
    sequences: &'static [&'static str],
    /// A list is a list of commands; else it is the words of one.
    list_is_sequence: bool,
    /// Key of the folder.
    folder: &'static str,
    /// A command whose first word names another entry runs that.
    refers_by_name: bool,
    /// Arguments are put where this stands, else added at the end; `None`: never handed on.
    arguments: Option<&'static str>,
}

struct ScriptReader<'w, 't, 'a, 'o> {
    file: &'w File<'w>,
    scripts: &'t DeTable<'a>,
    dialect: &'w Dialect,
    folder: String,
    kind: &'static str,
    out: &'o mut Followed,
}

impl<'a> ScriptReader<'_, '_, 'a, '_> {
    fn run(&mut self, name: &str, arguments: &[&Word], depth: usize) {
        let Some(value) = self.scripts.get(name).filter(|_| depth < MAX_DEPTH) else { return };
        self.value(name, value, arguments, depth);
    }

    fn value(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'a>>,
        arguments: &[&Word],
        depth: usize,
    ) {
        match value.get_ref() {
            DeValue::String(text) => self.command(name, value, text, arguments, depth),
            DeValue::Array(items) if self.dialect.list_is_sequence => {
                for item in items {
                    self.step(name, item, arguments, depth);
                }
            }
            DeValue::Array(items) => self.words(name, value, items, arguments),
            DeValue::Table(entry) => {
                let own = self.folder.clone();
                if let Some(folder) =
                    entry.get(self.dialect.folder).and_then(|f| text_of(f.get_ref()))
                {
                    match join(&own, folder) {
                        Some(folder) => self.folder = folder,
                        None => return,
                    }
                }
                let (commands, sequences) = (self.dialect.commands, self.dialect.sequences);
                if let Some(command) = commands.iter().find_map(|key| entry.get(*key)) {
                    match command.get_ref() {
                        DeValue::Array(items) => self.words(name, command, items, arguments),
                        _ => self.value(name, command, arguments, depth + 1),
                    }
                } else if let Some(DeValue::Array(steps)) =
                    sequences.iter().find_map(|k| entry.get(*k)).map(Spanned::get_ref)
                {
                    for step in steps {
                        self.step(name, step, &[], depth);
                    }
                }
                self.folder = own;
            }
            _ => {}
        }
    }

    /// A part of a sequence: the name of another entry, or a command.
    fn step(&mut self, name: &str, step: &Spanned<DeValue<'a>>, arguments: &[&Word], depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        let named = text_of(step.get_ref()).or_else(|| {
            let table = step.get_ref().as_table()?;
            text_of(table.get("ref").or_else(|| table.get("task"))?.get_ref())
        });
        match named
            .and_then(|n| n.split_whitespace().next())
            .filter(|n| self.scripts.contains_key(*n) && *n != name)
        {
            Some(other) => self.run(other, arguments, depth + 1),
            None => self.value(name, step, arguments, depth + 1),
        }
    }

    fn command(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'a>>,
        text: &str,
        arguments: &[&Word],
        depth: usize,
    ) {
        let first = text.split_whitespace().next().unwrap_or_default();
        if self.dialect.refers_by_name && first != name && self.scripts.contains_key(first) {
            return self.run(first, arguments, depth + 1);
        }
        let span = Span::new(value.span().start, value.span().end);
        let label = format!("{} `{name}`", self.kind);
        let mut file_script =
            FileScript::scalar(self.file.path, self.file.text, span, text, &self.folder, label);
        match self.dialect.arguments {
            Some(place) if !place.is_empty() && file_script.script.contains(place) => {
                let known: Option<Vec<String>> =
                    arguments.iter().map(|w| w.value.as_deref().map(quoted)).collect();
                file_script = file_script.with_holes(place, "}", |default| {
                    let default = default.trim_start_matches(':').to_owned();
                    if arguments.is_empty() {
                        Some(default)
                    } else {
                        known.clone().map(|k| k.join(" "))
                    }
                });
            }
            Some("") => file_script.append(arguments.iter().copied()),
            _ => {}
        }
        self.out.file_scripts.push(file_script);
    }

    /// A list that is one command.
    fn words(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'a>>,
        items: &[Spanned<DeValue<'a>>],
        arguments: &[&Word],
    ) {
        let words: Option<Vec<String>> =
            items.iter().map(|i| text_of(i.get_ref()).map(quoted)).collect();
        let Some(words) = words else { return };
        let span = Span::new(value.span().start, value.span().end);
        let label = format!("{} `{name}`", self.kind);
        let mut file_script =
            FileScript::computed(self.file.path, span, words.join(" "), &self.folder, label);
        file_script.append(arguments.iter().copied());
        self.out.file_scripts.push(file_script);
    }
}

const HATCH: Dialect = Dialect {
    commands: &[],
    sequences: &[],
    list_is_sequence: true,
    folder: "",
    refers_by_name: true,
    arguments: Some("{args"),
};
const PDM: Dialect = Dialect {
    commands: &["cmd", "shell"],
    sequences: &["composite"],
    list_is_sequence: false,
    folder: "working_dir",
    refers_by_name: false,
    arguments: Some(""),
};
const RYE: Dialect = Dialect {
    commands: &["cmd"],
    sequences: &["chain"],
    list_is_sequence: false,
    folder: "",
    ..PDM
};
const PIXI: Dialect =
    Dialect { commands: &["cmd"], sequences: &["depends-on", "depends_on"], folder: "cwd", ..PDM };
const POE: Dialect = Dialect {
    commands: &["cmd", "shell", "ref"],
    sequences: &["sequence", "parallel"],
    list_is_sequence: true,
    folder: "cwd",
    refers_by_name: false,
    arguments: Some(""),
};

/// Runs the entry that was named from the table at `path`.
fn run(
    file: &File<'_>,
    args: &WrapperArgs<'_>,
    path: &[&str],
    dialect: &Dialect,
    kind: &'static str,
    out: &mut Followed,
) {
    let Some((name, arguments)) = args.entry() else { return };
    let Some(parsed) = table(file, out) else { return };
    let Some(scripts) = at(parsed.get_ref(), path).and_then(|v| v.get_ref().as_table()) else {
        return;
    };
    let folder = match &args.directory {
        Some(_) => file.folder,
        None => file.own_folder(),
    };
    let mut reader = ScriptReader { file, scripts, dialect, folder: folder.to_owned(), kind, out };
    // pixi runs what a task depends on before its own command.
    if kind == "task"
        && let Some(entry) = scripts.get(name).and_then(|e| e.get_ref().as_table())
        && entry.contains_key("cmd")
        && let Some(DeValue::Array(steps)) =
            dialect.sequences.iter().find_map(|k| entry.get(*k)).map(Spanned::get_ref)
    {
        for step in steps {
            reader.step(name, step, &[], 0);
        }
    }
    reader.run(name, &arguments, 0);
}

pub(super) fn hatch(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let Some((name, arguments)) = args.entry() else { return };
    let environment = args.environment.as_deref().unwrap_or("default");
    let name = name.rsplit(':').next().unwrap_or(name);
    let Some(parsed) = table(file, out) else { return };
    let root: &[&str] =
        if file.path.ends_with("hatch.toml") { &["envs"] } else { &["tool", "hatch", "envs"] };
    // An environment has the scripts of its template, which is `default` unless it names another.
    for environment in [environment, "default"] {
        let path = [root, &[environment, "scripts"]].concat();
        let Some(scripts) = at(parsed.get_ref(), &path).and_then(|v| v.get_ref().as_table()) else {
            continue;
        };
        if scripts.contains_key(name) {
            let folder = file.own_folder().to_owned();
            ScriptReader { file, scripts, dialect: &HATCH, folder, kind: "script", out }
                .run(name, &arguments, 0);
            return;
        }
    }
}

pub(super) fn pdm(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    run(file, args, &["tool", "pdm", "scripts"], &PDM, "script", out);
}

pub(super) fn rye(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    run(file, args, &["tool", "rye", "scripts"], &RYE, "script", out);
}

pub(super) fn pipenv(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    run(file, args, &["scripts"], &PDM, "script", out);
}

pub(super) fn pixi(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let path: &[&str] =
        if file.path.ends_with("pixi.toml") { &["tasks"] } else { &["tool", "pixi", "tasks"] };
    run(file, args, path, &PIXI, "task", out);
}

pub(super) fn poe(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let path: &[&str] =
        if file.path.ends_with("pyproject.toml") { &["tool", "poe", "tasks"] } else { &["tasks"] };
    run(file, args, path, &POE, "poe task", out);
}
