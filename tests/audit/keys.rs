//! What a corrected key keeps of the one its owner wrote.

use cachelint::base::finding::Applicability;

use crate::support::{Made, check, read_all, repair, rules};
use crate::workflow::{CHECKOUT, CI, NOX, NOXFILE, PYTHON, cache, job, keyed, matrix};

/// The key of the cache step after every fix.
fn fixed_key(workflow: &str, more: &[(&str, &str)]) -> String {
    let files = [("noxfile.py", NOXFILE), ("requirements.txt", "ruff==1\n"), (CI, workflow)];
    let made = Made::new(files.into_iter().chain(more.iter().copied()));
    let repository = made.discovered();
    let mut texts = read_all(&repository);
    repair(&repository, &mut texts, Applicability::Unsafe);
    let text = &texts[CI];
    text.lines().find_map(|l| l.trim().strip_prefix("key: ")).unwrap().to_owned()
}

#[test]
fn a_corrected_key_begins_as_its_owner_wrote_it() {
    let jobs = "tests-${{ env.pythonLocation }}";
    let ending = |requirements: &str| {
        format!("${{{{ hashFiles('noxfile.py', '{requirements}', '.github/*/ci.yml') }}}}")
    };
    let end = ending("requirements.txt");
    for (old, new) in [
        ("nox-v2", format!("nox-v2-{jobs}-{end}")),
        ("v3-nox-${{ hashFiles('requirements.txt') }}", format!("v3-nox-{jobs}-{end}")),
        (
            "${{ runner.os }}-nox-${{ hashFiles('noxfile.py') }}",
            format!("${{{{ runner.os }}}}-nox-{jobs}-{end}"),
        ),
        ("nox_${{ runner.os }}_py3", format!("nox_${{{{ runner.os }}}}_py3-{jobs}-{end}")),
        ("nox-${{ hashFiles('requirements.txt') }}-v2", format!("nox-v2-{jobs}-{end}")),
        ("nox,${{ runner.os }}", format!("nox-${{{{ runner.os }}}}-{jobs}-{end}")),
        ("${{ hashFiles('requirements.txt') }}", format!("nox-{jobs}-{end}")),
        (
            "nox-${{ github.job }}-${{ runner.os }}",
            format!(
                "nox-${{{{ github.job }}}}-${{{{ runner.os }}}}-${{{{ env.pythonLocation }}}}-{end}"
            ),
        ),
        (
            "nox-${{ hashFiles('requirements*', 'noxfile.py') }}",
            format!("nox-{jobs}-{}", ending("requirements*")),
        ),
        (
            "nox-${{ hashFiles(format('requirements.{0}', vars.END)) }}-a",
            format!(
                "nox-a-{jobs}-{end}-${{{{ hashFiles(format('requirements.{{0}}', vars.END)) }}}}"
            ),
        ),
    ] {
        let key = fixed_key(&keyed(old, "nox-"), &[]);
        assert_eq!(key.trim_matches(['\'', '"']), new, "{old}");
    }
    let long = "x".repeat(460);
    assert_eq!(
        fixed_key(&keyed(&long, "nox-"), &[]),
        format!("nox-{jobs}-{end}"),
        "words that leave no room go"
    );
}

#[test]
fn an_interpreter_may_be_missing_on_some_legs_but_not_be_late() {
    let old = "nox,v1";
    let some =
        PYTHON.replace("        with:", "        if: ${{ matrix.image == '' }}\n        with:");
    let legs =
        matrix("{image: ['', 'python:3.12']}", &job(&[CHECKOUT, &some, &cache(old, "nox-"), NOX]));
    let legs =
        legs.replace("ubuntu-latest\n", "ubuntu-latest\n    container: ${{ matrix.image }}\n");
    let key = fixed_key(&legs, &[]);
    assert!(
        key.contains("-${{ env.pythonLocation }}-${{ runner.arch }}-${{ matrix.image }}-"),
        "{key}"
    );
    assert_eq!(fixed_key(&job(&[CHECKOUT, &cache(old, "nox-"), PYTHON, NOX]), &[]), old);
}

#[test]
fn a_job_that_is_copied_with_its_cache_needs_a_key_of_its_own() {
    let named = [PYTHON, "      - run: pip install nox\n"].concat();
    for (set_up, install) in [
        (named.as_str(), "'-r', 'requirements.txt'"),
        (named.as_str(), "'pytest'"),
        ("      - run: pipx install nox\n", "'-r', 'requirements.txt'"),
        ("      - run: pipx install nox\n", "'pytest'"),
    ] {
        let noxfile = format!(
            "import nox\n\n@nox.session\ndef lint(session):\n    session.install({install})\n\n\
             @nox.session\ndef docs(session):\n    session.install({install}, 'sphinx')\n"
        );
        let workflow = job(&[CHECKOUT, set_up, "      - run: nox -s lint\n"]);
        let files = [
            ("noxfile.py", noxfile.as_str()),
            ("requirements.txt", "ruff==1\n"),
            (CI, workflow.as_str()),
        ];
        let made = Made::new(files);
        let repository = made.discovered();
        let mut texts = read_all(&repository);
        repair(&repository, &mut texts, Applicability::Safe);
        let fixed = texts[CI].clone();
        let (_, copied) = fixed.split_once("jobs:\n").unwrap();
        let copied = copied.replace("  tests:\n", "  docs:\n").replace("-s lint", "-s docs");
        texts.insert(CI.to_owned(), format!("{fixed}{copied}"));
        let found = check(&repository, &texts).findings;
        assert_eq!(rules(&found), ["nox/key-collision"], "{}", texts[CI]);
        repair(&repository, &mut texts, Applicability::Safe);
        let own = copied.replace("nox-tests-", "nox-docs-");
        assert_eq!(texts[CI], format!("{fixed}{own}"));
    }
}
