//! What each cache of a job did: restored or not, saved or not and why.

use serde::Serialize;

use super::super::event::{CacheEvent, NotSaved};
use super::super::line::Moment;
use super::super::record::Stage;
use super::JobOutcome;
use super::step::{LineBefore, StepState};
use crate::rules::logs::LOGS;
use crate::tool::KNOWN_LOG_WORDS;

/// What a cache step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restore {
    /// By its own key.
    Hit,
    /// By a restore key: an older entry.
    #[serde(rename = "restore-key")]
    ByRestoreKey,
    /// Restored; the log does not say by which kind of key.
    Restored,
    Miss,
    LookedUpOnly,
    Forbidden,
    Failed(String),
    /// Only saved, or the log does not say.
    None,
}

/// What became of the folder at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Save {
    Saved,
    /// The key was there already: nothing to do.
    AlreadyThere,
    JobFailed,
    Race,
    ReadOnly,
    NothingThere,
    Failed(String),
    /// The log of the whole job does not mention it.
    NotMentioned,
    /// The log does not say.
    Unknown,
}

/// What a cache is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    Environments,
    /// What installers download and build.
    Packages,
    Other,
}

/// One cache in one run.
#[derive(Debug, Clone, Serialize)]
pub struct CacheUse {
    pub step: Option<String>,
    pub key: Option<String>,
    pub restored_key: Option<String>,
    pub restore: Restore,
    /// Where the log gives only bounds, the upper one.
    pub restore_seconds: Option<f64>,
    /// The lower bound, where the log gives only bounds.
    pub restore_seconds_at_least: Option<f64>,
    pub save: Save,
    pub save_seconds: Option<f64>,
    /// The step at the end of the job, whether it saved or not.
    pub post_seconds: Option<f64>,
    /// Of the archive.
    pub bytes: Option<u64>,
    #[serde(skip)]
    path: String,
    /// The path is where the tool said that its environments lie.
    #[serde(skip)]
    of_environments: bool,
    /// What came before it, where the log does not tell where its step begins.
    #[serde(skip)]
    pub before: Option<LineBefore>,
}

impl CacheUse {
    /// Whether environments came out of it.
    pub fn restored(&self) -> bool {
        matches!(self.restore, Restore::Hit | Restore::ByRestoreKey | Restore::Restored)
    }

    /// Whether the cache goes when the environments are cached, which then hold its packages.
    pub fn is_replaced(&self) -> bool {
        let told = |key: &Option<String>| key.as_deref().is_some_and(|key| LOGS.is_replaced(key));
        match self.path.is_empty() {
            true => told(&self.key) || told(&self.restored_key),
            false => self.path.lines().all(|line| LOGS.is_replaced(line)),
        }
    }

    pub fn saves_archive(&self) -> bool {
        self.save == Save::Saved
    }

    /// By the folder where the log has it; else by the words people use.
    pub fn holds(&self) -> Holds {
        let named =
            |text: &Option<String>| text.as_deref().is_some_and(|t| KNOWN_LOG_WORDS.is_named_in(t));
        if self.of_environments
            || self.path.lines().any(|line| KNOWN_LOG_WORDS.is_environment_folder(line))
        {
            return Holds::Environments;
        }
        let packages =
            |text: &Option<String>| text.as_deref().is_some_and(|key| LOGS.is_packages_key(key));
        if self.path.lines().any(|line| LOGS.is_packages_folder(line)) {
            return Holds::Packages;
        }
        match () {
            () if named(&self.key) || named(&self.restored_key) => Holds::Environments,
            () if self.path.is_empty() && named(&self.step) => Holds::Environments,
            () if packages(&self.key) || packages(&self.restored_key) => Holds::Packages,
            () if self.path.is_empty() && packages(&self.step) => Holds::Packages,
            () => Holds::Other,
        }
    }
}

/// The lines about one restore, gathered.
#[derive(Debug, Default)]
pub(super) struct Restoring {
    restore: Option<Restore>,
    key: Option<String>,
    restored_key: Option<String>,
    bytes: Option<u64>,
    unpacked: bool,
    /// When the download began, where the library says so; its other lines come only after it.
    first: Option<Moment>,
    /// The first line about it, whatever it says.
    seen: Option<Moment>,
    /// The line before that one.
    before: LineBefore,
    last: Option<Moment>,
}

impl Restoring {
    pub fn after(before: LineBefore) -> Self {
        Self { before, ..Self::default() }
    }

    /// Whether the event can be about the same restore, in logs where nothing else separates them.
    pub fn goes_on_with(&self, event: &CacheEvent) -> bool {
        let told = self.restore.is_some();
        match event {
            // A restore that failed, or isn't allowed, ends as if nothing had been found.
            CacheEvent::Miss(_)
                if matches!(self.restore, Some(Restore::Failed(_) | Restore::Forbidden)) =>
            {
                self.key.is_none()
            }
            CacheEvent::HitKey(_)
            | CacheEvent::HitRestoreKey(_)
            | CacheEvent::Miss(_)
            | CacheEvent::LookedUp(_)
            | CacheEvent::RestoreForbidden => !told && !self.unpacked,
            CacheEvent::RestoreFailed(_) => !self.unpacked,
            CacheEvent::Size(_) => !self.unpacked && self.restore != Some(Restore::Miss),
            CacheEvent::Restored(key) => {
                self.restore != Some(Restore::Miss) && !(key.is_none() && self.unpacked)
            }
            CacheEvent::Saved(_) | CacheEvent::NotSaved(..) => false,
        }
    }

    pub fn take(&mut self, event: CacheEvent, time: Option<Moment>) {
        self.last = time.or(self.last);
        self.seen = self.seen.or(time);
        if matches!(event, CacheEvent::HitKey(_) | CacheEvent::HitRestoreKey(_)) {
            self.first = self.first.or(time);
        }
        match event {
            CacheEvent::HitKey(key) => {
                self.restore = Some(Restore::Hit);
                self.restored_key = Some(key);
            }
            CacheEvent::HitRestoreKey(key) => {
                self.restore = Some(Restore::ByRestoreKey);
                self.restored_key = Some(key);
            }
            CacheEvent::Restored(key) => {
                self.unpacked = true;
                self.restore.get_or_insert(Restore::Restored);
                self.restored_key = key.or(self.restored_key.take());
            }
            CacheEvent::LookedUp(key) => {
                self.restore = Some(Restore::LookedUpOnly);
                self.restored_key = Some(key);
            }
            CacheEvent::Miss(key) => {
                self.restore.get_or_insert(Restore::Miss);
                self.key = key.or(self.key.take());
            }
            CacheEvent::RestoreForbidden => self.restore = Some(Restore::Forbidden),
            CacheEvent::RestoreFailed(text) => self.restore = Some(Restore::Failed(text)),
            CacheEvent::Size(bytes) => self.bytes = Some(bytes),
            CacheEvent::Saved(_) | CacheEvent::NotSaved(..) => {}
        }
    }
}

impl Restoring {
    /// Nothing but a size was told: that of an archive that was saved.
    fn is_size_of_saved(&self) -> bool {
        self.restore.is_none() && !self.unpacked
    }
}

/// The lines about one save, gathered.
#[derive(Debug, Default)]
pub(super) struct Saving {
    save: Option<Save>,
    key: Option<String>,
    bytes: Option<u64>,
    last: Option<Moment>,
}

impl Saving {
    pub fn goes_on_with(&self, event: &CacheEvent) -> bool {
        match event {
            CacheEvent::Saved(Some(key)) | CacheEvent::NotSaved(_, Some(key)) => {
                self.key.as_ref().is_none_or(|known| same_key(known, key))
            }
            CacheEvent::Saved(None) | CacheEvent::Size(_) => self.key.is_none(),
            _ => true,
        }
    }

    pub fn take(&mut self, event: CacheEvent, time: Option<Moment>) {
        self.last = time.or(self.last);
        match event {
            CacheEvent::Saved(key) => {
                self.save = Some(Save::Saved);
                self.key = key.or(self.key.take());
            }
            CacheEvent::NotSaved(why, key) => {
                let save = match why {
                    NotSaved::ExactHit => Save::AlreadyThere,
                    NotSaved::Race => Save::Race,
                    NotSaved::ReadOnly => Save::ReadOnly,
                    NotSaved::NothingThere => Save::NothingThere,
                    NotSaved::Failed(text) => Save::Failed(text),
                };
                self.save.get_or_insert(save);
                self.key = key.or(self.key.take());
            }
            CacheEvent::Size(bytes) => self.bytes = Some(bytes),
            _ => {}
        }
    }
}

/// Keys are compared as the action does: without regard to case.
fn same_key(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// The caches of environments, those of packages, and the others: what was restored joined with what was saved.
pub(super) fn joined(
    steps: &mut [StepState],
    outcome: JobOutcome,
    truncated: bool,
    folders: &[String],
) -> [Vec<CacheUse>; 3] {
    let mut uses = Vec::new();
    let mut saves = Vec::new();
    for step in steps.iter_mut() {
        // what a test prints about caches isn't a cache
        if step.is_real() && step.ran_tool() {
            continue;
        }
        let mut restoring = std::mem::take(&mut step.restoring);
        if let Some(saving) = step.saving.first_mut() {
            let size = restoring.iter().find(|r| r.is_size_of_saved()).and_then(|r| r.bytes);
            saving.bytes = saving.bytes.or(size);
            restoring.retain(|restoring| !restoring.is_size_of_saved());
        }
        let single = restoring.len() == 1;
        for restoring in restoring {
            uses.push(restored(step, restoring, single, folders));
        }
        for saving in std::mem::take(&mut step.saving) {
            let seconds = seconds(step, None, saving.last);
            saves.push((step.stage, step.name.clone(), step.path.clone(), saving, seconds));
        }
    }
    // post steps come in the reverse order of their steps
    for (stage, name, path, saving, seconds) in saves {
        let Some(save) = saving.save else { continue };
        let open = |u: &CacheUse| u.save == Save::Unknown;
        let by_key = |u: &CacheUse| {
            saving.key.as_ref().is_some_and(|k| u.key.as_ref().is_some_and(|own| same_key(own, k)))
        };
        let by_name = |u: &CacheUse| {
            stage == Stage::Post && !name.is_empty() && u.step.as_deref() == Some(&name)
        };
        let related = |u: &CacheUse| {
            let Some(saved) = &saving.key else { return true };
            let Some(restored) = &u.restored_key else {
                // setup-python prints its key only when it saves.
                return u.key.is_none() && u.restore == Restore::Miss;
            };
            u.key.is_none()
                && (same_key(saved, restored)
                    || KNOWN_LOG_WORDS.is_named_in(saved) == (u.holds() == Holds::Environments))
        };
        let candidates = uses.iter().filter(|u| open(u) && related(u)).count();
        let found = uses
            .iter()
            .position(|u| open(u) && by_key(u))
            .or_else(|| uses.iter().position(|u| open(u) && by_name(u)))
            .or_else(|| {
                uses.iter().position(|u| open(u) && related(u)).filter(|_| candidates == 1)
            });
        let index = found.unwrap_or_else(|| {
            let step = (!name.is_empty()).then(|| name.clone());
            uses.push(CacheUse {
                step,
                key: saving.key.clone(),
                restored_key: None,
                restore: Restore::None,
                restore_seconds: None,
                restore_seconds_at_least: None,
                save: Save::Unknown,
                save_seconds: None,
                post_seconds: None,
                bytes: None,
                of_environments: is_any_of(&path, folders),
                path,
                before: None,
            });
            uses.len() - 1
        });
        let Some(found) = uses.get_mut(index) else { continue };
        found.save_seconds = seconds.filter(|_| save == Save::Saved);
        found.post_seconds = seconds;
        found.key = saving.key.or(found.key.take());
        found.bytes = saving.bytes.or(found.bytes);
        // Whoever restored it by this key only finds out now that it is there.
        found.save = match (&found.restore, save) {
            (Restore::Hit, Save::Race) => Save::AlreadyThere,
            (_, save) => save,
        };
    }
    for found in &mut uses {
        if found.restore == Restore::Restored
            && let (Some(key), Some(restored)) = (&found.key, &found.restored_key)
        {
            found.restore =
                if same_key(key, restored) { Restore::Hit } else { Restore::ByRestoreKey };
        }
        if found.save == Save::Unknown && !truncated {
            found.save = match (outcome, &found.restore) {
                (_, Restore::Hit) => Save::AlreadyThere,
                (JobOutcome::Failed | JobOutcome::Cancelled, _) => Save::JobFailed,
                (JobOutcome::Passed, _) => Save::NotMentioned,
                (JobOutcome::Unknown, _) => Save::Unknown,
            };
        }
    }
    let of = |wanted: Holds| uses.iter().filter(|u| u.holds() == wanted).cloned().collect();
    [of(Holds::Environments), of(Holds::Packages), of(Holds::Other)]
}

/// Whether a line of a cache's path is one of these folders, or lies in it. Each may be absolute, or relative to
/// the workspace or the home.
fn is_any_of(path: &str, folders: &[String]) -> bool {
    let tidy = |text: &str| {
        let text = text.trim().trim_matches(['"', '\'']).replace('\\', "/");
        let text = text.strip_prefix("./").or(text.strip_prefix("~/")).unwrap_or(&text);
        text.trim_end_matches(['/', '*']).to_owned()
    };
    let is_same = |line: &str, folder: &str| {
        let ends_with = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        ends_with(line, folder)
            || ends_with(folder, line)
            || line.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let folders: Vec<String> = folders.iter().map(|f| tidy(f)).filter(|f| !f.is_empty()).collect();
    path.lines()
        .map(tidy)
        .filter(|line| !line.is_empty() && !line.starts_with('!'))
        .any(|line| folders.iter().any(|folder| folder != "." && is_same(&line, folder)))
}

fn restored(step: &StepState, restoring: Restoring, single: bool, folders: &[String]) -> CacheUse {
    let echoed = (!step.key.is_empty()).then(|| step.key.clone());
    let key = echoed.or(restoring.key).or_else(|| match restoring.restore {
        Some(Restore::Hit) => restoring.restored_key.clone(),
        _ => None,
    });
    let (least, most) = if step.is_real() {
        // An action may do other things before: setup-uv installs uv, and tells when it turns to its cache.
        let start = step.start.max(restoring.before.time);
        let told = step.seconds.filter(|_| single);
        (None, span(start.or(restoring.first), restoring.last).or(told))
    } else {
        // A step whose beginning the log doesn't give began after the line before.
        let measured = if single { seconds(step, restoring.first, restoring.last) } else { None };
        match (span(restoring.before.time, restoring.last), restoring.last) {
            (Some(most), Some(last)) => {
                let least = measured.or_else(|| restoring.seen.and_then(|seen| last.since(seen)));
                (least.map(|least| least.min(most)), Some(most))
            }
            _ => (None, measured.or_else(|| span(restoring.first, restoring.last))),
        }
    };
    CacheUse {
        step: (!step.name.is_empty()).then(|| step.name.clone()),
        key,
        restored_key: restoring.restored_key,
        restore: restoring.restore.unwrap_or(Restore::None),
        restore_seconds: most,
        restore_seconds_at_least: least,
        save: Save::Unknown,
        save_seconds: None,
        post_seconds: None,
        bytes: restoring.bytes,
        of_environments: is_any_of(&step.path, folders),
        path: step.path.clone(),
        before: Some(restoring.before).filter(|_| !step.is_real()),
    }
}

/// From where the step begins, else from where the download does, to the last line; else as the
/// runner reports it.
fn seconds(step: &StepState, first: Option<Moment>, last: Option<Moment>) -> Option<f64> {
    span(step.start.or(first), last).or(step.seconds)
}

/// One line isn't a span.
fn span(first: Option<Moment>, last: Option<Moment>) -> Option<f64> {
    let (first, last) = (first?, last?);
    if first == last { None } else { last.since(first) }
}
