//! Which cache action a fix inserts: what the repository already uses, in the pin style and form of
//! the file.

use crate::actions::Uses;
use crate::config::{Config, Pin};
use crate::repo::published::{Published, published};
use crate::repo::{Document, Repository};
use crate::rules::cache_actions::{cache_actions, release_numbers};

/// Uses that tell how a file pins its actions: a file of thousands is fixed job by job.
const MAX_SAMPLED: usize = 500;

/// A `uses:` value with the comment that names a pinned commit's release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    pub uses: String,
    pub comment: Option<String>,
}

/// The reference to insert into `document`.
pub fn cache_action(repository: &Repository, settings: &Config, document: &Document) -> ActionRef {
    match &settings.cache_action {
        Some(uses) => ActionRef { uses: uses.clone(), comment: None },
        None => release(repository, settings, document),
    }
}

/// A release of the usual cache action that works: that of the settings, if they name this action.
pub fn working_release(
    repository: &Repository,
    settings: &Config,
    document: &Document,
) -> ActionRef {
    let usual = &cache_actions().release.repository;
    let configured = settings
        .cache_action
        .as_ref()
        .filter(|uses| Uses::parse(uses).is_some_and(|uses| uses.name.eq_ignore_ascii_case(usual)));
    match configured {
        Some(uses) => ActionRef { uses: uses.clone(), comment: None },
        None => release(repository, settings, document),
    }
}

/// As the repository and the file write it.
fn release(repository: &Repository, settings: &Config, document: &Document) -> ActionRef {
    let release = &cache_actions().release;
    let here: Vec<Published<'_>> = published(document).take(MAX_SAMPLED).collect();
    let pins = match settings.pin {
        Pin::Auto => is_pinned_file(&here),
        Pin::Tag => false,
        Pin::Sha => true,
    };
    let prefix = here
        .iter()
        .find(|w| !w.uses.prefix.is_empty() && w.uses.name.starts_with("actions/"))
        .or_else(|| here.iter().find(|w| !w.uses.prefix.is_empty()))
        .filter(|_| here.iter().filter(|w| !w.uses.prefix.is_empty()).count() * 2 > here.len())
        .map_or("", |w| w.uses.prefix);
    let known = &cache_actions().actions[0];
    let used = repository
        .written_caches()
        .filter(|w| !known.is_retired(w.uses.reference))
        .filter(|w| version(w).is_none_or(|(major, _, _)| major >= release.oldest_major));
    // The newest that the repository uses in the file's pin style.
    let newest = used
        .filter(|w| w.uses.is_pinned() == pins)
        .max_by_key(|w| (version(w), w.uses.reference, w.release()));
    let (reference, comment) = match newest {
        Some(w) => (w.uses.reference.to_owned(), comment_of(&w)),
        None => {
            let forge = crate::rules::forges::forges().of(&document.path);
            let tag = forge.cache_tag.as_ref().unwrap_or(&release.tag);
            let commit = forge.cache_commit.as_ref().unwrap_or(&release.commit);
            let version = forge.cache_version.as_ref().unwrap_or(&release.version);
            if pins { (commit.clone(), Some(format!("# {version}"))) } else { (tag.clone(), None) }
        }
    };
    ActionRef { uses: format!("{prefix}{}@{reference}", release.repository), comment }
}

/// Whether the file pins the actions of the forge itself by commit; where it uses none, whether it
/// pins most of those it uses.
fn is_pinned_file(here: &[Published<'_>]) -> bool {
    let official: Vec<&Published<'_>> =
        here.iter().filter(|w| w.uses.name.starts_with("actions/")).collect();
    let most =
        |all: &[&Published<'_>]| all.iter().filter(|w| w.uses.is_pinned()).count() * 2 > all.len();
    if official.is_empty() { most(&here.iter().collect::<Vec<_>>()) } else { most(&official) }
}

/// The comment for the same commit elsewhere.
fn comment_of(written: &Published<'_>) -> Option<String> {
    let known = || cache_actions().commits.get(written.uses.reference).map(String::as_str);
    written.release().or_else(known).map(|release| format!("# {release}"))
}

fn version(written: &Published<'_>) -> Option<(u64, Option<u64>, Option<u64>)> {
    let named = cache_actions().commits.get(written.uses.reference).map(String::as_str);
    release_numbers(named.or_else(|| written.release()).unwrap_or(written.uses.reference))
}

#[cfg(test)]
mod tests {
    use crate::rules::cache_actions::cache_actions;
    use crate::testing;

    #[test]
    fn only_the_release_is_taken_from_a_comment() {
        let release = &cache_actions().release;
        let commit = &release.commit;
        let unknown = "1111111111111111111111111111111111111111";
        for (used, comment, expected) in [
            (
                commit.as_str(),
                "# zizmor: ignore[cache-poisoning] for the docs",
                format!("{commit} # {}", release.version),
            ),
            (
                commit.as_str(),
                "# v9.9.9 zizmor: ignore[cache-poisoning]",
                format!("{commit} # v9.9.9"),
            ),
            (unknown, "# v9.9.9", format!("{unknown} # v9.9.9")),
            (unknown, "# for the docs", unknown.to_owned()),
        ] {
            let workflow = format!(
                "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@{unknown} # v5\n      \
                 - uses: actions/cache@{used} {comment}\n        with: {{path: docs, key: docs}}\n      - run: nox\n"
            );
            let found = testing::findings("nox/missing-cache", &workflow);
            let edits = &found[0].fix.as_ref().unwrap().edits;
            let line = edits
                .iter()
                .flat_map(|edit| edit.content.lines())
                .find_map(|line| line.split_once("uses: actions/cache@"));
            assert_eq!(line.map(|(_, rest)| rest), Some(expected.as_str()), "{comment}");
        }
    }
}
