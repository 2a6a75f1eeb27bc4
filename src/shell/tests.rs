use super::*;

mod decided;
mod hostile;

/// Holes of `script`; those named in `values` have a value.
fn expand(script: &str, values: &[(&str, &str)]) -> Expanded {
    let mut holes = Vec::new();
    let mut at = 0;
    while let Some(start) = script[at..].find("${{").map(|i| at + i) {
        let end = script[start..].find("}}").map_or(script.len(), |i| start + i + 2);
        let name = script[start + 3..end - 2].trim();
        holes.push((
            Span::new(start, end),
            values.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
        ));
        at = end;
    }
    Expanded::new(script, &holes)
}

fn nox_in(shell: &Shell, script: &str, values: &[(&str, &str)]) -> Vec<Call> {
    let expanded = expand(script, values);
    let vars = |name: &str| match name {
        "SESSION" => Some("lint".to_owned()),
        "NOX_COMMAND" => Some("nox -s docs".to_owned()),
        _ => None,
    };
    let found = commands(shell, &expanded, &vars);
    for command in &found {
        for word in &command.words {
            assert_eq!(
                script.get(word.span.range()),
                Some(word.raw.as_str()),
                "span of a word in {script:?}"
            );
        }
    }
    found.iter().flat_map(|c| calls(c, "nox")).collect()
}

fn nox(script: &str) -> Vec<Call> {
    nox_in(&Shell::Bash, script, &[])
}

/// `script` with the reuse flag where each call says it belongs.
fn with_flag(shell: &Shell, script: &str) -> String {
    let mut out = script.to_owned();
    let mut places: Vec<usize> =
        nox_in(shell, script, &[]).into_iter().filter_map(|c| c.insert_at).collect();
    places.sort_unstable();
    places.dedup();
    for at in places.into_iter().rev() {
        out.insert_str(at, " -r");
    }
    out
}

fn values(words: &[Word]) -> Vec<Option<&str>> {
    words.iter().map(|w| w.value.as_deref()).collect()
}

#[test]
fn every_way_to_run_nox_takes_the_flag_after_its_program() {
    // `@` marks the place where it does not belong to the command.
    for marked in [
        "nox@",
        "nox@ -s tests -- -x",
        "nox@ -- \"$@\"",
        "  nox@ \\\n  -s a b \\\n  -- -r",
        "FOO=1 BAR=\"x y\" nox@ -s a",
        "env -u X A=b nox@ -s a",
        "sudo -E nox@",
        "sudo -u root -H A=b nox@",
        "su runner -c 'nox@ -s a'",
        "su - runner -c 'nox@ -s a'",
        "sg docker -c 'nox@ -s a'",
        "sg - docker 'nox@ -s a'",
        "echo tests | xargs nox@ -s",
        "xargs -n 1 -a sessions nox@ -s < list",
        "ls | xargs -I {} nox@ -s {}",
        "bash <<'END'\nnox@ -s a\nEND",
        "bash -e - <<END\nnox@ -s a\nEND\n",
        "xvfb-run nox@",
        "xvfb-run -a --server-args='-screen 0 1024x768x24' nox@ -s a",
        "time nox@",
        "time -p nox@",
        "time (nox@ -s a)",
        "! nox@",
        "timeout 30m nox@",
        "timeout -k 5 --signal=KILL 30m nox@ -s a",
        "nice -n 10 nox@",
        "stdbuf -oL nox@ -s a",
        "command nox@",
        "exec nox@ -s a",
        "nohup nox@ &",
        "dbus-run-session -- nox@",
        "script -q -e -c \"nox@ -s a\" /dev/null",
        "script -qec 'nox@' /dev/null",
        "conda run -n env nox@",
        "conda run --no-capture-output --name env nox@ -s a",
        "micromamba run -n env nox@",
        "mamba run -p ./env python -m nox@",
        "uvx nox@",
        "uvx nox@2026.7.11@ -s a",
        "uvx 'nox[uv]'@ -s a",
        "uvx --with tox nox@",
        "uvx --from \"nox[uv]\" nox@ -s a",
        "uvx --from=nox -p 3.13 nox@",
        "uvx --python ${{ matrix.python }} nox@ -s a",
        "uvx --python=${{ matrix.python }} -p${{ x }} nox@ -s a",
        "uv run nox@",
        "uv run --python 3.12 nox@ -s a",
        "uv run --only-group=nox nox@ -s a",
        "uv run --no-project --with \"nox[uv]\" nox@ --session a",
        "uv --quiet run -- nox@",
        "uv run python -m nox@ -s a",
        "uv run -m nox@ -s a",
        "uv run coverage run -m nox@",
        "uv tool run nox@",
        "uv tool run --from nox==2026.7 nox@",
        "pipx run nox@",
        "pipx run nox==2026.7@ -s a",
        "pipx run --spec nox==2026.7 nox@",
        "poetry run nox@",
        "poetry -C sub run nox@",
        "pdm run nox@",
        "pdm run -p sub nox@",
        "hatch run nox@",
        "hatch run ci:nox@",
        "hatch -e ci run nox@",
        "pixi run nox@",
        "pixi run -e py312 --frozen nox@",
        "rye run nox@",
        "pipenv run nox@",
        "mise exec python@3.12 -- nox@",
        "nix develop -c nox@ -s a",
        "nix-shell --run 'nox@ -s a'",
        "python -m nox@",
        "python3 -m nox@ -s a",
        "python3.13t -Im nox@",
        "python -X dev -W error -m nox@",
        "python -mnox@ -s a",
        "py -3 -m nox@",
        "py -3.12-64 -m nox@",
        "pypy3.10 -m nox@",
        "/opt/venv/bin/python -m nox@",
        "\"$VENV/bin/python\" -m nox@",
        "python -m coverage run --branch -m nox@",
        "python -m pipx run nox@",
        "./venv/bin/nox@ -s a",
        "$HOME/.local/bin/nox@ -s a",
        "\"${{ env.BIN }}/nox\"@ -s a",
        "venv/Scripts/nox.exe@ -s a",
        "./noxfile.py@ -s a",
        "python noxfile.py@ -s a",
        "python3 ci/noxfile.py@",
        "uv run noxfile.py@ -s a",
        "uv run --script noxfile.py@",
        "pipx run noxfile.py@",
        "bash -c \"nox@ -s a\"",
        "bash -euxo pipefail -c 'cd x && nox@ -s \"a b\"'",
        "sh -c \"nox@ -s \\\"a\\\"\"",
        "sudo bash -lc 'bash -c \"nox@\"'",
        "eval \"nox@ -s a\"",
        "eval nox@ -s a",
        "(cd x && nox@)",
        "{ nox@; }",
        "nox@ -s a && nox@ -s b || nox@ -s c; nox@",
        "set -o pipefail\nmkdir -p build\nnox@ -s X 2>&1 | tee build/nox-X-output.log",
        "nox@ > out.log -s a",
        "nox@ -s a >> \"$GITHUB_STEP_SUMMARY\" 2>/dev/null",
        "if [ -f x ]; then nox@ -s a; elif nox@ -s b; then :; else\n nox@\nfi",
        "for s in a b; do nox@ -s \"$s\"; done",
        "while read -r s; do nox@ -s $s; done < list",
        "case $X in a) nox@ ;; *) nox@ -s b ;; esac",
        "SESSIONS=$(nox@ --json -l)",
        "echo \"$(nox@ -l --json | jq -c .)\" >> $GITHUB_OUTPUT",
        "echo `nox@ -l`",
        "f() { nox@ -s a; }\nf",
        "run() { echo \"$@\"; \"$@\"; }\nrun nox@ -s a",
        "cat <<EOF | nox@ -s a\nnox text\nEOF",
        "docker run --rm -it -v \"$PWD:/src\" -w /src -e A=b image:tag nox@ -s a",
        "docker compose -f x.yml run --rm app nox@ -s a",
        "nox@ -s \"tests(backend='${{ matrix.x }}')\"",
        "nox@ ${{ inputs.args }}",
        "X=ü nox@ -s 'ö' # nox",
    ] {
        let whole =
            |c: &str| c.replace("@2026", "<v>").replace("@3.12", "<p>").replace("\"$@\"", "<all>");
        let back =
            |c: &str| c.replace("<v>", "@2026").replace("<p>", "@3.12").replace("<all>", "\"$@\"");
        let (bare, flagged) =
            (back(&whole(marked).replace('@', "")), back(&whole(marked).replace('@', " -r")));
        assert_eq!(with_flag(&Shell::Bash, &bare), flagged);
    }
}

#[test]
fn what_only_looks_like_nox_is_no_call() {
    for script in [
        "",
        "# nox",
        "pip install nox",
        "python -m pip install nox",
        "pipx install nox",
        "pipx inject nox nox-poetry",
        "uv tool install nox",
        "uv pip install --system nox",
        "uv add nox",
        "apt-get install -y nox",
        "sudo apt install nox",
        "brew install nox",
        "conda install nox",
        "pip show nox",
        "uvx --from nox tox-to-nox",
        "uvx --with nox tox",
        "uv run --with nox pytest",
        "uv run --group nox pytest",
        "which nox",
        "command -v nox",
        "type nox",
        "echo nox -s tests",
        "echo \"run nox -s tests\"",
        "printf '%s' 'nox'",
        "cat noxfile.py",
        "cat <<EOF\nnox -s a\nEOF",
        "cat > run.sh <<'EOF'\nnox -s a\nEOF",
        "nox() { true; }",
        "f() { nox; }",
        "emacs-nox -q",
        "docker pull fluencelabs/nox",
        "docker run fluencelabs/nox:latest",
        "docker compose run nox",
        "docker compose up nox",
        "git checkout nox",
        "git clone https://github.com/wntrblm/nox",
        "cd nox",
        "python -c 'import nox'",
        "python nox",
        "python -m noxious",
        "python -m pytest -m nox",
        "./noxfile.sh",
        "black noxfile.py",
        "uvx ruff check noxfile.py",
        "NOX=nox",
        "export nox=1",
        "[ -f nox ]",
        "make nox",
        "./nox/run",
        "exit 0\nnox",
        "$UNKNOWN nox",
        "uv run --brand-new-option nox",
        "echo 'unclosed\nnox -s a",
    ] {
        assert_eq!(
            nox(script).iter().map(|c| c.program.raw.clone()).collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{script:?}"
        );
    }
}

#[test]
fn arguments_are_evaluated_as_far_as_they_are_known() {
    let one =
        |script: &str, values: &[(&str, &str)]| nox_in(&Shell::Bash, script, values).remove(0);
    let call = one("nox -s \"$SESSION\" $OTHER --x='a b'c \"d${SESSION}\"", &[]);
    assert_eq!(
        values(&call.args),
        [Some("-s"), Some("lint"), None, Some("--x=a bc"), Some("dlint")]
    );
    assert!(call.args[2].may_be_several() && !call.args[4].may_be_several());
    let call = one("nox -s${{ matrix.s }} ${{ x }} -- ${{ y }}", &[("matrix.s", "a b"), ("y", "")]);
    assert_eq!(values(&call.args), [Some("-sa"), Some("b"), None, Some("--")]);
    assert_eq!(call.args[0].raw, "-s${{ matrix.s }}");
    assert_eq!(one("nox -s${{ x }}", &[]).args[0].static_prefix(), "-s");
    let call = one("S=a; S=${S}b; nox -s $S ${S:-c} ${T:-c}", &[]);
    assert_eq!(values(&call.args), [Some("-s"), Some("ab"), Some("ab"), None]);
    let call = one("A=(-s a); nox \"${A[@]}\" \"$@\" \"$A\"", &[]);
    assert_eq!(values(&call.args), [None, None, None]);
    assert_eq!(call.args.iter().map(Word::may_be_several).collect::<Vec<_>>(), [true, true, false]);
    let call = one("A='-s a'; nox $A \"$A\"", &[]);
    assert_eq!(values(&call.args), [Some("-s"), Some("a"), Some("-s a")]);
    let call = one("for s in a b; do nox -s tests-$s; done", &[]);
    assert_eq!((call.args[1].value.as_deref(), call.conditional), (None, false));
    assert_eq!(call.args[1].choices(), ["tests-a", "tests-b"]);
    let call = one("if x; then S=a; else S=b; fi; nox -s $S", &[]);
    assert_eq!(values(&call.args), [Some("-s"), None]);
    let call = one("f() { nox -s $1; }; f docs", &[]);
    assert_eq!(values(&call.args), [Some("-s"), Some("docs")]);
}

#[test]
fn a_program_from_a_value_is_found_but_takes_no_insertion() {
    for (script, args) in [
        ("NOX='nox -r'; $NOX -s x", vec!["-r", "-s", "x"]),
        ("$NOX_COMMAND", vec!["-s", "docs"]),
        ("${{ matrix.cmd }} -v", vec!["-s", "m", "-v"]),
        ("P='python -m nox'\n$P -s x", vec!["-s", "x"]),
        ("eval \"$NOX_COMMAND\"", vec!["-s", "docs"]),
    ] {
        let found = nox_in(&Shell::Bash, script, &[("matrix.cmd", "nox -s m")]);
        assert_eq!(found.len(), 1, "{script}");
        assert_eq!(found[0].insert_at, None, "{script}");
        assert_eq!(
            values(&found[0].args),
            args.into_iter().map(Some).collect::<Vec<_>>(),
            "{script}"
        );
    }
}

#[test]
fn directories_are_followed() {
    let into = |path: &str| Directory::Into(path.to_owned());
    for (script, expected) in [
        ("nox", vec![Directory::Unchanged]),
        ("cd a && nox; cd ../b; nox", vec![into("a"), into("b")]),
        ("(cd a && nox); nox", vec![into("a"), Directory::Unchanged]),
        ("pushd a; nox; popd; nox", vec![into("a"), Directory::Unchanged]),
        ("cd a; cd -; nox", vec![Directory::Unchanged]),
        ("cd \"$X\"; nox; cd /src; nox", vec![Directory::Unknown, into("/src")]),
        ("cd a && nox | tee log\nnox", vec![into("a"), into("a")]),
        ("if x; then cd a; fi; nox", vec![Directory::Unknown]),
        ("cd a || exit 1; nox", vec![into("a")]),
        ("cd ..; nox", vec![into("..")]),
        ("uv run --directory sub nox", vec![into("sub")]),
        ("cd a; uv --directory=b run nox", vec![into("a/b")]),
        ("conda run --cwd ${{ x }} nox", vec![Directory::Unknown]),
        ("cd a; bash -c 'cd b; nox'; env -C c bash -c nox", vec![into("a/b"), into("a/c")]),
    ] {
        let found: Vec<_> = nox(script).into_iter().map(|c| c.directory).collect();
        assert_eq!(found, expected, "{script}");
    }
}

#[test]
fn branches_are_conditional() {
    for (script, expected) in [
        ("nox", vec![false]),
        ("pip install nox && nox", vec![false]),
        ("[ -f x ] && nox; nox", vec![true, false]),
        ("true || nox", vec![true]),
        ("if nox; then nox; fi; nox", vec![false, true, false]),
        ("if x; then y; elif nox; then z; fi", vec![true]),
        ("if x; then exit 0; fi; nox", vec![true]),
        ("if x; then exit 1; fi; nox", vec![false]),
        ("if x; then nox; exit; else nox; fi", vec![true, true]),
        ("for s in a b; do nox; done; for s in $X; do nox; done", vec![false, true]),
        ("[ x ] && bash -c nox", vec![true]),
    ] {
        assert_eq!(
            nox(script).into_iter().map(|c| c.conditional).collect::<Vec<_>>(),
            expected,
            "{script}"
        );
    }
}

#[test]
fn the_environment_of_a_call_is_known() {
    let env = |script: &str, name: &str| {
        let call = nox(script).pop().unwrap();
        call.env.into_iter().rev().find(|(n, _)| n == name).map(|(_, v)| v)
    };
    let known = |v: &str| Some(Some(v.to_owned()));
    assert_eq!(env("A=b nox", "A"), known("b"));
    assert_eq!(env("env A=b C=d nox", "C"), known("d"));
    assert_eq!(env("export A=b; nox", "A"), known("b"));
    assert_eq!(env("A=b; nox", "A"), None);
    assert_eq!(env("A=b; export A; nox", "A"), known("b"));
    assert_eq!(env("SESSION=x; nox", "SESSION"), known("x"), "of the step's environment");
    assert_eq!(env("export A=$X; nox", "A"), Some(None));
    assert_eq!(env("export A=b; A=c nox", "A"), known("c"));
    assert_eq!(env("A=b bash -c 'nox'", "A"), known("b"));
    assert_eq!(env("docker run -e A=b image nox", "A"), known("b"));
}

#[test]
fn containers_and_interpreters_are_told() {
    let call =
        nox("docker run --rm -v $PWD:/src --platform linux/arm64 -w /src image nox").remove(0);
    let Host::Container { mounts, platform, workdir, .. } = call.host else {
        panic!("not in a container")
    };
    assert_eq!(mounts[0].raw, "$PWD:/src");
    assert_eq!(platform.unwrap().raw, "linux/arm64");
    assert_eq!(workdir.unwrap().raw, "/src");
    let nested = nox("docker run -v a:b image bash -c 'nox'").remove(0);
    assert!(
        matches!(nested.host, Host::Container { mounts, .. } if mounts.len() == 1) && nested.nested
    );
    for script in
        ["uvx -p 3.12 nox", "uvx -p3.12 nox", "uvx --python=3.12 nox", "uv run --python 3.12 nox"]
    {
        let python = nox(script).remove(0).python.unwrap();
        assert_eq!(
            (python.raw.as_str(), python.value.as_deref()),
            ("3.12", Some("3.12")),
            "{script}"
        );
        assert_eq!(&script[python.span.range()], "3.12", "{script}");
    }
    assert_eq!(nox("uvx nox").remove(0).launcher.as_deref(), Some("uvx"));
    assert_eq!(nox("nox").remove(0).launcher, None);
}

#[test]
fn other_programs_are_unwrapped_for_the_caller_to_follow() {
    for (script, launchers, name, args) in [
        ("make -C sub test", vec![], "make", vec!["-C", "sub", "test"]),
        ("sudo -E ./scripts/ci.sh arg", vec!["sudo"], "ci.sh", vec!["arg"]),
        ("bash -x scripts/ci.sh arg", vec!["bash"], "ci.sh", vec!["arg"]),
        (". ./env.sh", vec!["source"], "env.sh", vec![]),
        ("hatch run ci:lint -x", vec!["hatch run"], "lint", vec!["-x"]),
        ("uv run poe test", vec!["uv run"], "poe", vec!["test"]),
        ("npm run x", vec![], "npm", vec!["run", "x"]),
    ] {
        let found = commands(&Shell::Bash, &expand(script, &[]), &|_| None);
        let unwrapped = program(&found[0]).unwrap();
        assert_eq!(unwrapped.launchers, launchers, "{script}");
        assert_eq!(unwrapped.name.as_deref(), Some(name), "{script}");
        assert_eq!(
            values(&unwrapped.args),
            args.into_iter().map(Some).collect::<Vec<_>>(),
            "{script}"
        );
    }
}

#[test]
fn shells_are_told_by_their_specification() {
    for (spec, shell) in [
        ("bash", Shell::Bash),
        ("bash -el {0}", Shell::Bash),
        ("/usr/bin/bash -e {0}", Shell::Bash),
        ("sh", Shell::Sh),
        ("pwsh", Shell::PowerShell),
        ("powershell", Shell::PowerShell),
        (r"C:\msys64\usr\bin\bash.exe {0}", Shell::Bash),
        ("cmd", Shell::Cmd),
        ("python {0}", Shell::Python),
        ("python3.12", Shell::Python),
        ("msys2 {0}", Shell::Bash),
        ("nix develop -c bash -e {0}", Shell::Bash),
        ("uv run python {0}", Shell::Python),
        ("perl {0}", Shell::Other("perl".to_owned())),
        ("", Shell::Other(String::new())),
    ] {
        assert_eq!(Shell::from_spec(spec), shell, "{spec}");
    }
}

#[test]
fn a_substitution_runs_once() {
    for script in [
        "echo >> \"$F\" x=$(nox -l)",
        "x=$(nox -l)",
        "x=$(nox -l) true",
        "echo \"$(nox -l)\" > x",
        "cat <<< $(nox -l)",
    ] {
        assert_eq!(nox(script).len(), 1, "{script}");
    }
}

#[test]
fn a_launcher_that_adds_words_leaves_them_unknown() {
    let calls = nox("echo tests | xargs nox -s");
    assert_eq!(values(&calls[0].args), [Some("-s"), None]);
    let calls = nox("ls | xargs -I {} nox -s test-{} -v");
    assert_eq!(values(&calls[0].args), [Some("-s"), None, Some("-v"), None]);
}

#[test]
fn python_runs_commands_with_literal_words() {
    let python = |script: &str| nox_in(&Shell::Python, script, &[]);
    let calls = python("import subprocess\nsubprocess.run(['nox', '-s', name], check=True)\n");
    assert_eq!(values(&calls[0].args), [Some("-s"), None]);
    assert!(!calls[0].conditional && calls[0].insert_at.is_none());
    let calls = python("import os, subprocess\nif x:\n  os.system('nox -s a && nox')\n");
    assert_eq!(calls.len(), 2);
    assert!(calls[0].conditional);
    let calls = python("subprocess.run(['nox'], cwd='sub')");
    assert_eq!(calls[0].directory, Directory::Into("sub".to_owned()));
    assert!(python("def unused():\n  subprocess.run(['nox'])\n").is_empty());
    assert!(python("print('nox -s a')").is_empty());
    let calls = nox("python -c \"import os; os.system('nox -s a')\"");
    assert_eq!(values(&calls[0].args), [Some("-s"), Some("a")]);
    let calls = nox("python - <<'END'\nimport os\nos.system('nox -s a')\nEND");
    assert_eq!(values(&calls[0].args), [Some("-s"), Some("a")]);
}
