//! Makefiles, read conservatively: targets, prerequisites and simple variables. Functions stay
//! unknown.

mod parse;

use std::collections::{BTreeMap, BTreeSet};

use self::parse::{MakeFile, MakeRule, MakeVariable, Makefile};
use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::glob::path_fits;
use crate::base::path::parent;
use crate::base::text::Span;

/// How deep prerequisites and variables are followed.
const MAX_DEPTH: usize = 16;
/// The most rules looked at for one call.
const MAX_RULES: usize = 500;

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let own = (file.path.to_owned(), file.text.into());
    let makefile = parse::read(own, &|name| included(file, name));
    let goals: Vec<String> = args.operands.iter().filter_map(|w| w.value.clone()).collect();
    let unknown = goals.len() < args.operands.len();
    if unknown {
        out.notes.push(format!("cachelint doesn't know which target of `{}` runs", file.path));
    }
    let goals = match (goals.is_empty() && !unknown, &makefile.default_goal) {
        (true, Some(goal)) => vec![goal.clone()],
        _ => goals,
    };
    let variables = Variables { makefile: &makefile, args, file };
    let mut reader = MakeReader {
        file,
        makefile: &makefile,
        variables,
        done: BTreeSet::new(),
        left: MAX_RULES,
        out,
    };
    for goal in goals {
        reader.make(&goal, false, 0);
    }
}

/// The most files that a pattern in an `include` may name.
const MAX_INCLUDED: usize = 20;

/// The tracked files that `include` means by a name, which is relative to the folder that make runs
/// in.
fn included(file: &File<'_>, name: &str) -> Vec<MakeFile> {
    let Some(path) = file.ask.resolve(file.folder, name) else { return Vec::new() };
    let paths = match path.split_once('*') {
        None => vec![path],
        Some((before, _)) => {
            let mut paths = file.ask.files.tracked_under(parent(before));
            paths.retain(|tracked| path_fits(&path, tracked));
            paths.truncate(MAX_INCLUDED);
            paths
        }
    };
    paths
        .into_iter()
        .filter_map(|path| file.ask.files.read(&path).map(|text| (path, text)))
        .collect()
}

struct MakeReader<'a, 'o> {
    file: &'a File<'a>,
    makefile: &'a Makefile,
    variables: Variables<'a>,
    done: BTreeSet<String>,
    left: usize,
    out: &'o mut Followed,
}

impl MakeReader<'_, '_> {
    fn make(&mut self, target: &str, conditional: bool, depth: usize) {
        if depth > MAX_DEPTH || self.left == 0 || !self.done.insert(target.to_owned()) {
            return;
        }
        self.left -= 1;
        let Some((rule, stem)) = self.rule(target) else {
            if depth == 0 && !self.makefile.missing.is_empty() {
                let missing = self.makefile.missing.join("`, `");
                let path = self.file.path;
                self.out.notes.push(format!(
                    "`{path}` includes `{missing}`, which may define the target `{target}`"
                ));
            }
            return;
        };
        let Some((path, text)) = self.makefile.source_of(&rule) else { return };
        let stem = stem.map(str::to_owned);
        let conditional = conditional || rule.conditional;
        // Prerequisites of every rule of that target count, recipes only of the last.
        let lists: Vec<String> = match &stem {
            None => self.makefile.rules_of(target).map(|r| r.prerequisites.clone()).collect(),
            Some(stem) => vec![rule.prerequisites.replace('%', stem)],
        };
        for list in lists {
            for name in self.variables.text(&list, None).split_whitespace() {
                self.make(name.trim_start_matches('|'), conditional, depth + 1);
            }
        }
        for line in &rule.recipe {
            let label = format!("target `{target}`");
            let file_script = FileScript::verbatim(path, text, *line, self.file.folder, label);
            let automatic = Automatic { target, stem: stem.as_deref() };
            let holes = self.variables.holes(&file_script.script, Some(&automatic));
            let env = self.variables.exported();
            self.out.file_scripts.push(FileScript { holes, env, conditional, ..file_script });
        }
    }

    /// The rule that makes `target`, with the stem where it is a pattern.
    fn rule<'t>(&mut self, target: &'t str) -> Option<(MakeRule, Option<&'t str>)> {
        let mut with_recipe = self.makefile.rules_of(target).filter(|r| !r.recipe.is_empty());
        let last = with_recipe.next_back().cloned();
        // The two sides of a condition don't repeat each other.
        if let Some(rule) = &last
            && with_recipe.next().is_some()
            && !rule.conditional
        {
            self.out.notes.push(format!(
                "`{}` defines the target `{target}` twice; make takes the last",
                self.file.path
            ));
        }
        if let Some(rule) = last.or_else(|| self.makefile.rules_of(target).next().cloned()) {
            return Some((rule, None));
        }
        self.makefile.rules.iter().filter(|r| !r.recipe.is_empty()).find_map(|rule| {
            let pattern = rule.targets.split_whitespace().find(|t| t.contains('%'))?;
            let (before, after) = pattern.split_once('%')?;
            let stem =
                target.strip_prefix(before)?.strip_suffix(after).filter(|s| !s.is_empty())?;
            Some((rule.clone(), Some(stem)))
        })
    }
}

/// `$@` and `$*`.
struct Automatic<'a> {
    target: &'a str,
    stem: Option<&'a str>,
}

struct Variables<'a> {
    makefile: &'a Makefile,
    args: &'a WrapperArgs<'a>,
    file: &'a File<'a>,
}

impl Variables<'_> {
    /// Every `$…` of a recipe line, with its value.
    fn holes(&self, text: &str, automatic: Option<&Automatic<'_>>) -> Vec<(Span, Option<String>)> {
        parse::references(text).map(|(span, name)| (span, self.value(name, automatic, 0))).collect()
    }

    /// `text` with what is known put in; the rest vanishes.
    fn text(&self, text: &str, automatic: Option<&Automatic<'_>>) -> String {
        let mut out = String::new();
        let mut at = 0;
        for (span, value) in self.holes(text, automatic) {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(value.as_deref().unwrap_or_default());
            at = span.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    fn value(&self, name: &str, automatic: Option<&Automatic<'_>>, depth: usize) -> Option<String> {
        match name {
            "$" => return Some("$".to_owned()),
            "@" => return automatic.map(|a| a.target.to_owned()),
            "*" => return automatic.and_then(|a| a.stem).map(str::to_owned),
            "MAKE" => return Some("make".to_owned()),
            "CURDIR" => return Some(".".to_owned()),
            "RM" if !self.makefile.variables.contains_key(name) => {
                return Some("rm -f".to_owned());
            }
            _ => {}
        }
        if depth > MAX_DEPTH || name.contains([' ', '\t', ',', ':', '$']) {
            return None;
        }
        if let Some((_, value)) = self.args.sets.iter().rev().find(|(n, _)| n == name) {
            return value.clone();
        }
        let environment = || self.file.ask.value(name);
        match self.makefile.variables.get(name) {
            None => environment(),
            Some(MakeVariable::Unknown) => None,
            Some(MakeVariable::Default(text)) => {
                environment().or_else(|| self.deep(text, automatic, depth))
            }
            Some(MakeVariable::Text(text)) => self.deep(text, automatic, depth),
        }
    }

    fn deep(&self, text: &str, automatic: Option<&Automatic<'_>>, depth: usize) -> Option<String> {
        const MAX_VALUE: usize = 4096;
        let (mut out, mut at) = (String::new(), 0);
        for (span, name) in parse::references(text) {
            out.push_str(text.get(at..span.start)?);
            out.push_str(&self.value(name, automatic, depth + 1)?);
            at = span.end;
            if out.len() > MAX_VALUE {
                return None;
            }
        }
        out.push_str(text.get(at..)?);
        Some(out)
    }

    /// What make hands to its commands: exported variables and those of its command line.
    fn exported(&self) -> Vec<(String, Option<String>)> {
        let mut out: BTreeMap<String, Option<String>> = BTreeMap::new();
        for name in &self.makefile.exported {
            out.insert(name.clone(), self.value(name, None, 0));
        }
        out.extend(self.args.sets.iter().cloned());
        out.into_iter().collect()
    }
}
