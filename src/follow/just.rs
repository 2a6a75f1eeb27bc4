//! justfiles, read conservatively: recipes, dependencies, parameters, plain variables, imports and
//! modules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::path::{join, parent};
use crate::base::text::Span;
use crate::shell::{Shell, Word};

/// How deep dependencies are followed.
const MAX_DEPTH: usize = 16;
/// The most files that are read for one justfile, itself counted.
const MAX_FILES: usize = 30;

#[derive(Debug, Default)]
struct Recipe {
    /// Path and text of the file it is in.
    source: Option<(String, Arc<str>)>,
    /// Names with their default as written; `*` and `+` parameters take all that is left.
    parameters: Vec<(String, Option<String>, bool)>,
    before: Vec<String>,
    after: Vec<String>,
    lines: Vec<Span>,
}

#[derive(Debug, Default)]
struct Justfile {
    recipes: BTreeMap<String, Recipe>,
    aliases: BTreeMap<String, String>,
    variables: BTreeMap<String, Option<String>>,
    exported: BTreeSet<String>,
    first: Option<String>,
    shell: Option<Shell>,
    modules: BTreeMap<String, Justfile>,
    /// Where its recipes run.
    folder: String,
}

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    // `--working-directory` wins, else recipes run where the justfile lies.
    let folder = if args.directory.is_some() { file.folder } else { file.own_folder() };
    let mut reading = Reading { file, seen: BTreeSet::new(), out };
    let mut justfile = Justfile { folder: folder.to_owned(), ..Justfile::default() };
    reading.file(&mut justfile, file.path);
    for (name, value) in &args.sets {
        justfile.variables.insert(name.clone(), value.clone());
    }
    let mut words =
        args.operands.iter().copied().chain(args.rest.iter().flatten().copied()).peekable();
    let mut reader = JustReader { done: BTreeSet::new(), out };
    if words.peek().is_none()
        && let Some(first) = &justfile.first
    {
        return reader.run(&justfile, first, &[], 0);
    }
    // Words fill a recipe's parameters; what is left names the next recipe.
    while let Some(word) = words.next() {
        let Some(name) = word.value.as_deref() else {
            return reader
                .out
                .notes
                .push(format!("cachelint doesn't know which recipe of `{}` runs", file.path));
        };
        let (mut inside, mut name) = justfile.module_of(name);
        // `just docs build` is `just docs::build`.
        while let (None, Some(module)) = (inside.recipe(name), inside.modules.get(name)) {
            inside = module;
            name = match words.next() {
                Some(next) => match next.value.as_deref() {
                    Some(next) => next,
                    None => {
                        return reader.out.notes.push(format!(
                            "cachelint doesn't know which recipe of `{}` runs",
                            file.path
                        ));
                    }
                },
                None => inside.first.as_deref().unwrap_or_default(),
            };
        }
        let Some(recipe) = inside.recipe(name) else { return };
        let mut arguments = Vec::new();
        for (_, _, variadic) in &recipe.parameters {
            arguments.extend(words.by_ref().take(if *variadic { usize::MAX } else { 1 }));
        }
        reader.run(inside, name, &arguments, 0);
    }
}

impl Justfile {
    fn recipe(&self, name: &str) -> Option<&Recipe> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.recipes.get(name)
    }

    /// The module that a path like `docs::build` leads into, and the name there.
    fn module_of<'n>(&self, path: &'n str) -> (&Self, &'n str) {
        let (mut inside, mut name) = (self, path);
        while let Some((module, rest)) = name.split_once("::") {
            let Some(found) = inside.modules.get(module) else { break };
            (inside, name) = (found, rest);
        }
        (inside, name)
    }
}

struct JustReader<'o> {
    /// Recipes that ran without arguments, by file and name.
    done: BTreeSet<(String, String)>,
    out: &'o mut Followed,
}

impl JustReader<'_> {
    fn run(&mut self, justfile: &Justfile, path: &str, arguments: &[&Word], depth: usize) {
        let (justfile, name) = justfile.module_of(path);
        let Some((recipe, (path, whole))) =
            justfile.recipe(name).and_then(|r| Some((r, r.source.as_ref()?)))
        else {
            return;
        };
        let again = arguments.is_empty() && !self.done.insert((path.clone(), name.to_owned()));
        if depth > MAX_DEPTH || again {
            return;
        }
        recipe.before.iter().for_each(|d| self.run(justfile, d, &[], depth + 1));
        let values = bind(justfile, recipe, arguments);
        let lookup = |expression: &str| match values.get(expression) {
            Some(value) => value.clone(),
            None => literal(expression)
                .or_else(|| justfile.variables.get(expression).cloned().flatten()),
        };
        let body = |span: Span| {
            let label = format!("recipe `{name}`");
            let file_script = FileScript::verbatim(path, whole, span, &justfile.folder, label);
            let mut file_script = file_script.with_holes("{{", "}}", lookup);
            file_script.shell = justfile.shell.clone().unwrap_or(Shell::Bash);
            let exported = justfile.exported.iter();
            file_script.env = exported
                .map(|n| (n.clone(), justfile.variables.get(n).cloned().flatten()))
                .collect();
            file_script
        };
        let text = |span: &Span| whole.get(span.range()).unwrap_or_default();
        match (recipe.lines.first(), recipe.lines.last()) {
            (Some(first), Some(last)) if text(first).starts_with("#!") => {
                let mut file_script = body(Span::new(first.start, last.end));
                file_script.shell = Shell::from_spec(text(first).trim_start_matches("#!"));
                self.out.file_scripts.push(file_script);
            }
            _ => {
                for line in &recipe.lines {
                    let plain = text(line);
                    let start =
                        line.start + (plain.len() - plain.trim_start_matches(['@', '-']).len());
                    self.out.file_scripts.push(body(Span::new(start, line.end)));
                }
            }
        }
        recipe.after.iter().for_each(|d| self.run(justfile, d, &[], depth + 1));
    }
}

/// The values of a recipe's parameters.
fn bind(
    justfile: &Justfile,
    recipe: &Recipe,
    arguments: &[&Word],
) -> BTreeMap<String, Option<String>> {
    let mut left = arguments.iter();
    let mut values = BTreeMap::new();
    for (name, default, variadic) in &recipe.parameters {
        let variable = |name: &str| justfile.variables.get(name).cloned().flatten();
        let default = || default.as_deref().and_then(|d| literal(d).or_else(|| variable(d)));
        let value = if *variadic {
            let all: Option<Vec<&str>> = left.by_ref().map(|w| w.value.as_deref()).collect();
            match all {
                Some(all) if all.is_empty() => default().or(Some(String::new())),
                all => all.map(|all| all.join(" ")),
            }
        } else {
            left.next().map_or_else(default, |w| w.value.clone())
        };
        values.insert(name.clone(), value);
    }
    values
}

/// The text of a quoted string.
fn literal(text: &str) -> Option<String> {
    let text = text.trim();
    let single =
        text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).filter(|t| !t.contains('\''));
    let double = || {
        text.strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .filter(|t| !t.contains(['"', '\\']))
    };
    single.or_else(double).map(str::to_owned)
}

/// Reads a justfile, its imports and its modules, each file once.
struct Reading<'a, 'o> {
    file: &'a File<'a>,
    seen: BTreeSet<String>,
    out: &'o mut Followed,
}

impl Reading<'_, '_> {
    fn file(&mut self, justfile: &mut Justfile, path: &str) {
        if self.seen.len() == MAX_FILES || !self.seen.insert(path.to_owned()) {
            return;
        }
        let Some(text) = self.file.ask.files.read(path) else { return };
        let mut own = Justfile { folder: justfile.folder.clone(), ..Justfile::default() };
        let others = self.recipes(&mut own, &text, path);
        // What the importing file says itself goes before what it imports.
        let Justfile { recipes, aliases, variables, exported, first, shell, .. } = own;
        recipes
            .into_iter()
            .for_each(|(name, recipe)| _ = justfile.recipes.entry(name).or_insert(recipe));
        aliases
            .into_iter()
            .for_each(|(name, target)| _ = justfile.aliases.entry(name).or_insert(target));
        variables
            .into_iter()
            .for_each(|(name, value)| _ = justfile.variables.entry(name).or_insert(value));
        justfile.exported.extend(exported);
        justfile.first = justfile.first.take().or(first);
        justfile.shell = justfile.shell.take().or(shell);
        let folder = parent(path);
        for other in others {
            match other {
                OtherFile::Import(name) => {
                    if let Some(path) = join(folder, &name) {
                        self.file(justfile, &path);
                    }
                }
                OtherFile::Module(name, at) => {
                    let Some(path) = self.module(folder, &name, at.as_deref()) else { continue };
                    let own = parent(&path);
                    let mut module = Justfile { folder: own.to_owned(), ..Justfile::default() };
                    self.file(&mut module, &path);
                    justfile.modules.insert(name, module);
                }
            }
        }
    }

    /// The file of a module.
    fn module(&self, folder: &str, name: &str, at: Option<&str>) -> Option<String> {
        let inside = |base: &str| {
            ["mod.just", "justfile", "Justfile", ".justfile"].map(|f| format!("{base}/{f}"))
        };
        let names = match at {
            Some(at) => std::iter::once(at.to_owned()).chain(inside(at)).collect::<Vec<_>>(),
            None => std::iter::once(format!("{name}.just")).chain(inside(name)).collect(),
        };
        names.iter().filter_map(|n| join(folder, n)).find(|p| self.file.ask.files.is_tracked(p))
    }

    /// Reads what is in one file; the other files that it names.
    fn recipes(&mut self, justfile: &mut Justfile, text: &Arc<str>, path: &str) -> Vec<OtherFile> {
        let (mut current, mut others): (Option<(String, Recipe)>, Vec<OtherFile>) =
            (None, Vec::new());
        let mut at = 0;
        let mut twice = BTreeSet::new();
        let out = &mut *self.out;
        let mut close = |current: Option<(String, Recipe)>, justfile: &mut Justfile| {
            if let Some((name, mut recipe)) = current {
                recipe.source = Some((path.to_owned(), Arc::clone(text)));
                justfile.first.get_or_insert_with(|| name.clone());
                if justfile.recipes.insert(name.clone(), recipe).is_some()
                    && twice.insert(name.clone())
                {
                    out.notes.push(format!(
                        "`{path}` defines the recipe `{name}` twice; cachelint uses the last one"
                    ));
                }
            }
        };
        for raw in text.split_inclusive('\n') {
            let start = at;
            at += raw.len();
            let line = raw.trim_end_matches(['\r', '\n']);
            if line.starts_with([' ', '\t']) {
                let indent = line.len() - line.trim_start().len();
                if let Some((_, recipe)) = &mut current {
                    let span = Span::new(start + indent, start + line.len());
                    let continued = recipe
                        .lines
                        .last()
                        .is_some_and(|l| text.get(l.range()).unwrap_or_default().ends_with('\\'));
                    match recipe.lines.last_mut().filter(|_| continued) {
                        Some(last) => last.end = span.end,
                        None if span.start < span.end => recipe.lines.push(span),
                        None => {}
                    }
                }
                continue;
            }
            if line.is_empty() || line.starts_with(['#', '[']) {
                continue;
            }
            close(current.take(), justfile);
            match other(line) {
                Some(other) => others.push(other),
                None => current = header(line, justfile),
            }
        }
        close(current, justfile);
        others
    }
}

/// Another file that a justfile names.
enum OtherFile {
    Import(String),
    /// A module's name, and where its file is, if that is said.
    Module(String, Option<String>),
}

/// `import 'file'`, `mod name`, `mod name 'file'`; a `?` after the first word allows that the file
/// is missing.
fn other(line: &str) -> Option<OtherFile> {
    let (word, rest) = line.split_once([' ', '\t'])?;
    let rest = rest.split('#').next().unwrap_or_default().trim();
    match word.trim_end_matches('?') {
        "import" => Some(OtherFile::Import(literal(rest)?)),
        "mod" if !rest.contains(':') => {
            let (name, at) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            Some(OtherFile::Module(name.to_owned(), literal(at)))
        }
        _ => None,
    }
}

/// A line that is not indented: a setting, a variable, or the head of a recipe.
fn header(line: &str, justfile: &mut Justfile) -> Option<(String, Recipe)> {
    let (exported, bare) = match line.strip_prefix("export ") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    if let Some(setting) = line.strip_prefix("set ") {
        if let Some(value) =
            setting.strip_prefix("shell").and_then(|s| s.split_once(":=")).map(|(_, v)| v)
        {
            let program = value.trim().trim_start_matches('[').split(',').next().and_then(literal);
            justfile.shell = program.map(|p| Shell::from_spec(&p));
        }
        return None;
    }
    if let Some((name, value)) = line.strip_prefix("alias ").and_then(|a| a.split_once(":=")) {
        justfile.aliases.insert(name.trim().to_owned(), value.trim().to_owned());
        return None;
    }
    if let Some((name, value)) =
        bare.split_once(":=").filter(|(name, _)| !name.trim().contains(' '))
    {
        let name = name.trim().to_owned();
        if exported {
            justfile.exported.insert(name.clone());
        }
        justfile.variables.insert(name, literal(value));
        return None;
    }
    let (head, tail) = line.split_once(':')?;
    let mut words = head.split_whitespace();
    let name = words.next()?.trim_start_matches('@').to_owned();
    let parameters = words.map(|word| {
        let variadic = word.starts_with(['*', '+']);
        let word = word.trim_start_matches(['*', '+', '$']);
        let (name, default) =
            word.split_once('=').map_or((word, None), |(n, d)| (n, Some(d.to_owned())));
        (name.to_owned(), default, variadic)
    });
    let tail = tail.split('#').next().unwrap_or_default();
    let (before, after) = tail.split_once("&&").unwrap_or((tail, ""));
    Some((
        name,
        Recipe {
            parameters: parameters.collect(),
            before: dependencies(before),
            after: dependencies(after),
            ..Recipe::default()
        },
    ))
}

/// `a (b "x") c`, by name.
fn dependencies(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut depth = 0usize;
    for word in text.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match word {
            "(" => depth = 1,
            ")" => depth = 0,
            name if depth <= 1 => {
                out.push(name.to_owned());
                // Words after the name in parentheses are its arguments.
                depth *= 2;
            }
            _ => {}
        }
    }
    out
}
