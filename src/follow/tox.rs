//! tox environments: the commands of a `tox.ini` (also inside `pyproject.toml`), `tox.toml` or
//! `[tool.tox]`.

use super::python_tools::{at, table, text_of};
use super::wrapper_args::WrapperArgs;
use super::{Ask, File, FileScript, Followed};
use crate::base::text::Span;
use crate::shell::word::quoted;
use crate::tool::Variable;
use toml::de::{DeTable, DeValue};

/// The most environments that run where none is named.
const MAX_NAMES: usize = 50;
/// A longer name is not expanded: each pair of its braces is a call inside a call.
const MAX_NAME: usize = 500;

/// What tox 4 reads for `-e`, by preference (tox/config/cli/env_var.py).
const CHOSEN: [&str; 2] = ["TOX_ENV", "TOXENV"];
/// What it reads for `--skip-env`.
const SKIPPED: &str = "TOX_SKIP_ENV";
const SKIP_OPTION: &str = "--skip-env";
/// Means every environment of the file.
const ALL: &str = "ALL";

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let Some(names) = names(file, args) else {
        let note = format!("cachelint doesn't know which environments of `{}` run", file.path);
        return out.notes.push(note);
    };
    let posargs: Vec<&str> =
        args.rest.iter().flatten().filter_map(|w| w.value.as_deref()).collect();
    let posargs = posargs.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" ");
    if !file.path.ends_with(".toml") {
        return ini(file, &names, &posargs, out);
    }
    let Some(parsed) = table(file, out) else { return };
    let Some(root) = settings(file, parsed.get_ref()) else { return };
    for name in &names {
        let commands = at(root, &["env", name, "commands"])
            .or_else(|| at(root, &["env_run_base", "commands"]));
        let Some(DeValue::Array(lists)) = commands.map(|c| c.get_ref()) else { continue };
        for list in lists {
            let DeValue::Array(words) = list.get_ref() else { continue };
            let words: Option<Vec<String>> =
                words.iter().map(|w| text_of(w.get_ref()).map(quoted)).collect();
            let Some(words) = words else { continue };
            let span = Span::new(list.span().start, list.span().end);
            let label = format!("environment `{name}`");
            out.file_scripts.push(FileScript::computed(
                file.path,
                span,
                words.join(" "),
                file.own_folder(),
                label,
            ));
        }
    }
}

/// The environments that run; `None` where that is not known.
fn names(file: &File<'_>, args: &WrapperArgs<'_>) -> Option<Vec<String>> {
    let mut names = args.names.clone();
    if names.is_empty() {
        names = match chosen(file.ask) {
            Variable::Unset => default_names(file),
            Variable::Set(list) => expanded(&list),
            Variable::Unknown => return None,
        };
    }
    if names.iter().any(|name| name == ALL) {
        return None;
    }
    match skipped(file.ask) {
        Variable::Unset => {}
        Variable::Set(pattern) => {
            // A regular expression is understood where it is only names and `|`.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '|');
            if !pattern.chars().all(plain) {
                return None;
            }
            // It matches at the start of a name.
            names.retain(|name| !pattern.split('|').any(|start| name.starts_with(start)));
        }
        Variable::Unknown => return None,
    }
    Some(names)
}

/// The list of environments that a variable names; an empty one names none.
fn chosen(ask: &Ask<'_>) -> Variable {
    let values = CHOSEN.iter().map(|name| (ask.vars)(name));
    let found = values.into_iter().find(|value| *value != Variable::Unset);
    found.filter(|value| *value != Variable::Set(String::new())).unwrap_or(Variable::Unset)
}

/// The pattern of the environments that are left out; the last option wins over the variable.
fn skipped(ask: &Ask<'_>) -> Variable {
    let mut pattern = (ask.vars)(SKIPPED);
    let mut words = ask.program.args.iter().map(|word| word.value.as_deref());
    while let Some(word) = words.next() {
        let value = match word.and_then(|word| word.strip_prefix(SKIP_OPTION)) {
            Some("") => words.next().flatten(),
            Some(attached) if attached.starts_with('=') => attached.strip_prefix('='),
            _ if word == Some("--") => break,
            _ => continue,
        };
        pattern = value.map_or(Variable::Unknown, |value| Variable::Set(value.to_owned()));
    }
    match pattern {
        Variable::Set(pattern) if pattern.trim().is_empty() => Variable::Unset,
        other => other,
    }
}

/// The environments that run where none is named.
fn default_names(file: &File<'_>) -> Vec<String> {
    let list = if file.path.ends_with(".toml") {
        let Ok(parsed) = DeTable::parse(file.text) else { return Vec::new() };
        let root = settings(file, parsed.get_ref());
        let list = root.and_then(|root| at(root, &["env_list"])).map(|list| list.get_ref());
        match list {
            Some(DeValue::Array(names)) => {
                let names = names.iter().filter_map(|name| text_of(name.get_ref()));
                names.collect::<Vec<_>>().join(",")
            }
            _ => String::new(),
        }
    } else {
        listed(file.text)
    };
    expanded(&list)
}

/// The environments of a list.
fn expanded(list: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in split_outside_braces(list) {
        expand(name, &mut names);
    }
    names
}

/// `envlist` of a `tox.ini`.
fn listed(text: &str) -> String {
    let found = sections(text, &["envlist", "env_list"]);
    let spans = found.iter().find(|(section, _)| section == "tox").map(|(_, spans)| spans);
    let lines = spans.into_iter().flatten().filter_map(|span| text.get(span.range()));
    let names = lines.map(|line| line.split_once('#').map_or(line, |(names, _)| names));
    names.collect::<Vec<_>>().join(",")
}

/// The names of a list: commas and spaces inside braces don't separate them.
fn split_outside_braces(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    let parts = list.split(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    });
    parts.filter(|name| !name.is_empty())
}

/// `py{311,312}-lint` as its names.
fn expand(name: &str, names: &mut Vec<String>) {
    if names.len() == MAX_NAMES || name.len() > MAX_NAME {
        return;
    }
    let parts = name.split_once('{').and_then(|(before, rest)| {
        let (inside, after) = rest.split_once('}')?;
        Some((before, inside, after))
    });
    let Some((before, inside, after)) = parts else { return names.push(name.to_owned()) };
    for choice in inside.split(',') {
        expand(&format!("{before}{}{after}", choice.trim()), names);
    }
}

/// The table with the settings of tox.
fn settings<'a>(file: &File<'_>, root: &'a DeTable<'a>) -> Option<&'a DeTable<'a>> {
    if file.path.ends_with("tox.toml") {
        return Some(root);
    }
    at(root, &["tool", "tox"])?.get_ref().as_table()
}

/// The `commands` of `[testenv:name]`, else of `[testenv]`.
fn ini(file: &File<'_>, names: &[String], posargs: &str, out: &mut Followed) {
    let sections = sections(file.text, &["commands"]);
    for name in names {
        let own = sections.iter().find(|(section, _)| section == &format!("testenv:{name}"));
        let Some((_, lines)) =
            own.or_else(|| sections.iter().find(|(section, _)| section == "testenv"))
        else {
            continue;
        };
        for span in lines {
            let label = format!("environment `{name}`");
            let file_script =
                FileScript::verbatim(file.path, file.text, *span, file.own_folder(), label);
            let substitute = |inside: &str| match inside.split_once(':').unwrap_or((inside, "")) {
                ("posargs", default) => {
                    Some(if posargs.is_empty() { default.to_owned() } else { posargs.to_owned() })
                }
                ("toxinidir" | "tox_root", _) => Some(".".to_owned()),
                _ => None,
            };
            out.file_scripts.push(file_script.with_holes("{", "}", substitute));
        }
    }
}

/// Each section that has one of these keys, with the lines of its value.
fn sections(text: &str, keys: &[&str]) -> Vec<(String, Vec<Span>)> {
    let mut out: Vec<(String, Vec<Span>)> = Vec::new();
    let (mut at, mut section, mut reading) = (0, String::new(), false);
    for raw in text.split_inclusive('\n') {
        let start = at;
        at += raw.len();
        let line = raw.trim_end();
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - trimmed.len();
        let mut from = indent;
        if indent == 0 {
            reading = false;
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.trim().to_owned();
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            if !keys.contains(&key.trim()) {
                continue;
            }
            reading = true;
            out.push((section.clone(), Vec::new()));
            from = line.len() - value.trim_start().len();
        }
        if let Some((_, lines)) = out.last_mut().filter(|_| reading && from < line.len()) {
            let ignore =
                line[from..].len() - line[from..].trim_start_matches(['-', '!', ' ']).len();
            lines.push(Span::new(start + from + ignore, start + line.len()));
        }
    }
    out
}
