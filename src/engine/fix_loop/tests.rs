use std::fs;

use super::*;
use crate::base::finding::{Change as ValueChange, Edit, Location, Segment, Severity};
use crate::base::text::Span;
use crate::edit::verify::mapping;
use crate::repo::discover::discover;

const OLD: &str = "jobs:\n  a:\n    steps:\n      - run: one\n      - run: two\n";
const NEW: &str = "jobs:\n  a:\n    steps:\n      - uses: c\n      - run: one\n      - run: two\n";

fn repository(content: &str) -> (tempfile::TempDir, DiscoveredRepository) {
    let folder = tempfile::tempdir().unwrap();
    let workflows = folder.path().join(".github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    fs::write(workflows.join("ci.yml"), content).unwrap();
    let repository = discover(&[folder.path().to_owned()], None).repositories.remove(0);
    (folder, repository)
}

fn finding(fix: Fix) -> Finding {
    Finding {
        rule: "nox/missing-cache",
        severity: Severity::Error,
        message: "m".into(),
        help: "h".into(),
        primary: Location { path: fix.path.clone(), span: Span::at(0), label: String::new() },
        related: Vec::new(),
        job: "a".into(),
        notes: Vec::new(),
        remedy: None,
        fix: Some(fix),
        no_fix_reason: None,
        withheld: None,
    }
}

fn insert_before(text: &str, needle: &str, index: usize) -> Fix {
    let sequence = ["jobs", "a", "steps"].map(|k| Segment::Key(k.into())).to_vec();
    Fix {
        applicability: Applicability::Safe,
        message: "Insert".into(),
        path: ".github/workflows/ci.yml".into(),
        edits: vec![Edit {
            span: Span::at(text.find(needle).unwrap()),
            content: "      - uses: c\n".into(),
        }],
        changes: vec![ValueChange::InsertItem {
            sequence,
            index,
            value: mapping([("uses", "c".into())]),
        }],
    }
}

/// Runs the loop with a check that wants what `fixes` says about the text it sees.
fn run(
    repository: &DiscoveredRepository,
    write: bool,
    fixes: impl Fn(&str) -> Vec<Fix>,
) -> Repaired {
    repair_with(repository, write, Applicability::Safe, |files| {
        let mut outcome = Outcome::default();
        for file in files {
            let text = file.read().unwrap();
            outcome.findings.extend(fixes(text.as_str()).into_iter().map(finding));
            outcome.texts.insert(file.relative.clone(), Arc::new(text));
        }
        outcome
    })
}

fn on_disk(repository: &DiscoveredRepository) -> String {
    fs::read_to_string(&repository.files[0].path).unwrap()
}

fn missing(text: &str) -> Vec<Fix> {
    if text.contains("uses: c") {
        Vec::new()
    } else {
        vec![insert_before(text, "      - run: one", 0)]
    }
}

#[test]
fn applies_once_and_writes_only_when_asked() {
    for (old, new) in
        [(OLD.to_owned(), NEW.to_owned()), (format!("\u{feff}{OLD}"), format!("\u{feff}{NEW}"))]
    {
        let (_guard, repository) = repository(&old);
        let shown = run(&repository, false, missing);
        assert_eq!(
            (shown.changes[0].before.as_str(), shown.changes[0].after.as_str()),
            (old.as_str(), new.as_str())
        );
        assert_eq!(on_disk(&repository), old);
        let fixed = run(&repository, true, missing);
        assert_eq!((fixed.applied, fixed.outcome.findings.len()), (1, 0));
        assert_eq!(on_disk(&repository), new);
        assert!(run(&repository, true, missing).changes.is_empty());
    }
}

#[test]
fn fixes_that_touch_are_applied_in_two_rounds() {
    let (_guard, repository) = repository(OLD);
    let both = |text: &str| {
        let mut fixes = Vec::new();
        for (index, name) in ["one", "two"].iter().enumerate() {
            let done = text.contains(&format!("{name} -r"));
            let at = text.find(name).unwrap();
            let mut route = ["jobs", "a", "steps"].map(|k| Segment::Key(k.into())).to_vec();
            route.extend([Segment::Index(index), Segment::Key("run".into())]);
            // Both also rewrite the first line, so they cannot go together.
            if !done {
                let change = ValueChange::SetScalar { at: route, value: format!("{name} -r") };
                let mut fix = insert_before(text, name, 0);
                fix.edits = vec![
                    Edit { span: Span::new(0, 5), content: "jobs:".into() },
                    Edit { span: Span::at(at + name.len()), content: " -r".into() },
                ];
                fix.edits[0].content = if index == 0 { "jobs:".into() } else { "jobs: ".into() };
                fix.changes = vec![change];
                fixes.push(fix);
            }
        }
        fixes
    };
    let fixed = run(&repository, true, both);
    assert_eq!((fixed.applied, fixed.outcome.findings.len()), (2, 0));
    assert_eq!(
        on_disk(&repository),
        OLD.replace("jobs:", "jobs: ").replace("one", "one -r").replace("two", "two -r")
    );
}

#[test]
fn a_fix_that_is_not_proved_is_never_written() {
    let (_guard, repository) = repository(OLD);
    let wrong = |text: &str| vec![insert_before(text, "      - run: one", 1)];
    assert!(run(&repository, true, wrong).changes.is_empty());
    assert_eq!(on_disk(&repository), OLD);
    let old = Old::new(OLD);
    let proved = |fix: &Fix| prove(&fix.edits, &fix.changes, OLD, &old).is_ok();
    assert!(!proved(&wrong(OLD)[0]) && proved(&missing(OLD)[0]));
    let fixes = [&missing(OLD)[0], &wrong(OLD)[0]];
    assert_eq!(refused(OLD, &fixes).into_keys().collect::<Vec<_>>(), [1]);
}

#[test]
fn fixes_without_end_are_stopped_and_said() {
    let (_guard, repository) = repository(OLD);
    let fixed = run(&repository, false, |text| vec![insert_before(text, "      - ", 0)]);
    assert!(fixed.outcome.problems[0].message.contains("kept changing the file"));
    assert_eq!((fixed.applied, fixed.changes.len()), (0, 0));
    assert_eq!(on_disk(&repository), OLD);
}

#[test]
fn a_fix_whose_result_is_reported_is_withheld() {
    let (_guard, repository) = repository(OLD);
    let fixed = repair_with(&repository, true, Applicability::Safe, |files| {
        let text = files[0].read().unwrap();
        let findings = missing(text.as_str()).into_iter().map(finding).collect();
        let mut outcome = Outcome { findings, ..Outcome::default() };
        if outcome.findings.is_empty() {
            let mut other = finding(insert_before(OLD, "      - run: one", 0));
            (other.rule, other.fix) = ("nox/key-collision", None);
            outcome.findings.push(other);
        }
        outcome.texts.insert(files[0].relative.clone(), Arc::new(text));
        outcome
    });
    assert_eq!((fixed.applied, on_disk(&repository).as_str()), (0, OLD));
    let [left] = fixed.outcome.findings.as_slice() else { panic!("one finding") };
    assert!(left.fix.is_none() && left.rule == "nox/missing-cache");
    let reason = left.no_fix_reason.as_deref().unwrap_or_default();
    assert!(reason.contains("nox/key-collision"), "{reason}");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_a_problem_and_its_finding_stays() {
    let (_guard, repository) = repository(OLD);
    let target = repository.files[0].path.with_extension("real");
    fs::rename(&repository.files[0].path, &target).unwrap();
    std::os::unix::fs::symlink(&target, &repository.files[0].path).unwrap();
    let fixed = run(&repository, true, missing);
    assert!(fixed.outcome.problems[0].message.starts_with("is a symbolic link"));
    assert_eq!((fixed.applied, fixed.outcome.findings.len(), fixed.changes.len()), (0, 1, 0));
    assert_eq!(on_disk(&repository), OLD);
}

#[test]
fn a_fix_that_breaks_the_file_for_the_checks_is_taken_back() {
    let (_guard, repository) = repository(OLD);
    let fixed = repair_with(&repository, true, Applicability::Safe, |files| {
        let text = files[0].read().unwrap();
        let mut outcome = Outcome::default();
        match missing(text.as_str()).pop() {
            Some(fix) => outcome.findings.push(finding(fix)),
            None => outcome.problems.push(bug(&repository, "stumbled")),
        }
        outcome.texts.insert(files[0].relative.clone(), Arc::new(text));
        outcome
    });
    assert_eq!((fixed.applied, fixed.changes.len(), fixed.outcome.findings.len()), (0, 0, 1));
    assert!(fixed.outcome.problems[0].message.contains("nothing was written"));
    assert_eq!(on_disk(&repository), OLD);
}

/// Each alone would fit here, and rounds would apply one after the other.
#[test]
fn fixes_that_would_make_the_file_too_large_are_refused_together() {
    for (room, refusals) in [(19, 2), (100, 0)] {
        let items = "a,".repeat(crate::yaml::parse::MAX_VALUES - room);
        let text = format!("{OLD}x: [{items}]\n");
        let fixes = [("      - run: one", 0), ("      - run: two", 1)]
            .map(|(needle, index)| insert_before(&text, needle, index));
        let refused = refused(&text, &fixes.each_ref());
        assert_eq!(refused.len(), refusals, "{refused:?}");
        assert!(refused.values().all(|reason| reason.contains("too many values")), "{refused:?}");
    }
}

/// One round for each of them would be more rounds than there may be.
#[test]
fn all_caches_of_a_job_are_fixed_together() {
    const PYTHON: &str =
        "      - uses: actions/setup-python@v6\n        with: {python-version: '3.12'}\n";
    const CALL: &str = "      - run: nox -r\n";
    let (count, workflow) = (14, |steps: &str| {
        format!(
            "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n{steps}"
        )
    });
    let caches = |more: &str| -> String {
        let cache = |i: usize| {
            format!(
                "      - uses: actions/cache@v5\n        id: c{i}\n        with:\n          path: .nox\n          key: k{i}-{more}\n"
            )
        };
        (0..count).map(cache).collect()
    };
    let hash = "${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}";
    let restored = format!("{hash}-${{{{ hashFiles('p') }}}}\n          restore-keys: {hash}-");
    for (steps, changed) in [
        (format!("{PYTHON}{}{CALL}", caches("x")), "${{ env.pythonLocation }}"),
        // The first inserts the step that asks for the version, which the others use then.
        (format!("{}{CALL}", caches("x")), "steps."),
        (format!("{PYTHON}{}{CALL}", caches(&restored)), "rm -rf"),
    ] {
        let (folder, repository) = repository(&workflow(&steps));
        fs::write(folder.path().join("noxfile.py"), crate::testing::NOXFILE).unwrap();
        fs::write(folder.path().join("p"), "").unwrap();
        let fixed =
            repair(&repository, &Config::default(), Details::default(), Applicability::Safe, true);
        assert_eq!(fixed.outcome.problems, []);
        assert!(fixed.changes[0].rounds.len() <= 4, "{} rounds", fixed.changes[0].rounds.len());
        let text = on_disk(&repository);
        assert!(text.matches(changed).count() >= count, "{text}");
        assert!(fixed.outcome.findings.iter().all(|f| f.fix.is_none()), "{text}");
    }
}
