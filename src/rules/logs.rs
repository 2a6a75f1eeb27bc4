//! How run logs word what happened, from `rules/logs.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};
use serde::Deserialize;

/// The rules of the embedded file, compiled once.
pub static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let raw: RawLogRules = super::embedded!("logs");
    Logs::from(raw)
});

/// What a line of a log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wording {
    SaveReadOnly,
    SaveRace,
    SaveFailed,
    SaveExactHit,
    SaveNothingThere,
    Saved,
    HitKey,
    HitRestoreKey,
    Restored,
    LookedUp,
    Miss,
    RestoreForbidden,
    RestoreFailed,
    Size,
    ExitCode,
    Cancelled,
    JobName,
    Task,
    RunnerEnd,
    Interpreter,
}

/// What went wrong in a job, as a name for its sentence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    ReuseOff,
    PartlyRecreated,
    InterpreterGone,
    InterpreterDiffers,
    OlderKey,
    OlderKeyAlways,
    OlderKeyRebuilt,
    JobFailed,
    Race,
    ReadOnly,
    NothingThere,
    SaveFailed,
    NotSaved,
    ExactYetRecreated,
    RestoreForbidden,
    RestoreFailed,
    LookedUpOnly,
    NothingRestored,
    #[serde(rename = "no-nox-cache")]
    NoCache,
    NothingInCommon,
    Truncated,
}

impl Cause {
    /// Every cause, so that a missing sentence is found when the file is loaded.
    const ALL: [Self; 21] = [
        Self::ReuseOff,
        Self::PartlyRecreated,
        Self::InterpreterGone,
        Self::InterpreterDiffers,
        Self::OlderKey,
        Self::OlderKeyAlways,
        Self::OlderKeyRebuilt,
        Self::JobFailed,
        Self::Race,
        Self::ReadOnly,
        Self::NothingThere,
        Self::SaveFailed,
        Self::NotSaved,
        Self::ExactYetRecreated,
        Self::RestoreForbidden,
        Self::RestoreFailed,
        Self::LookedUpOnly,
        Self::NothingRestored,
        Self::NoCache,
        Self::NothingInCommon,
        Self::Truncated,
    ];
}

/// Whose quota the archives count against.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    serde::Serialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogForge {
    Github,
    Forgejo,
    Gitea,
}

/// What is known of one forge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeFacts {
    pub name: String,
    /// Bytes that all archives of a repository may take together; `None` where nothing general can
    /// be said.
    pub quota: Option<u64>,
    pub note: String,
}

/// From which size on a difference is worth a verdict.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    pub least_seconds: f64,
    /// Share of the seconds before, from 0 to 1.
    pub least_share: f64,
    /// What one run differs from the next by, of itself.
    pub noise_seconds: f64,
    pub noise_share: f64,
    /// On each side, before anybody is told to remove a cache.
    pub runs_to_remove: usize,
}

/// The backend whose facts differ from those of all others.
const UV: &str = "uv";

/// Least and most.
pub type Range = (f64, f64);

/// Two numbers: with uv, and with whatever else builds environments.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByBackend {
    uv: Range,
    other: Range,
}

impl ByBackend {
    pub fn of(&self, backend: Option<&str>) -> Range {
        if backend == Some(UV) { self.uv } else { self.other }
    }
}

/// What a cache costs where none was measured.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateFacts {
    /// Of the step that restores, without unpacking.
    pub restore_step_seconds: Range,
    pub post_step_seconds: Range,
    /// Of the seconds that the build took.
    pub unpack_share: ByBackend,
    /// Of the seconds that restoring packages took, where the environments replace them.
    pub replaced_share: Range,
    pub reuse_seconds_per_session: ByBackend,
    pub compile: CompileFacts,
    /// Seconds a run.
    pub pays_from: f64,
}

impl EstimateFacts {
    /// Whether the packages of this backend move into the archive of the environments.
    pub fn moves_packages(&self, backend: Option<&str>) -> bool {
        backend == Some(UV)
    }
}

/// What commands take longer in a new environment, since they compile what they import: no more than a share of their
/// own seconds, and no more than a share of what installing took.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompileFacts {
    pub of_commands: ByBackend,
    pub of_installing: Range,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackages {
    folders: Vec<String>,
    key: String,
    replaced: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLogRules {
    events: Vec<RawEvent>,
    forges: BTreeMap<LogForge, ForgeFacts>,
    packages: RawPackages,
    verdict: Thresholds,
    estimate: EstimateFacts,
    causes: std::collections::HashMap<Cause, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    event: Wording,
    pattern: String,
}

/// The file's rules, ready to use.
pub struct Logs {
    wordings: Vec<(Wording, Regex)>,
    /// All patterns at once: most lines of a log match none, and are passed over in one scan.
    any: RegexSet,
    forges: BTreeMap<LogForge, ForgeFacts>,
    packages_folders: Vec<String>,
    packages_key: Regex,
    packages_replaced: Regex,
    pub verdict: Thresholds,
    pub estimate: EstimateFacts,
    causes: std::collections::HashMap<Cause, String>,
}

impl From<RawLogRules> for Logs {
    fn from(raw: RawLogRules) -> Self {
        let broken = |e: regex::Error| -> ! { panic!("internal error: rules/logs.yaml: {e}") };
        let any =
            RegexSet::new(raw.events.iter().map(|e| &e.pattern)).unwrap_or_else(|e| broken(e));
        let wordings = raw
            .events
            .into_iter()
            .map(|e| (e.event, Regex::new(&e.pattern).unwrap_or_else(|e| broken(e))))
            .collect();
        for cause in Cause::ALL {
            assert!(
                raw.causes.contains_key(&cause),
                "internal error: rules/logs.yaml: no sentence for {cause:?}"
            );
        }
        for forge in [LogForge::Github, LogForge::Forgejo, LogForge::Gitea] {
            assert!(
                raw.forges.contains_key(&forge),
                "internal error: rules/logs.yaml: nothing about {forge:?}"
            );
        }
        Self {
            wordings,
            any,
            forges: raw.forges,
            packages_folders: raw.packages.folders,
            packages_key: Regex::new(&raw.packages.key).unwrap_or_else(|e| broken(e)),
            packages_replaced: Regex::new(&raw.packages.replaced).unwrap_or_else(|e| broken(e)),
            verdict: raw.verdict,
            estimate: raw.estimate,
            causes: raw.causes,
        }
    }
}

impl Logs {
    /// The first wording that matches, and its groups.
    pub fn find<'t>(&self, text: &'t str) -> Option<(Wording, Captures<'t>)> {
        // Most lines match nothing, which is told sooner than which patterns match.
        if !self.any.is_match(text) {
            return None;
        }
        let index = self.any.matches(text).iter().next()?;
        let (wording, pattern) = self.wordings.get(index)?;
        Some((*wording, pattern.captures(text)?))
    }

    /// Whether a path of a cache is where an installer keeps packages.
    pub fn is_packages_folder(&self, path: &str) -> bool {
        self.packages_folders.iter().any(|folder| path.contains(folder.as_str()))
    }

    pub fn is_packages_key(&self, key: &str) -> bool {
        self.packages_key.is_match(&key.to_lowercase())
    }

    /// Whether a key or a folder is of a cache of packages that a cache of environments replaces.
    pub fn is_replaced(&self, text: &str) -> bool {
        self.packages_replaced.is_match(&text.to_lowercase())
    }

    pub fn forge(&self, forge: LogForge) -> &ForgeFacts {
        &self.forges[&forge]
    }

    /// The sentence for a cause with its blanks filled in.
    pub fn sentence(&self, cause: Cause, names: &str, count: usize) -> String {
        self.causes[&cause].replace("{names}", names).replace("{count}", &count.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wording(text: &str) -> Option<Wording> {
        LOGS.find(text).map(|(wording, _)| wording)
    }

    #[test]
    fn tells_the_reasons_for_not_saving_apart() {
        let race = "Failed to save: Unable to reserve cache with key nox-1, another job may be creating this cache.";
        for (text, expected) in [
            (race, Wording::SaveRace),
            (
                "Cache reservation failed: cache write denied: token has no writable scopes",
                Wording::SaveReadOnly,
            ),
            (
                "Failed to save: Unable to reserve cache with key k. More details: cache write denied: x",
                Wording::SaveReadOnly,
            ),
            (
                "Cache save skipped: the effective cache-mode 'read' does not permit writes.",
                Wording::SaveReadOnly,
            ),
            ("Failed to save: connect ECONNREFUSED", Wording::SaveFailed),
            (
                "Cache hit occurred on the primary key nox-1, not saving cache.",
                Wording::SaveExactHit,
            ),
            ("Cache saved with key: nox-1", Wording::Saved),
            ("Cache saved successfully", Wording::Saved),
        ] {
            assert_eq!(wording(text), Some(expected), "{text}");
        }
        assert_eq!(&LOGS.find(race).unwrap().1["key"], "nox-1");
    }

    #[test]
    fn passes_over_lines_that_only_look_alike() {
        for text in [
            "hello",
            "The Cache saved with key: x",
            "##[error]Process completed with exit code 0.",
            "uv cache restored from key: x",
        ] {
            assert_eq!(wording(text), None, "{text}");
        }
    }
}
