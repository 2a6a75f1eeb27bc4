//! What is known although a script doesn't say it plainly: branches, inputs of a launcher, the folder
//! of the script.

use super::*;

#[test]
fn branches_whose_test_is_known() {
    for (script, expected) in [
        ("if [ \"$SESSION\" = lint ]; then nox -s a; else nox -s b; fi", vec![("a", false)]),
        ("if [[ $SESSION != lint ]]; then nox -s a; else nox -s b; fi", vec![("b", false)]),
        (
            "if [ \"$SESSION\" = x ]; then nox -s a; elif test -f y; then nox -s b; fi",
            vec![("b", true)],
        ),
        ("if [ -z \"$SESSION\" ]; then nox -s a; fi", vec![]),
        ("if [ -n \"$SESSION\" ] && [ $SESSION = lint ]; then nox -s a; fi", vec![("a", false)]),
        ("if [[ $SESSION == l* ]]; then nox -s a; fi", vec![("a", true)]),
        ("if [ \"$OTHER\" = x ]; then nox -s a; else nox -s b; fi", vec![("a", true), ("b", true)]),
        ("if ! [ $SESSION = lint ]; then nox -s a; fi", vec![]),
        (
            "case $SESSION in docs) nox -s a;; lint|x) nox -s b;; *) nox -s c;; esac",
            vec![("b", false)],
        ),
        ("case \"$SESSION\" in li*) nox -s a;; *) nox -s b;; esac", vec![("a", false)]),
        ("case $SESSION in docs) nox -s a;; esac", vec![]),
        ("case $SESSION in [kl]int) nox -s a;; *) nox -s b;; esac", vec![("a", true), ("b", true)]),
        ("case $OTHER in x) nox -s a;; *) nox -s b;; esac", vec![("a", true), ("b", true)]),
    ] {
        let found = nox(script);
        let found: Vec<_> =
            found.iter().map(|c| (c.args[1].value.clone().unwrap(), c.conditional)).collect();
        let expected: Vec<_> = expected.iter().map(|(s, c)| ((*s).to_owned(), *c)).collect();
        assert_eq!(found, expected, "{script}");
    }
}

#[test]
fn names_that_a_script_gives_to_a_program() {
    let count = |shell: Shell, script: &str| nox_in(&shell, script, &[]).len();
    assert_eq!(count(Shell::Bash, "alias n='python -m nox'\nn -s lint"), 1);
    assert_eq!(count(Shell::Bash, "alias n=ls\nn -s lint"), 0);
    assert_eq!(count(Shell::Bash, "alias n='cd x; nox'\nn -s lint"), 0, "more than a command");
    for script in ["Set-Alias n nox\nN -s lint", "New-Alias -Name n -Value nox\nn -s lint"] {
        assert_eq!(count(Shell::PowerShell, script), 1, "{script}");
    }
    // A bash script expands no alias, so the program itself runs.
    let own = |shell: Shell, before: &str| {
        let found = nox_in(&shell, &format!("{before}alias nox='nox -r'\nnox -s lint"), &[]);
        assert_eq!(found.len(), 1, "{before}");
        found[0].args.len()
    };
    assert_eq!(own(Shell::Bash, ""), 2);
    assert_eq!(own(Shell::Bash, "shopt -s expand_aliases\n"), 3);
    assert_eq!(own(Shell::Bash, "shopt -s expand_aliases\nshopt -u expand_aliases\n"), 2);
    assert_eq!(own(Shell::Bash, "shopt -s nullglob\n"), 2);
    assert_eq!(own(Shell::Sh, ""), 3);
    // What the alias stands for isn't written where it is used.
    assert_eq!(with_flag(&Shell::Bash, "alias n=nox\nn -s a"), "alias n=nox\nn -s a");
}

#[test]
fn lists_that_are_written_out() {
    let sessions = |shell: Shell, script: &str| {
        let found = nox_in(&shell, script, &[]);
        assert_eq!(found.len(), 1, "{script}");
        (found[0].args[1].choices(), found[0].conditional)
    };
    let both = || (vec!["a".to_owned(), "b".to_owned()], false);
    assert_eq!(sessions(Shell::Bash, "for s in {a,b}; do nox -s $s; done"), both());
    for list in ["'a', 'b'", "@(\"a\", \"b\")"] {
        let script = format!("foreach ($s in {list}) {{ nox -s $s }}");
        assert_eq!(sessions(Shell::PowerShell, &script), both(), "{script}");
    }
    let open = sessions(Shell::PowerShell, "foreach ($s in Get-Sessions) { nox -s $s }");
    assert_eq!(open, (vec![], true));
    assert_eq!(values(&nox("nox -s {a,b}")[0].args), [Some("-s"), Some("a"), Some("b")]);
}

#[test]
fn functions_of_a_script_that_is_read_with_source() {
    let library = "run() { nox -s \"$1\"; }\nprepare() { made() { nox -s made; }; }\n\
                   both() { run a; run b; }\nloop() { loop; }\n\
                   a() { b; }\nb() { c; }\nc() { d; }\nd() { e; }\ne() { nox -s deep; }\n\
                   ping() { pong; }\npong() { ping; nox -s pong; }\n\
                   retry() { \"$@\" || true; }\n";
    let sessions = |script: &str| {
        let files = |path: &str| match path {
            "ci/lib.sh" => Some(library.to_owned()),
            "ci/end.sh" => Some("exit 0\n".to_owned()),
            _ => None,
        };
        let given = Given { vars: &|_| None, files: &files };
        let found = commands_given(&Shell::Bash, &Expanded::new(script, &[]), &given);
        let found = found.iter().flat_map(|c| calls(c, "nox"));
        found.map(|c| c.args[1].value.clone()).collect::<Vec<_>>()
    };
    let session = |name: &str| Some(name.to_owned());
    assert_eq!(sessions("source ci/lib.sh\nrun lint"), [session("lint")]);
    assert_eq!(sessions(". ci/lib.sh; both"), [session("a"), session("b")]);
    assert_eq!(sessions("run() { ls; }; . ci/lib.sh; run last"), [session("last")]);
    assert_eq!(sessions(". ci/lib.sh; run() { nox -s own; }; run last"), [session("own")]);
    assert_eq!(sessions(". ci/lib.sh; prepare; made"), [session("made")]);
    assert_eq!(sessions(". ci/end.sh; nox -s next"), [session("next")]);
    assert_eq!(sessions("source ci/lib.sh\nloop"), []);
    assert_eq!(sessions("source ci/lib.sh\na"), [session("deep")]);
    assert_eq!(sessions("source ci/lib.sh\nping"), [session("pong")]);
    for script in [
        "own() { nox -s own; }; . ci/lib.sh; retry own",
        ". ci/lib.sh; own() { nox -s own; }; retry retry own",
        ". ci/lib.sh; a() { own; }; own() { nox -s own; }; a",
    ] {
        let expected = if script.contains("retry retry") { vec![] } else { vec![session("own")] };
        assert_eq!(sessions(script), expected, "{script}");
    }
    let chain = |i: usize| format!("f{i}() {{ f{}; }}\n", i + 1);
    let chain: String = (0..100).map(chain).collect();
    let files = |path: &str| (path == "ci/lib.sh").then(|| chain.clone());
    let given = Given { vars: &|_| None, files: &files };
    let script = Expanded::new(". ci/lib.sh; f0", &[]);
    let (_, cut) = commands_and_cut(&Shell::Bash, &script, &given);
    assert_eq!(cut.as_deref(), Some("a script is nested deeper than 48 levels"));
    assert_eq!(sessions("run lint"), []);
}

#[test]
fn comparisons_of_texts_in_powershell_and_cmd() {
    for (shell, script, expected) in [
        (
            Shell::PowerShell,
            "if ('x' -ne 'true') { nox -s a } else { nox -s b }",
            vec![("a", false)],
        ),
        (Shell::PowerShell, "if ($env:SESSION -eq 'docs') { nox -s a }", vec![]),
        (
            Shell::PowerShell,
            "if ($env:SESSION -eq 'docs') { nox -s a } else { nox -s b }",
            vec![("b", false)],
        ),
        (
            Shell::PowerShell,
            "if ($x -eq 'docs') { nox -s a } else { nox -s b }",
            vec![("a", true), ("b", true)],
        ),
        (Shell::Cmd, "if not \"%SESSION%\"==\"lint\" nox -s a", vec![]),
        (Shell::Cmd, "if /i \"%SESSION%\"==\"LINT\" nox -s a", vec![("a", false)]),
        (Shell::Cmd, "if \"%OTHER%\"==\"x\" nox -s a", vec![("a", true)]),
    ] {
        let found = nox_in(&shell, script, &[]);
        let found: Vec<_> =
            found.iter().map(|c| (c.args[1].value.clone().unwrap(), c.conditional)).collect();
        let expected: Vec<_> = expected.iter().map(|(s, c)| ((*s).to_owned(), *c)).collect();
        assert_eq!(found, expected, "{script}");
    }
}

#[test]
fn folders_that_python_deletes_are_commands() {
    let of = |script: &str| {
        let found = commands(&Shell::Python, &Expanded::new(script, &[]), &|_| None);
        found
            .iter()
            .flat_map(|c| values(&c.words).into_iter().map(|v| v.map(str::to_owned)))
            .collect::<Vec<_>>()
    };
    let removed = |path: &str| ["rm", "-r", path].map(|word| Some(word.to_owned())).to_vec();
    assert_eq!(of("import shutil\nshutil.rmtree('.nox', ignore_errors=True)"), removed(".nox"));
    assert_eq!(of("shutil.rmtree(Path('.nox'))"), removed(".nox"));
    assert_eq!(of("shutil.rmtree(folder)").last(), Some(&None));
    assert_eq!(of("print('rmtree')"), []);
}

#[test]
fn parallel_gives_its_inputs_to_the_program() {
    let session = |script: &str| {
        let found = nox(script);
        assert_eq!(found.len(), 1, "{script}");
        let last = found[0].args.last().unwrap();
        (last.value.clone(), last.choices())
    };
    let both = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(session("parallel nox -s ::: a b"), (None, both()));
    assert_eq!(session("parallel -j 2 --halt now,fail=1 nox -s {} ::: a b"), (None, both()));
    assert_eq!(session("ls x | parallel nox -s"), (None, vec![]));
    assert_eq!(session("parallel nox -s {1}-{2} ::: a b ::: c"), (None, vec![]));
    assert_eq!(nox("parallel 'nox -s {}' ::: a b").len(), 0, "a script is not read");
    assert_eq!(nox("parallel --dry-run nox -s ::: a").len(), 0);
    assert_eq!(with_flag(&Shell::Bash, "parallel nox -s ::: a"), "parallel nox -r -s ::: a");
}

#[test]
fn a_script_finds_its_own_folder() {
    let vars = |name: &str| (name == "0").then(|| "/repo/ci/run".to_owned());
    for (shell, script) in [
        (Shell::PowerShell, "Set-Location $PSScriptRoot/..\npython -m nox"),
        (Shell::PowerShell, "cd \"$PSScriptRoot/..\"\r\nnox"),
        (Shell::Cmd, "cd /d %~dp0..\r\ncall nox"),
        (Shell::Bash, "cd `dirname $0`/..\nnox"),
        (
            Shell::Bash,
            "D=\"$(cd -- \"$(dirname -- \"${BASH_SOURCE[0]}\")\" &>/dev/null && pwd -P)\"\ncd \"$D/..\"\nnox",
        ),
        (
            Shell::Bash,
            "D=$(cd \"$(dirname \"${BASH_SOURCE[0]:-$0}\")\" >/dev/null 2>&1 && pwd)\ncd $D/..\nnox",
        ),
    ] {
        let found = commands(&shell, &Expanded::new(script, &[]), &vars);
        let found: Vec<Call> = found.iter().flat_map(|c| calls(c, "nox")).collect();
        assert_eq!(found.len(), 1, "{script}");
        assert_eq!(found[0].directory, Directory::Into("/repo".to_owned()), "{script}");
    }
    let vars = |name: &str| (name == "1").then(|| "lint".to_owned());
    let found = commands(&Shell::Cmd, &Expanded::new("nox -s %1 %*", &[]), &vars);
    assert_eq!(values(&found[0].words), [Some("nox"), Some("-s"), Some("lint"), None]);
    let root = |name: &str| (name == TOP_FOLDER).then(|| "/repo".to_owned());
    let found = commands(
        &Shell::Bash,
        &Expanded::new("cd `git rev-parse --show-toplevel`\nnox", &[]),
        &root,
    );
    assert_eq!(found[1].directory, Directory::Into("/repo".to_owned()));
}
