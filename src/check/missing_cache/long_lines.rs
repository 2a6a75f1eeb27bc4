//! A repository whose yamllint or prettier limits the length of lines gets no longer ones; all
//! workflows are made up.

use crate::base::finding::Fix;
use crate::config::Config;
use crate::rules::checks::id;
use crate::testing::{NOXFILE, fixed, job, outcome};

const HEAD: &str = "runs-on: ubuntu-latest";

/// What the fix of this check makes of the workflow, beside these settings of yamllint.
fn fix(rule: &str, settings: &str, workflow: &str) -> String {
    fix_beside(rule, (".yamllint", settings), workflow)
}

fn fix_beside(rule: &str, settings: (&str, &str), workflow: &str) -> String {
    let files = [
        (".github/workflows/ci.yml", workflow),
        ("noxfile.py", NOXFILE),
        ("requirements.txt", "pytest\n"),
        settings,
    ];
    let findings = outcome(&files, &Config::default()).findings;
    let fix: Option<&Fix> = findings.iter().find(|f| f.rule == rule).and_then(|f| f.fix.as_ref());
    fixed(workflow, fix.unwrap_or_else(|| panic!("{findings:?}")))
}

fn longest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or_default()
}

fn read(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn values_of_new_steps_are_folded_and_say_the_same() {
    let workflow = job(HEAD, "- uses: actions/checkout@v5\n- run: nox -s tests\n");
    let limited = fix(id::MISSING_CACHE, "extends: default\n", &workflow);
    assert!(limited.contains("key: >-\n") && limited.contains("run: >-\n"), "{limited}");
    assert!(longest(&limited) <= 80, "{limited}");
    let wide = "extends: default\nrules: {line-length: {max: 200}}\n";
    let wide = fix(id::MISSING_CACHE, wide, &workflow);
    assert!(!wide.contains(">-"), "{wide}");
    assert_eq!(read(&limited), read(&wide));
    // One character too many is enough.
    let (limit, settings) = (longest(&wide) - 1, "rules: {line-length: {max: LIMIT}}\n");
    let narrower = settings.replace("LIMIT", &limit.to_string());
    let narrower = fix(id::MISSING_CACHE, &narrower, &workflow);
    assert!(longest(&narrower) <= limit && read(&narrower) == read(&wide), "{narrower}");
}

#[test]
fn a_file_with_longer_lines_is_not_folded() {
    let workflow = job(HEAD, "- uses: actions/checkout@v5\n- run: nox -s tests\n");
    let long = format!("# {}\n{workflow}", "a comment beyond every limit ".repeat(4));
    assert!(!fix(id::MISSING_CACHE, "extends: default\n", &long).contains(">-"));
}

#[test]
fn a_key_that_is_written_anew_is_folded_too() {
    let cache = "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with: {python-version: '3.12'}\n\
                 - uses: actions/cache@v5\n  with:\n    path: .nox\n    key: KEY\n- run: nox -r -s tests\n";
    for key in [
        "nox-${{ hashFiles('noxfile.py') }}",
        "'nox-${{ hashFiles(''noxfile.py'') }}'",
        ">-\n      nox-${{ hashFiles('noxfile.py') }}",
    ] {
        let workflow = job(HEAD, &cache.replace("KEY", key));
        let limited = fix(id::INTERPRETER_NOT_IN_KEY, "extends: default\n", &workflow);
        assert!(limited.contains("key: >-\n") && longest(&limited) <= 80, "{limited}");
        let wide = "rules: {line-length: {max: 200}}\n";
        let wide = fix(id::INTERPRETER_NOT_IN_KEY, wide, &workflow);
        assert_eq!(read(&limited), read(&wide));
    }
    // A comment after the value would become a part of the block.
    let commented = job(HEAD, &cache.replace("KEY", "nox-${{ hashFiles('noxfile.py') }} # why"));
    let new = fix(id::INTERPRETER_NOT_IN_KEY, "extends: default\n", &commented);
    assert!(!new.contains(">-") && new.contains(" # why"), "{new}");
}

/// Two spaces before a comment, where the file has two or yamllint asks for them.
#[test]
fn the_comment_of_a_pin_stands_as_others_do() {
    let commit = "1111111111111111111111111111111111111111";
    for (comment, settings, gap) in [
        (" # v5", "", " "),
        ("  # v5", "", "  "),
        ("", "", " "),
        ("", "extends: default\nrules: {line-length: {max: 200}}\n", "  "),
    ] {
        let checkout = format!("- uses: actions/checkout@{commit}{comment}\n");
        let workflow = job(HEAD, &format!("{checkout}- run: nox -s tests\n"));
        let new = fix(id::MISSING_CACHE, settings, &workflow);
        let line = new.lines().find(|line| line.contains("actions/cache@")).unwrap();
        let (pinned, _) = line.split_once('#').unwrap_or_else(|| panic!("{line}"));
        assert_eq!(pinned.len() - pinned.trim_end().len(), gap.len(), "{comment:?}: {line}");
    }
}

/// As prettier 3.10 writes it with `proseWrap: always`.
#[test]
fn values_are_broken_as_prettier_breaks_them() {
    let condition = "github.event_name == 'push' && github.repository == 'owner/name' && github.ref != 'refs/heads/x'";
    let nox = format!("- if: >-\n    {condition}\n  run: nox -s tests\n");
    let workflow = job(HEAD, &format!("- uses: actions/checkout@v5\n{nox}"));
    let always = (".prettierrc", "proseWrap: always\n");
    let broken = fix_beside(id::MISSING_CACHE, always, &workflow);
    for value in ["key: >-\n", "run: >-\n", "if: >-\n"] {
        assert!(broken.contains(value), "{broken}");
    }
    assert!(longest(&broken.replace(condition, "")) <= 80, "{broken}");
    let kept = fix_beside(id::MISSING_CACHE, (".prettierrc", "{}\n"), &workflow);
    assert_eq!(kept.matches(">-").count(), 1, "{kept}");
    assert_eq!(read(&broken), read(&kept));
    // A comment or a script may be longer.
    let long = format!("# {}\n{workflow}", "a comment beyond every limit ".repeat(4));
    assert!(fix_beside(id::MISSING_CACHE, always, &long).contains("key: >-"));
}

#[test]
fn scripts_of_new_steps_are_indented_as_jobs_are() {
    let workflow = "on: push\njobs:\n    test:\n        runs-on: ubuntu-latest\n        strategy:\n            matrix:\n                python: ['3.12', '3.13']\n        steps:\n            - uses: actions/checkout@v5\n            - run: nox -s tests\n";
    let new = fix_beside(id::MISSING_CACHE, (".prettierrc", "{}\n"), workflow);
    assert!(new.contains("              with:\n                  path: .nox\n"), "{new}");
    let uv = workflow.replace("nox -s", "uvx nox -s").replace(
        "            - run",
        "            - uses: astral-sh/setup-uv@v7\n            - run",
    );
    let noxfile = "nox.options.default_venv_backend = 'uv'\n@nox.session\n";
    let noxfile = NOXFILE.replacen("@nox.session\n", noxfile, 1);
    let files = [(".github/workflows/ci.yml", &*uv), ("noxfile.py", &*noxfile)];
    let findings = outcome(&files, &Config::default()).findings;
    let new = fixed(&uv, findings.iter().find_map(|f| f.fix.as_ref()).unwrap());
    let switched = "setup-uv@v7\n              with:\n                  enable-cache: false\n";
    assert!(new.contains(switched), "{new}");
}

/// A value that prettier has put on a line of its own goes back to that of its key.
#[test]
fn values_that_were_broken_are_broken_anew() {
    let always = (".prettierrc", "proseWrap: always\n");
    let options = "--error-on-missing-interpreters --non-interactive -s tests -- -xxx";
    let nox = format!("- run:\n    nox {options}\n    --forcecolor\n");
    let workflow = job(HEAD, &format!("- uses: actions/checkout@v5\n{nox}"));
    let new = fix_beside(id::MISSING_CACHE, always, &workflow);
    let start = "      - run: >-\n          nox -r --error";
    assert!(new.contains(start) && longest(&new) <= 80, "{new}");
    assert!(
        read(&new)["jobs"]["tests"]["steps"][3]["run"]
            .as_str()
            .unwrap()
            .ends_with("x --forcecolor")
    );
    let key = "\n      nox-a-long-beginning-of-a-key-that-fills-its-line-alone-\n      ${{ hashFiles('noxfile.py', 'requirements.txt') }}";
    let steps = format!(
        "- uses: actions/checkout@v5\n- uses: actions/setup-python@v6\n  with: {{python-version: '3.12'}}\n\
         - uses: actions/cache@v5\n  with:\n    path: .nox\n    key:{key}\n- run: nox -r -s tests\n"
    );
    let new = fix_beside(id::INTERPRETER_NOT_IN_KEY, always, &job(HEAD, &steps));
    assert!(
        new.contains("          key: >-\n            nox-a-long") && longest(&new) <= 80,
        "{new}"
    );
}
