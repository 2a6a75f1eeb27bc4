//! What sessions publish and delete, and sessions that do not exist.

use super::*;

#[test]
fn a_session_that_does_not_exist_is_said_as_that() {
    let file = "import nox\n@nox.session\ndef tests(session): session.install('x')\n";
    let files = [("noxfile.py", file)];
    let run = call_in(&files, "", "-s tets", &[]);
    assert!(!run.creates_by_default, "nox fails before it builds anything");
    assert_eq!(run.creates_env, Answer::Unknown);
    assert!(run.undecided.iter().any(|why| why.contains("has no session `tets`")), "{run:?}");
    let hidden = "import nox, plugin\nplugin.register()\n@nox.session\ndef tests(session): session.install('x')\n";
    let run = call_in(&[("noxfile.py", hidden)], "", "-s tets", &[]);
    assert!(run.creates_by_default, "the plugin may make it");
    let empty = call_in(&[("noxfile.py", "import nox, piped\n")], "", "-s tests", &[]);
    assert!(empty.creates_by_default, "they are made out of sight");
}

#[test]
fn what_sessions_publish_and_delete() {
    let file = "import shutil, subprocess, nox
@nox.session
def release(session):
    session.install('twine')
    session.run('python', '-m', 'twine', 'upload', 'dist/*')
@nox.session
def check(session):
    session.install('twine')
    session.run('twine', 'check', 'dist/*')
@nox.session
def outside(session):
    subprocess.run(['gh', 'release', 'create', 'v1'])
@nox.session(python=False)
def clean(session):
    shutil.rmtree('.nox', ignore_errors=True)
    session.run('rm', '-rf', 'sub/.nox', external=True)
@nox.session(python=False)
def maybe(session):
    if unknown():
        shutil.rmtree('.nox')
        session.run('rm', '-rf', '.nox', external=True)
    session.run('sh', '-c', 'if test -f x; then rm -rf .nox; fi', external=True)
@nox.session(python=False)
def move(session):
    session.run('mv', '.nox/coverage.xml', '.', external=True)
    session.run('mv', '-t', 'out', '.nox', external=True)
    session.run('mv', 'sub/.nox', '/tmp/keep', external=True)
    session.run('mv', '/tmp/keep', 'sub/.nox', external=True)
    session.run('mv', 'old/.nox', '/tmp/old', external=True)
";
    let of = |session: &str| call_in(&[("noxfile.py", file)], "", &format!("-s {session}"), &[]);
    assert_eq!(of("release").publishes.as_deref(), Some("uploads to a package index"));
    assert_eq!(of("check").publishes, None);
    assert_eq!(of("outside").publishes.as_deref(), Some("publishes a release"));
    assert_eq!(of("clean").removes, [".nox", "sub/.nox"]);
    assert!(of("maybe").removes.is_empty());
    assert_eq!(of("move").removes, ["old/.nox"]);
    assert!(of("release").removes.is_empty());
}

#[test]
fn words_of_the_call_may_make_a_command_publish() {
    let file = "import nox
@nox.session
def twine(session):
    session.install('twine==6.2.0')
    session.run('python', '-m', 'twine', *session.posargs)
@nox.session
def tests(session):
    session.install('pytest==8.4.2')
    session.run('pytest', *session.posargs)
";
    for (line, publishes) in [
        ("-s twine -- upload dist/*", true),
        ("-s twine -- --verbose upload", true),
        ("-s twine -- check dist/*", false),
        ("-s twine", false),
        // Not known: it may be `upload`.
        ("-s twine -- ? dist/*", true),
        ("-s twine -- check ?", false),
        ("-s tests -- upload", false),
        ("-s tests -- ?", false),
    ] {
        let run = call_in(&[("noxfile.py", file)], "", line, &[]);
        assert_eq!(run.publishes.is_some(), publishes, "{line}");
    }
}

#[test]
fn a_list_that_includes_another_one_is_as_fixed_as_that() {
    let file =
        "import nox\n@nox.session\ndef t(session): session.install('-r', 'requirements.txt')\n";
    for (own, other, unlocked) in [
        ("a==1\n-r other.txt\n", "b==2\n", false),
        ("a==1\n-r other.txt\n", "b\n", true),
        ("-r other.txt\n", "b>=2\n", true),
        ("a==1\n-c other.txt\n", "b>=2\n", false),
    ] {
        let files = [("noxfile.py", file), ("requirements.txt", own), ("other.txt", other)];
        assert_eq!(call_in(&files, "", "-s t", &[]).unlocked, unlocked, "{own}{other}");
    }
}

#[test]
fn keywords_and_tags_that_no_session_has_are_said_as_that() {
    for (line, fails) in
        [("-k nothing", true), ("-t nothing", true), ("-k lint", false), ("-t t", false)]
    {
        let run = call(PLAIN, line);
        assert_eq!(run.undecided.iter().any(|why| why.contains("nox fails here")), fails, "{line}");
        assert_eq!(run.creates_env, if fails { Answer::Unknown } else { Answer::Yes }, "{line}");
        assert!(!run.creates_by_default, "{line}");
    }
    let unseen = "import nox\nnox.options.tags = ['py']\n@nox.session\ndef tests(session):\n    session.install('x')\n";
    // Tags are given in a way not seen: any session may have them.
    let run = call(unseen, "-t py-old");
    assert_eq!((run.creates_env, run.sessions_known), (Answer::Yes, false));
}

#[test]
fn commands_that_a_session_gives_to_a_shell() {
    let files = |body: &str| {
        let noxfile =
            format!("import nox, os, subprocess\n@nox.session\ndef a(session):\n    {body}\n");
        let noxfile: &'static str = Box::leak(noxfile.into_boxed_str());
        let all = [
            ("noxfile.py", noxfile),
            ("req.txt", "pytest==8.4.0\n"),
            ("ci/deps.sh", "set -e\npip install -r req.txt\n"),
        ];
        call_in(&all, "", "-s a", &[])
    };
    for (body, file, unpinned, publishes) in [
        ("session.run('sh', '-c', 'pip install -r req.txt')", true, false, false),
        (
            "session.run('bash', '-euxc', 'python -m pip install flask && pytest')",
            false,
            true,
            false,
        ),
        ("session.run('bash', '-c', 'pip install flask==3.1.0')", false, false, false),
        ("session.run('bash', 'ci/deps.sh')", true, false, false),
        ("session.run('./ci/deps.sh')", true, false, false),
        ("session.run('sh', '-c', 'twine upload dist/*')", false, false, true),
        (
            "session.run('bash', '-c', f'twine upload {session.posargs}', external=True)",
            false,
            false,
            true,
        ),
        ("session.run('sh', '-c', 'twine check dist/*')", false, false, false),
        ("os.system('uv publish')", false, false, true),
        ("subprocess.run('gh release create v1', shell=True)", false, false, true),
        ("subprocess.run(['gh', 'release', 'view'])", false, false, false),
    ] {
        let run = files(body);
        assert_eq!(run.install_files.iter().any(|f| f == "req.txt"), file, "{body}: {run:?}");
        assert_eq!(run.unpinned, unpinned, "{body}");
        assert_eq!(run.publishes.is_some(), publishes, "{body}");
    }
    // The script decides what is installed, too.
    assert!(
        files("session.run('bash', 'ci/deps.sh')").install_files.contains(&"ci/deps.sh".into())
    );
    let built = files("session.run('sh', '-c', 'python -m build && pip install dist/*.whl')");
    assert!(built.unfollowed.is_some(), "{built:?}");
    let unknown = files("session.run('sh', '-c', unknown())");
    assert!(unknown.unlocked, "{unknown:?}");
    let removed = files("session.run('sh', '-c', 'rm -rf .nox')");
    assert_eq!(removed.removes, [".nox"]);
}

#[test]
fn what_sessions_keep_outside() {
    for (command, kept) in [
        ("'pre-commit', 'run', '-a'", true),
        ("'poetry', 'run', 'pre-commit', 'run'", true),
        ("'uv', 'run', 'pre-commit', 'run', '-a'", true),
        ("'uv', 'run', 'pre-commit', 'install'", false),
        ("'poetry', 'run', 'pytest'", false),
    ] {
        let noxfile =
            format!("import nox\n@nox.session\ndef t(session):\n    session.run({command})\n");
        let run = call(Box::leak(noxfile.into_boxed_str()), "-s t");
        assert_eq!(!run.outside.is_empty(), kept, "{command}");
    }
}

#[test]
fn what_sessions_keep_besides_environments() {
    for (body, kept) in [
        ("session.create_tmp()", vec!["*/tmp"]),
        ("session.run('sphinx-build', '-d', session.cache_dir / 'trees')", vec![".cache/*"]),
        ("session.create_tmp()\n    print(session.cache_dir)", vec!["*/tmp", ".cache/*"]),
        ("session.install('ruff')", vec![]),
    ] {
        let noxfile = format!("import nox\n@nox.session\ndef t(session):\n    {body}\n");
        let run = call(Box::leak(noxfile.into_boxed_str()), "-s t");
        assert_eq!(run.leftovers.iter().collect::<Vec<_>>(), kept, "{body}");
    }
}
