//! Calls of nox inside sessions. All sources are made up, in the style of public ones.

use super::*;

#[test]
fn calls_of_nox_in_sessions_build_where_their_noxfile_lies() {
    const A: &str = "import nox\n@nox.session\ndef a(session): session.install('x')\n";
    const ON: &str = "import nox\nnox.options.reuse_venv = 'yes'\n@nox.session\ndef a(session): session.install('x')\n";
    const NONE: &str = "import nox\n@nox.session(python=False)\ndef a(session): pass\n";
    let outer = |body: &str| -> &'static str {
        let head = "import nox\nfrom glob import glob\nfrom pathlib import Path\n@nox.session(python=False)\ndef t(session):\n";
        let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
        Box::leak(format!("{head}{body}").into_boxed_str())
    };
    for (body, creates, dirs) in [
        ("session.run('nox', '-f', 'e/a/noxfile.py')", Answer::Yes, vec!["e/a/.nox"]),
        (
            "for f in glob('e/*/noxfile.py'): session.run('nox', '-f', f)",
            Answer::Yes,
            vec!["e/a/.nox", "e/b/.nox"],
        ),
        (
            "for f in Path('e').rglob('noxfile.py'): session.run('nox', '-f', str(f))",
            Answer::Yes,
            vec!["e/a/.nox", "e/b/.nox"],
        ),
        ("session.run('python', '-m', 'nox', '-s', 'lint')", Answer::Yes, vec![".nox"]),
        (
            "with session.chdir('e/a'):\n    session.run('nox', external=True)",
            Answer::Yes,
            vec!["e/a/.nox"],
        ),
        (
            "with session.chdir('e/a'):\n    pass\nsession.run('nox', '-s', 'lint')",
            Answer::Yes,
            vec![".nox"],
        ),
        ("session.chdir(session.create_tmp())\nsession.run('nox')", Answer::Unknown, vec![]),
        // All other noxfiles create environments: so does the one whose name is computed.
        ("session.run('nox', '-f', name())", Answer::Yes, vec![]),
        (
            "if name(): session.run('nox', '-f', 'e/a/noxfile.py')",
            Answer::Unknown,
            vec!["e/a/.nox"],
        ),
        ("session.run('nox', '-f', 'none/noxfile.py')", Answer::Unknown, vec!["none/.nox"]),
        ("session.run('nox', '-l', '--json')", Answer::No, vec![]),
        ("session.run('nox', '-s', 't')", Answer::Unknown, vec![]),
    ] {
        let text = outer(body);
        let lint: &'static str = Box::leak(
            format!("{text}@nox.session\ndef lint(session): session.install('x')\n")
                .into_boxed_str(),
        );
        let run = call_in(
            &[("noxfile.py", lint), ("e/a/noxfile.py", A), ("e/b/noxfile.py", A)],
            "",
            "-s t",
            &[],
        );
        assert_eq!(
            (run.creates_env, run.env_dirs.clone()),
            (creates, dirs.iter().map(|d| (*d).to_owned()).collect()),
            "{body}: {run:?}"
        );
        assert!(!run.creates_by_default, "{body}");
    }
    let files = |inner| {
        [
            ("noxfile.py", outer("session.run('nox', '-f', 'e/a/noxfile.py')")),
            ("e/a/noxfile.py", inner),
        ]
    };
    for (inner, creates, reuse, flag) in [
        (A, Answer::Yes, Reuse::Off, false),
        (ON, Answer::Yes, Reuse::On, true),
        (NONE, Answer::No, Reuse::Off, true),
    ] {
        let run = call_in(&files(inner), "", "-r -s t", &[]);
        assert_eq!((run.creates_env, run.can_insert_reuse_flag), (creates, flag), "{inner}");
        assert!(creates == Answer::No || run.reuse == reuse, "{inner}: {:?}", run.reuse);
        assert!(
            creates == Answer::No || run.definition_files == ["e/a/noxfile.py", "noxfile.py"],
            "{run:?}"
        );
    }
}
