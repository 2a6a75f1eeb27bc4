//! Files of a repository to findings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::discover::Discovered;
use crate::finding::{Finding, Location, Problem};
use crate::text::Text;

/// What checking a repository tells.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In requested files only, suppressed ones left out, severities as configured.
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
    /// Every text that a finding or a fix may point into, by path relative to the root.
    pub texts: BTreeMap<String, Arc<Text>>,
    /// Places where something could not be decided; the label says what and why.
    pub undecided: Vec<Location>,
    pub timelines: Vec<JobTimeline>,
}

/// A job as the checks see it, for people who wonder about a finding.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JobTimeline {
    /// Relative to the root.
    pub path: String,
    pub job: String,
    /// Whether some call of nox creates environments.
    pub creates_env: bool,
    /// Whether nox reuses what it finds: `on`, `off` or `unknown`.
    pub reuse: String,
    /// In order, one line each.
    pub events: Vec<String>,
}

/// Checks the requested ones of `files`; the others are read because they may be called.
pub fn lint(root: &Path, files: &[Discovered], settings: &Config) -> Outcome {
    let _ = (root, settings);
    let mut outcome = Outcome::default();
    for file in files.iter().filter(|f| f.requested) {
        let text = match file.read() {
            Ok(text) => text,
            Err(problem) => {
                outcome.problems.push(problem);
                continue;
            }
        };
        match crate::yaml::parse(&text) {
            Ok(tree) => {
                let ran = |check: &str| settings.reports(check, &file.relative);
                let found = crate::suppress::suppress(&file.relative, &text, &tree, Vec::new(), ran);
                outcome.findings.extend(found.kept);
            }
            Err(e) => outcome.problems.push(Problem {
                path: file.path.clone(),
                position: Some(e.position),
                message: e.message,
                help: e.help,
            }),
        }
        outcome.texts.insert(file.relative.clone(), Arc::new(text));
    }
    outcome
}
