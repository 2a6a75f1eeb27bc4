//! Inline `# cachelint: ignore[check] reason` comments: what they suppress, and those that suppress
//! nothing.

pub mod add;
mod comment;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::base::finding::{Applicability, Edit, Finding, Fix, Location};
use crate::base::text::{Span, Text};
use crate::rules::checks;
use crate::yaml::{NodeId, Tree};

use comment::{Directive, Ignore};

/// The findings of one file, sorted into those that stay and those that a comment suppresses.
#[derive(Debug, Default)]
pub struct Suppressed {
    /// With new findings about comments that suppress nothing or can't be read.
    pub kept: Vec<Finding>,
    pub suppressed: Vec<Finding>,
}

/// Applies the comments of the file at `path` to the `findings` whose primary location is in it. A
/// comment counts on any line of a finding's step, on the line of the job's id, and on comment
/// lines directly above one of them. `ran` says whether a check was run: a comment for one that was
/// not may still be needed.
pub fn suppress(
    path: &str,
    text: &Text,
    tree: &Tree,
    findings: Vec<Finding>,
    ran: impl Fn(&str) -> bool,
) -> Suppressed {
    let directives = comment::directives(text, tree);
    let mut used: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); directives.len()];
    let mut result = Suppressed::default();
    let layout = Layout { path, text, tree };
    for finding in findings {
        let lines = if directives.is_empty() { Vec::new() } else { layout.scope(&finding) };
        let mut hit = false;
        for (directive, used) in directives.iter().zip(&mut used) {
            let Ok(ignore) = &directive.content else { continue };
            let covers = lines.iter().any(|range| range.contains(&directive.line));
            if let Some(entry) =
                ignore.checks.iter().find(|e| e.check == finding.rule).filter(|_| covers)
            {
                used.insert(entry.check);
                hit = true;
            }
        }
        if hit { &mut result.suppressed } else { &mut result.kept }.push(finding);
    }
    for (directive, used) in directives.iter().zip(&used) {
        match &directive.content {
            Ok(ignore) => {
                let idle: Vec<&str> = ignore
                    .checks
                    .iter()
                    .map(|e| e.check)
                    .filter(|c| ran(c) && !used.contains(c))
                    .collect();
                if !idle.is_empty() && ran(checks::id::UNUSED_IGNORE) {
                    result.kept.push(layout.unused(directive, ignore, &idle));
                }
            }
            Err(message) if ran(checks::id::INVALID_IGNORE) => {
                result.kept.push(layout.invalid(directive, message))
            }
            Err(_) => {}
        }
    }
    result
}

/// Where jobs and steps are in one file.
struct Layout<'a> {
    path: &'a str,
    text: &'a Text,
    tree: &'a Tree,
}

impl Layout<'_> {
    /// The zero-based lines on which a comment concerns `finding`.
    fn scope(&self, finding: &Finding) -> Vec<Range<usize>> {
        let mut scope = vec![self.lines(finding.primary.span)];
        let Some((header, body)) = self.job(&finding.job) else { return scope };
        let header = self.text.line_of(header);
        scope.push(header..header + 1);
        let places = std::iter::once(&finding.primary)
            .chain(&finding.related)
            .filter(|l| l.path == self.path);
        let steps =
            self.tree.get(body, "steps").map(|steps| self.tree.items(steps)).unwrap_or_default();
        for place in places {
            let step = steps.iter().map(|item| Span::new(item.dash, self.tree.span(item.node).end));
            scope.extend(
                step.filter(|step| step.contains(place.span.start)).map(|step| self.lines(step)),
            );
        }
        for range in &mut scope {
            while range.start > 0 && self.text.line(range.start - 1).trim_start().starts_with('#') {
                range.start -= 1;
            }
        }
        scope
    }

    /// The offset of a job's id and its value; for a composite action those of `runs`.
    fn job(&self, id: &str) -> Option<(usize, NodeId)> {
        let root = self.tree.root()?;
        let entry = match self.tree.get(root, "jobs") {
            Some(jobs) => self.tree.entry(jobs, id)?,
            None => self.tree.entry(root, "runs")?,
        };
        Some((self.tree.span(entry.key).start, entry.value))
    }

    /// The job around `offset`, as findings name it.
    fn job_at(&self, offset: usize) -> String {
        let Some(root) = self.tree.root() else { return String::new() };
        let Some(jobs) = self.tree.get(root, "jobs") else { return "(composite)".to_owned() };
        let line = self.text.line_of(offset);
        let before = self
            .tree
            .entries(jobs)
            .iter()
            .rfind(|e| self.text.line_of(self.tree.span(e.key).start) <= line);
        before.and_then(|e| self.tree.str(e.key)).unwrap_or_default().to_owned()
    }

    fn lines(&self, span: Span) -> Range<usize> {
        // A span may end after a line break, which does not make the next line part of it.
        let last = span.end.saturating_sub(1).max(span.start);
        self.text.line_of(span.start)..self.text.line_of(last) + 1
    }

    fn unused(&self, directive: &Directive, ignore: &Ignore, idle: &[&str]) -> Finding {
        let names = idle.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
        let verb = if idle.len() == 1 { "reports" } else { "report" };
        let whole = idle.len() == ignore.checks.len();
        let edits = if whole { vec![directive.removal(self.text)] } else { ignore.without(idle) };
        let useless = match (whole, idle) {
            (true, _) => "ignores nothing",
            (false, [_]) => "needn't name it",
            (false, _) => "needn't name them",
        };
        let mut finding = self.finding(
            checks::id::UNUSED_IGNORE,
            directive,
            format!("{names} {verb} nothing here, so this comment {useless}"),
        );
        finding.fix = Some(Fix {
            applicability: Applicability::Safe,
            message: if whole {
                "Remove the comment".to_owned()
            } else {
                format!("Remove {names} from the comment")
            },
            path: self.path.to_owned(),
            edits,
            changes: Vec::new(),
        });
        finding
    }

    fn invalid(&self, directive: &Directive, message: &str) -> Finding {
        let mut finding = self.finding(checks::id::INVALID_IGNORE, directive, message.to_owned());
        finding.no_fix_reason = Some("cachelint can't tell what was meant".to_owned());
        finding
    }

    fn finding(&self, rule: &'static str, directive: &Directive, message: String) -> Finding {
        let check = checks::get(rule);
        Finding {
            rule,
            severity: check.severity,
            message,
            help: format!("{} {}", check.why, check.how),
            primary: Location {
                path: self.path.to_owned(),
                span: directive.span,
                label: "this comment".to_owned(),
            },
            related: Vec::new(),
            job: self.job_at(directive.span.start),
            notes: Vec::new(),
            remedy: None,
            fix: None,
            no_fix_reason: None,
            withheld: None,
        }
    }
}

impl Ignore {
    /// Edits that take the checks in `idle` out of the list, each with one comma.
    fn without(&self, idle: &[&str]) -> Vec<Edit> {
        let removed = |check: &str| idle.contains(&check);
        let first_kept = self.checks.iter().position(|e| !removed(e.check)).unwrap_or(0);
        let mut edits = Vec::new();
        for (index, entry) in self.checks.iter().enumerate().filter(|(_, e)| removed(e.check)) {
            let neighbour = if index < first_kept {
                self.checks.get(index + 1)
            } else {
                self.checks.get(index - 1)
            };
            let span = match neighbour {
                Some(next) if index < first_kept => Span::new(entry.span.start, next.span.start),
                Some(previous) => Span::new(previous.span.end, entry.span.end),
                None => entry.span,
            };
            edits.push(Edit { span, content: String::new() });
        }
        edits
    }
}

#[cfg(test)]
mod tests;
