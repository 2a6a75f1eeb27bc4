//! The settings of a repository, refused where a fix made from them could not work.

use std::path::{Path, PathBuf};

use super::args::Cli;
use crate::actions::Uses;
use crate::actions::expr::parse_template;
use crate::base::finding::Problem;
use crate::base::glob::PatternSet;
use crate::base::text::{Text, read_bounded};
use crate::config::Config;
use crate::config::path_pattern::PathPattern;
use crate::repo::tracked::Tracked;
use crate::rules::cache_actions::cache_actions;
use crate::rules::checks::nearest;
use crate::rules::is_action;
use crate::rules::setup_actions::setup_actions;
use crate::tool;

/// Room for the rest of a key, without `key-parts`: tool, job, interpreter, legs and two hashes.
const OWN_KEY_CHARACTERS: usize = 256;
/// The contexts that a step's `with:` can read.
const CONTEXTS: [&str; 11] = [
    "github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix",
    "needs",
];

/// The repository's settings with those of the command line on top.
pub fn settings(cli: &Cli, root: &Path) -> Result<Config, Vec<Problem>> {
    let file = match &cli.config {
        Some(path) => Some(path.clone()),
        None if cli.isolated => None,
        None => Config::files_of(root).into_iter().next(),
    };
    let mut config = match &file {
        Some(path) => Config::from_file(path).map_err(|problem| vec![problem])?,
        None => Config::default(),
    };
    if let Some(path) = &file {
        let problems: Vec<Problem> =
            refused(&config, root).into_iter().map(|refused| refused.into_problem(path)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    if !cli.select.is_empty() {
        config.select = cli.select.clone();
    }
    config.ignore.extend_from_slice(&cli.ignore);
    config.exclude.extend(cli.exclude.iter().map(PathPattern::new));
    Ok(config)
}

/// A setting that cannot work, and what to write instead.
#[derive(Debug, PartialEq)]
struct Refused {
    setting: &'static str,
    value: String,
    reason: String,
    help: String,
}

impl Refused {
    /// With the place of the value in the settings file at `path`.
    fn into_problem(self, path: &Path) -> Problem {
        let Self { setting, value, reason, help } = self;
        let text = read_bounded(path).ok().and_then(|bytes| Text::new(path, bytes).ok());
        let position = text.and_then(|text| {
            let at = text.as_str().find(setting)?;
            let start = text.as_str()[at..].find(value.as_str()).unwrap_or(0);
            Some(text.position(at + start))
        });
        Problem {
            path: path.to_owned(),
            position,
            message: format!("`{setting}`: {reason}"),
            help: Some(help),
        }
    }
}

fn refused(config: &Config, root: &Path) -> Vec<Refused> {
    let mut found = Vec::new();
    if let Some(uses) = &config.cache_action
        && let Err((reason, help)) = cache_action(uses, root)
    {
        found.push(Refused { setting: "cache-action", value: uses.clone(), reason, help });
    }
    for part in &config.key_parts {
        if let Err((reason, help)) = key_part(part) {
            let value = part.clone();
            found.push(Refused { setting: "key-parts", value, reason, help });
        }
    }
    let limit = cache_actions().limits.key_characters;
    let length: usize = config.key_parts.iter().map(|part| literal_length(part) + 1).sum();
    if length + OWN_KEY_CHARACTERS > limit {
        found.push(Refused {
            setting: "key-parts",
            value: config.key_parts[0].clone(),
            reason: format!(
                "together they have {length} characters, which leaves too few of the {limit} that \
                 a key can have"
            ),
            help: format!("use fewer than {} characters", limit - OWN_KEY_CHARACTERS),
        });
    }
    let excluded = config.exclude.iter().map(|pattern| ("exclude", pattern));
    let ignored = config.per_path_ignores.keys().map(|pattern| ("per-path-ignores", pattern));
    for (setting, pattern) in excluded.chain(ignored) {
        if let Err((reason, help)) = path_pattern(pattern.as_str()) {
            found.push(Refused { setting, value: pattern.as_str().to_owned(), reason, help });
        }
    }
    for action in tool::settings::actions(config) {
        if let Err((reason, help)) = tool_action(action) {
            found.push(Refused {
                setting: tool::settings::ACTIONS,
                value: action.clone(),
                reason,
                help,
            });
        }
    }
    if !config.key_files.is_empty() {
        let tracked = Tracked::read(root);
        for pattern in &config.key_files {
            if let Err((reason, help)) = key_file(pattern, &tracked, root) {
                let value = pattern.clone();
                found.push(Refused { setting: "key-files", value, reason, help });
            }
        }
    }
    found
}

type Checked = Result<(), (String, String)>;

fn cache_action(written: &str, root: &Path) -> Checked {
    let release = &cache_actions().release;
    let usual = format!("write `{}@{}`, for example", release.repository, release.tag);
    let no = |reason: String| Err((reason, usual.clone()));
    if written.contains("${{") {
        return no(format!("`{written}` is an expression, which `uses:` can't contain"));
    }
    if written.trim() != written || written.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return no(format!("`{written}` contains whitespace"));
    }
    if written.starts_with("docker://") {
        return no(format!("`{written}` is a container, not an action that caches files"));
    }
    if written.starts_with('.') {
        return local_action(written, root);
    }
    let Some(uses) = Uses::parse(written) else {
        return no(match written.split_once('@') {
            _ if !written.contains('/') => format!("`{written}` isn't an action"),
            None => format!("`{written}` has no version, so the workflow would be invalid"),
            Some(_) => format!("`{written}` isn't an action with a version"),
        });
    };
    match uses.name.rsplit_once('/') {
        Some((_, "restore")) => return no(format!("`{written}` restores, but never saves")),
        Some((_, "save")) => return no(format!("`{written}` saves, but never restores")),
        _ => {}
    }
    let setup = setup_actions();
    if setup.is_checkout(uses.name) || setup.interpreter(uses.name).is_some() {
        return no(format!("`{written}` isn't a cache action"));
    }
    let known = cache_actions().actions.iter().find(|a| is_action(&a.repository, uses.name));
    match known {
        Some(action) if action.is_retired(uses.reference) => no(format!(
            "`{written}` no longer works: it uses a cache service that was switched off in 2025"
        )),
        Some(action) if action.keyless => {
            no(format!("`{written}` has no keys, so cachelint can't write a step for it"))
        }
        _ => Ok(()),
    }
}

/// The file of a local action.
fn action_file(written: &str, root: &Path) -> Result<PathBuf, (String, String)> {
    let folder = root.join(written);
    let inside = std::fs::canonicalize(&folder).is_ok_and(|real| real.starts_with(root));
    let mut files = ["action.yml", "action.yaml"].iter().map(|name| folder.join(name));
    files.find(|path| inside && path.is_file()).ok_or_else(|| {
        let help = format!("create {written}/action.yml, or name another action");
        (format!("there is no action in `{written}`"), help)
    })
}

fn local_action(written: &str, root: &Path) -> Checked {
    let text = read_bounded(&action_file(written, root)?).unwrap_or_default();
    let whole: serde_yaml::Value = serde_yaml::from_slice(&text).unwrap_or_default();
    let declared = whole.get("inputs").and_then(serde_yaml::Value::as_mapping);
    let declares = |input: &str| {
        let mut names = declared.iter().flat_map(|inputs| inputs.keys());
        names.any(|name| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(input)))
    };
    match ["path", "key"].into_iter().find(|input| !declares(input)) {
        None => Ok(()),
        Some(input) => Err((
            format!("the action in `{written}` has no input `{input}`"),
            "it needs the inputs `path` and `key`, as actions/cache has them".to_owned(),
        )),
    }
}

/// An action that runs the tool is compared by name, whatever its version. One of this repository
/// that isn't there matches nothing, and may be there on another branch.
fn tool_action(written: &str) -> Checked {
    if written.starts_with("./") {
        return Ok(());
    }
    if let Some((name, _)) = written.split_once('@') {
        return Err((format!("`{written}` has a version"), format!("write `{name}`")));
    }
    if !written.contains('/') || written.contains(char::is_whitespace) {
        let help = "write `owner/name`, or `./path` for an action of this repository".to_owned();
        return Err((format!("`{written}` isn't an action"), help));
    }
    Ok(())
}

/// Patterns are relative to the root of the repository.
pub fn path_pattern(pattern: &str) -> Checked {
    if pattern.is_empty() {
        return Err(("one pattern is empty".to_owned(), "remove it".to_owned()));
    }
    if pattern.split('/').any(|name| name == "..") {
        let help = "write it relative to the root of the repository".to_owned();
        return Err((format!("`{pattern}` leads out of the repository"), help));
    }
    Ok(())
}

fn key_part(part: &str) -> Checked {
    let no = |reason: String, help: &str| Err((reason, help.to_owned()));
    let forbidden = &cache_actions().limits.forbidden;
    if part.trim().is_empty() {
        return no("one part is empty".to_owned(), "remove it");
    }
    if part.contains(|c: char| c.is_control()) {
        return no(
            format!("{part:?} contains a line break or another control character"),
            "write it on one line",
        );
    }
    let template = match parse_template(part) {
        Ok(template) => template,
        Err(error) => {
            return no(
                format!("`{part}` can't be read as an expression: {error}"),
                "correct the expression",
            );
        }
    };
    let outside: String = template
        .parts
        .iter()
        .map(|part| match part {
            crate::actions::expr::TemplatePart::Literal { text, .. } => text.as_str(),
            crate::actions::expr::TemplatePart::Expr { .. } => "",
        })
        .collect();
    if outside.contains(forbidden.as_str()) {
        return no(
            format!("`{part}` contains a comma, which isn't allowed in a key"),
            "use a dash, or one list item for each part",
        );
    }
    if outside.contains("}}") {
        return no(
            format!("`{part}` closes an expression that it doesn't open"),
            "write `${{ … }}`",
        );
    }
    let unknown = template.paths().into_iter().find_map(|path| {
        let first = path.into_iter().next()?;
        let known = |name: &&str| name.eq_ignore_ascii_case(&first);
        (!CONTEXTS.iter().chain(&["inputs"]).any(known)).then_some(first)
    });
    match unknown {
        Some(name) => {
            let help = match nearest(&name, CONTEXTS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a step can read `github`, `env`, `vars`, `matrix`, `runner` and others"
                    .to_owned(),
            };
            Err((format!("`{part}` reads `{name}`, which a step can't read"), help))
        }
        None => Ok(()),
    }
}

/// The characters that a key part has whatever its expressions come to.
fn literal_length(part: &str) -> usize {
    let Ok(template) = parse_template(part) else { return 0 };
    let length = |part: &crate::actions::expr::TemplatePart| match part {
        crate::actions::expr::TemplatePart::Literal { text, .. } => text.chars().count(),
        crate::actions::expr::TemplatePart::Expr { expr, .. } => 64 * expr.calls("hashFiles").len(),
    };
    template.parts.iter().map(length).sum()
}

fn key_file(pattern: &str, tracked: &Tracked, root: &Path) -> Checked {
    if pattern.is_empty() {
        return Err(("one file has no name".to_owned(), "remove it".to_owned()));
    }
    let matched =
        PatternSet::parse(pattern).is_ok_and(|set| tracked.iter().any(|f| set.matches(f)));
    if matched && !pattern.contains('\'') {
        return Ok(());
    }
    if pattern.contains('\'') {
        return Err((format!("`{pattern}` contains a quote"), "rename the file".to_owned()));
    }
    if !pattern.contains("..") && root.join(pattern).is_file() {
        return Err((
            format!("git doesn't track `{pattern}`, so a checkout doesn't have it"),
            "add the file to git, or remove it from the settings".to_owned(),
        ));
    }
    let help = match nearest(pattern, tracked.iter()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name files relative to the root of the repository".to_owned(),
    };
    Err((format!("`{pattern}` matches no file in the repository"), help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn reasons(config: Config) -> Vec<String> {
        let files = [
            ("pyproject.toml", "[project]\nname = 'x'\n"),
            ("tools/lock.txt", "x\n"),
            ("cache/action.yml", "inputs:\n  path: {}\n  'key':\n    required: true\nruns: {}\n"),
            ("other/action.yml", "inputs: {path: {}}\nruns: {}\n"),
        ];
        let folder = testing::repository(&files);
        let root = std::fs::canonicalize(folder.path()).unwrap();
        refused(&config, &root)
            .into_iter()
            .map(|r| format!("{}: {}; {}", r.setting, r.reason, r.help))
            .collect()
    }

    /// Each value of a setting, and a part of the reason why it is refused; empty where it isn't.
    fn refuses(table: &[(&str, &str)], setting: impl Fn(&str) -> Config) {
        for (value, wanted) in table {
            let got = reasons(setting(value));
            assert_eq!(got.is_empty(), wanted.is_empty(), "{value:?}: {got:?}");
            assert!(got.iter().all(|reason| reason.contains(wanted)), "{value:?}: {got:?}");
        }
    }

    #[test]
    fn a_cache_action_that_cannot_work_is_refused() {
        let table = [
            ("actions/cache@v6", ""),
            ("https://data.forgejo.org/actions/cache@v5", ""),
            ("example-org/store@v1", ""),
            ("actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830", ""),
            ("./cache", ""),
            ("actions/cache", "no version"),
            ("cache", "an action"),
            ("actions/cache@v2", "no longer works"),
            ("actions/cache@v4.1.0", "no longer works"),
            ("actions/cache/restore@v6", "never saves"),
            ("actions/cache/save@v6", "never restores"),
            ("actions/checkout@v6", "isn't a cache action"),
            ("namespacelabs/nscloud-cache-action@v1", "no keys"),
            ("docker://alpine:3", "container"),
            ("actions/cache@${{ vars.V }}", "expression"),
            ("./missing", "there is no action in `./missing`"),
            ("./../outside", "there is no action"),
            ("./other", "no input `key`"),
        ];
        refuses(&table, |uses| Config { cache_action: Some(uses.into()), ..Config::default() });
    }

    #[test]
    fn a_key_part_that_breaks_the_key_is_refused() {
        let long = "x".repeat(300);
        let table = [
            ("v1", ""),
            ("${{ vars.CACHE_EPOCH }}", ""),
            ("${{ format('{0},{1}', 'a', 'b') }}", ""),
            ("${{ hashFiles('a', 'b') }}", ""),
            ("v1,v2", "comma"),
            ("a\nb", "line break"),
            (" ", "empty"),
            ("${{ vars.X", "can't be read"),
            ("${{ vars.X) }}", "can't be read"),
            ("vars.X }}", "doesn't open"),
            ("${{ var.X }}", "did you mean `vars`?"),
            (&long, "too few of the 512"),
        ];
        refuses(&table, |part| Config { key_parts: vec![part.into()], ..Config::default() });
    }

    #[test]
    fn patterns_and_actions_that_match_nothing_are_refused() {
        let table = [
            ("ci.yml", ""),
            (".github/workflows/**", ""),
            ("", "empty"),
            ("../other/ci.yml", "leads out of the repository"),
        ];
        let list = |pattern: &str| vec![PathPattern::new(pattern)];
        refuses(&table, |pattern| Config { exclude: list(pattern), ..Config::default() });
        let map = |pattern: &str| [(PathPattern::new(pattern), Vec::new())].into();
        refuses(&table, |pattern| Config { per_path_ignores: map(pattern), ..Config::default() });
        let table = [
            ("example-org/run-nox", ""),
            ("example-org/actions/nox", ""),
            ("https://forge.example/o/nox", ""),
            ("./cache", ""),
            ("./missing", ""),
            ("example-org/run-nox@v1", "write `example-org/run-nox`"),
            ("run-nox", "isn't an action"),
        ];
        refuses(&table, |action| Config { nox_actions: vec![action.into()], ..Config::default() });
    }

    #[test]
    fn a_key_file_that_no_checkout_has_is_refused() {
        let table = [
            ("pyproject.toml", ""),
            ("tools/*.txt", ""),
            ("**/lock.txt", ""),
            ("tools/lock.tx", "did you mean `tools/lock.txt`?"),
            ("../x", "matches no file"),
        ];
        refuses(&table, |file| Config { key_files: vec![file.into()], ..Config::default() });
    }
}
