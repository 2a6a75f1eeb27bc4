//! Every promise of a fix, on workflows written in random styles.

mod common;
#[path = "common/pen.rs"]
mod pen;

use std::cell::RefCell;

use cachelint::base::finding::Applicability;
use cachelint::base::text::Text;
use common::{Fixed, Sandbox};
use pen::{Choices, Node, scalar, write};
use proptest::prelude::*;
use serde_yaml::Value;

const CI: &str = ".github/workflows/ci.yml";
const NOXFILE: &str = "\
import nox

@nox.session
def tests(session):
    session.install('pytest')

@nox.session
def lint(session):
    session.install('ruff')
";

/// Scripts that create environments, and how many calls in them get the reuse flag.
const SCRIPTS: [(&str, usize); 15] = [
    ("nox", 1),
    ("nox -s tests", 1),
    ("python -m nox -s tests", 1),
    ("nox -s tests 2>&1 | tee out.log", 1),
    ("set -o pipefail\nmkdir -p build\nnox -s tests 2>&1 | tee build/nox.log", 1),
    ("nox -s lint\nnox -s tests", 2),
    ("nox \\\n  --sessions tests \\\n  -- -x", 1),
    ("echo 'héllo ✓' && nox -s tests", 1),
    ("# the tests\nnox -s tests # all of them", 1),
    ("if true; then\n  nox\nfi", 1),
    ("FOO=\"a  b\" nox -s \"tests\"", 1),
    ("pipx run nox -s tests", 1),
    ("cat <<EOF\nnox\nEOF\nnox -s tests", 1),
    ("nox --reuse-existing-virtualenvs", 0),
    ("  nox -s tests", 1),
];
const INSTALLS: [&str; 3] = [
    "pip install nox",
    "python -m pip install -U pip\npython -m pip install nox",
    "pip install 'nox>=2024.4'",
];
/// A call with the flag of the fix.
const ADDED: &str = "nox -r";
const NAMES: [&str; 8] = [
    "Run tests",
    "tests: all",
    "Läuft 🦀 ✓",
    "it's",
    "say \"hi\"",
    "# no comment",
    "日本語",
    "- dash",
];

fn map(entries: Vec<(&'static str, Node)>) -> Node {
    Node::Map(entries)
}

/// A step, perhaps with a name, its keys in any order.
fn step(choices: &mut Choices<'_>, mut entries: Vec<(&'static str, Node)>) -> Node {
    if choices.pick(3) > 0 {
        entries.insert(0, ("name", scalar(choices.of(&NAMES))));
    }
    if choices.once_in(6) {
        entries.push(("id", scalar(format!("id{}", choices.pick(200)))));
    }
    let turn = choices.pick(3) % entries.len();
    entries.rotate_left(turn);
    map(entries)
}

fn job(choices: &mut Choices<'_>) -> (Node, usize) {
    let matrix = choices.once_in(3);
    let mut steps = vec![step(choices, vec![("uses", scalar("actions/checkout@v5"))])];
    if matrix || choices.pick(3) > 0 {
        let version = if matrix { "${{ matrix.python }}" } else { "3.12" };
        let with =
            map(vec![("python-version", scalar(version)), ("allow-prereleases", scalar("true"))]);
        steps
            .push(step(choices, vec![("uses", scalar("actions/setup-python@v6")), ("with", with)]));
    }
    let script = choices.of(&INSTALLS);
    steps.push(step(choices, vec![("run", scalar(script))]));
    let mut flags = 0;
    for _ in 0..1 + choices.pick(2) {
        let (script, count) = choices.of(&SCRIPTS);
        let mut entries = vec![("run", scalar(script))];
        if choices.once_in(4) {
            entries
                .push(("env", map(vec![("COVERAGE_FILE", scalar("cov: é")), ("B", scalar("b"))])));
        }
        flags += count;
        steps.push(step(choices, entries));
    }
    if choices.once_in(2) {
        let with = map(vec![("name", scalar("logs")), ("path", scalar("build/*.log"))]);
        let upload = vec![
            ("if", scalar("always()")),
            ("uses", scalar("actions/upload-artifact@v5")),
            ("with", with),
        ];
        steps.push(step(choices, upload));
    }
    let mut entries = vec![("runs-on", scalar("ubuntu-latest")), ("steps", Node::Seq(steps))];
    if matrix {
        let versions = Node::Seq(vec![scalar("3.11"), scalar("3.12")]);
        entries.insert(0, ("strategy", map(vec![("matrix", map(vec![("python", versions)]))])));
    }
    if choices.once_in(4) {
        entries.insert(0, ("name", scalar(choices.of(&NAMES))));
    }
    let turn = choices.pick(3);
    entries.rotate_left(turn);
    (map(entries), flags)
}

/// A workflow in some style, and how many jobs and reuse flags its fix concerns.
fn workflow(choices: &mut Choices<'_>) -> (Vec<u8>, usize, usize) {
    let count = 1 + choices.pick(3);
    let (mut jobs, mut flags) = (Vec::new(), 0);
    for id in ["unit", "lint-2", "_last"].into_iter().take(count) {
        let (job, more) = job(choices);
        jobs.push((id, job));
        flags += more;
    }
    let on = match choices.pick(3) {
        0 => scalar("push"),
        1 => Node::Seq(vec![scalar("push"), scalar("pull_request")]),
        _ => map(vec![("push", map(vec![("branches", Node::Seq(vec![scalar("main")]))]))]),
    };
    let mut entries = vec![("name", scalar("CI")), ("on", on), ("jobs", map(jobs))];
    if choices.once_in(3) {
        entries.insert(2, ("env", map(vec![("FORCE_COLOR", scalar("1"))])));
    }
    let turn = choices.pick(entries.len());
    entries.rotate_left(turn);
    (write(&map(entries), choices), count, flags)
}

fn value(text: &str) -> Value {
    serde_yaml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).unwrap()
}

/// The value without what a fix may have added, found by another way than the fix's own proof, and
/// how much that was.
fn without_fix(mut fixed: Value) -> (Value, usize, usize) {
    let (mut steps, mut flags) = (0, 0);
    for (_, job) in fixed["jobs"].as_mapping_mut().unwrap() {
        let list = job["steps"].as_sequence_mut().unwrap();
        // The week, and the Python where no expression tells it.
        let probe = list.iter().position(|s| s["id"] == "nox").unwrap();
        assert_eq!(list[probe + 1]["with"]["path"], ".nox", "the probe stands before the cache");
        list.remove(probe);
        let at = list.iter().position(|s| s["with"]["path"] == ".nox").unwrap();
        let runs_nox = |s: &Value| {
            s["run"].as_str().is_some_and(|r| r.contains("nox") && !r.contains("install"))
        };
        assert_eq!(
            Some(at + 1),
            list.iter().position(runs_nox),
            "the cache step stands before the first call"
        );
        assert_eq!(list.remove(at)["uses"], "actions/cache@v6");
        steps += 1;
        for script in list.iter_mut().filter_map(|s| s.get_mut("run")) {
            let text = script.as_str().unwrap();
            flags += text.matches(ADDED).count();
            *script = text.replace(ADDED, "nox").into();
        }
    }
    (fixed, steps, flags)
}

/// Fixes a workflow in which nox runs in so many jobs, and needs so many flags; gives the fixed
/// text.
fn keeps_promises(before: &str, jobs: usize, flags: usize) -> String {
    thread_local! {
        static SANDBOX: RefCell<Sandbox> = RefCell::new(Sandbox::new(&[
            ("noxfile.py", NOXFILE.as_bytes()),
            ("pyproject.toml", b"[project]\nname = 'x'\n"),
            (CI, b""),
        ]));
    }
    SANDBOX.with_borrow_mut(|sandbox| {
        sandbox.set(CI, before.as_bytes());
        let outcome = sandbox.lint();
        assert_eq!(outcome.problems, [], "{before}");
        assert_eq!(outcome.findings.len(), jobs, "{:?}\n{before}", outcome.findings);
        for finding in &outcome.findings {
            assert_eq!(finding.no_fix_reason, None, "{before}");
        }
        let Fixed { changed, left } = sandbox.fix(outcome, Applicability::Safe);
        let after = &changed[CI].after;
        assert_eq!(changed[CI].before, before);
        assert!(
            left.findings.is_empty() && left.problems.is_empty(),
            "{:?}\n{after}",
            left.findings
        );

        assert_eq!(without_fix(value(after)), (value(before), jobs, flags), "{after}");
        assert_eq!(before.starts_with('\u{feff}'), after.starts_with('\u{feff}'));
        assert_eq!(before.ends_with('\n'), after.ends_with('\n'));
        let (old, new) = (breaks(before), breaks(after));
        assert_eq!((old.0 == 0, old.1 == 0), (new.0 == 0, new.1 == 0), "{after}");
        cachelint::yaml::parse(&Text::new(CI, after.clone().into_bytes()).unwrap()).unwrap();
        after.clone()
    })
}

/// How many lines end with LF alone, and with CRLF.
fn breaks(text: &str) -> (usize, usize) {
    let crlf = text.matches("\r\n").count();
    (text.matches('\n').count() - crlf, crlf)
}

/// As many cases as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fix_keeps_its_promises_in_every_style(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (content, jobs, flags) = workflow(&mut Choices(bytes.iter()));
        keeps_promises(std::str::from_utf8(&content).unwrap(), jobs, flags);
    }
}

#[test]
fn the_plainest_style() {
    let (content, jobs, flags) = workflow(&mut Choices([].iter()));
    keeps_promises(std::str::from_utf8(&content).unwrap(), jobs, flags);
}

#[test]
fn the_flag_reaches_a_call_at_the_end_of_every_scalar() {
    let steps =
        "on: push\njobs:\n  unit:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v5\n";
    for (written, fixed) in [
        ("nox", "nox -r"),
        ("'nox'", "'nox -r'"),
        ("\"nox\"", "\"nox -r\""),
        ("\"n\\x6fx\"", "\"n\\x6fx -r\""),
        ("\"true;\\\n          nox\"", "\"true;\\\n          nox -r\""),
        ("|\n          nox", "|\n          nox -r"),
        ("|-\n          nox", "|-\n          nox -r"),
        ("|+\n          nox\n\n", "|+\n          nox -r\n\n"),
        (">\n          true;\n          nox\n", ">\n          true;\n          nox -r\n"),
        (">+\n          true\n\n          nox\n\n", ">+\n          true\n\n          nox -r\n\n"),
    ] {
        for newline in ["\n", "\r\n"] {
            let before = format!("{steps}      - run: {written}\n").replace('\n', newline);
            let after = keeps_promises(&before, 1, 1);
            assert!(
                after.ends_with(&format!("      - run: {fixed}\n").replace('\n', newline)),
                "{after}"
            );
        }
    }
}
