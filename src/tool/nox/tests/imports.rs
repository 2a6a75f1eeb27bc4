//! Sessions that come with an import. All sources are made up, in the style of public ones.

use super::*;

/// A noxfile that imports, with a session of its own.
fn with_import(import: &str, line: &str) -> Run {
    let text = format!(
        "import nox\n{import}\nnox.options.sessions = ['theirs']\n@nox.session\ndef own(session): pass\n"
    );
    call(Box::leak(text.into_boxed_str()), line)
}

#[test]
fn a_package_whose_sessions_have_no_environments() {
    let forms = [
        "from exasol.toolbox.nox.tasks import *",
        "from exasol.toolbox.nox.tasks import lint",
        "from exasol.toolbox.nox import tasks",
        "import exasol.toolbox.nox.tasks",
    ];
    for form in forms {
        for (line, creates) in [
            ("-s theirs", Answer::No),
            ("", Answer::No),
            ("-s own", Answer::Yes),
            ("-s own theirs", Answer::Yes),
            ("-s ?", Answer::Unknown),
        ] {
            let run = with_import(form, line);
            assert_eq!(
                (run.creates_env, run.creates_by_default),
                (creates, false),
                "{form}: {line}"
            );
        }
    }
    // A class from elsewhere registers none.
    let run = with_import(
        "from exasol.toolbox.nox.tasks import *\nfrom other import Config\nCONFIG = Config(root='.')",
        "-s theirs",
    );
    assert_eq!(run.creates_env, Answer::No);
    // Where something else may register sessions too, the name may be one of those.
    let run = with_import(
        "from exasol.toolbox.nox.tasks import *\nimport other\nother.register()",
        "-s theirs",
    );
    assert_eq!(run.creates_env, Answer::Unknown);
    let run = with_import("from exasol.toolbox.noxious import *", "-s theirs");
    assert_eq!(run.creates_env, Answer::Unknown);
}

#[test]
fn all_of_an_unknown_package_may_be_anything() {
    for line in ["-s theirs", ""] {
        let run = with_import("from company_nox import *", line);
        assert_eq!((run.creates_env, run.creates_by_default), (Answer::Unknown, false), "{line}");
    }
    // A call of a package still makes sessions as nox makes them unless it is told otherwise.
    let run = with_import("import company_nox\ncompany_nox.configure()", "-s theirs");
    assert_eq!((run.creates_env, run.creates_by_default), (Answer::Unknown, true));
}

#[test]
fn modules_beyond_the_bound_hide_sessions() {
    let mut files: Vec<(&'static str, &'static str)> = Vec::new();
    let mut noxfile = "import nox\n".to_owned();
    for n in 0..120 {
        let text = format!("import nox\n@nox.session(python=False)\ndef s{n}(session): pass\n");
        files.push((
            Box::leak(format!("m{n}.py").into_boxed_str()),
            Box::leak(text.into_boxed_str()),
        ));
        noxfile += &format!("import m{n}\n");
    }
    files.push(("noxfile.py", Box::leak(noxfile.into_boxed_str())));
    let run = call_in(&files, "", "-s s60", &[]);
    assert_eq!(run.creates_env, Answer::No, "sixty modules are followed");
    let run = call_in(&files, "", "-s s119", &[]);
    assert_eq!(run.creates_env, Answer::Unknown);
    assert!(
        run.undecided.iter().any(|why| why.contains("more modules than cachelint follows")),
        "{:?}",
        run.undecided
    );
}

#[test]
fn substitutes_for_modules_that_are_not_installed() {
    for (handler, creates) in [
        ("except ImportError:\n    from nox import session", Answer::Yes),
        (
            "except (ImportError, AttributeError) as error:\n    from nox import session",
            Answer::Yes,
        ),
        ("except ModuleNotFoundError:\n    session = None", Answer::Yes),
        ("except ValueError:\n    from elsewhere import session", Answer::Unknown),
    ] {
        let text = format!(
            "try:\n    from nox_poetry import session\n{handler}\n@session\ndef tests(s):\n    s.install('x')\n"
        );
        let run = call(Box::leak(text.into_boxed_str()), "-s tests");
        assert_eq!(
            (run.creates_env, names(&run).is_empty()),
            (creates, creates != Answer::Yes),
            "{handler}"
        );
    }
}

#[test]
fn modules_of_a_folder_run_one_by_one() {
    let noxfile = r#"
import os, runpy
for name in os.listdir("pipelines"):
    if name.endswith(".nox.py") and not name.startswith("off"):
        runpy.run_path(os.path.join("pipelines", name))
"#;
    let session = "import nox\n@nox.session\ndef lint(session): session.install('x')\n";
    let files = [
        ("noxfile.py", noxfile),
        ("pipelines/lint.nox.py", session),
        ("pipelines/off.nox.py", "import nox\n@nox.session\ndef off(session): pass\n"),
        ("pipelines/README.md", ""),
    ];
    let run = call_in(&files, "", "", &[]);
    assert_eq!((names(&run), run.creates_env), (vec!["lint"], Answer::Yes));
    assert_eq!(run.definition_files, ["noxfile.py", "pipelines/lint.nox.py"]);
}

#[test]
fn modules_that_define_and_those_that_are_only_imported_on_the_way() {
    let files = [
        ("noxfile.py", "import nox\nfrom project import VERSIONS\nfrom tools.sessions import *\n"),
        ("project/__init__.py", "from project.core import run\nVERSIONS = ['3.12']\n"),
        ("project/core.py", "import os\n"),
        ("tools/sessions.py", "import tools.deep\n"),
        ("tools/deep.py", "import nox\n@nox.session\ndef a(session): session.install('x')\n"),
    ];
    let run = call_in(&files, "", "-s a", &[]);
    assert_eq!(names(&run), ["a"]);
    assert_eq!(
        run.definition_files,
        ["noxfile.py", "project/__init__.py", "tools/deep.py", "tools/sessions.py"]
    );
}
