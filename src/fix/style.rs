//! How a file writes its steps: indentation, blank lines, names, so that an inserted one looks like
//! its neighbours.

use crate::actions::{Step, StepList};
use crate::repo::Document;
use crate::yaml::{Kind, Tree};

/// The layout of a list of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// What comes before the `-` of a step.
    pub dash_indent: String,
    /// Spaces between the column of the `-` and that of the keys.
    pub gap: usize,
    /// The `-` is on a line of its own.
    pub dash_alone: bool,
    /// Spaces by which a nested map is indented below its key.
    pub nesting: usize,
    /// The step before which another one is inserted is to be separated from it by a blank line.
    pub blank_line: bool,
    /// Steps have names.
    pub named: bool,
    /// Step names are written in this way.
    pub quote: Option<char>,
    /// Spaces before a comment after a value.
    pub comment_gap: usize,
    /// The most characters of a line.
    pub line_limit: Option<usize>,
}

impl Style {
    /// The layout around `steps.steps[at]`; `None` when a step does not begin a line of its own.
    pub fn of(document: &Document, steps: &StepList, at: usize) -> Option<Self> {
        let step = steps.steps.get(at)?;
        let text = document.text.as_str();
        let line_start = document.text.line_start(document.text.line_of(step.dash));
        let dash_indent = text.get(line_start..step.dash)?;
        if !dash_indent.bytes().all(|b| b == b' ') {
            return None;
        }
        let after_dash = text[step.dash..].lines().next()?.strip_prefix('-')?.trim_start();
        let dash_alone = after_dash.is_empty() || after_dash.starts_with('#');
        let column = |offset| document.text.position(offset).column;
        let gap = column(step.span.start)
            .checked_sub(column(step.dash) + 1)?
            .max(usize::from(!dash_alone));
        let others = || steps.steps.iter().filter(|s| !s.shared);
        let named = others().filter(|s| s.name.is_some()).count() * 2 >= others().count();
        Some(Self {
            dash_indent: dash_indent.to_owned(),
            gap,
            dash_alone,
            nesting: indent(document, steps),
            blank_line: wants_blank_line(document, steps, at),
            named,
            quote: name_quote(document, steps),
            comment_gap: comment_gap(document, steps),
            line_limit: document.line_limit,
        })
    }
}

/// Steps of other jobs that are looked at for the file's style: a file of thousands is fixed job by
/// job.
const MAX_SAMPLED: usize = 200;

/// Where the file shows no other.
const INDENT: usize = 2;
/// The key below which everything is indented as the file does it.
const JOBS: &str = "jobs";

/// Spaces by which a nested map is indented below its key.
pub fn indent(document: &Document, steps: &StepList) -> usize {
    nesting(document, steps).unwrap_or(INDENT)
}

/// Spaces by which the values of `with:` or `env:` are indented below their key, in these steps or
/// anywhere in the file; where there are none, as jobs are below `jobs:`.
fn nesting(document: &Document, steps: &StepList) -> Option<usize> {
    let tree = &document.tree;
    let column = |offset: usize| document.text.position(offset).column;
    let inside = |step: &Step| {
        tree.entries(step.node).iter().find_map(|entry| match tree.node(entry.value).kind {
            Kind::Mapping { flow: false, entries } => {
                let first = entries.first()?;
                column(tree.span(first.key).start)
                    .checked_sub(column(tree.span(entry.key).start))
                    .filter(|n| *n > 0)
            }
            _ => None,
        })
    };
    let found = steps.steps.iter().find_map(inside).or_else(|| {
        let jobs = document.workflow()?.jobs.iter();
        jobs.flat_map(|j| &j.steps.steps).take(MAX_SAMPLED).find_map(inside)
    });
    found.or_else(|| {
        let jobs = tree.node(tree.entry(tree.root()?, JOBS)?.value);
        let Kind::Mapping { flow: false, entries } = &jobs.kind else { return None };
        Some(column(tree.span(entries.first()?.key).start) - 1).filter(|n| *n > 0)
    })
}

/// Spaces before the comment after a `uses:`, in these steps or anywhere in the file; where there is
/// none, as yamllint wants it in a repository that has its settings.
fn comment_gap(document: &Document, steps: &StepList) -> usize {
    let gap = |step: &Step| {
        let end = step.uses.as_ref()?.span.end;
        let rest = document.text.as_str()[end..].lines().next()?;
        let rest = rest.trim_start_matches(['"', '\'']);
        let comment = rest.trim_start_matches(' ');
        comment.starts_with('#').then(|| rest.len() - comment.len())
    };
    let usual = if document.linted { 2 } else { 1 };
    let found = steps.steps.iter().find_map(gap).or_else(|| {
        let jobs = document.workflow()?.jobs.iter();
        jobs.flat_map(|j| &j.steps.steps).take(MAX_SAMPLED).find_map(gap)
    });
    found.unwrap_or(usual)
}

/// Whether a blank line belongs between an inserted step and the one before which it stands: where
/// that one has a blank line before itself as most do, or before the comments that are about it.
fn wants_blank_line(document: &Document, steps: &StepList, at: usize) -> bool {
    let separated = |step: &&Step| {
        let line = first_line(document, step);
        line > 0 && document.text.line(line - 1).trim().is_empty()
    };
    let count = steps.steps.iter().skip(1).filter(separated).count();
    let usual = count > 0 && count * 2 >= steps.steps.len() - 1;
    let step = &steps.steps[at];
    let commented = first_line(document, step) < document.text.line_of(step.dash);
    if at == 0 { usual } else { separated(&step) && (usual || commented) }
}

/// The zero-based line at which a step begins, the comments directly above it included.
pub fn first_line(document: &Document, step: &Step) -> usize {
    let mut line = document.text.line_of(step.dash);
    let column = step.dash - document.text.line_start(line);
    let comment_indent = |line: usize| {
        let text = document.text.line(line);
        let indent = text.len() - text.trim_start_matches(' ').len();
        text[indent..].starts_with('#').then_some(indent)
    };
    while line > 0 && comment_indent(line - 1) == Some(column) {
        line -= 1;
    }
    // Comments that stand deeper belong to the step before, unless a blank line parts them from it.
    let mut top = line;
    while top > 0 && comment_indent(top - 1).is_some_and(|indent| indent >= column) {
        top -= 1;
    }
    let parted = top > 0 && document.text.line(top - 1).trim().is_empty();
    if top < line && parted && !is_script(document, step, top) { top } else { line }
}

/// Whether a line above a step is part of what the step before it holds: of its script.
fn is_script(document: &Document, step: &Step, line: usize) -> bool {
    let start = document.text.line_start(line);
    let mut lists = document.step_lists();
    let list = lists.find(|list| list.steps.iter().any(|s| s.dash == step.dash));
    let steps = list.iter().flat_map(|list| &list.steps);
    steps.take_while(|s| s.dash < step.dash).any(|before| before.span.end > start)
}

fn name_quote(document: &Document, steps: &StepList) -> Option<char> {
    let tree: &Tree = &document.tree;
    let first = |offset: usize| document.text.as_str()[offset..].chars().next();
    let quotes: Vec<Option<char>> = steps
        .steps
        .iter()
        .filter_map(|s| s.name.as_ref())
        .map(|name| first(tree.span(name.node).start).filter(|c| matches!(c, '"' | '\'')))
        .collect();
    let same = quotes.first().copied().flatten()?;
    quotes.iter().all(|q| *q == Some(same)).then_some(same)
}
