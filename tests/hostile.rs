//! Repositories written to break the program: each is answered in bounded time, without a panic.
//!
//! The inputs are made up. What is too large, too deep or too many is not read further
//! (`docs/limits.md`).

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";
const NOXFILE: &str =
    "import nox\n\n@nox.session\ndef tests(session):\n    session.install('pytest')\n";
const DEEP: usize = 100_000;
const HUGE: usize = 100 * 1024 * 1024;
/// Far more than any of these takes, even unoptimised and beside other tests.
const LIMIT: Duration = Duration::from_secs(120);

/// A repository with these files and a plain noxfile, which a file may replace.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (path, text) in [("noxfile.py", NOXFILE)].iter().chain(files) {
        put(&folder.path().join(path), text.as_bytes());
    }
    folder
}

fn put(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Checks the repository; it must end by itself, with an exit code of its own.
fn check(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("cachelint").unwrap();
    let output =
        command.args(arguments).current_dir(folder.path()).timeout(LIMIT).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0..=2)), "{:?}: {said}", output.status);
    assert!(!said.contains("panicked"), "{said}");
    output
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// A workflow whose only job runs `script`, with `more` lines in the job.
fn workflow(script: &str, more: &str) -> String {
    let script = serde_json::to_string(script).unwrap();
    format!(
        "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n{more}    steps:\n      - uses: actions/checkout@v5\n      - run: {script}\n"
    )
}

#[test]
fn aliases_that_multiply() {
    let mut bomb = "a: &k0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..25 {
        let aliases = vec![format!("*k{}", level - 1); 9].join(",");
        bomb.push_str(&format!("k{level}: &k{level} [{aliases}]\n"));
    }
    let steps: String =
        (1..30).map(|n| format!("x{n}: &x{n} [*x{}, *x{}]\n", n - 1, n - 1)).collect();
    let steps = format!(
        "on: push\nx0: &x0 [{{run: nox}}]\n{steps}jobs:\n  t:\n    runs-on: x\n    steps: *x29\n"
    );
    let legs: String = (0..30).map(|n| format!("        a{n}: [1,2,3,4,5,6,7,8,9,10]\n")).collect();
    let legs = workflow("nox", &format!("    strategy:\n      matrix:\n{legs}"));
    for text in [bomb + &workflow("nox", ""), steps, legs] {
        check(&repository(&[(CI, &text)]), &["--fix"]);
    }
}

#[test]
fn nesting_without_end() {
    let open_close =
        |open: &str, middle: &str, close: &str| open.repeat(DEEP) + middle + &close.repeat(DEEP);
    for text in [
        "- ".repeat(DEEP) + "x\n",
        format!("a: {}\n", open_close("[", "", "]")),
        format!("a: {}\n", open_close("{a: ", "", "}")),
        (0..1000).map(|n| " ".repeat(n) + "a:\n").collect(),
    ] {
        let output = check(&repository(&[(CI, &text)]), &[]);
        assert_eq!(output.status.code(), Some(2), "{}", &text[..20]);
    }
    let expressions = [
        ("(", "1", ")"),
        ("!", "1", ""),
        ("1 && ", "1", ""),
        ("x", ".b", ""),
        ("format(", "1", ")"),
    ];
    let expressions = expressions
        .map(|(open, middle, close)| format!("${{{{ {} }}}}", open_close(open, middle, close)));
    let scripts = [
        open_close("$(", "nox", ")"),
        open_close("(", "nox", ")"),
        "if true; then ".repeat(5000) + "nox" + &"; fi".repeat(5000),
        "env ".repeat(40_000) + "nox",
        "nox -s ".to_owned() + &open_close("{a,", "b", "}"),
    ];
    for script in expressions.iter().chain(&scripts) {
        for shell in ["bash", "pwsh", "cmd"] {
            let defaults = format!("    defaults: {{ run: {{ shell: {shell} }} }}\n");
            check(&repository(&[(CI, &workflow(script, &defaults))]), &[]);
        }
    }
    for python in [
        format!("x = {}\n", open_close("(", "", ")")),
        format!("x = {}1\n", "not ".repeat(DEEP)),
        format!("x = 1{}\n", "+1".repeat(DEEP)),
        "import nox\nX = 'a'\n".to_owned()
            + &"X = X + X\n".repeat(60)
            + "@nox.session(python=X)\ndef t(s): s.install(X)\n",
        "import nox\n@nox.session(python=[str(i) for i in range(10**9)])\ndef t(s): s.install('x' * 10**12)\n"
            .to_owned(),
        "import nox\ndef f(): return f()\n@nox.session(python=f())\ndef t(s): s.install(f())\n".to_owned(),
        "from noxfile import *\n".to_owned() + NOXFILE,
    ] {
        check(&repository(&[(CI, &workflow("nox", "")), ("noxfile.py", &python)]), &[]);
    }
    let starters = "make nox\nmake a\njust nox\njust a\nnpm run a\ntox\nuv run nox\npre-commit run -a\ninvoke x";
    check(
        &repository(&[
            (CI, &workflow(starters, "")),
            ("pyproject.toml", &format!("[tool.nox]\nx = {}\n", open_close("[", "", "]"))),
            ("package.json", &format!("{{\"scripts\": {{\"a\": {}}}}}", open_close("[", "", "]"))),
            (
                "Makefile",
                &format!(
                    "a: a\n\t$(MAKE) a\nX=$(Y)\nY=$(X)\nnox:\n\t{}\n",
                    open_close("$(", "nox", ")")
                ),
            ),
            ("justfile", &format!("a: a\n  just a\nnox:\n  {{{{{}\n", "(".repeat(DEEP))),
            (".pre-commit-config.yaml", &format!("repos: {}\n", "[".repeat(DEEP))),
            ("tox.ini", &format!("[testenv]\ncommands = nox {}\n", "{".repeat(DEEP))),
            ("tasks.py", &"(".repeat(DEEP)),
            (".github/cachelint.yml", "ignore: []\n"),
        ]),
        &[],
    );
}

#[test]
fn lines_of_a_hundred_megabytes() {
    let huge = format!("#{}", "x".repeat(HUGE));
    let output = check(&repository(&[(CI, &huge)]), &[]);
    assert!(text(&output.stderr).contains("larger than"), "{}", text(&output.stderr));
    let folder =
        repository(&[(CI, &workflow("make nox\n./run.sh\nnox", "")), ("noxfile.py", &huge)]);
    for name in ["Makefile", "run.sh", "uv.lock", "pyproject.toml"] {
        fs::hard_link(folder.path().join("noxfile.py"), folder.path().join(name)).unwrap();
    }
    check(&folder, &["--fix"]);
    // Small enough to be read, but nothing that a terminal could show.
    let wide = "(".repeat(70_000) + "nox";
    let output = check(&repository(&[(CI, &workflow(&wide, ""))]), &["-v"]);
    assert!(output.stdout.len() < 100_000);
}

#[test]
fn patterns_that_explode() {
    let patterns =
        ["**/".repeat(500) + "a", "*a".repeat(200) + "b", "[a-z]".repeat(300), "?".repeat(5000)];
    let patterns = patterns.map(|pattern| format!("'{pattern}'")).join(", ");
    let cache = format!(
        "      - uses: actions/cache@v5\n        with:\n          path: .nox\n          key: nox-${{{{ hashFiles({patterns}) }}}}\n"
    );
    let workflow = workflow("nox", "").replace("      - run", &(cache + "      - run"));
    let deep = vec!["a"; 60].join("/");
    let files: Vec<String> = (0..200).map(|n| format!("{deep}/{n}{}", "a".repeat(60))).collect();
    let mut all = vec![(CI, workflow.as_str())];
    all.extend(files.iter().map(|path| (path.as_str(), "x")));
    let output = check(&repository(&all), &[]);
    assert!(
        text(&output.stdout).contains("nox/"),
        "the cache is audited: {}",
        text(&output.stdout)
    );
}

#[test]
fn calls_in_circles_and_out_of_the_repository() {
    let action = "runs:\n  using: composite\n  steps:\n    - uses: ./\n    - uses: ./\n    - run: nox\n      shell: bash\n";
    let workflow = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/ci.yml\n  b:\n    runs-on: x\n    steps:\n      - uses: ./\n      - uses: ./../..\n      - uses: ./../../etc\n      - run: nox -f ../../../etc/passwd\n      - run: nox -f /etc/passwd\n      - run: cd ../.. && nox\n";
    check(&repository(&[(CI, workflow), ("action.yml", action)]), &["--fix"]);
}

#[cfg(unix)]
mod links_and_devices {
    use std::os::unix::fs::symlink;

    use super::*;

    const SECRET: &str = "import nox\n\n@nox.session(name='secret')\ndef tests(session):\n    session.install('x')\n";

    #[test]
    fn nothing_is_read_through_a_link_out_of_the_repository() {
        let outside = tempfile::tempdir().unwrap();
        put(&outside.path().join("noxfile.py"), SECRET.as_bytes());
        put(&outside.path().join("settings.yml"), b"secret: [\n");
        put(&outside.path().join("action.yml"), b"secret: [\n");
        let folder =
            repository(&[(CI, &workflow("nox", "").replace("actions/checkout@v5", "./linked"))]);
        fs::remove_file(folder.path().join("noxfile.py")).unwrap();
        for (target, link) in [
            ("noxfile.py", "noxfile.py"),
            ("settings.yml", ".github/cachelint.yml"),
            ("action.yml", ".github/workflows/linked.yml"),
            ("", "linked"),
        ] {
            symlink(outside.path().join(target), folder.path().join(link)).unwrap();
        }
        symlink(folder.path(), folder.path().join("loop")).unwrap();
        symlink("self.yml", folder.path().join(".github/workflows/self.yml")).unwrap();
        for arguments in [["-v", "--show-timeline"], ["-v", "--fix"]] {
            let output = check(&folder, &arguments);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(!said.contains("secret"), "{said}");
        }
        assert_eq!(fs::read_to_string(outside.path().join("action.yml")).unwrap(), "secret: [\n");
    }

    #[test]
    fn pipes_and_devices_do_not_block() {
        let folder = repository(&[(CI, &workflow("nox\nmake nox", ""))]);
        for name in
            ["noxfile.py", "Makefile", "pyproject.toml", ".github/workflows/pipe.yml", "action.yml"]
        {
            let path = folder.path().join(name);
            let _ = fs::remove_file(&path);
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
        check(&folder, &[]);
        let output = check(
            &folder,
            &["--fix", ".github/workflows/pipe.yml", "action.yml", "/dev/zero", "/dev/null"],
        );
        assert_eq!(text(&output.stderr).matches("error: ").count(), 4, "{}", text(&output.stderr));
    }

    /// `> >(command)` is a pipe with a reader; one without would be waited for.
    #[test]
    fn nothing_is_written_to_a_pipe_that_nobody_reads() {
        let folder = repository(&[(CI, &workflow("nox", ""))]);
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for option in ["--output-file", "--summary-file"] {
            let output = check(&folder, &[option, "pipe"]);
            assert_eq!(output.status.code(), Some(2));
            assert!(text(&output.stderr).contains("nobody reads"), "{}", text(&output.stderr));
        }
    }

    #[test]
    fn names_that_are_not_text_are_refused_one_by_one() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let folder = repository(&[(CI, &workflow("nox", ""))]);
        let workflows = folder.path().join(".github/workflows");
        for name in [b"a\xff.yml", b"a\xfe.yml"] {
            if fs::write(workflows.join(OsStr::from_bytes(name)), workflow("nox", "")).is_err() {
                eprintln!("skipped: this file system has no such names");
                return;
            }
        }
        let output = check(&folder, &["--fix"]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr).matches("isn't UTF-8").count(), 2);
        let left = fs::read(workflows.join(OsStr::from_bytes(b"a\xff.yml"))).unwrap();
        assert_eq!(text(&left), workflow("nox", ""));
    }

    /// As root everything may be read, and the test shows nothing.
    #[test]
    fn a_noxfile_that_may_not_be_read_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let folder = repository(&[(CI, &workflow("nox", ""))]);
        let noxfile = folder.path().join("noxfile.py");
        fs::set_permissions(&noxfile, fs::Permissions::from_mode(0o0)).unwrap();
        if fs::read(&noxfile).is_ok() {
            eprintln!("skipped: the superuser reads every file");
            return;
        }
        let output = check(&folder, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("noxfile.py: can't be read"));
    }

    #[test]
    fn names_neither_command_a_terminal_nor_a_runner() {
        let name = "x\\n::error::forged\\e[31m\\r\\u202e##[error]forged";
        let workflow = format!(
            "on: push\njobs:\n  \"{name}\":\n    name: \"{name}\"\n    runs-on: \"{name}\"\n    strategy: {{ matrix: {{ \"{name}\": [\"{name}\", b] }} }}\n    steps:\n      - uses: actions/checkout@v5\n      - uses: \"actions/cache@v1{name}\"\n        with: {{ path: \".nox{name}\", key: \"k,{name}\", restore-keys: \"r{name}\" }}\n      - run: \"nox -s '{name}' --envdir 'e{name}'\"\n      - run: nox\n"
        );
        let shapes = format!("\"{name}\": 1\njobs: {{ \"{name}\": 3 }}\n");
        let folder = repository(&[
            (CI, &workflow),
            (".github/workflows/a\n::error::forged\u{1b}[31m.yml", &workflow),
            (".github/workflows/b%0A,::error::forged.yml", &workflow),
            (".github/workflows/c\n::error::forged.yml", "a: [\n"),
            (".github/workflows/shapes.yml", &shapes),
            ("noxfile.py", &NOXFILE.replace("'pytest'", "'pytest\\n::error::forged'")),
        ]);
        let ways: [&[&str]; 10] = [
            &["--output-format=full"],
            &["--output-format=concise"],
            &["--output-format=markdown"],
            &["--output-format=pull-request"],
            &["--output-format=github"],
            &["--output-format=json"],
            &["--output-format=sarif"],
            &["--show-timeline"],
            &["--statistics"],
            &["--show-files"],
        ];
        for way in ways {
            let output = check(&folder, &[way, &["-v", "--isolated"]].concat());
            for line in (text(&output.stdout) + &text(&output.stderr)).lines() {
                let ours = way == ["--output-format=github"]
                    && ["::error file=", "::warning file=", "::notice file="]
                        .iter()
                        .any(|start| line.starts_with(start));
                assert!(ours || !line.trim_start().starts_with("::"), "{way:?}: {line:?}");
                assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{way:?}: {line:?}");
            }
        }
    }
}

#[test]
fn actions_that_use_each_other_many_times() {
    let steps = |run: &str| -> String {
        let uses = |n: usize| format!("    - {{uses: ./.github/actions/a{n}}}\n");
        (0..20).map(uses).collect::<String>() + &format!("    - {{run: {run}, shell: bash}}\n")
    };
    for run in ["pytest", "nox"] {
        let action = format!("runs:\n  using: composite\n  steps:\n{}", steps(run));
        let workflow = format!(
            "on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n{}",
            steps("pytest")
        );
        let actions: Vec<String> =
            (0..20).map(|n| format!(".github/actions/a{n}/action.yml")).collect();
        let mut files: Vec<(&str, &str)> =
            actions.iter().map(|path| (path.as_str(), action.as_str())).collect();
        files.push((CI, &workflow));
        check(&repository(&files), &[]);
    }
}

#[test]
fn a_script_that_reads_itself_many_times() {
    let again = ". ./a.sh\n".repeat(10_000);
    for script in [again.clone(), "bash a.sh\n".to_owned()] {
        check(&repository(&[(CI, &workflow(&(script + "nox"), "")), ("a.sh", &again)]), &[]);
    }
}

#[test]
fn a_python_file_that_is_too_large_to_read_is_said() {
    let script = "# as long as a bundle\n".repeat(30_000) + "import subprocess\n";
    for (command, name) in [("python tools.py", "tools.py"), ("nox -f other.py", "other.py")] {
        let output = check(&repository(&[(CI, &workflow(command, "")), (name, &script)]), &["-v"]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains(&format!("`{name}` isn't readable text, or is too large")), "{said}");
    }
}

#[test]
fn many_workflows_that_pass_files_to_many_others() {
    let head = "    runs-on: ubuntu-latest\n    steps:\n";
    let upload = "      - uses: actions/upload-artifact@v5\n        with: {name: a, path: x}\n";
    let download = "      - uses: actions/download-artifact@v5\n        with: {name: b}\n      - run: tar xf e.tar\n";
    let test = format!("name: CI\non: push\njobs:\n  t:\n{head}      - run: nox\n{upload}");
    let publish =
        format!("on: {{workflow_run: {{workflows: [CI]}}}}\njobs:\n  p:\n{head}{download}");
    let path = |kind: &str, number: usize| format!(".github/workflows/{kind}-{number}.yml");
    let files: Vec<(String, &str)> = (0..500)
        .flat_map(|number| [(path("ci", number), &*test), (path("publish", number), &*publish)])
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    check(&repository(&files), &["--output-format", "concise"]);
}
