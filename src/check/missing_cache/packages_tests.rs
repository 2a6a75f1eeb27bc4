//! Where packages are kept, and packages that the job builds.

use super::ID;
use crate::base::finding::{Applicability, Finding};
use crate::config::Config;
use crate::testing::{job, outcome};

pub(super) const SETUP: &str = "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with:\n    python-version: '3.12'\n";
pub(super) const UV: &str = "- uses: astral-sh/setup-uv@v7\n";
pub(super) const INSTALL: &str = "    session.install('ruff==0.14.0')\n";

/// The finding of a job with these steps, beside a noxfile with one session.
pub(super) fn found(backend: &str, body: &str, head: &str, steps: &str) -> Finding {
    found_with(&Config::default(), backend, body, head, steps)
}

fn found_with(settings: &Config, backend: &str, body: &str, head: &str, steps: &str) -> Finding {
    let noxfile = format!(
        "import glob, os, nox\nfrom pathlib import Path\nnox.options.default_venv_backend = '{backend}'\n\
         WHEEL = ''\ndef seek():\n    return next(Path('dist').glob('*.whl'))\n\
         @nox.session\ndef build(session):\n    global WHEEL\n    session.run('python', '-m', 'build')\n    WHEEL = 'x'\n\
         @nox.session(requires=['build'])\ndef shared(session):\n    session.install(WHEEL)\n\
         @nox.session\ndef t(session):\n{body}"
    );
    let files = [
        (".github/workflows/ci.yml", &*job(&format!("runs-on: ubuntu-latest\n{head}"), steps)),
        ("noxfile.py", &noxfile),
        ("pyproject.toml", "[project]\n"),
    ];
    let mut findings = outcome(&files, settings).findings.into_iter();
    findings.find(|f| f.rule == ID).unwrap_or_else(|| panic!("{steps}{body}"))
}

pub(super) fn text(finding: &Finding) -> String {
    finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.content.as_str()).collect()
}

#[test]
fn packages_of_uv_lie_in_the_archive_where_uv_is_at_hand_and_stays_in_its_folder() {
    let nox = "- run: nox -s t\n";
    let away = "    session.chdir('docs')\n    session.install('ruff==0.14.0')\n";
    let inside = "    with session.chdir('docs'):\n        session.install('ruff==0.14.0')\n";
    for (backend, body, head, steps, moved) in [
        ("uv", INSTALL, "", format!("{SETUP}{nox}"), true),
        ("uv|virtualenv", INSTALL, "", format!("{SETUP}{UV}{nox}"), true),
        ("uv|virtualenv", INSTALL, "", format!("{SETUP}- run: pip install nox uv\n{nox}"), true),
        ("uv|virtualenv", INSTALL, "", format!("{SETUP}- run: pip install nox[uv]\n{nox}"), true),
        ("uv|virtualenv", INSTALL, "", format!("{SETUP}- run: uvx nox -s t\n"), true),
        (
            "uv|virtualenv",
            INSTALL,
            "",
            format!("{SETUP}- run: pip install nox nox-uv\n{nox}"),
            false,
        ),
        ("uv|virtualenv", INSTALL, "", format!("{SETUP}- run: pipx run nox -s t\n"), false),
        ("uv", away, "container: python:3.13\n", format!("{SETUP}{UV}{nox}"), false),
        ("uv", inside, "container: python:3.13\n", format!("{SETUP}{UV}{nox}"), false),
        ("uv", INSTALL, "container: python:3.13\n", format!("{SETUP}{UV}{nox}"), true),
        (
            "uv",
            INSTALL,
            "",
            format!("{SETUP}{UV}- run: make\n  working-directory: docs\n{nox}"),
            true,
        ),
    ] {
        let finding = found(backend, body, head, &steps);
        let text = text(&finding);
        assert_eq!(text.contains("UV_CACHE_DIR: .nox/.uv"), moved, "{backend} {steps}{body}");
        // Without packages a restore key brings nothing that is used.
        assert_eq!(text.contains("restore-keys"), moved, "{backend} {steps}{body}");
    }
}

/// uv takes a relative path from the folder that it runs in.
#[test]
fn packages_of_installs_in_other_folders_lie_in_the_same_archive() {
    let away = "    session.chdir('docs')\n    session.install('ruff==0.14.0')\n";
    let shell = "    session.run('bash', '-c', 'cd docs && uv sync')\n";
    let script = "- run: cd docs && uv sync\n";
    let step = "- run: uv sync\n  working-directory: docs\n";
    for (body, before, absolute) in [
        (away, "", true),
        (shell, "", true),
        (INSTALL, script, true),
        (INSTALL, step, true),
        (INSTALL, "- run: ls\n  working-directory: docs\n", false),
        (INSTALL, "", false),
    ] {
        let off = UV.to_owned() + "  with: {enable-cache: false}\n";
        let steps = format!("{SETUP}{off}{before}- run: nox -s t\n");
        let text = text(&found("uv", body, "", &steps));
        let value = if absolute { "${{ github.workspace }}/.nox/.uv" } else { ".nox/.uv" };
        assert!(text.contains(&format!("UV_CACHE_DIR: {value}\n")), "{before}{body}: {text}");
        assert!(text.contains("package in .nox/.uv/archive-v*"), "{before}{body}: {text}");
    }
}

/// The cache step goes before steps that do nothing but install; where it can't, what setup-uv
/// keeps for them stays.
#[test]
fn packages_that_other_programs_take_first_come_from_the_archive_or_stay_in_their_cache() {
    for (before, first, moved) in [
        ("uv sync --all-extras", true, true),
        ("uv sync && uv tool list", true, true),
        ("uv pip install --system 'dvc[gs]' 'nox>=2026'", true, true),
        ("uv pip install --system -rrequirements.txt", true, true),
        ("uv pip install --requirement=dev.txt", true, true),
        ("uv pip install -e.", true, true),
        ("uv pip install -U ${{ github.event.inputs.pin }}", true, true),
        ("pip install x && uv sync && echo \"a=b\" >> \"$GITHUB_OUTPUT\"", true, true),
        ("uv sync && echo > constraints.txt", true, false),
        ("uv sync && echo \"A=b\" >> $GITHUB_ENV", true, false),
        ("uv sync && echo \"$PWD/.venv/bin\" >> $GITHUB_PATH", true, false),
        ("uv sync && echo \"$(./generate.sh)\"", true, false),
        ("uv sync --upgrade", true, false),
        ("uv sync -Px", true, false),
        ("uv sync ${{ github.event.inputs.options }}", true, false),
        ("uv sync && ./generate.sh", true, false),
        ("uv sync | tee requirements.txt", true, false),
        ("uvx pre-commit run --all-files", true, false),
        ("uv run ruff check", true, false),
        ("uv run --with=ruff nox --version", true, false),
        ("uv --directory sub pip install x", true, false),
        ("uv --project sub sync", true, false),
        ("uv --directory sub tool install nox", false, true),
        ("uv tool install nox", false, true),
        ("uv pip install --system nox[uv]==2026.4.10 --upgrade", false, true),
        ("uv tool run nox --version", false, true),
        ("uv --version", false, true),
        ("uv python install 3.12", false, true),
        ("pip install uv", false, true),
    ] {
        let steps = format!("{SETUP}{UV}- run: {before}\n- run: nox -s t\n");
        let finding = found("uv", INSTALL, "", &steps);
        let text = text(&finding);
        assert_eq!(text.contains("UV_CACHE_DIR"), moved, "{before}");
        assert_eq!(text.contains("enable-cache: false"), moved, "{before}");
        assert_eq!(text.contains("restore-keys"), moved, "{before}");
        let said = finding.notes.iter().any(|note| note.contains("takes some of them before"));
        assert_eq!(said, !moved, "{before}: {:?}", finding.notes);
        let fix = finding.fix.unwrap();
        let place = fix.edits.iter().find(|edit| edit.content.contains("path: .nox")).unwrap();
        let workflow = job("runs-on: ubuntu-latest\n", &steps);
        let rest = &workflow[place.span.start..];
        assert!(rest.contains("run: nox"), "{before}");
        assert_eq!(rest.contains(before), first && moved, "{before}: {rest}");
        let off = UV.to_owned() + "  with: {enable-cache: false}\n";
        let steps = format!("{SETUP}{off}- run: {before}\n- run: nox -s t\n");
        assert!(self::text(&found("uv", INSTALL, "", &steps)).contains("UV_CACHE_DIR"), "{before}");
    }
}

/// What the key needs must be there at the place of the step.
#[test]
fn the_step_goes_only_where_its_key_can_be_computed() {
    let sync = "- run: uv sync\n";
    let nox = "- run: nox -s t\n";
    let checkout = "- uses: actions/checkout@v5\n";
    let python = "- uses: actions/setup-python@v6\n  with: {python-version: '3.12'}\n";
    let pipx = "- run: uv tool install pipx\n- run: pipx run nox -s t\n";
    let own = "- uses: actions/cache@v5\n  with: {path: ~/.cache/uv, key: uv}\n- run: pip install uv && uv sync\n- run: uv run nox -s t\n";
    let conditional = |condition: &str, run: &str| format!("- run: {run}\n  if: {condition}\n");
    let set = "- id: set\n  run: uv sync && echo \"a=b\" >> \"$GITHUB_OUTPUT\"\n";
    for (steps, why) in [
        (format!("{checkout}{python}{UV}{sync}{nox}"), None),
        (format!("{checkout}{UV}{sync}{nox}"), None),
        (format!("{checkout}{UV}{sync}{python}{nox}"), Some("`actions/setup-python@v6` may")),
        (
            format!("{UV}- run: uv tool install x\n{checkout}{python}{nox}"),
            Some("checkout@v5` may"),
        ),
        (format!("{checkout}{python}{UV}{sync}- uses: a/b@v1\n{nox}"), Some("`a/b@v1` may change")),
        (
            format!("{checkout}{python}{UV}{sync}- name: Clean\n  run: rm -rf docs\n{nox}"),
            Some("`Clean` may"),
        ),
        (
            format!("{checkout}{python}{UV}- run: uv sync\n  shell: python\n{nox}"),
            Some("`uv sync` may change"),
        ),
        (
            format!("{checkout}{python}{UV}{sync}{}", conditional("github.ref == 'x'", "nox -s t")),
            Some("an `if:` of their own"),
        ),
        (
            format!(
                "{checkout}{python}{UV}{}{}",
                conditional("github.ref == 'x'", "uv sync"),
                conditional("${{ github.ref == 'x' }}", "nox -s t")
            ),
            None,
        ),
        (
            format!(
                "{checkout}{python}{UV}{set}{}",
                conditional("steps.set.outputs.a", "nox -s t")
            ),
            Some("what the step `set` finds out"),
        ),
        (format!("{checkout}{python}{UV}{set}{nox}"), None),
        (format!("{checkout}{UV}{pipx}"), Some("the key asks `pipx`")),
        (format!("{checkout}{own}"), Some("the key asks `uv`")),
    ] {
        let finding = found("uv", INSTALL, "", &steps);
        let notes = finding.notes.join("\n");
        assert_eq!(notes.contains("can't come before it"), why.is_some(), "{steps}: {notes}");
        assert!(notes.contains(why.unwrap_or_default()), "{steps}: {notes}");
        assert_eq!(text(&finding).contains("UV_CACHE_DIR"), why.is_none(), "{steps}");
    }
}

/// A file that git doesn't track may be made by a step in between.
#[test]
fn the_step_goes_only_where_the_key_files_of_the_settings_are_there() {
    for (file, moved) in [("pyproject.toml", true), ("made.txt", false)] {
        let settings = Config { key_files: vec![file.to_owned()], ..Config::default() };
        let steps = format!("{SETUP}{UV}- run: uv sync\n- run: nox -s t\n");
        let finding = found_with(&settings, "uv", INSTALL, "", &steps);
        assert_eq!(text(&finding).contains("UV_CACHE_DIR"), moved, "{file}");
        let said = finding.notes.iter().any(|note| note.contains("`made.txt` may not be there"));
        assert_eq!(said, !moved, "{file}: {:?}", finding.notes);
    }
}

#[test]
fn packages_that_an_action_or_another_file_takes_first_stay_in_their_cache() {
    let action = |step: &str| format!("runs:\n  using: composite\n  steps: [{step}]\n");
    let noxfile = "import nox\nnox.options.default_venv_backend = 'uv'\n@nox.session\ndef t(session):\n    session.install('ruff==0.14.0')\n";
    let uses = "uses: ./.github/actions/a";
    for (before, script, moved) in [
        (uses, "uv sync --all-extras", true),
        ("uses: ./.github/actions/b", "uv sync", true),
        ("uses: ./.github/actions/b", "uv sync && rm noxfile.py", false),
        (uses, "uv tool install nox", true),
        ("uses: ./.github/actions/unknown", "echo", false),
        ("run: make deps", "uv sync --all-extras", false),
        ("run: make deps", "pip install build", true),
        ("run: echo made", "uv sync", true),
        ("run: make -C docs", "uv sync", false),
        ("run: ./deps.sh", "uv sync", false),
        ("run: bash indirect.sh", "uv sync", false),
        ("run: pip install -r requirements.txt", "echo", true),
    ] {
        let inner = action(&format!("{{run: {script}, shell: bash}}"));
        let outer = action(&format!("{{{uses}}}"));
        let makefile = format!("deps:\n\t{script}\nother:\n\techo\n");
        let workflow = job(
            "runs-on: ubuntu-latest\n",
            &format!("{SETUP}{UV}- {before}\n- run: uvx nox -s t\n"),
        );
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            (".github/actions/a/action.yml", inner.as_str()),
            (".github/actions/b/action.yml", outer.as_str()),
            ("Makefile", makefile.as_str()),
            ("docs/Makefile", makefile.as_str()),
            ("deps.sh", script),
            ("indirect.sh", "make deps\n"),
            ("requirements.txt", "uv\n"),
            ("noxfile.py", noxfile),
            ("pyproject.toml", "[project]\n"),
        ];
        let findings = outcome(&files, &Config::default()).findings;
        let text = findings.iter().map(text).collect::<String>();
        assert!(text.contains("path: .nox"), "{before} {script}: {text}");
        assert_eq!(text.contains("enable-cache: false"), moved, "{before} {script}: {text}");
    }
}

/// Else they would be read as often as there are ways to them: here 8⁹ times.
#[test]
fn actions_in_actions_are_looked_through_once() {
    let action =
        |step: &str| format!("runs:\n  using: composite\n  steps: [{}]\n", [step; 8].join(", "));
    let actions: Vec<(String, String)> = (0..=9)
        .map(|i| {
            let next = format!("{{uses: ./.github/actions/a{}}}", i + 1);
            let step = if i < 9 { next.as_str() } else { "{run: echo, shell: bash}" };
            (format!(".github/actions/a{i}/action.yml"), action(step))
        })
        .collect();
    let skipped = "- if: ${{ false }}\n  uses: ./.github/actions/a0\n";
    let steps = format!("{SETUP}{UV}{skipped}- run: uvx nox -s t\n");
    let workflow = job("runs-on: ubuntu-latest\n", &steps);
    let noxfile =
        format!("import nox\n@nox.session(venv_backend='uv')\ndef t(session):\n{INSTALL}");
    let mut files = vec![
        (".github/workflows/ci.yml", workflow.as_str()),
        ("noxfile.py", noxfile.as_str()),
        ("pyproject.toml", "[project]\n"),
    ];
    files.extend(actions.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let findings = outcome(&files, &Config::default()).findings;
    let text = findings.iter().map(text).collect::<String>();
    assert!(text.contains("enable-cache: false"), "{text}");
}

#[test]
fn what_the_job_builds_under_a_computed_name_is_followed_by_no_key() {
    let build = "    session.run('python', '-m', 'build')\n";
    for (body, call, applicability) in [
        ("    session.install(str(seek()))\n", "nox -s t", Applicability::Unsafe),
        (
            "    session.install(sorted(Path('dist').glob('*.whl'))[-1])\n",
            "nox -s t",
            Applicability::Unsafe,
        ),
        ("    session.install(f'{seek()}[test]')\n", "nox -s t", Applicability::Unsafe),
        (
            "    wheel = [f for f in os.listdir('out') if f.endswith('.whl')][0]\n    session.install(os.path.join('out', wheel))\n",
            "nox -s t",
            Applicability::Unsafe,
        ),
        (
            &format!("{build}    session.install(os.path.join('out', os.listdir('out')[0]))\n"),
            "nox -s t",
            Applicability::Unsafe,
        ),
        (
            "    session.install(*session.posargs)\n",
            "nox -s t -- dist/x.whl",
            Applicability::Unsafe,
        ),
        (
            "    session.install(*session.posargs)\n",
            "nox -s t -- 'dist/*.whl'",
            Applicability::Unsafe,
        ),
        (INSTALL, "nox -s shared", Applicability::Unsafe),
        // What is computed is no file of the job.
        ("    session.install(*session.posargs)\n", "nox -s t -- -v", Applicability::Safe),
        (
            &format!("{build}    session.install(f'x=={{seek.y}}')\n"),
            "nox -s t",
            Applicability::Safe,
        ),
        (&format!("{INSTALL}{build}"), "nox -s t", Applicability::Safe),
    ] {
        let finding = found("virtualenv", body, "", &format!("{SETUP}- run: {call}\n"));
        assert_eq!(finding.fix.map(|f| f.applicability), Some(applicability), "{call}\n{body}");
    }
}

#[test]
fn uv_is_asked_for_the_python_that_the_call_gets() {
    let project = ("pyproject.toml", "[project]\nrequires-python = '>=3.13'\n");
    let pin = (".python-version", "3.13\n");
    let tool = "- run: uv tool install nox\n- run: nox -s t\n";
    let nested = "- run: uv run nox -s t\n  working-directory: client\n";
    for (files, steps, expected) in [
        (vec![project], "- run: uv run nox -s t\n", "find --system)"),
        (vec![], tool, "find --system)"),
        (vec![project], tool, "find --system --no-project)"),
        (vec![project, pin], "- run: uvx nox -s t\n", "find --system --no-project --no-config)"),
        (vec![project], nested, "find --system --directory client)"),
    ] {
        let noxfile = "import nox\n@nox.session(venv_backend='uv')\ndef t(session):\n    session.install('ruff==0.14.0')\n";
        let steps = format!("- uses: actions/checkout@v5\n{UV}{steps}");
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let mut all = vec![
            (".github/workflows/ci.yml", workflow.as_str()),
            ("noxfile.py", noxfile),
            ("client/noxfile.py", noxfile),
            ("client/pyproject.toml", "[project]\n"),
        ];
        all.extend(files);
        let findings = outcome(&all, &Config::default()).findings;
        let text = findings.iter().map(text).collect::<String>();
        assert!(text.contains(&format!("\"$(uv python {expected}\" -VV")), "{steps}: {text}");
    }
}

#[test]
fn what_an_action_of_the_repository_installs_is_seen_after_it() {
    let action = "name: s\nruns:\n  using: composite\n  steps:\n    - uses: astral-sh/setup-uv@v7\n    \
                  - run: uv tool install nox\n      shell: bash\n";
    let noxfile =
        "import nox\n@nox.session\ndef t(session):\n    session.install('ruff==0.14.0')\n";
    for (steps, asked) in [
        ("- uses: ./.github/actions/s\n- run: nox -s t\n", "\"$(uv python find --system)\" -VV"),
        ("- run: /venv/bin/nox -s t\n", "/venv/bin/python -VV"),
        ("- run: nox -s t\n", "python3 -VV"),
    ] {
        let steps = format!("- uses: actions/checkout@v5\n{steps}");
        let workflow = job("runs-on: ubuntu-latest", &steps);
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            (".github/actions/s/action.yml", action),
            ("noxfile.py", noxfile),
        ];
        let findings = outcome(&files, &Config::default()).findings;
        let text = findings.iter().map(text).collect::<String>();
        assert!(text.contains(&format!("; {asked}; }} | cksum")), "{steps}: {text}");
    }
}

#[test]
fn files_that_variables_of_installers_name_are_in_the_key() {
    let noxfile = "import nox\n@nox.session\ndef t(session):\n    session.install('ruff')\n";
    for (env, file, applicability) in [
        ("PIP_CONSTRAINT: c.txt", Some("'c.txt'"), Applicability::Safe),
        (
            "UV_CONSTRAINT: '${{ github.workspace }}/ci/c.txt'",
            Some("'ci/c.txt'"),
            Applicability::Safe,
        ),
        ("PIP_CONSTRAINT: c.txt ci/c.txt", Some("'c.txt', 'ci/c.txt'"), Applicability::Safe),
        ("PIP_CONSTRAINT: '${{ env.FOLDER }}/c.txt'", Some("'ci/c.txt'"), Applicability::Safe),
        ("PIP_CONSTRAINT: ''", None, Applicability::Safe),
        ("PIP_NO_INPUT: c.txt", None, Applicability::Safe),
        ("PIP_CONSTRAINT: https://example.org/c.txt", None, Applicability::Unsafe),
        ("PIP_CONSTRAINT: '${{ runner.temp }}/c.txt'", None, Applicability::Unsafe),
        ("PIP_CONSTRAINT: made.txt", None, Applicability::Unsafe),
    ] {
        let run = format!("- run: nox -s t\n  env: {{{env}}}\n");
        let head = format!("runs-on: ubuntu-latest\nenv: {{{env}}}\n");
        let around = "runs-on: ubuntu-latest\nenv: {FOLDER: ci}\n";
        for (head, run) in [(around, &*run), (&*head, "- run: nox -s t\n")] {
            if head != around && env.contains("env.FOLDER") {
                continue;
            }
            let workflow = job(head, &format!("{SETUP}{run}"));
            let files = [
                (".github/workflows/ci.yml", workflow.as_str()),
                ("noxfile.py", noxfile),
                ("c.txt", "ruff==0.14.0\n"),
                ("ci/c.txt", "ruff==0.14.0\n"),
            ];
            let findings = outcome(&files, &Config::default()).findings;
            let finding = findings.iter().find(|f| f.rule == ID).unwrap();
            let (text, fix) = (text(finding), finding.fix.as_ref().unwrap());
            assert_eq!(fix.applicability, applicability, "{workflow}: {:?}", finding.notes);
            assert_eq!(text.contains("c.txt"), file.is_some(), "{workflow}: {text}");
            assert!(text.contains(file.unwrap_or_default()), "{workflow}: {text}");
        }
    }
}
