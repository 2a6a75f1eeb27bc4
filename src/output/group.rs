//! Findings of one file that say the same of several jobs: one block, one help, several places.

use std::collections::HashMap;
use std::sync::Arc;

use super::Reported;
use crate::base::finding::{Applicability, Finding, Severity};

/// Findings that differ in nothing but the job and the place; never empty.
#[derive(Debug)]
pub struct Group<'a> {
    pub findings: Vec<&'a Reported>,
}

/// What all findings of a group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Common<'a> {
    sources: usize,
    path: &'a str,
    check: &'static str,
    severity: Severity,
    texts: Vec<String>,
    fix: Option<(Applicability, &'a str)>,
    notes: &'a [String],
}

impl<'a> Common<'a> {
    fn of(reported: &'a Reported) -> Self {
        let Reported { finding, sources } = reported;
        let texts = [
            Some(&finding.message),
            Some(&finding.help),
            finding.no_fix_reason.as_ref(),
            finding.withheld.as_ref(),
            finding.fix.as_ref().map(|fix| &fix.message),
        ];
        Self {
            sources: Arc::as_ptr(sources).addr(),
            path: &finding.primary.path,
            check: finding.rule,
            severity: finding.severity,
            texts: texts.into_iter().map(|text| without_job(text, finding)).collect(),
            fix: finding.fix.as_ref().map(|fix| (fix.applicability, fix.path.as_str())),
            notes: &finding.notes,
        }
    }
}

/// The text as it would be for a job of any name.
fn without_job(text: Option<&String>, finding: &Finding) -> String {
    let text = text.map_or("", String::as_str);
    if finding.job.is_empty() {
        return text.to_owned();
    }
    text.replace(&format!("`{}`", finding.job), "``")
}

/// `findings` in groups, each where its first one is.
pub fn groups<'a>(findings: impl Iterator<Item = &'a Reported>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places: HashMap<Common<'a>, usize> = HashMap::new();
    for reported in findings {
        let place = *places.entry(Common::of(reported)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.findings.push(reported),
            None => groups.push(Group { findings: vec![reported] }),
        }
    }
    groups
}

impl<'a> Group<'a> {
    pub fn first(&self) -> &'a Reported {
        self.findings[0]
    }

    /// The jobs after the first one, each with its line: `lint` (line 30).
    pub fn others(&self) -> Option<String> {
        let others: Vec<String> = self
            .findings
            .iter()
            .skip(1)
            .map(|r| format!("`{}` (line {})", r.finding.job, r.start().line))
            .collect();
        let jobs = if others.len() == 1 { "job" } else { "jobs" };
        (!others.is_empty())
            .then(|| format!("same in {} more {jobs}: {}", others.len(), others.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn jobs_with_one_finding_and_one_remedy_are_one_group() {
        let report = sample::report();
        let mut findings = vec![report.findings[3].clone(); 3];
        for (reported, job) in findings.iter_mut().zip(["tests", "lint", "docs"]) {
            reported.finding.job = job.into();
            reported.finding.message = format!("job `{job}` rebuilds");
        }
        findings.push(report.findings[1].clone());
        let found = groups(findings.iter());
        assert_eq!(found.iter().map(|g| g.findings.len()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(
            found[0].others().unwrap(),
            "same in 2 more jobs: `lint` (line 6), `docs` (line 6)"
        );
        assert_eq!(found[1].others(), None);

        findings[1].finding.help = "Something else.".into();
        findings[2].finding.primary.path = "other.yml".into();
        assert_eq!(groups(findings.iter()).len(), 4);
    }
}
