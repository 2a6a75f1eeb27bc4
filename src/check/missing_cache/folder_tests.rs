//! Where the environments are, and what takes them away.

use super::ID;
use crate::base::finding::Finding;
use crate::config::Config;
use crate::testing::{job, outcome};

const NOXFILE: &str =
    "import nox\n@nox.session\ndef lint(session):\n    session.install('ruff==0.14.0')\n";
const SETUP: &str = "- uses: actions/checkout@v6\n- uses: actions/setup-python@v6\n  with: {python-version: '3.13'}\n";

fn of(head: &str, steps: &str, files: &[(&str, &str)]) -> Option<Finding> {
    let workflow = job(head, steps);
    let mut all = vec![("noxfile.py", NOXFILE), (".github/workflows/ci.yml", workflow.as_str())];
    all.extend(files);
    outcome(&all, &Config::default()).findings.into_iter().find(|f| f.rule == ID)
}

fn with_setup(steps: &str) -> Finding {
    let makefile = ("Makefile", "clean:\n\t$(RM) -r .nox\n");
    of("runs-on: ubuntu-latest", &format!("{SETUP}{steps}"), &[makefile]).unwrap()
}

/// A pattern for the whole folder would bring the files of the last run back, whatever is excluded.
#[test]
fn what_sessions_leave_beside_their_environments_is_not_cached() {
    for (uses, lines) in [
        ("", vec![".nox"]),
        ("session.create_tmp()", vec![".nox/*/*", "!.nox/*/tmp"]),
        ("print(session.cache_dir)", vec![".nox/*/*", "!.nox/.cache/*"]),
    ] {
        let noxfile = format!("{NOXFILE}    {uses}\n");
        let files = [("noxfile.py", noxfile.as_str())];
        let steps = format!("{SETUP}- run: nox -s lint\n");
        let fix = of("runs-on: ubuntu-latest", &steps, &files).unwrap().fix.unwrap();
        let edit = fix.edits.iter().find(|edit| edit.content.contains("path:")).unwrap();
        let (_, after) = edit.content.split_once("path:").unwrap();
        let (path, _) = after.split_once("key:").unwrap();
        let written: Vec<&str> = path.split_whitespace().filter(|word| *word != "|").collect();
        assert_eq!(written, lines, "{uses}");
    }
}

#[test]
fn the_runners_own_folders_are_cached_where_they_are() {
    for (call, path) in [
        ("nox --envdir \"$RUNNER_TEMP/envs\" -s lint", "${{ runner.temp }}/envs"),
        ("nox --envdir=${RUNNER_TEMP}/envs -s lint", "${{ runner.temp }}/envs"),
        ("nox --envdir '${{ runner.temp }}/envs' -s lint", "${{ runner.temp }}/envs"),
        ("nox --envdir \"$HOME/.envs\" -s lint", "~/.envs"),
        ("nox --envdir=$HOME/.envs -s lint", "~/.envs"),
        ("nox --envdir ~/.envs -s lint", "~/.envs"),
    ] {
        let steps = format!("- run: |\n    {call}\n");
        let finding = with_setup(&steps);
        assert!(finding.message.contains(path), "{call}: {}", finding.message);
        let fix = finding.fix.unwrap_or_else(|| panic!("{call}: {:?}", finding.no_fix_reason));
        let written = format!("path: {path}\n");
        assert!(fix.edits.iter().any(|e| e.content.contains(&written)), "{call}: {fix:?}");
        let cache = format!("- uses: actions/cache@v6\n  with: {{path: '{path}', key: x}}\n");
        assert!(of("runs-on: ubuntu-latest", &format!("{SETUP}{cache}{steps}"), &[]).is_none());
    }
    for (option, path) in [
        ("str(Path.home() / '.envs')", Some("~/.envs")),
        ("os.path.expanduser('~/.envs')", Some("~/.envs")),
        ("os.path.join(os.environ['RUNNER_TEMP'], 'envs')", Some("${{ runner.temp }}/envs")),
        ("'~/.envs'", None),
    ] {
        let noxfile = format!(
            "import os, nox\nfrom pathlib import Path\nnox.options.envdir = {option}\n{}",
            NOXFILE.replacen("import nox\n", "", 1)
        );
        let steps = format!("{SETUP}- run: nox -s lint\n");
        let finding = of("runs-on: ubuntu-latest", &steps, &[("noxfile.py", &noxfile)]).unwrap();
        let written = path.map(|path| format!("path: {path}\n"));
        let fixed = |fix: crate::base::finding::Fix| {
            fix.edits.iter().any(|e| written.as_ref().is_some_and(|w| e.content.contains(w)))
        };
        assert_eq!(finding.fix.is_some_and(fixed), path.is_some(), "{option}");
    }
    let literal = with_setup("- run: nox --envdir=~/.envs -s lint\n");
    assert!(literal.fix.is_none(), "no shell expands it, and nox doesn't");
    let container = "runs-on: ubuntu-latest\ncontainer: python:3.13\n";
    let steps = format!("{SETUP}- run: nox --envdir \"$RUNNER_TEMP/envs\" -s lint\n");
    let finding = of(container, &steps, &[]).unwrap();
    assert!(finding.fix.is_none(), "`runner.temp` is a folder outside the container");
    let steps = format!("{SETUP}- run: nox -r --envdir $RUNNER_TEMP/envs -s lint\n");
    assert!(of("runs-on: self-hosted", &steps, &[]).is_some(), "it is emptied after each job");
}

#[test]
fn more_that_takes_the_folder_away() {
    for (script, taken) in [
        ("make clean\nnox -s lint", true),
        ("python -c \"import shutil; shutil.rmtree('.nox')\"\nnox -s lint", true),
        ("mv .nox /tmp/old\nnox -s lint", true),
        ("mv build .nox-old\nnox -s lint", false),
        ("nox -s lint\nmv .nox/coverage.xml .", false),
        ("mv -t build .nox/x\nnox -s lint", false),
        ("mv .nox /tmp/keep\n./reset.sh\nmv /tmp/keep .nox\nnox -s lint", false),
        ("mv .nox /tmp/keep\n./reset.sh\nmv /tmp/keep/.nox .\nnox -s lint", false),
        ("mv .nox/* /tmp/keep\nmv /tmp/keep/* .nox/\nnox -s lint", false),
        ("mv .nox /tmp/keep\nmv /tmp/keep other\nnox -s lint", true),
        ("git -C . clean -fdx\nnox -s lint", true),
        ("git -C docs clean -fdx\nnox -s lint", false),
        ("git clean -fdX\nnox -s lint", true),
        ("git clean -fdx -e.nox\nnox -s lint", false),
        ("git clean -fdx -e '!.nox'\nnox -s lint", true),
    ] {
        let script = script.replace('\n', "\n    ");
        let finding = with_setup(&format!("- run: |\n    {script}\n"));
        assert_eq!(finding.fix.is_none(), taken, "{script}: {:?}", finding.no_fix_reason);
    }
    let python = "- run: nox -s lint\n- shell: python\n  run: |\n    import shutil\n    shutil.rmtree('.nox')\n";
    assert!(with_setup(python).fix.is_none());
    let powershell = "- run: nox -s lint\n- shell: pwsh\n  run: Remove-Item -LiteralPath '.\\.nox' -Force -Recurse -ErrorAction Ignore\n";
    assert!(with_setup(powershell).fix.is_none());
}

#[test]
fn a_machine_that_says_so_keeps_what_no_checkout_cleans() {
    for (labels, call, expected) in [
        ("[self-hosted, gpu]", "git fetch && nox -r -s lint", false),
        ("[self-hosted, gpu]", "git clean -fdx && nox -r -s lint", true),
        ("my-runner", "git fetch && nox -r -s lint", true),
        ("ubuntu-latest", "git clone x . && nox -r -s lint", true),
    ] {
        let finding = of(&format!("runs-on: {labels}"), &format!("- run: {call}\n"), &[]);
        assert_eq!(finding.is_some(), expected, "{labels} {call}");
    }
}

#[test]
fn sources_that_no_checkout_brings() {
    let sdist = "- uses: actions/download-artifact@v5\n  with: {name: sdist}\n- run: |\n    tar --strip-components=1 -xzf *.tar.gz\n    nox -s lint\n";
    let finding = of("runs-on: ubuntu-latest", sdist, &[]).unwrap();
    let why = finding.no_fix_reason.unwrap();
    assert!(why.contains("`tar --strip-components=1 -xzf *.tar.gz` brings the files"), "{why}");
    let finding = of("runs-on: ubuntu-latest", "- run: nox -s lint\n", &[]).unwrap();
    let why = finding.no_fix_reason.unwrap();
    assert!(why.starts_with("no checkout step comes before nox"), "{why}");
}

#[test]
fn a_condition_is_the_same_with_and_without_its_braces() {
    let condition = "github.actor != 'dependabot[bot]'";
    let steps = format!(
        "- if: {condition}\n  run: nox --install-only -s lint\n- if: ${{{{ {condition} }}}}\n  run: nox -r -s lint\n"
    );
    let fix = with_setup(&steps).fix.unwrap();
    let conditions: usize = fix.edits.iter().map(|e| e.content.matches("if: ").count()).sum();
    assert!(conditions > 0, "{fix:?}");
    let other = steps.replace("${{ ", "${{ !");
    let fix = with_setup(&other).fix.unwrap();
    assert!(fix.edits.iter().all(|e| !e.content.contains("if: ")), "{fix:?}");
}

/// The cache action would read them as patterns, several paths or none, and `--fix` would add one
/// step after another.
#[test]
fn a_folder_that_no_line_of_a_path_names_is_not_cached() {
    for folder in ["a\\nb", " a", "!a", "#a", "a*"] {
        let finding = with_setup(&format!("- run: \"nox -s lint --envdir '{folder}'\"\n"));
        let reason = finding.no_fix_reason.as_deref().unwrap_or_default();
        assert!(finding.fix.is_none() && reason.contains("can't name the folder"), "{folder}");
    }
}
