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
    let none = |_: &str| Variable::Unset;
    noxfiles.read("noxfile.py", &tree, &none, usize::MAX).unwrap().unwrap().steps
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
    let run = Nox::default().run(&request, Most::ANY).unwrap();
    assert!(run.install_files.contains(&"b.txt".to_owned()), "{:?}", run.install_files);
    assert!(files.reads.get() < 100, "{} reads", files.reads.get());
}

#[test]
fn a_module_of_a_megabyte_is_not_read() {
    let noxfile = |lines: usize| leaked(format!("{HEAD}{}", "x = 1\n".repeat(lines)));
    assert!(!call(noxfile(100), "-s tests").definition_files.is_empty());
    let run = call(noxfile(200_000), "-s tests");
    assert!(run.definition_files.is_empty());
    assert_eq!(run.undecided, ["`noxfile.py` isn't readable text, or is too large"]);
}

/// A noxfile with so many sessions, named `s0`, `s1` and so on.
fn many_sessions(count: usize) -> String {
    let session = |i| format!("@nox.session\ndef s{i}(session):\n    session.install('x')\n");
    format!("import nox\n{}", (0..count).map(session).collect::<String>())
}

#[test]
fn many_calls_read_each_file_once() {
    let body = "session.install('.', '-r', 'a.txt', '-r', f'req/{X}.txt')";
    let noxfile = many_sessions(1_500).replace("session.install('x')", body);
    let files = [
        ("noxfile.py", leaked(noxfile)),
        ("pyproject.toml", "[project]\ndependencies = ['x']\n"),
        ("a.txt", "-r b.txt\n"),
        ("b.txt", "x==1\n"),
        ("req/c.txt", "y==1\n"),
    ];
    let files = Counted { tree: Tree(files.into()), reads: 0.into() };
    let nox = Nox::default();
    let run = |session: String| {
        let args = [Argument::known("-s"), Argument::known(session)];
        let env = |_: &str| Variable::Unset;
        let request = Request { args: &args, env: &env, folder: "", script: None, files: &files };
        nox.run(&request, Most::ANY).unwrap()
    };
    let first = run("s0".to_owned());
    assert_eq!(first.install_files, ["a.txt", "b.txt", "pyproject.toml", "req/c.txt"]);
    let reads = files.reads.get();
    for session in 1..50 {
        assert_eq!(run(format!("s{session}")).install_files, first.install_files);
    }
    assert_eq!(files.reads.get(), reads);
}

#[test]
fn a_call_looks_only_at_what_it_may_mean() {
    let noxfile = leaked(many_sessions(1_500));
    let work = |line: &str| call(noxfile, line).work;
    assert!(work("-s s7") < 50, "{}", work("-s s7"));
    assert!(work("-s s7 s8 s9") < 150, "{}", work("-s s7 s8 s9"));
    assert!(work("") >= 1_500, "all of them run");
    assert!(work("-s s7 --extra-pythons 3.9") >= 1_500, "each gets another name");
}

#[test]
fn what_the_environment_decides_is_loaded_for_each() {
    let plain = leaked(many_sessions(100));
    assert_eq!(call(plain, "-s s1").loading.work, 0, "the same for every call");
    let asks = leaked(format!("import os\nX = os.environ.get('X')\n{}", many_sessions(100)));
    let loading = |value| call_in(&[("noxfile.py", asks)], "", "-s s1", &[("X", value)]).loading;
    assert!(loading("a").work > 500, "{:?}", loading("a"));
    assert_eq!(loading("a"), loading("a"));
    assert_ne!(loading("a").id, loading("b").id);
}

/// What the answer about a call costs that may cost no more, and how often it looked at the
/// environment until then.
fn bounded(
    nox: &Nox,
    files: &Tree,
    line: &str,
    most: usize,
) -> (Result<usize, TooMuchWork>, usize) {
    let looks = std::cell::Cell::new(0);
    let env = |name: &str| {
        if !name.starts_with('X') {
            return Variable::Unset;
        }
        looks.set(looks.get() + 1);
        Variable::Set(line.to_owned())
    };
    let args: Vec<Argument> = line.split_whitespace().map(Argument::known).collect();
    let request = Request { args: &args, env: &env, folder: "", script: None, files };
    let most = Most { work: most, loading: most };
    (nox.run(&request, most).map(|run| run.work.max(run.loading.work)), looks.get())
}

#[test]
fn an_answer_stops_at_what_it_may_cost() {
    let body = |i: usize| format!("    session.install(os.environ['X{i}'])\n");
    let session = |i: usize| format!("@nox.session\ndef s{i}(session):\n{}", body(i));
    let sessions: String = (0..400).map(session).collect();
    let required: String = (0..400).map(|i| format!("'s{i}', ")).collect();
    let requiring = format!("@nox.session(requires=[{required}])\ndef all(session):\n    pass\n");
    let notifies: String = (0..400).map(|i| format!("    session.notify('s{i}')\n")).collect();
    let notifying = format!("@nox.session\ndef then(session):\n{notifies}");
    let noxfile = format!("import nox\nimport os\n{sessions}{requiring}{notifying}");
    let files = Tree([("noxfile.py", leaked(noxfile))].into());
    for line in ["", "-s all", "-s then", "-k s", "-P 3.13", "-t x"] {
        let (all, looks) = bounded(&Nox::default(), &files, line, usize::MAX);
        let all = all.unwrap();
        assert!(all > 400, "{line}: {all}");
        assert_eq!(looks, if line == "-t x" { 0 } else { 400 }, "{line}");
        assert_eq!(bounded(&Nox::default(), &files, line, all), (Ok(all), looks), "{line}");
        let (stopped, looks) = bounded(&Nox::default(), &files, line, 300);
        assert_eq!(stopped, Err(TooMuchWork), "{line}");
        assert!(looks < 100, "{line}: {looks}");
        assert_eq!(bounded(&Nox::default(), &files, line, all - 1).0, Err(TooMuchWork), "{line}");
    }
}

#[test]
fn one_long_body_stops_at_what_it_may_cost() {
    let lines: String =
        (0..400).map(|i| format!("    session.install(os.environ['X{i}'])\n")).collect();
    let noxfile = format!("import nox\nimport os\n@nox.session\ndef t(session):\n{lines}");
    let files = Tree([("noxfile.py", leaked(noxfile))].into());
    assert_eq!(bounded(&Nox::default(), &files, "-s t", usize::MAX).1, 400);
    let (stopped, looks) = bounded(&Nox::default(), &files, "-s t", 2_500);
    assert_eq!(stopped, Err(TooMuchWork));
    assert!(looks < 300, "{looks}");
}

/// The first reading shows that the environment matters; from then on no other one costs more than
/// it may.
#[test]
fn loading_for_another_environment_stops_at_what_it_may_cost() {
    let lines: String = (0..1_000).map(|i| format!("A{i} = os.environ['X{i}']\n")).collect();
    let files = Tree([("noxfile.py", leaked(format!("import os\n{lines}{HEAD}")))].into());
    let nox = Nox::default();
    let (all, looks) = bounded(&nox, &files, "-s tests", usize::MAX);
    assert_eq!(looks, 1_000);
    let (stopped, looks) = bounded(&nox, &files, "--session tests", all.unwrap() / 10);
    assert_eq!(stopped, Err(TooMuchWork));
    assert!(looks < 300, "{looks}");
    assert_eq!(bounded(&nox, &files, "-s tests -R", usize::MAX).1, 1_000);
    let (stopped, _) = bounded(&nox, &files, "-s tests -R", 2_000);
    assert_eq!(stopped, Err(TooMuchWork), "also where it is known already");
}

#[test]
fn a_very_large_noxfile_costs_each_job_something() {
    let loading = |bytes: usize| {
        let noxfile = format!("{HEAD}# {}\n", "x".repeat(bytes));
        call(leaked(noxfile), "-s tests").loading
    };
    let (small, large) = (loading(60_000), loading(200_000));
    assert_eq!(small.work, 0);
    assert!(small.shared_work > 5_000, "{small:?}");
    assert!(large.work > 10_000, "{large:?}");
}

#[test]
fn a_body_that_many_sessions_share_counts_once() {
    let sets: String = (0..400).map(|i| format!("{i}, ")).collect();
    let noxfile = format!(
        "import nox\nimport shutil\n@nox.session\n@nox.parametrize('a', [{sets}])\ndef t(session, a):\n    shutil.rmtree('.nox')\n"
    );
    let run = call(leaked(noxfile), "");
    assert_eq!((run.sessions.len(), run.removes.as_slice()), (400, [".nox".to_owned()].as_slice()));
}

#[test]
fn files_that_decide_what_is_installed_are_bounded() {
    let body = |count: usize| -> String {
        (0..count).map(|i| format!("    session.install('-r', 'r{i}.txt')\n")).collect()
    };
    let run = |count: usize| {
        let noxfile = format!("import nox\n@nox.session\ndef t(session):\n{}", body(count));
        let mut files = vec![("noxfile.py", leaked(noxfile))];
        files.extend((0..count).map(|i| (leaked(format!("r{i}.txt")), "x==1\n")));
        call_in(&files, "", "-s t", &[])
    };
    let (few, many) = (run(150), run(1_100));
    assert_eq!((few.install_files.len(), few.unfollowed), (150, None));
    assert_eq!(many.install_files.len(), 1_000);
    assert!(many.unfollowed.unwrap().contains("more than 1000 files"));
    assert!(many.work > 16_000, "a key names them all: {}", many.work);
}

#[test]
fn modules_of_one_noxfile_are_bounded_together() {
    let module = leaked("def f():\n".to_owned() + &"    x = 1\n".repeat(30_000));
    let import = |count: usize| {
        let imports: String = (0..count).map(|i| format!("import m{i}\n")).collect();
        let mut files = vec![("noxfile.py", leaked(imports + HEAD))];
        files.extend((0..count).map(|i| (leaked(format!("m{i}.py")), module)));
        call_in(&files, "", "", &[])
    };
    assert_eq!(import(2).undecided, [""; 0]);
    let undecided = import(6).undecided;
    assert!(undecided.iter().any(|why| why.contains("1024 KiB of modules")), "{undecided:?}");
}
