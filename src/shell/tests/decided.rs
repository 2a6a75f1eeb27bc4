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
