//! Tasks of mise, and programs whose files are not read.

use super::{check, followed, sized};

const CONFIG: &str = r#"[tools]
python = "3.13"
[tasks]
lint = "nox -s lint"
[tasks.check]
alias = "c"
depends = ["lint"]
dir = "{{config_root}}/sub"
run = ["echo {{vars.x}}", { task = "docs" }, "nox -s check"]
[tasks.docs]
file = "ci/docs.sh"
[tasks.py]
shell = "python"
run = "import subprocess; subprocess.run(['nox'])"
[tasks.elsewhere]
dir = "{{vars.folder}}"
run = "nox"
"#;

#[test]
fn tasks_of_its_configuration() {
    check(
        &[("mise.toml", CONFIG), ("ci/docs.sh", "nox -s docs\n")],
        &[
            ("mise run lint", &["4: nox -s lint"]),
            ("mise run -q lint -- -v", &["4: nox -s lint -v"]),
            ("mise r lint --x", &["4: nox -s lint --x"]),
            ("mise lint", &["4: nox -s lint"]),
            ("mise tasks run lint", &["4: nox -s lint"]),
            (
                "mise run c",
                &[
                    "4: nox -s lint",
                    "9: echo unknown_value in sub",
                    "1: nox -s docs",
                    "9: nox -s check in sub",
                ],
            ),
            ("mise run lint ::: docs", &["4: nox -s lint", "1: nox -s docs"]),
            ("mise install", &[]),
            ("mise run --dry-run lint", &[]),
            ("mise run other", &[]),
        ],
    );
    let files = [("mise.toml", CONFIG)];
    for (line, said) in [
        ("mise run elsewhere", "the task `elsewhere` runs in an unknown folder"),
        ("mise run 'l*'", "cachelint doesn't know which task of `mise.toml` runs"),
        ("mise run $TASK", "cachelint doesn't know which task of `mise.toml` runs"),
    ] {
        assert_eq!(followed(&files, "", line).notes, [said], "{line}");
    }
}

/// `cwd` is where mise is called, not where its configuration is.
#[test]
fn the_folder_of_a_task_can_be_that_of_the_call() {
    let config = "[tasks.here]\ndir = \"{{ cwd }}/sub\"\nrun = \"nox\"\n";
    let out = followed(&[("mise.toml", config)], "docs", "mise run here");
    assert_eq!(out.file_scripts[0].folder, "docs/sub");
}

#[test]
fn tasks_that_are_files() {
    let python = "#!/usr/bin/env python3\nimport subprocess\nsubprocess.run(['nox'])\n";
    check(
        &[
            (".mise/tasks/ci/lint", "#!/bin/bash\nnox -s lint\n"),
            ("mise-tasks/all.sh", "nox\n"),
            ("mise-tasks/py", python),
            ("mise-tasks/docs/_default", "nox -s docs\n"),
        ],
        &[
            ("mise run ci:lint", &["1: #!/bin/bash\nnox -s lint"]),
            ("mise run all", &["1: nox"]),
            ("mise run py", &["3: nox"]),
            ("mise run docs", &["1: nox -s docs"]),
            ("mise run lint", &[]),
            ("mise docs", &["1: nox -s docs"]),
            ("mise use", &[]),
        ],
    );
    let included = "[task_config]\nincludes = ['more.toml', 'scripts']\n";
    check(
        &[("mise.toml", included), ("more.toml", "[t]\nrun = 'nox'\n"), ("scripts/u", "nox -l\n")],
        &[("mise run t", &["2: nox"]), ("mise run u", &["1: nox -l"])],
    );
    // What is included and what is around costs as well.
    let more: &str = "a = 'b'\n".repeat(1000).leak();
    let files = [("mise.toml", included), ("more.toml", more), ("docs/mise.toml", more)];
    assert!(sized(&files, "", "mise run t") > more.len());
    assert!(sized(&files, "docs", "mise run t") > 2 * sized(&files, "", "mise run t") - 500);
}

#[test]
fn tasks_of_folders_around() {
    let outer = "[tasks.tests]\nrun = 'nox'\ndepends = ['lint']\n[tasks.lint]\nrun = 'outer'\n";
    let inner = "[tools]\nnode = '20'\n[tasks.lint]\nrun = 'inner'\n[tasks.all]\nrun = [{task = 'tests'}, 'all']\n";
    let files = [("mise.toml", outer), ("docs/mise.toml", inner)];
    let scripts = |line: &str| {
        let found = followed(&files, "docs/api", line);
        let of = |s: &crate::follow::FileScript| format!("{} in {:?}", s.script, s.folder);
        (found.file_scripts.iter().map(of).collect::<Vec<_>>(), found.notes)
    };
    let lint = "inner in \"docs\"".to_owned();
    let tests = "nox in \"\"".to_owned();
    assert_eq!(scripts("mise run tests"), (vec![lint.clone(), tests.clone()], vec![]));
    let all = "all in \"docs\"".to_owned();
    assert_eq!(scripts("mise run all"), (vec![lint, tests, all], vec![]));
    let said = "cachelint doesn't know which task of `docs/mise.toml` runs".to_owned();
    assert_eq!(scripts("mise run other"), (vec![], vec![said]));
}

#[test]
fn files_that_are_not_read_are_said() {
    let rake = "task :spec do\n  sh \"nox -s tests\"\nend\n";
    let said = |files: &[(&'static str, &'static str)], line: &str| {
        followed(files, "sub", line).notes.len()
    };
    assert_eq!(said(&[("Rakefile", rake)], "rake spec"), 1);
    assert_eq!(said(&[("Rakefile", rake)], "bundle exec rake"), 1);
    assert_eq!(said(&[("Rakefile", "# nox -s tests\ntask :spec\n")], "rake spec"), 0);
    const TOLD: &str = "message(\n  FATAL_ERROR \"(try) use\n   nox -s build\")\n";
    const RUN: &str = "message(STATUS \"x\")\nadd_custom_target(docs COMMAND nox -s docs)\n";
    assert_eq!(said(&[("CMakeLists.txt", TOLD)], "cmake -S . -B build"), 0);
    assert_eq!(said(&[("CMakeLists.txt", RUN)], "cmake -S . -B build"), 1);
    assert_eq!(said(&[("Earthfile", "test:\n  RUN nox -s tests\n")], "earthly +test"), 1);
    assert_eq!(said(&[("Rakefile", rake)], "make spec"), 0);
}
