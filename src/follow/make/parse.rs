//! The lines of a Makefile as rules and variables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::text::Span;

/// The longest value of a variable that is kept.
const MAX_VALUE: usize = 4096;
/// The most files that are read for one Makefile, itself counted.
const MAX_FILES: usize = 50;

/// A file's path, relative to the repository root, and its text.
pub type MakeFile = (String, Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MakeVariable {
    Text(String),
    /// `?=`: the environment goes before.
    Default(String),
    Unknown,
}

#[derive(Debug, Clone, Default)]
pub struct MakeRule {
    /// As written.
    pub targets: String,
    pub prerequisites: String,
    /// Each line of the recipe, continued ones included, without the signs before the command.
    pub recipe: Vec<Span>,
    /// Between `ifeq` and `endif`.
    pub conditional: bool,
    /// Which of the Makefile's sources it is in.
    pub source: usize,
}

#[derive(Debug, Default)]
pub struct Makefile {
    /// The file itself, and those it includes.
    pub sources: Vec<MakeFile>,
    /// What it includes and nobody finds.
    pub missing: Vec<String>,
    pub rules: Vec<MakeRule>,
    by_target: BTreeMap<String, Vec<usize>>,
    pub variables: BTreeMap<String, MakeVariable>,
    pub exported: BTreeSet<String>,
    pub default_goal: Option<String>,
}

impl Makefile {
    /// The rules that name this target, in order.
    pub fn rules_of(&self, target: &str) -> impl DoubleEndedIterator<Item = &MakeRule> {
        self.by_target.get(target).into_iter().flatten().filter_map(|i| self.rules.get(*i))
    }

    fn add(&mut self, rule: MakeRule) {
        let index = self.rules.len();
        for target in rule.targets.split_whitespace() {
            let of = self.by_target.entry(target.to_owned()).or_default();
            if of.last() != Some(&index) {
                of.push(index);
            }
            let ordinary =
                !target.contains('%') && (!target.starts_with('.') || target.contains('/'));
            if ordinary && !target.contains('$') && self.default_goal.is_none() {
                self.default_goal = Some(target.to_owned());
            }
        }
        self.rules.push(rule);
    }

    fn assign(&mut self, name: &str, operator: &str, value: &str, conditional: bool) {
        let known = !conditional && value.len() <= MAX_VALUE;
        let new = match (operator, self.variables.get(name)) {
            ("?=", Some(_)) => return,
            ("!=", _) => MakeVariable::Unknown,
            _ if !known => MakeVariable::Unknown,
            ("?=", None) => MakeVariable::Default(value.to_owned()),
            ("+=", Some(MakeVariable::Text(old))) if old.len() + value.len() < MAX_VALUE => {
                MakeVariable::Text(format!("{old} {value}"))
            }
            ("+=", _) => MakeVariable::Unknown,
            _ => MakeVariable::Text(value.to_owned()),
        };
        self.variables.insert(name.to_owned(), new);
    }
}

/// Lines with their continuations.
fn logical_lines(text: &str) -> impl Iterator<Item = Span> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let end = rest.find('\n').map_or(rest.len(), |found| found + 1);
            let line = rest[..end].trim_end_matches(['\r', '\n']);
            at += end;
            if !line.ends_with('\\') {
                return Some(Span::new(start, at - (end - line.len())));
            }
        }
        (at > start).then(|| Span::new(start, at))
    })
}

/// Reads a Makefile; `find` gives the files that an `include` names, none where there is no such
/// file.
pub fn read(source: MakeFile, find: &dyn Fn(&str) -> Vec<MakeFile>) -> Makefile {
    let mut out = Makefile::default();
    out.read(source, find, false);
    if let Some(MakeVariable::Text(goal)) = out.variables.get(".DEFAULT_GOAL") {
        out.default_goal = Some(goal.clone());
    }
    out
}

impl Makefile {
    /// The text of the file that a rule is in.
    pub fn source_of(&self, rule: &MakeRule) -> Option<&MakeFile> {
        self.sources.get(rule.source)
    }

    fn read(
        &mut self,
        source: MakeFile,
        find: &dyn Fn(&str) -> Vec<MakeFile>,
        included_maybe: bool,
    ) {
        let text = Arc::clone(&source.1);
        let number = self.sources.len();
        self.sources.push(source);
        let (mut rule, mut conditions, mut defining): (Option<MakeRule>, usize, bool) =
            (None, 0, false);
        for span in logical_lines(&text) {
            let line = text.get(span.range()).unwrap_or_default();
            if line.starts_with('\t') && !defining {
                if let Some(rule) = &mut rule {
                    rule.recipe.extend(command(line, span));
                }
                continue;
            }
            let bare = uncommented(line).trim().to_owned();
            let first = bare.split_whitespace().next().unwrap_or_default();
            let conditional = included_maybe || conditions > 0;
            match first {
                "endef" => defining = false,
                _ if defining => {}
                "" => {}
                "define" => defining = true,
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => conditions += 1,
                "endif" => conditions = conditions.saturating_sub(1),
                "include" | "-include" | "sinclude" => {
                    self.rules_push(rule.take(), &text);
                    self.include(bare[first.len()..].trim(), find, conditional);
                }
                "else" | "vpath" | "unexport" | "undefine" => {}
                _ => {
                    if let Some(new) = statement(&bare, self, conditional) {
                        self.rules_push(rule.replace(MakeRule { source: number, ..new }), &text);
                    }
                }
            }
        }
        self.rules_push(rule, &text);
    }

    /// Reads the files that an `include` names, each once.
    fn include(&mut self, names: &str, find: &dyn Fn(&str) -> Vec<MakeFile>, conditional: bool) {
        let names = self.simple(names);
        for name in names.split_whitespace() {
            let found = find(name);
            if found.is_empty() {
                self.missing.push(name.to_owned());
            }
            for source in found {
                let known = self.sources.iter().any(|(path, _)| *path == source.0);
                if !known && self.sources.len() < MAX_FILES {
                    self.read(source, find, conditional);
                }
            }
        }
    }

    /// A text with those variables put in that hold plain text; other references stay as they are.
    fn simple(&self, text: &str) -> String {
        let (mut out, mut at) = (String::new(), 0);
        for (span, name) in references(text) {
            let value = match self.variables.get(name) {
                Some(MakeVariable::Text(value) | MakeVariable::Default(value))
                    if !value.contains('$') =>
                {
                    value.as_str()
                }
                _ => text.get(span.range()).unwrap_or_default(),
            };
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(value);
            at = span.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    fn rules_push(&mut self, rule: Option<MakeRule>, text: &str) {
        let Some(mut rule) = rule else { return };
        // With .ONESHELL all lines go to one shell.
        if self.by_target.contains_key(".ONESHELL")
            && let (Some(first), Some(last)) = (rule.recipe.first(), rule.recipe.last())
            && text.get(first.start..last.end).is_some()
        {
            rule.recipe = vec![Span::new(first.start, last.end)];
        }
        self.add(rule);
    }
}

/// A line that is neither a recipe nor a directive; the rule that it begins.
fn statement(line: &str, out: &mut Makefile, conditional: bool) -> Option<MakeRule> {
    let (line, export) =
        match line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])) {
            Some(rest) => (rest.trim_start(), true),
            None => (line, false),
        };
    let line = line.strip_prefix("override ").unwrap_or(line).trim_start();
    if let Some((name, operator, value)) = assignment(line) {
        if export {
            out.exported.insert(name.to_owned());
        }
        out.assign(name, operator, value, conditional);
        return None;
    }
    if export {
        out.exported.extend(line.split_whitespace().map(str::to_owned));
        return None;
    }
    let colon = outside(line, |rest| rest.starts_with(':'))?;
    let (targets, rest) = (line[..colon].trim(), line[colon..].trim_start_matches(':'));
    // `target: NAME = value` sets a variable for that target.
    if assignment(rest.trim()).is_some() {
        return None;
    }
    let (prerequisites, _inline) = rest.split_once(';').unwrap_or((rest, ""));
    let (targets, prerequisites) =
        (targets.trim_end_matches('&').to_owned(), prerequisites.replace('|', " "));
    Some(MakeRule { targets, prerequisites, recipe: Vec::new(), conditional, source: 0 })
}

/// `NAME operator value`, where the line is an assignment.
fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    const OPERATORS: [&str; 7] = [":::=", "::=", ":=", "?=", "+=", "!=", "="];
    let operator_at = |rest: &str| OPERATORS.iter().find(|o| rest.starts_with(**o)).copied();
    let at = outside(line, |rest| rest.starts_with(':') || operator_at(rest).is_some())?;
    let operator = operator_at(&line[at..])?;
    let name = line[..at].trim();
    let plain = !name.is_empty() && !name.contains(char::is_whitespace) && !name.contains('$');
    plain.then(|| (name, operator, line[at + operator.len()..].trim()))
}

/// The first place outside of `$(…)` where `wanted` holds.
fn outside(line: &str, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in line.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && wanted(&line[at..]) => return Some(at),
            _ => {}
        }
    }
    None
}

fn uncommented(line: &str) -> &str {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            '#' if !escaped => return &line[..at],
            _ => escaped = c == '\\' && !escaped,
        }
    }
    line
}

/// The command of a recipe line, without `@`, `-` and `+`; `None` for an empty one.
fn command(line: &str, span: Span) -> Option<Span> {
    let start = line.find(|c: char| !matches!(c, '\t' | ' ' | '@' | '-' | '+'))?;
    Some(Span::new(span.start + start, span.end)).filter(|s| s.start < s.end)
}

/// The `$(…)`, `${…}` and `$x` of a text: where they stand and what is inside.
pub fn references(text: &str) -> impl Iterator<Item = (Span, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find('$')?;
        let inside = start + 1;
        let first = text[inside..].chars().next()?;
        let close = match first {
            '(' => ')',
            '{' => '}',
            other => {
                at = inside + other.len_utf8();
                return Some((Span::new(start, at), &text[inside..at]));
            }
        };
        let mut depth = 0usize;
        for (offset, c) in text[inside..].char_indices() {
            if c == first {
                depth += 1;
            } else if c == close {
                depth -= 1;
                if depth == 0 {
                    at = inside + offset + 1;
                    return Some((Span::new(start, at), &text[inside + 1..at - 1]));
                }
            }
        }
        at = text.len();
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_variables() {
        let text = "A := x\nB ?= y # why\nA += z\n.PHONY: all\nall: one \\\n  two\n\t@echo $$A \\\n\t  more\n\t-nox\n\
                    ifdef CI\none:\n\tcmd\nendif\ndefine X\nfoo: bar\nendef\nall: V = 1\n";
        let makefile = read(("Makefile".into(), text.into()), &|_| Vec::new());
        assert_eq!(makefile.variables["A"], MakeVariable::Text("x z".into()));
        assert_eq!(makefile.variables["B"], MakeVariable::Default("y".into()));
        assert_eq!(makefile.default_goal.as_deref(), Some("all"));
        let all = makefile.rules_of("all").next().unwrap();
        let recipe: Vec<&str> = all.recipe.iter().map(|s| &text[s.range()]).collect();
        assert_eq!(recipe, ["echo $$A \\\n\t  more", "nox"]);
        assert!(makefile.rules_of("one").next().unwrap().conditional);
        assert_eq!(makefile.rules_of("foo").count(), 0, "a definition is no rule");
        assert_eq!(makefile.rules_of("all").count(), 1, "a variable of a target is no rule");
    }

    #[test]
    fn included_files_are_read_once_where_they_stand() {
        let files = [
            ("a.mk", "include b.mk a.mk\nA := a\nx:\n\tnox -s a\n"),
            ("b.mk", "A := b\ny:\n\tnox -s b\n"),
        ];
        let find = |name: &str| {
            let fits = files.iter().filter(|(path, _)| *path == name);
            fits.map(|(path, text)| ((*path).to_owned(), (*text).into())).collect()
        };
        let text = "N := a\ninclude $(N).mk\n-include none.mk\nz:\n\tnox -s $(A)\n";
        let makefile = read(("Makefile".into(), text.into()), &find);
        assert_eq!(
            makefile.sources.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["Makefile", "a.mk", "b.mk"]
        );
        assert_eq!(makefile.missing, ["none.mk"]);
        assert_eq!(
            makefile.variables["A"],
            MakeVariable::Text("a".into()),
            "the last assignment counts"
        );
        assert_eq!(
            makefile.default_goal.as_deref(),
            Some("y"),
            "the first target, wherever it stands"
        );
        let rule = makefile.rules_of("x").next().unwrap();
        let (path, text) = makefile.source_of(rule).unwrap();
        assert_eq!((path.as_str(), &text[rule.recipe[0].range()]), ("a.mk", "nox -s a"));
    }

    #[test]
    fn references_nest() {
        let found: Vec<&str> =
            references("a $(B) $${C} $(shell x $(Y)) $@ $").map(|(_, name)| name).collect();
        assert_eq!(found, ["B", "$", "shell x $(Y)", "@"]);
    }

    #[test]
    fn hostile_text_ends() {
        for text in
            ["$(".repeat(50_000), "a:".repeat(50_000), "\\\n".repeat(50_000), "\t@".repeat(1000)]
        {
            let makefile = read(("Makefile".into(), text.as_str().into()), &|_| Vec::new());
            assert!(makefile.rules.len() <= 1);
            assert_eq!(references(&text).filter(|(_, n)| *n == "x").count(), 0);
        }
    }
}
