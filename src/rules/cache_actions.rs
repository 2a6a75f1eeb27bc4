//! Actions that restore folders by key, from `rules/cache-actions.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheActions {
    pub actions: Vec<CacheAction>,
    pub limits: Limits,
    /// Ids for the step that asks for what a key needs, in order of preference.
    pub probe_ids: Vec<String>,
    pub release: Release,
    /// Commit to release.
    pub commits: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheAction {
    pub repository: String,
    #[serde(default)]
    pub retired: Vec<Retired>,
    /// Mounts a volume by path; there is no key.
    #[serde(default)]
    pub keyless: bool,
    pub source: String,
}

/// Releases of `major` (below `before`, where given) that the service no longer accepts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    pub major: u64,
    pub before: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub key_characters: usize,
    pub keys: usize,
    pub forbidden: String,
}

/// The release a fix inserts by default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub repository: String,
    pub tag: String,
    pub version: String,
    pub commit: String,
    /// What the repository uses already is inserted in its place, down to this major.
    pub oldest_major: u64,
    pub looked_up: String,
    pub source: String,
}

static DATA: LazyLock<CacheActions> = LazyLock::new(|| super::embedded!("cache-actions"));

pub fn cache_actions() -> &'static CacheActions {
    &DATA
}

/// A release as numbers, missing parts absent: `v4` is `(4, None, None)`.
pub type Release3 = (u64, Option<u64>, Option<u64>);

/// Reads `v4`, `4.2` or `v4.2.0`.
pub fn release_numbers(text: &str) -> Option<Release3> {
    let mut parts = text.trim_start_matches('v').split('.').map(|p| p.parse::<u64>().ok());
    let major = parts.next()??;
    let minor = parts.next().map_or(Some(None), |p| p.map(Some))?;
    let patch = parts.next().map_or(Some(None), |p| p.map(Some))?;
    parts.next().is_none().then_some((major, minor, patch))
}

impl CacheAction {
    /// Whether the release the service sees under `reference` (a tag, or a commit with a known
    /// release) is retired. A floating major tag stands for its newest release; branches and
    /// unknown commits are not judged.
    pub fn is_retired(&self, reference: &str) -> bool {
        let release = cache_actions().commits.get(reference).map_or(reference, String::as_str);
        let Some((major, minor, patch)) = release_numbers(release) else { return false };
        self.retired.iter().any(|retired| {
            retired.major == major
                && match retired.before.as_deref().and_then(release_numbers) {
                    None => true,
                    Some((_, limit_minor, limit_patch)) => match (minor, patch) {
                        (None, _) => false,
                        (Some(_), None) => minor < limit_minor,
                        (Some(_), Some(_)) => (minor, patch) < (limit_minor, limit_patch),
                    },
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_that_work_are_not_called_retired() {
        let cache = &cache_actions().actions[0];
        for (reference, retired) in [
            ("v1", true),
            ("v1.2.0", true),
            ("v2", true),
            ("v3", false),
            ("v3.3.3", true),
            ("v3.3", true),
            ("v3.4", false),
            ("v3.4.0", false),
            ("v3.5.0", false),
            ("v4", false),
            ("v4.1.2", true),
            ("v4.2.0", false),
            ("v4.2", false),
            ("v5", false),
            ("v6.1.0", false),
            ("main", false),
            ("0057852bfaa89a56745cba8c7296529d2fc39830", false),
            ("1111111111111111111111111111111111111111", false),
        ] {
            assert_eq!(cache.is_retired(reference), retired, "{reference}");
        }
    }

    #[test]
    fn the_inserted_release_is_listed_under_its_commit() {
        let data = cache_actions();
        assert_eq!(data.commits.get(&data.release.commit), Some(&data.release.version));
    }
}
