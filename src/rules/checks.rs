//! What each check is about, from `rules/checks.yaml`: rule pages, SARIF rules, and the names users
//! may write.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::base::finding::Severity;

/// The ids: `nox/missing-cache` is `MISSING_CACHE`.
pub mod id {
    include!(concat!(env!("OUT_DIR"), "/check_ids.rs"));
}

/// How often a finding of a check comes with a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixAvailability {
    Never,
    /// Only with `--unsafe-fixes`.
    Unsafe,
    /// With `--fix`, unless the finding says why not.
    Usually,
    Always,
}

impl FixAvailability {
    /// As the table of checks and the pages have it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Unsafe => "needs `--unsafe-fixes`",
            Self::Usually => "usually",
            Self::Always => "always",
        }
    }
}

/// A check as its rule page describes it; texts are Markdown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub id: String,
    /// Of a finding without special circumstances.
    pub severity: Severity,
    pub fix: FixAvailability,
    pub title: String,
    pub what: String,
    pub why: String,
    pub how: String,
    /// The help of a finding, if it is always the same.
    #[serde(default, skip_serializing)]
    help: Option<String>,
    /// A few lines of a workflow that the check reports, and the same put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Check {
    /// The id without its tool: `missing-cache`.
    pub fn short_name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// Address of the rule page, if the build says where the pages are: `CACHELINT_DOCS` is that of
    /// `docs/rules`.
    pub fn url(&self) -> Option<String> {
        let pages = option_env!("CACHELINT_DOCS").filter(|address| !address.is_empty())?;
        Some(format!("{}/{}.md", pages.trim_end_matches('/'), self.short_name()))
    }

    /// Where a reader finds the rule page: its address, else the command that prints it.
    pub fn page(&self) -> String {
        self.url().unwrap_or_else(|| format!("`cachelint rule {}`", self.short_name()))
    }

    /// The rule page.
    pub fn markdown(&self) -> String {
        let fix = self.fix.words();
        let Self { id, title, what, why, how, .. } = self;
        let severity = self.severity.as_str();
        let mut page = format!(
            "# {id}\n\n{title}.\n\nSeverity: {severity}. Automatic fix: {fix}.\n\n## What it finds\n\n{what}\n\n\
             ## Why it matters\n\n{why}\n\n## What to do\n\n{how}\n"
        );
        if let (Some(before), Some(after)) = (&self.before, &self.after) {
            page += &format!(
                "\n## Example\n\nBefore:\n\n```yaml\n{before}```\n\nAfter:\n\n```yaml\n{after}```\n"
            );
        }
        page
    }
}

static CHECKS: LazyLock<Vec<Check>> = LazyLock::new(|| super::embedded!("checks"));

/// All checks, in the order of the documentation.
pub fn all() -> &'static [Check] {
    &CHECKS
}

/// The check with this id or short name.
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|c| c.id == name || c.short_name() == name)
}

/// The check with an id of [`id`].
///
/// # Panics
/// If there is no such check: a finding that nothing describes is a bug, and must not be left out.
pub fn get(id: &str) -> &'static Check {
    find(id).unwrap_or_else(|| panic!("the check `{id}` is missing from rules/checks.yaml"))
}

/// The help of every finding of a check.
///
/// # Panics
/// If the check has no such text, as [`get`] does.
pub fn help(id: &str) -> String {
    let help = get(id).help.clone();
    help.unwrap_or_else(|| panic!("the check `{id}` has no help in rules/checks.yaml"))
}

/// "unknown check", with the name that was probably meant.
pub fn unknown(name: &str) -> String {
    let tools = CHECKS.iter().filter_map(|c| c.id.split('/').next());
    let names = CHECKS.iter().flat_map(|c| [c.id.as_str(), c.short_name()]).chain(tools);
    match nearest(name, names) {
        Some(near) => format!("there is no check `{name}`; did you mean `{near}`?"),
        None => format!("there is no check `{name}`; `cachelint rule` lists them all"),
    }
}

/// The known name that `name` is a likely misspelling of.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(name, k), k));
    scored.filter(|(distance, k)| *distance <= 1 + k.chars().count() / 4).min().map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut names: Vec<&str> = all().iter().map(Check::short_name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
        for check in all() {
            assert!(find(&check.id).is_some_and(|c| c.id == check.id));
            assert!(find(check.short_name()).is_some_and(|c| c.id == check.id));
            assert!(check.markdown().starts_with(&format!("# {}\n", check.id)));
        }
    }

    #[test]
    fn a_misspelt_name_leads_to_the_right_one() {
        assert!(unknown("mising-cache").contains("did you mean `missing-cache`?"));
        assert!(unknown("nox/constant-keys").contains("did you mean `nox/constant-key`?"));
        assert!(unknown("E501").contains("`cachelint rule`"));
    }
}
