//! Noxfiles made to be expensive: each ends at a limit, and the call says so.

use super::*;
use crate::tool::nox::noxfile::{MAX_SESSIONS, Noxfiles};

const HEAD: &str = "import nox\n@nox.session\ndef tests(session):\n    session.install('.')\n";

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// A repository that counts how often its files are read.
struct Counted {
    tree: Tree,
    reads: std::cell::Cell<usize>,
}

impl Files for Counted {
    fn read(&self, path: &str) -> Option<Arc<str>> {
        self.reads.set(self.reads.get() + 1);
        self.tree.read(path)
    }

    fn is_tracked(&self, path: &str) -> bool {
        self.tree.is_tracked(path)
    }

    fn tracked_under(&self, folder: &str) -> Vec<String> {
        self.tree.tracked_under(folder)
    }
}

/// The steps that loading a noxfile takes.
fn steps(noxfile: String) -> usize {
    let tree = Tree([("noxfile.py", leaked(noxfile))].into());
    let noxfiles = Noxfiles::default();
    noxfiles.read("noxfile.py", &tree, &|_| Variable::Unset).unwrap().steps
}

#[test]
fn what_is_copied_counts_as_steps() {
    let items = "'x', ".repeat(1_000);
    let lists = |count: usize| -> String {
        let more: String = (0..count).map(|i| format!("a{i} = L + ['y']\n")).collect();
        format!("{HEAD}L = [{items}]\n{more}")
    };
    let (one, many) = (steps(lists(1)), steps(lists(101)));
    assert!(many - one > 100 * 1_000 / 8, "a list of 1,000 is copied 100 times: {}", many - one);
    let shared = format!("{HEAD}L = [{items}]\n{}", "a = L\n".repeat(100));
    assert!(steps(shared) < one + 1_000, "a second name for a list copies nothing");
    let variables: String = (0..1_000).map(|i| format!("v{i} = 1\n")).collect();
    let branches = "if X:\n    y = 1\n".repeat(100);
    let (few, more) =
        (steps(format!("{HEAD}{variables}")), steps(format!("{HEAD}{variables}{branches}")));
    assert!(more - few > 100 * 1_000 / 8, "each branch copies the variables: {}", more - few);

    let run = call(leaked(lists(900)), "-s none");
    assert!(run.undecided.iter().any(|why| why.contains("steps")), "{:?}", run.undecided);
    assert_eq!(call(leaked(lists(20)), "-s tests").undecided, [""; 0]);
}

#[test]
fn sessions_of_one_noxfile_are_bounded_together() {
    let sets: String = (0..400).map(|i| format!("{i}, ")).collect();
    let session = |i: usize| {
        format!(
            "@nox.session\n@nox.parametrize('a', [{sets}])\ndef t{i}(session, a):\n    session.install('.')\n"
        )
    };
    let sessions =
        |count: usize| format!("import nox\n{}", (0..count).map(session).collect::<String>());
    let run = call(leaked(sessions(30)), "");
    assert!(run.sessions.len() <= MAX_SESSIONS, "{}", run.sessions.len());
    assert!(run.undecided.iter().any(|why| why.contains("sessions")), "{:?}", run.undecided);
    assert!(!run.sessions_known);
    assert_eq!(call(leaked(sessions(4)), "").sessions.len(), 1_600);

    let pythons: String = (0..100).map(|i| format!(" 3.{i}")).collect();
    let line = format!("--force-pythons{pythons}");
    let run = call(leaked(sessions(1)), &line);
    assert!(run.sessions.len() <= MAX_SESSIONS && !run.sessions_known, "{}", run.sessions.len());
}

#[test]
fn names_that_sessions_require_are_bounded_together() {
    let names: String = (0..300).map(|i| format!("'t{i}', ")).collect();
    let sessions: String = (0..300)
        .map(|i| {
            format!("@nox.session(requires=R)\ndef t{i}(session):\n    session.install('.')\n")
        })
        .collect();
    let run = call(leaked(format!("import nox\nR = [{names}]\n{sessions}")), "-s t0");
    assert!(run.undecided.iter().any(|why| why.contains("require")), "{:?}", run.undecided);
}

#[test]
fn requirement_files_that_include_each_other_are_read_once() {
    let noxfile = HEAD.replace("'.'", "'-r', 'a.txt'");
    let files = [
        ("noxfile.py", leaked(noxfile)),
        ("a.txt", leaked("-r b.txt\n".repeat(5_000))),
        ("b.txt", leaked("-r a.txt\n".repeat(5_000))),
    ];
    let files = Counted { tree: Tree(files.into()), reads: 0.into() };
    let request =
        Request { args: &[], env: &|_| Variable::Unset, folder: "", script: None, files: &files };
    let run = Nox::default().run(&request);
    assert!(run.install_files.contains(&"b.txt".to_owned()), "{:?}", run.install_files);
    assert!(files.reads.get() < 100, "{} reads", files.reads.get());
}

#[test]
fn a_module_of_a_megabyte_is_not_read() {
    let noxfile = |lines: usize| leaked(format!("{HEAD}{}", "x = 1\n".repeat(lines)));
    assert!(!call(noxfile(100), "-s tests").definition_files.is_empty());
    assert!(call(noxfile(200_000), "-s tests").definition_files.is_empty());
}
