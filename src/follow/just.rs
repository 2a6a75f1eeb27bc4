//! justfiles, read conservatively: recipes, dependencies, parameters and plain variables.

use std::collections::{BTreeMap, BTreeSet};

use super::given::Given;
use super::{File, Followed, Lead};
use crate::shell::{Shell, Word};
use crate::text::Span;

/// How deep dependencies are followed.
const MAX_DEPTH: usize = 16;

#[derive(Debug, Default)]
struct Recipe {
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
}

pub(super) fn follow(file: &File<'_>, given: &Given<'_>, out: &mut Followed) {
    let mut justfile = read(file.text, file.path, out);
    for (name, value) in &given.sets {
        justfile.variables.insert(name.clone(), value.clone());
    }
    let mut words = given.operands.iter().copied().chain(given.rest.iter().flatten().copied()).peekable();
    let mut walk = Walk { file, justfile: &justfile, given, done: BTreeSet::new(), out };
    if words.peek().is_none()
        && let Some(first) = &justfile.first
    {
        return walk.run(first, &[], 0);
    }
    // Words fill a recipe's parameters; what is left names the next recipe.
    while let Some(word) = words.next() {
        let Some(name) = word.value.clone() else {
            return walk.out.notes.push(format!("which recipe of `{}` is run is not known", file.path));
        };
        let Some(recipe) = justfile.recipe(&name) else { return };
        let mut arguments = Vec::new();
        for (_, _, many) in &recipe.parameters {
            arguments.extend(words.by_ref().take(if *many { usize::MAX } else { 1 }));
        }
        walk.run(&name, &arguments, 0);
    }
}

impl Justfile {
    fn recipe(&self, name: &str) -> Option<&Recipe> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.recipes.get(name)
    }
}

struct Walk<'a, 'o> {
    file: &'a File<'a>,
    justfile: &'a Justfile,
    given: &'a Given<'a>,
    done: BTreeSet<String>,
    out: &'o mut Followed,
}

impl Walk<'_, '_> {
    fn run(&mut self, name: &str, arguments: &[&Word], depth: usize) {
        let Some(recipe) = self.justfile.recipe(name) else { return };
        if depth > MAX_DEPTH || (arguments.is_empty() && !self.done.insert(name.to_owned())) {
            return;
        }
        recipe.before.iter().for_each(|d| self.run(d, &[], depth + 1));
        let values = bind(self.justfile, recipe, arguments);
        let lookup = |expression: &str| match values.get(expression) {
            Some(value) => value.clone(),
            None => literal(expression).or_else(|| self.justfile.variables.get(expression).cloned().flatten()),
        };
        // `--working-directory` wins, else recipes run where the justfile lies.
        let folder = if self.given.directory.is_some() { self.file.folder } else { self.file.own_folder() };
        let body = |span: Span| {
            let label = format!("recipe `{name}`");
            let lead = Lead::verbatim(self.file.path, self.file.text, span, folder, label);
            let mut lead = lead.with_holes("{{", "}}", lookup);
            lead.shell = self.justfile.shell.clone().unwrap_or(Shell::Bash);
            let exported = self.justfile.exported.iter();
            lead.env = exported.map(|n| (n.clone(), self.justfile.variables.get(n).cloned().flatten())).collect();
            lead
        };
        let text = |span: &Span| self.file.text.get(span.range()).unwrap_or_default();
        match (recipe.lines.first(), recipe.lines.last()) {
            (Some(first), Some(last)) if text(first).starts_with("#!") => {
                let mut lead = body(Span::new(first.start, last.end));
                lead.shell = Shell::from_spec(text(first).trim_start_matches("#!"));
                self.out.leads.push(lead);
            }
            _ => {
                for line in &recipe.lines {
                    let plain = text(line);
                    let start = line.start + (plain.len() - plain.trim_start_matches(['@', '-']).len());
                    self.out.leads.push(body(Span::new(start, line.end)));
                }
            }
        }
        recipe.after.iter().for_each(|d| self.run(d, &[], depth + 1));
    }
}

/// The values of a recipe's parameters.
fn bind(justfile: &Justfile, recipe: &Recipe, arguments: &[&Word]) -> BTreeMap<String, Option<String>> {
    let mut left = arguments.iter();
    let mut values = BTreeMap::new();
    for (name, default, many) in &recipe.parameters {
        let variable = |name: &str| justfile.variables.get(name).cloned().flatten();
        let default = || default.as_deref().and_then(|d| literal(d).or_else(|| variable(d)));
        let value = if *many {
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
    let single = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).filter(|t| !t.contains('\''));
    let double = || text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains(['"', '\\']));
    single.or_else(double).map(str::to_owned)
}

fn read(text: &str, path: &str, out: &mut Followed) -> Justfile {
    let mut justfile = Justfile::default();
    let mut current: Option<(String, Recipe)> = None;
    let mut at = 0;
    let mut twice = BTreeSet::new();
    let mut close = |current: Option<(String, Recipe)>, justfile: &mut Justfile| {
        if let Some((name, recipe)) = current {
            justfile.first.get_or_insert_with(|| name.clone());
            if justfile.recipes.insert(name.clone(), recipe).is_some() && twice.insert(name.clone()) {
                out.notes.push(format!("`{path}` defines the recipe `{name}` twice; the last is taken"));
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
                let continued =
                    recipe.lines.last().is_some_and(|l| text.get(l.range()).unwrap_or_default().ends_with('\\'));
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
        close(current.take(), &mut justfile);
        current = header(line, &mut justfile);
    }
    close(current, &mut justfile);
    justfile
}

/// A line that is not indented: a setting, a variable, or the head of a recipe.
fn header(line: &str, justfile: &mut Justfile) -> Option<(String, Recipe)> {
    let (exported, bare) = match line.strip_prefix("export ") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    if let Some(setting) = line.strip_prefix("set ") {
        if let Some(value) = setting.strip_prefix("shell").and_then(|s| s.split_once(":=")).map(|(_, v)| v) {
            let program = value.trim().trim_start_matches('[').split(',').next().and_then(literal);
            justfile.shell = program.map(|p| Shell::from_spec(&p));
        }
        return None;
    }
    if let Some((name, value)) = line.strip_prefix("alias ").and_then(|a| a.split_once(":=")) {
        justfile.aliases.insert(name.trim().to_owned(), value.trim().to_owned());
        return None;
    }
    if let Some((name, value)) = bare.split_once(":=").filter(|(name, _)| !name.trim().contains(' ')) {
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
        let many = word.starts_with(['*', '+']);
        let word = word.trim_start_matches(['*', '+', '$']);
        let (name, default) = word.split_once('=').map_or((word, None), |(n, d)| (n, Some(d.to_owned())));
        (name.to_owned(), default, many)
    });
    let tail = tail.split('#').next().unwrap_or_default();
    let (before, after) = tail.split_once("&&").unwrap_or((tail, ""));
    Some((
        name,
        Recipe {
            parameters: parameters.collect(),
            before: dependencies(before),
            after: dependencies(after),
            lines: Vec::new(),
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
                // Words behind the name in parentheses are its arguments.
                depth *= 2;
            }
            _ => {}
        }
    }
    out
}
