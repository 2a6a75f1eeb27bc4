//! Tasks of mise: in its configuration, in files that this includes, and as scripts in its task
//! folders.

use std::collections::BTreeSet;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::python_tools::{at, text_of};
use super::wrapper_args::WrapperArgs;
use super::{Ask, FileScript, Followed, script};
use crate::base::path::{join, parent};
use crate::base::text::Span;
use crate::rules::wrappers::Wrapper;
use crate::shell::{Shell, Word};

/// How deep tasks are followed.
const MAX_DEPTH: usize = 16;
/// Most files that are read for the tasks of one folder.
const MAX_FILES: usize = 30;
/// What the configuration calls the list of other files with tasks.
const INCLUDES: &str = "includes";
/// Stands between tasks on a command line.
const NEXT_TASK: &str = ":::";
/// What templates call the folder of the configuration.
const ROOT: &str = "config_root";

/// How many bytes are read to find a task, what the configuration includes counted.
pub(super) fn size(ask: &Ask<'_>, wrapper: &Wrapper, folder: &str) -> usize {
    let around = TaskSources::around(ask, wrapper, folder);
    around.iter().flat_map(|place| &place.texts).map(|(_, text, _)| text.len()).sum()
}

pub(super) fn follow(
    ask: &Ask<'_>,
    wrapper: &Wrapper,
    args: &WrapperArgs<'_>,
    folder: &str,
    out: &mut Followed,
) {
    let around = TaskSources::around(ask, wrapper, folder);
    let mut places = Vec::new();
    for sources in &around {
        let mut tables: Vec<TaskTable<'_>> = Vec::new();
        for (path, text, is_config) in &sources.texts {
            match DeTable::parse(text) {
                Ok(table) => tables.push(TaskTable { path, text, table, is_config: *is_config }),
                Err(_) => out.notes.push(format!("`{path}` cannot be read")),
            }
        }
        places.push((sources, tables));
    }
    let Some((place, _)) = places.first() else { return };
    let mut reader = MiseReader { ask, place, places: &places, running: BTreeSet::new(), out };
    let words = args.operands.iter().chain(args.rest.iter().flatten()).copied();
    let words: Vec<&Word> = words.collect();
    for list in words.split(|word| word.value.as_deref() == Some(NEXT_TASK)) {
        // `mise tasks run lint`
        let list = match list {
            [first, rest @ ..] if !rest.is_empty() && first.value.as_deref() == Some("run") => rest,
            list => list,
        };
        match list.split_first() {
            Some((name, arguments)) => match &name.value {
                Some(name) => reader.run(name, arguments, 0),
                None => reader.unknown(),
            },
            None => reader.run("default", &[], 0),
        }
    }
}

/// The folder of the configuration, and what says which tasks there are.
struct TaskSources {
    root: String,
    /// Path, text, and whether the tasks stand in a table of it.
    texts: Vec<(String, Arc<str>, bool)>,
    /// Tracked files in the task folders: path, and the name of the task.
    scripts: Vec<(String, String)>,
}

impl TaskSources {
    /// The folders around that have tasks, nearest first: a task of an outer one runs where no
    /// nearer one has its name.
    fn around(ask: &Ask<'_>, wrapper: &Wrapper, folder: &str) -> Vec<Self> {
        let (mut root, mut found) = (folder, Vec::new());
        loop {
            let place = Self::of(ask, wrapper, root);
            if !place.texts.is_empty() || !place.scripts.is_empty() {
                found.push(place);
            }
            if root.is_empty() {
                return found;
            }
            root = parent(root);
        }
    }

    fn of(ask: &Ask<'_>, wrapper: &Wrapper, root: &str) -> Self {
        let read = |path: String| Some((ask.files.read(&path)?, path));
        let mut place = Self { root: root.to_owned(), texts: Vec::new(), scripts: Vec::new() };
        let mut folders: Vec<String> =
            wrapper.folders.iter().filter_map(|folder| join(root, folder)).collect();
        for name in &wrapper.files {
            let Some((text, path)) = join(root, name).and_then(read) else { continue };
            for included in includes(&text).iter().filter_map(|name| join(root, name)) {
                if !included.ends_with(".toml") {
                    folders.push(included);
                } else if let Some((text, path)) = read(included) {
                    place.texts.push((path, text, false));
                }
            }
            place.texts.push((path, text, true));
        }
        place.texts.truncate(MAX_FILES);
        for folder in &folders {
            for path in ask.files.tracked_under(folder) {
                let Some(inside) = path.strip_prefix(&format!("{folder}/")) else { continue };
                let name = inside.replace('/', ":");
                let name = name.strip_suffix(":_default").map_or(name.clone(), str::to_owned);
                place.scripts.push((path, name));
            }
        }
        place
    }
}

/// What `task_config.includes` names.
fn includes(text: &str) -> Vec<String> {
    // Most include nothing, and reading a table takes its time.
    if !text.contains(INCLUDES) {
        return Vec::new();
    }
    let Ok(table) = DeTable::parse(text) else { return Vec::new() };
    let Some(list) = at(table.get_ref(), &["task_config", INCLUDES]) else { return Vec::new() };
    let DeValue::Array(items) = list.get_ref() else { return Vec::new() };
    items.iter().filter_map(|item| text_of(item.get_ref()).map(str::to_owned)).collect()
}

struct TaskTable<'a> {
    path: &'a str,
    text: &'a str,
    table: Spanned<DeTable<'a>>,
    /// The tasks stand in its table `tasks`; else it holds nothing but tasks.
    is_config: bool,
}

impl<'a> TaskTable<'a> {
    /// The task of that name or alias.
    fn task(&self, name: &str) -> Option<&Spanned<DeValue<'a>>> {
        let tasks = match self.is_config {
            true => self.table.get_ref().get("tasks")?.get_ref().as_table()?,
            false => self.table.get_ref(),
        };
        let has_alias = |task: &DeValue<'_>| {
            let alias = task.as_table().and_then(|table| table.get("alias"));
            alias.is_some_and(|alias| texts(alias).contains(&name))
        };
        tasks.get(name).or_else(|| tasks.values().find(|task| has_alias(task.get_ref())))
    }
}

/// One text, or all of a list.
fn texts<'v>(value: &'v Spanned<DeValue<'_>>) -> Vec<&'v str> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|i| text_of(i.get_ref())).collect(),
        one => text_of(one).into_iter().collect(),
    }
}

struct MiseReader<'r, 'a, 'o> {
    ask: &'r Ask<'r>,
    /// Where the task that is read stands.
    place: &'r TaskSources,
    places: &'r [(&'r TaskSources, Vec<TaskTable<'a>>)],
    running: BTreeSet<String>,
    out: &'o mut Followed,
}

impl<'a> MiseReader<'_, 'a, '_> {
    fn unknown(&mut self) {
        let texts = self.place.texts.iter().map(|(path, _, _)| path.as_str()).next();
        let path = texts.unwrap_or("mise.toml");
        self.out.notes.push(format!("cachelint doesn't know which task of `{path}` runs"));
    }

    fn run(&mut self, name: &str, arguments: &[&Word], depth: usize) {
        if name.contains('*') {
            return self.unknown();
        }
        if depth > MAX_DEPTH || !self.running.insert(name.to_owned()) {
            return;
        }
        let is_script =
            |own: &str| own == name || own.rsplit_once('.').is_some_and(|(stem, _)| stem == name);
        let outer = self.place;
        let mut is_known = false;
        for (place, tables) in self.places {
            self.place = place;
            let found = tables.iter().find_map(|table| Some((table, table.task(name)?)));
            is_known = true;
            if let Some((table, task)) = found {
                self.task(name, table, task, arguments, depth);
                break;
            }
            if let Some((path, _)) = place.scripts.iter().find(|(_, own)| is_script(own)) {
                let label = format!("task `{name}`");
                let arguments = arguments.iter().map(|word| word.value.clone()).collect();
                script::of_file(self.ask, path, &label, &place.root, None, arguments, self.out);
                break;
            }
            is_known = false;
        }
        self.place = outer;
        if !is_known {
            self.unknown();
        }
        self.running.remove(name);
    }

    fn task(
        &mut self,
        name: &str,
        table: &TaskTable<'a>,
        task: &Spanned<DeValue<'a>>,
        arguments: &[&Word],
        depth: usize,
    ) {
        let Some(entry) = task.get_ref().as_table() else {
            let root = self.place.root.clone();
            return self.commands(name, table, task, &TaskSetting::new(root), arguments, depth);
        };
        let folder = match entry.get("dir").and_then(|dir| text_of(dir.get_ref())) {
            None => Some(self.place.root.clone()),
            Some(dir) => self.folder(dir),
        };
        let Some(folder) = folder else {
            let note = format!("the task `{name}` runs in an unknown folder");
            return self.out.notes.push(note);
        };
        let env = entry.get("env").and_then(|env| env.get_ref().as_table());
        let env = env.into_iter().flatten().map(|(key, value)| {
            let value = text_of(value.get_ref()).filter(|value| !value.contains("{{"));
            (key.get_ref().to_string(), value.map(str::to_owned))
        });
        let shell = entry.get("shell").and_then(|shell| text_of(shell.get_ref()));
        let own = TaskSetting { folder, env: env.collect(), shell: shell.map(Shell::from_spec) };
        let depends = |key: &str| entry.get(key).map(texts).unwrap_or_default();
        for other in depends("depends") {
            self.run(other.split_whitespace().next().unwrap_or_default(), &[], depth + 1);
        }
        if let Some(run) = entry.get("run") {
            self.commands(name, table, run, &own, arguments, depth);
        }
        let file = entry.get("file").and_then(|file| text_of(file.get_ref()));
        if let Some(path) = file.and_then(|file| join(&self.place.root, file)) {
            let label = format!("task `{name}`");
            let arguments = arguments.iter().map(|word| word.value.clone()).collect();
            script::of_file(self.ask, &path, &label, &own.folder, None, arguments, self.out);
        }
        for other in depends("depends_post") {
            self.run(other.split_whitespace().next().unwrap_or_default(), &[], depth + 1);
        }
    }

    /// A folder as a task names it, relative to the repository root.
    fn folder(&self, dir: &str) -> Option<String> {
        let plain = dir.replace("{{ ", "{{").replace(" }}", "}}");
        let plain = plain.replace("{{cwd}}", &format!("{}/{}", self.ask.root, self.ask.folder));
        match plain.strip_prefix(&format!("{{{{{ROOT}}}}}")) {
            Some(inside) => join(&self.place.root, inside.trim_start_matches('/')),
            None if plain.contains("{{") => None,
            None => self.ask.resolve(&self.place.root, &plain),
        }
    }

    /// One command, or a list of commands and other tasks; the arguments go to the last command.
    fn commands(
        &mut self,
        name: &str,
        table: &TaskTable<'a>,
        value: &Spanned<DeValue<'a>>,
        task: &TaskSetting,
        arguments: &[&Word],
        depth: usize,
    ) {
        let DeValue::Array(items) = value.get_ref() else {
            return self.command(name, table, value, task, arguments);
        };
        for (position, item) in items.iter().enumerate() {
            let arguments = if position + 1 == items.len() { arguments } else { &[] };
            let Some(step) = item.get_ref().as_table() else {
                self.command(name, table, item, task, arguments);
                continue;
            };
            for key in ["task", "tasks"] {
                for other in step.get(key).map(texts).unwrap_or_default() {
                    self.run(other, &[], depth + 1);
                }
            }
        }
    }

    fn command(
        &mut self,
        name: &str,
        table: &TaskTable<'a>,
        value: &Spanned<DeValue<'a>>,
        task: &TaskSetting,
        arguments: &[&Word],
    ) {
        let Some(text) = text_of(value.get_ref()) else { return };
        let span = Span::new(value.span().start, value.span().end);
        let label = format!("task `{name}`");
        let file_script =
            FileScript::scalar(table.path, table.text, span, text, &task.folder, label);
        let mut file_script = file_script.with_holes("{{", "}}", |expression| {
            (expression == ROOT).then(|| format!("{}/{}", self.ask.root, self.place.root))
        });
        if !text.contains('\n') {
            file_script.append(arguments.iter().copied());
        }
        let written = text.lines().next().and_then(|line| line.strip_prefix("#!"));
        if let Some(shell) = written.map(Shell::from_spec).or_else(|| task.shell.clone()) {
            file_script.shell = shell;
        }
        file_script.env.extend(task.env.iter().cloned());
        self.out.file_scripts.push(file_script);
    }
}

/// How the commands of a task run.
struct TaskSetting {
    folder: String,
    env: Vec<(String, Option<String>)>,
    shell: Option<Shell>,
}

impl TaskSetting {
    fn new(folder: String) -> Self {
        Self { folder, env: Vec::new(), shell: None }
    }
}
