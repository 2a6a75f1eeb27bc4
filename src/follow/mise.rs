//! Tasks of mise: in its configuration, in files that this includes, and as scripts in its task
//! folders.

use std::collections::BTreeSet;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::python_tools::{at, text_of};
use super::wrapper_args::WrapperArgs;
use super::{Ask, FileScript, Followed, leading_expression, script};
use crate::base::path::{join, upward};
use crate::base::text::Span;
use crate::rules::wrappers::Wrapper;
use crate::shell::{Shell, Word};

/// How deep tasks are followed.
const MAX_DEPTH: usize = 16;
/// The most files that are read for the tasks of one folder.
const MAX_FILES: usize = 30;
/// What the configuration calls the list of other files with tasks.
const INCLUDES: &str = "includes";
/// What separates tasks on a command line.
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
                Err(_) => out.notes.push(format!("`{path}` can't be read")),
            }
        }
        places.push((sources, tables));
    }
    let Some((place, _)) = places.first() else { return };
    let mut reader = MiseReader { ask, places: &places, running: BTreeSet::new(), out };
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
                Some(name) => reader.run(place, name, arguments, 0),
                None => reader.unknown(place),
            },
            None => reader.run(place, "default", &[], 0),
        }
    }
}

/// The folder of the configuration, and the files that define its tasks.
struct TaskSources {
    root: String,
    /// Path, text, and whether the tasks are in a table of it.
    texts: Vec<(String, Arc<str>, bool)>,
    /// Tracked files in the task folders: path, and the name of the task.
    scripts: Vec<(String, String)>,
}

impl TaskSources {
    /// The folder and those around it that have tasks, innermost first: a task of an outer one
    /// runs where no inner one has its name.
    fn around(ask: &Ask<'_>, wrapper: &Wrapper, folder: &str) -> Vec<Self> {
        let places = upward(folder).map(|root| Self::of(ask, wrapper, root));
        places.filter(|place| !place.texts.is_empty() || !place.scripts.is_empty()).collect()
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
    /// The tasks are in its table `tasks`; else it has nothing but tasks.
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

/// A task that was found, and where.
enum MiseTask<'r, 'a> {
    Entry(&'r TaskSources, &'r TaskTable<'a>, &'r Spanned<DeValue<'a>>),
    Script(&'r TaskSources, &'r str),
}

struct MiseReader<'r, 'a, 'o> {
    ask: &'r Ask<'r>,
    places: &'r [(&'r TaskSources, Vec<TaskTable<'a>>)],
    running: BTreeSet<String>,
    out: &'o mut Followed,
}

impl<'r, 'a> MiseReader<'r, 'a, '_> {
    fn unknown(&mut self, from: &TaskSources) {
        let path = from.texts.first().map_or("mise.toml", |(path, _, _)| path);
        self.out.notes.push(format!("cachelint doesn't know which task of `{path}` runs"));
    }

    fn find(&self, name: &str) -> Option<MiseTask<'r, 'a>> {
        let is_script =
            |own: &str| own == name || own.rsplit_once('.').is_some_and(|(stem, _)| stem == name);
        self.places.iter().find_map(|(place, tables)| {
            let entry =
                |table: &'r TaskTable<'a>| Some(MiseTask::Entry(place, table, table.task(name)?));
            tables.iter().find_map(entry).or_else(|| {
                let (path, _) = place.scripts.iter().find(|(_, own)| is_script(own))?;
                Some(MiseTask::Script(place, path))
            })
        })
    }

    /// Runs the task of that name, which is called `from` there.
    fn run(&mut self, from: &TaskSources, name: &str, arguments: &[&Word], depth: usize) {
        if name.contains('*') {
            return self.unknown(from);
        }
        if depth > MAX_DEPTH || !self.running.insert(name.to_owned()) {
            return;
        }
        let label = format!("task `{name}`");
        match self.find(name) {
            Some(MiseTask::Script(place, path)) => {
                self.script(path, label, &place.root, arguments);
            }
            Some(MiseTask::Entry(place, table, value)) => {
                let fields = value.get_ref().as_table();
                match self.folder(place, fields) {
                    Some(folder) => {
                        let task = RunningTask { label, place, table, fields, folder, depth };
                        self.task(&task, value, arguments);
                    }
                    None => {
                        let note = format!("the task `{name}` runs in an unknown folder");
                        self.out.notes.push(note);
                    }
                }
            }
            None => self.unknown(from),
        }
        self.running.remove(name);
    }

    fn script(&mut self, path: &str, label: String, folder: &str, arguments: &[&Word]) {
        let arguments = arguments.iter().copied();
        script::of_file(self.ask, path, label, folder, None, arguments, self.out);
    }

    fn task(
        &mut self,
        task: &RunningTask<'_, 'a>,
        value: &Spanned<DeValue<'a>>,
        arguments: &[&Word],
    ) {
        let Some(fields) = task.fields else { return self.commands(task, value, arguments) };
        self.others(task, "depends");
        if let Some(run) = fields.get("run") {
            self.commands(task, run, arguments);
        }
        if let Some(path) = task.text("file").and_then(|file| join(&task.place.root, file)) {
            self.script(&path, task.label.clone(), &task.folder, arguments);
        }
        self.others(task, "depends_post");
    }

    /// The tasks that a field names; arguments after a name are left out.
    fn others(&mut self, task: &RunningTask<'_, 'a>, field: &str) {
        for other in task.field(field).map(texts).unwrap_or_default() {
            let name = other.split_whitespace().next().unwrap_or_default();
            self.run(task.place, name, &[], task.depth + 1);
        }
    }

    /// The folder of a task, relative to the repository root.
    fn folder(&self, place: &TaskSources, fields: Option<&DeTable<'a>>) -> Option<String> {
        let Some(dir) = fields.and_then(|f| f.get("dir")).and_then(|dir| text_of(dir.get_ref()))
        else {
            return Some(place.root.clone());
        };
        let Some((name, rest)) = leading_expression(dir) else {
            return self.ask.resolve(&place.root, dir).filter(|_| !dir.contains("{{"));
        };
        let base = match name {
            ROOT => &place.root,
            "cwd" => self.ask.folder,
            _ => return None,
        };
        join(base, rest).filter(|_| !rest.contains("{{"))
    }

    /// One command, or a list of commands and other tasks; the arguments go to the last command.
    fn commands(
        &mut self,
        task: &RunningTask<'_, 'a>,
        value: &Spanned<DeValue<'a>>,
        arguments: &[&Word],
    ) {
        let DeValue::Array(items) = value.get_ref() else {
            return self.command(task, value, arguments);
        };
        for (position, item) in items.iter().enumerate() {
            let arguments = if position + 1 == items.len() { arguments } else { &[] };
            let Some(step) = item.get_ref().as_table() else {
                self.command(task, item, arguments);
                continue;
            };
            for key in ["task", "tasks"] {
                for other in step.get(key).map(texts).unwrap_or_default() {
                    self.run(task.place, other, &[], task.depth + 1);
                }
            }
        }
    }

    fn command(
        &mut self,
        task: &RunningTask<'_, 'a>,
        value: &Spanned<DeValue<'a>>,
        arguments: &[&Word],
    ) {
        let Some(text) = text_of(value.get_ref()) else { return };
        let span = Span::new(value.span().start, value.span().end);
        let (table, label) = (task.table, task.label.clone());
        let file_script =
            FileScript::scalar(table.path, table.text, span, text, &task.folder, label);
        let mut file_script = file_script.with_holes("{{", "}}", |expression| {
            (expression == ROOT).then(|| format!("{}/{}", self.ask.root, task.place.root))
        });
        if !text.contains('\n') {
            file_script.append(arguments.iter().copied());
        }
        let written = text.lines().next().and_then(|line| line.strip_prefix("#!"));
        if let Some(shell) = written.or_else(|| task.text("shell")) {
            file_script.shell = Shell::from_spec(shell);
        }
        let env = task.field("env").and_then(|env| env.get_ref().as_table());
        for (key, value) in env.into_iter().flatten() {
            let value = text_of(value.get_ref()).filter(|value| !value.contains("{{"));
            file_script.env.push((key.get_ref().to_string(), value.map(str::to_owned)));
        }
        self.out.file_scripts.push(file_script);
    }
}

/// An entry of a table, while its commands are read.
struct RunningTask<'t, 'a> {
    label: String,
    place: &'t TaskSources,
    table: &'t TaskTable<'a>,
    /// `None` of a task that is only a command.
    fields: Option<&'t DeTable<'a>>,
    folder: String,
    depth: usize,
}

impl<'t, 'a> RunningTask<'t, 'a> {
    fn field(&self, name: &str) -> Option<&'t Spanned<DeValue<'a>>> {
        self.fields?.get(name)
    }

    fn text(&self, field: &str) -> Option<&'t str> {
        text_of(self.field(field)?.get_ref())
    }
}
