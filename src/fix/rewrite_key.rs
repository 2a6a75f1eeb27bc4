//! A key and its restore keys rewritten from what the job needs; what the old key says besides
//! is kept.

use super::inputs::InputEdits;
use super::steps::{NewStep, insert_steps};
use crate::base::finding::{Applicability, Fix};
use crate::cache::existing::ExistingCache;
use crate::cache::foreign::asks_python;
use crate::cache::hash_text::pattern_of;
use crate::cache::hashed;
use crate::cache::interpreter::Probe;
use crate::cache::job_caches::JobCaches;
use crate::cache::needs::{Beginning, Needs, SEPARATORS};
use crate::job::StepRef;
use crate::job::context::touches_folder;
use crate::job::key_template::{HASH_CHARS, KeyPiece};
use crate::rules::cache_actions::cache_actions;
use crate::tool::{Answer, known_name};

/// Parts of a key that is written anew: each is compared with all that is hashed so far.
const MAX_PIECES: usize = 100;

/// What the key and the restore keys of a cache step should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    pub key: String,
    pub restore: Option<String>,
    /// A step before that the key needs and the job does not have.
    pub probe: Option<Probe>,
}

/// The key that the step needs, which begins like the old one and ends with what both hash;
/// `restores`: restore keys go with it.
pub fn corrected(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    restores: bool,
) -> Result<Corrected, String> {
    let step_ref = cached.event.step_ref;
    if cached.step.template.pieces.len() > MAX_PIECES {
        return Err(format!("the key has more than {MAX_PIECES} parts"));
    }
    let mut needs = caches.needs(step_ref)?;
    if needs.location() {
        interpreter_is_set_up(caches, step_ref)?;
    }
    let mut kept = KeptPieces::default();
    // Whether an existing cache turns over is another check's question.
    needs.unpinned = false;
    let probe = missing_probe(caches, cached, &needs);
    let asks = |piece: &KeyPiece| piece.scripts.iter().any(|script| asks_python(script));
    if probe.is_none() && cached.step.template.pieces.iter().any(asks) {
        kept.says.push(Probe::output(needs.probe_id, Probe::KEY));
    }
    for (position, piece) in cached.step.template.pieces.iter().enumerate() {
        if piece.source.is_empty() {
            let text = piece.text.as_deref().unwrap_or_default();
            let copied = position == 0 && names_other_job(caches, text);
            match needs.job.as_ref().filter(|_| copied) {
                Some(own) => kept.literal(&format!("{}-{own}-", known_name())),
                None => kept.literal(text),
            }
        } else if piece.is_unique() {
            return Err(format!(
                "the key contains `{}`, which changes on every run, perhaps on purpose",
                piece.source
            ));
        } else if !is_hashed(caches, cached, piece, &mut needs)
            && is_useful(caches, step_ref, position)
        {
            kept.expression(piece, needs.location());
        }
    }
    let rebuilt = caches.legs_of(step_ref).all(ExistingCache::is_rebuilt_on_partial_hit);
    needs.two_hashes = restores && !rebuilt;
    let limit = cache_actions().limits.key_characters;
    for words in [true, false] {
        needs.beginning = kept.beginning(words);
        let key = needs.key();
        let restore = if rebuilt { needs.restore_key_of_packages() } else { needs.restore_key() };
        let corrected = Corrected { key, restore, probe: probe.clone() };
        if least_length(&corrected.key) <= limit {
            return Ok(corrected);
        }
    }
    Err("the corrected key would be too long".to_owned())
}

/// Whether a key begins with the id of another job, as an inserted key does that was copied with its
/// job.
fn names_other_job(caches: &JobCaches<'_>, text: &str) -> bool {
    let rest = text.strip_prefix(known_name()).and_then(|rest| rest.strip_prefix('-'));
    let id = rest.and_then(|rest| rest.strip_suffix('-'));
    let jobs = caches.context.document().workflow().map_or(&[][..], |workflow| &workflow.jobs);
    id.is_some_and(|id| id != caches.context.name && jobs.iter().any(|job| job.id == id))
}

/// The step that asks for the interpreters, where the key needs one and nothing asks yet.
fn missing_probe(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    needs: &Needs,
) -> Option<Probe> {
    let probe = needs.probe()?;
    let steps = caches.steps_at(cached.event.step_ref).map_or(&[][..], |list| &list.steps);
    let mut before = steps.iter().take(cached.event.step_ref.step);
    let there = before.any(|step| step.has_id(probe.id));
    let asks = |piece: &KeyPiece| piece.scripts.iter().any(|script| asks_python(script));
    (!there && !cached.step.template.pieces.iter().any(asks)).then_some(probe)
}

/// The key is at least this long, whatever its expressions come to.
pub(super) fn least_length(key: &str) -> usize {
    literal(key).chars().count() + HASH_CHARS * key.matches("hashFiles(").count()
}

/// The parts of a key that aren't expressions.
fn literal(key: &str) -> String {
    key.split("${{").map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest)).collect()
}

/// What a corrected key keeps of the old one, in order.
#[derive(Default)]
struct KeptPieces {
    /// Literal text, or `${{ }}`; whether it is literal.
    parts: Vec<(String, bool)>,
    says: Vec<String>,
}

impl KeptPieces {
    fn literal(&mut self, text: &str) {
        let text = text.replace('\n', "").replace(&cache_actions().limits.forbidden, "-");
        self.parts.push((text, true));
    }

    fn expression(&mut self, piece: &KeyPiece, location: bool) {
        self.parts.push((format!("${{{{ {} }}}}", piece.source), false));
        let source = piece.source.to_ascii_lowercase();
        // The exact version does as well as the place of the interpreter.
        if location && source.starts_with("steps.") && source.ends_with(".outputs.python-version") {
            self.says.push("env.pythonlocation".to_owned());
        }
        self.says.push(source);
    }

    /// Everything in one text without separators at its ends or in a row, with the literal words or
    /// without them.
    fn beginning(&self, words: bool) -> Beginning {
        let mut text = String::new();
        for (part, literal) in &self.parts {
            match literal {
                true if !words => {}
                true if text.is_empty() || text.ends_with(SEPARATORS) => {
                    text.push_str(part.trim_start_matches(SEPARATORS));
                }
                true => text.push_str(part),
                false if text.is_empty() || text.ends_with(SEPARATORS) || words => {
                    text.push_str(part)
                }
                false => text.push_str(&format!("-{part}")),
            }
        }
        let text = text.trim().trim_end_matches(SEPARATORS);
        let named = literal(text).contains(char::is_alphanumeric);
        let text = if named || text.is_empty() {
            text.to_owned()
        } else {
            format!("{}-{text}", known_name())
        };
        Beginning { text, says: self.says.clone() }
    }
}

/// Whether `piece` is a hash, which then is among the hashes of `needs`: as its owner writes it, if
/// that says more.
fn is_hashed(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    piece: &KeyPiece,
    needs: &mut Needs,
) -> bool {
    let (true, Some(hash)) = (piece.is_hash(), piece.hashes.first()) else { return false };
    let written = |p: &String| piece.source.contains(&format!("'{}'", p.replace('\'', "''")));
    let patterns = hash.patterns.as_ref().filter(|all| all.iter().all(written));
    let files = hashed::hashed(caches.context, cached.timeline, cached.event, hash);
    let (Some(patterns), Some(files)) = (patterns, files) else {
        needs.hashes.push(piece.source.clone());
        return true;
    };
    let empty = hashed::matches(caches.context, cached.timeline, cached.event, hash) == Answer::No;
    if !empty && (files.is_empty() || !files.iter().all(|f| needs.definition.contains(f))) {
        needs.installs.retain(|f| !files.contains(f) && !patterns.contains(f));
        // In front: a later `!` takes out what comes before it.
        let defines =
            |p: &&String| needs.definition.iter().any(|f| f == *p || pattern_of(f) == **p);
        let kept = patterns.iter().filter(|p| !defines(p));
        needs.installs.splice(0..0, kept.cloned().collect::<Vec<_>>());
    }
    true
}

/// Whether the part of the key at `position` breaks it on no instance, and is not empty on all of
/// them.
fn is_useful(caches: &JobCaches<'_>, step_ref: StepRef, position: usize) -> bool {
    let texts: Vec<Option<&str>> = caches
        .legs_of(step_ref)
        .filter_map(|c| c.step.template.pieces.get(position))
        .map(|p| p.text.as_deref())
        .collect();
    let forbidden = &cache_actions().limits.forbidden;
    let broken = |text: &&str| text.contains(forbidden.as_str()) || text.contains('\n');
    !texts.iter().flatten().any(broken) && !texts.iter().all(|text| *text == Some(""))
}

/// Whether `env.pythonLocation` names, at the step, the interpreter that is set up for the
/// environments.
fn interpreter_is_set_up(caches: &JobCaches<'_>, step_ref: StepRef) -> Result<(), String> {
    for cached in caches.legs_of(step_ref) {
        let sets = |e: &&crate::job::Event| e.set_up().is_some_and(|set_up| set_up.location);
        let events = &cached.timeline.events;
        let last = events
            .iter()
            .rposition(|e| e.invocation().is_some_and(touches_folder))
            .unwrap_or(events.len());
        let late = events.iter().take(last).skip(cached.position).any(|e| sets(&e));
        // An instance that sets up none has an empty place in its key.
        if late {
            return Err(
                "Python is set up after the cache step; move the cache step after it first"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// The fix that writes the corrected key, and corrected restore keys where there are some.
pub fn rewrite(caches: &JobCaches<'_>, cached: &ExistingCache<'_>) -> Result<Fix, String> {
    let step_ref = cached.event.step_ref;
    let applicability = caches.editable(step_ref)?;
    // A key that never changed needed no restore keys; that they are missing was no decision.
    let gets_some = cached.step.restore_keys.is_none()
        && cached.step.template.hashes().next().is_none()
        && !cached.step.must_hit
        && cached.is_installed_exactly();
    let restores = gets_some || cached.step.restore_keys.is_some();
    let corrected = corrected(caches, cached, restores)?;
    let mut parts = InputEdits::new(caches);
    if let Some(probe) = &corrected.probe {
        let list = caches.steps_at(step_ref).ok_or("cachelint can't find the step")?;
        let new = NewStep::asking(probe, None);
        let (edit, changes) =
            insert_steps(caches.document_of(step_ref), list, step_ref.step, &[new])?;
        parts.insert(edit, changes);
    }
    parts.set_key(step_ref, &corrected.key)?;
    let paths = paths_with_interpreters(caches, cached, &corrected)?;
    if let Some(lines) = &paths {
        parts.set_path(step_ref, lines)?;
    }
    if cached.step.restore_keys.is_some() {
        let Some(restore) = &corrected.restore else {
            return Err("the restore keys have to go, because restoring an older environment \
                        isn't safe here"
                .to_owned());
        };
        parts.set_restore(step_ref, std::slice::from_ref(restore))?;
    } else if let Some(restore) = corrected.restore.as_ref().filter(|_| gets_some) {
        parts.set_restore(step_ref, std::slice::from_ref(restore))?;
    }
    let key = cached.step.key.as_ref().map(|k| k.text.as_str());
    for (event, saver) in caches.savers(cached) {
        if saver.key.as_ref().map(|k| k.text.as_str()) == key
            && event.step_ref.document == step_ref.document
        {
            caches.editable(event.step_ref)?;
            parts.set_key(event.step_ref, &corrected.key)?;
            if let Some(lines) = &paths {
                parts.set_path(event.step_ref, lines)?;
            }
        }
    }
    if parts.is_empty() {
        return Err("this key already has everything that its job needs".to_owned());
    }
    let doubt = needs_doubt(caches, step_ref);
    let applicability =
        if doubt { applicability.min(Applicability::Unsafe) } else { applicability };
    Ok(parts.finish(
        step_ref,
        applicability,
        "Use a key that includes everything the environments depend on".to_owned(),
    ))
}

/// The lines of `path` with the folders of interpreters that a new probe asks for: before they are
/// restored, it finds none there, whichever it was. `None` where nothing is missing.
fn paths_with_interpreters(
    caches: &JobCaches<'_>,
    cached: &ExistingCache<'_>,
    corrected: &Corrected,
) -> Result<Option<Vec<String>>, String> {
    if corrected.probe.is_none() {
        return Ok(None);
    }
    let needs = caches.needs(cached.event.step_ref)?;
    let mut lines: Vec<String> = cached.step.paths.iter().map(|p| p.written.clone()).collect();
    let there = lines.len();
    let missing = needs.interpreters.folders.iter().filter(|f| !lines.contains(f));
    let missing: Vec<String> = missing.cloned().collect();
    lines.extend(missing);
    Ok((lines.len() > there).then_some(lines))
}

fn needs_doubt(caches: &JobCaches<'_>, step_ref: StepRef) -> bool {
    caches.needs(step_ref).is_ok_and(|n| n.separation.doubt.is_some())
}
