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
";
    let of = |session: &str| call_in(&[("noxfile.py", file)], "", &format!("-s {session}"), &[]);
    assert_eq!(of("release").publishes.as_deref(), Some("uploads to a package index"));
    assert_eq!(of("check").publishes, None);
    assert_eq!(of("outside").publishes.as_deref(), Some("publishes a release"));
    assert_eq!(of("clean").removes, [".nox", "sub/.nox"]);
    assert!(of("release").removes.is_empty());
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
