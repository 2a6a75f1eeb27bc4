//! `nox/frozen-dependencies`: do packages without a pinned version ever upgrade?

use super::audit::{Audit, Cached, Report};
use crate::base::finding::{Applicability, Change, Edit, Finding, Fix};
use crate::base::text::Span;
use crate::cache::hashed;
use crate::edit::verify::mapping;
use crate::fix::rewrite_key::Parts;
use crate::fix::style::{Style, first_line};
use crate::job::context::is_cacheable;
use crate::job::key_template::Piece;
use crate::tool::Reuse;

pub const ID: &str = "nox/frozen-dependencies";
/// The step that tells the week, and what its script writes.
const STEP: &str = "week";
const SCRIPT: &str = "echo \"week=$(date -u +%G-%V)\" >> \"$GITHUB_OUTPUT\"";

pub fn check(audit: &Audit<'_>) -> Option<Finding> {
    let found: Vec<&Cached<'_>> = audit.caches.iter().filter(|c| is_frozen(audit, c)).collect();
    let places = audit.places(
        &found,
        "key",
        "keeps the packages of the first run until a hashed file changes",
    );
    let report = Report {
        rule: ID,
        message: "packages without a pinned version stay at what the first run installed".to_owned(),
        help: "A reused environment upgrades nothing that is installed already, and this key follows only a part of \
               the files that define the environments. Pin what is installed, or let the key change every week."
            .to_owned(),
    };
    let fixed = found.first().map_or(Err(String::new()), |cached| thaw(audit, cached));
    audit.finding(report, &places, fixed)
}

/// Unpinned packages are reused under a key that follows fewer files than decide about them, and no
/// calendar.
fn is_frozen(audit: &Audit<'_>, cached: &Cached<'_>) -> bool {
    let key = &cached.step.template;
    let turns = |piece: &Piece| piece.hashes.is_empty() && !piece.is_fixed();
    let mut calls = cached.calls_after().map(|(_, i)| i).filter(|i| is_cacheable(i));
    if key.broken
        || key.pieces.iter().any(turns)
        || key.hashes().next().is_none()
        || !calls.any(|i| i.run.unpinned && i.run.reuse == Reuse::On && !i.run.exact_installer)
    {
        return false;
    }
    let Ok(needs) = audit.needs(cached.event.site) else { return false };
    let mut taken: Vec<String> = Vec::new();
    for hash in key.hashes() {
        let Some(files) = hashed::hashed(audit.subject, cached.timeline, cached.event, hash) else {
            return false;
        };
        // A hash of nothing is another check's question.
        if files.is_empty() {
            return false;
        }
        taken.extend(files.iter().cloned());
    }
    !needs.definition.iter().chain(&needs.installs).all(|f| taken.contains(f))
}

/// A step that tells the week, and the week in front of the key and of every restore key.
fn thaw(audit: &Audit<'_>, cached: &Cached<'_>) -> Result<Fix, String> {
    let site = cached.event.site;
    let applicability = audit.editable(site)?.min(Applicability::Unsafe);
    let unsafe_place = "the step is written in a way that cannot be edited safely";
    let (list, step) = audit.steps_at(site).zip(audit.step_at(site)).ok_or(unsafe_place)?;
    let document = audit.document_of(site);
    if list.flow
        || !audit.savers(cached).is_empty()
        || list.steps.iter().any(|s| s.id.as_ref().is_some_and(|i| i.text == STEP))
    {
        return Err(unsafe_place.to_owned());
    }
    let style = Style::of(document, list, site.step).ok_or(unsafe_place)?;
    let week = format!("${{{{ steps.{STEP}.outputs.week }}}}-");
    let key = cached.step.key.as_ref().ok_or(unsafe_place)?;
    let mut parts = Parts::new(audit);
    parts.set_key(site, &format!("{week}{}", key.text.trim()))?;
    if let Some(restore) = &cached.step.restore_keys {
        let lines: Vec<String> = restore
            .text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(|l| format!("{week}{l}"))
            .collect();
        parts.set_restore(site, &lines)?;
    }
    let newline = document.text.newline().as_str();
    let (dash, gap) = (&style.dash_indent, " ".repeat(style.gap));
    let inside = format!("{dash} {gap}");
    let blank = if style.blank_line { newline } else { "" };
    let content = format!(
        "{dash}-{gap}id: {STEP}{newline}{inside}shell: bash{newline}{inside}run: {SCRIPT}{newline}{blank}"
    );
    let value = mapping([("id", STEP.into()), ("shell", "bash".into()), ("run", SCRIPT.into())]);
    let at = document.text.line_start(first_line(document, step));
    parts.push(
        Edit { span: Span::at(at), content },
        Change::InsertItem { sequence: list.route.clone(), index: step.index, value },
    );
    Ok(parts.finish(site, applicability, "Let the key change every week".to_owned()))
}
