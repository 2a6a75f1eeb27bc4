//! `--add-ignore`: a comment for each finding that is left, as a fix that changes no value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Layout;
use crate::base::finding::{Applicability, Edit, Finding, Fix, Severity};
use crate::base::text::{Span, Text};
use crate::rules::checks;
use crate::yaml;

/// What `--add-ignore` was asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Stands after the list of checks; may be empty, and holds no line break.
    pub reason: &'a str,
    /// The mildest severity to ignore.
    pub least: Severity,
}

impl Wanted<'_> {
    /// Whether `finding` gets a comment. Findings about comments are put right, not ignored, and
    /// what is withheld does not count anyway.
    pub fn concerns(self, finding: &Finding) -> bool {
        let about_comments = [checks::id::UNUSED_IGNORE, checks::id::INVALID_IGNORE];
        finding.severity >= self.least
            && finding.withheld.is_none()
            && !about_comments.contains(&finding.rule)
    }
}

/// Gives each finding that `wanted` concerns a fix that adds a comment; the others lose theirs.
pub fn ignore_instead(
    findings: &mut [Finding],
    texts: &BTreeMap<String, Arc<Text>>,
    wanted: Wanted<'_>,
) {
    let mut by_path: BTreeMap<String, Vec<&mut Finding>> = BTreeMap::new();
    for finding in findings {
        finding.fix = None;
        if wanted.concerns(finding) {
            by_path.entry(finding.primary.path.clone()).or_default().push(finding);
        }
    }
    for (path, findings) in by_path {
        let text = texts.get(&path);
        let tree = text.and_then(|text| yaml::parse(text).ok());
        let (Some(text), Some(tree)) = (text, tree) else { continue };
        let layout = Layout { path: &path, text, tree: &tree };
        let mut by_place: BTreeMap<Place, Vec<&mut Finding>> = BTreeMap::new();
        for finding in findings {
            match layout.place_for(finding) {
                Some(place) => by_place.entry(place).or_default().push(finding),
                None => finding.drop_fix("the file has no line for the comment"),
            }
        }
        for (place, findings) in by_place {
            let edit = place.edit(text, &findings, wanted.reason);
            for finding in findings {
                finding.fix = Some(Fix {
                    applicability: Applicability::Safe,
                    message: format!("Ignore `{}`", finding.rule),
                    path: path.clone(),
                    edits: vec![edit.clone()],
                    changes: Vec::new(),
                });
            }
        }
    }
}

/// Where a comment can be put so that it concerns a step or a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// On a line of its own above this one.
    Above(usize),
    /// After what is on this line.
    AtEndOf(usize),
}

impl Place {
    fn edit(self, text: &Text, findings: &[&mut Finding], reason: &str) -> Edit {
        let mut checks: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
        checks.sort_unstable();
        checks.dedup();
        let comment = format!("# cachelint: ignore[{}] {reason}", checks.join(", "));
        let comment = comment.trim_end();
        match self {
            Self::Above(line) => {
                let written = text.line(line);
                let indent = &written[..written.len() - written.trim_start().len()];
                let content = format!("{indent}{comment}{}", text.newline().as_str());
                Edit { span: Span::at(text.line_start(line)), content }
            }
            Self::AtEndOf(line) => {
                let end = text.line_start(line) + text.line(line).trim_end().len();
                Edit { span: Span::at(end), content: format!("  {comment}") }
            }
        }
    }
}

impl Layout<'_> {
    /// Above the finding's step; where the step does not begin its line, at the job's id.
    fn place_for(&self, finding: &Finding) -> Option<Place> {
        let (header, body) = self.job(&finding.job)?;
        let steps = self.tree.get(body, "steps").map(|steps| self.tree.items(steps));
        let own = steps.unwrap_or_default().iter().find(|item| {
            let step = Span::new(item.dash, self.tree.span(item.node).end);
            step.contains(finding.primary.span.start)
        });
        if let Some(item) = own.filter(|item| self.begins_its_line(item.dash)) {
            return Some(Place::Above(self.text.line_of(item.dash)));
        }
        let line = self.text.line_of(header);
        Some(if self.begins_its_line(header) { Place::Above(line) } else { Place::AtEndOf(line) })
    }

    fn begins_its_line(&self, offset: usize) -> bool {
        let start = self.text.line_start(self.text.line_of(offset));
        self.text.as_str()[start..offset].trim().is_empty()
    }
}
