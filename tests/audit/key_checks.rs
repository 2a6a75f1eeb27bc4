//! The checks of `key` and `restore-keys`.

use crate::table;
use crate::workflow::{KEY, PYTHON, REBUILD, RESTORE, dated, keyed, matrix, with};

#[test]
fn constant_key() {
    let key = |key: &str| keyed(key, key.split("${{ hash").next().unwrap());
    let artifact = |with: &str| {
        let step = format!("{PYTHON}      - uses: actions/download-artifact@v4{with}\n");
        key("nox-${{ env.pythonLocation }}-${{ hashFiles('frozen.txt') }}").replace(PYTHON, &step)
    };
    // What a step leaves as an output, or as a variable for later steps.
    let left = |text: &str, file: &str, read: &str| {
        let step =
            format!("{PYTHON}      - id: left\n        run: echo \"X={text}\" >> \"${file}\"\n");
        key(&format!("nox-${{{{ {read} }}}}")).replace(PYTHON, &step)
    };
    let output = |text: &str| left(text, "GITHUB_OUTPUT", "steps.left.outputs.X");
    let variable = |text: &str| left(text, "GITHUB_ENV", "env.X");
    let version = "$(python -VV | cksum)";
    let week = "$(date +%G-%V)";
    table(
        "constant-key",
        &[
            key("nox-${{ runner.os }}-${{ env.pythonLocation }}"),
            key("nox"),
            key("nox-${{ github.job }}-${{ github.ref_name }}"),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('poetry.lock') }}"),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('**/setup.py') }}"),
            key(
                "nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}-${{ hashFiles('requirements.text') }}",
            ),
            key("nox-${{ env.EPOCH }}").replace("on: push", "on: push\nenv: {EPOCH: 3}"),
            artifact("\n        with: {path: dist}"),
            output(version),
            variable(version),
            key("nox-${{ steps.date.outputs.week }}"),
        ],
        &[
            key(KEY),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('**/requirements*.txt') }}"),
            key("nox-${{ env.pythonLocation }}-${{ github.sha }}"),
            key("nox-${{ env.pythonLocation }}-${{ vars.EPOCH }}"),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('frozen.txt') }}")
                .replace(PYTHON, &format!("{PYTHON}      - run: pip freeze > frozen.txt\n")),
            dated(&key("nox-${{ steps.date.outputs.week }}")),
            artifact(""),
            output(week),
            variable(week),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('.github/') }}"),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('vendored/lib/setup.py') }}"),
        ],
    );
}

#[test]
fn key_collision() {
    let shared = "nox-${{ hashFiles('noxfile.py') }}";
    let plain = keyed(shared, "nox-");
    let sessions = plain.replace("-s lint", "-s ${{ matrix.session }}");
    let python = plain.replace("'3.12'", "${{ matrix.python }}");
    let system = plain.replace("ubuntu-latest", "${{ matrix.os }}");
    let two = |second: &str| {
        let (_, steps) = plain.split_once("    runs-on").unwrap();
        format!("{plain}  second:\n    runs-on{}", steps.replace("-s lint", second))
    };
    let noted = |file: &str, read: &str| {
        let step = format!(
            "{PYTHON}      - id: noted\n        run: echo \"X=$(date +%G-%V)\" >> \"${file}\"\n"
        );
        let key = format!("nox-${{{{ {read} }}}}-${{{{ hash");
        two("-s docs").replace(PYTHON, &step).replace("nox-${{ hash", &key)
    };
    let uv = |session: &str| {
        two(session)
            .replace(
                "path: .nox",
                "path: |\n            .nox\n            ${{ env.UV_PYTHON_INSTALL_DIR }}",
            )
            .replace(PYTHON, &format!("{PYTHON}      - uses: astral-sh/setup-uv@v7\n"))
    };
    table(
        "key-collision",
        &[
            noted("GITHUB_OUTPUT", "steps.noted.outputs.X"),
            noted("GITHUB_ENV", "env.X"),
            uv("-s docs"),
            matrix("{session: [lint, docs]}", &sessions),
            matrix("{python: ['3.11', '3.12']}", &python),
            matrix("{os: [ubuntu-latest, macos-latest]}", &system),
            matrix("{include: [{session: lint}, {session: docs}]}", &sessions),
            two("-s docs"),
            two("-s kept docs"),
            matrix(
                "{session: [lint, docs], other: [1]}",
                &sessions.replace("nox-${{ hash", "nox-${{ matrix.other }}-${{ hash"),
            ),
        ],
        &[
            keyed(KEY, RESTORE),
            matrix(
                "{session: [lint, docs]}",
                &sessions.replace("nox-${{ hash", "nox-${{ matrix.session }}-${{ hash"),
            ),
            matrix(
                "{python: ['3.11', '3.12']}",
                &python.replace("nox-${{ hash", "nox-${{ env.pythonLocation }}-${{ hash"),
            ),
            matrix(
                "{os: [ubuntu-latest, macos-latest]}",
                &system.replace("nox-${{ hash", "nox-${{ runner.os }}-${{ hash"),
            ),
            matrix("{os: [ubuntu-latest, windows-latest]}", &system),
            two("-s lint"),
            uv("-s lint"),
            uv("-s docs").replacen("setup-uv@v7", "setup-uv@v6", 1),
            matrix(
                "{group: [1, 2]}",
                &plain.replace("-s lint", "-s lint -- --group ${{ matrix.group }}"),
            ),
            matrix(
                "{session: [lint, docs]}",
                &sessions.replace("nox-${{ hash", "nox-${{ strategy.job-index }}-${{ hash"),
            ),
        ],
    );
}

#[test]
fn interpreter_not_in_key() {
    let exact = "${{ env.pythonLocation }}-";
    let hashed = "${{ hashFiles('noxfile.py') }}";
    let key = |key: &str| keyed(&format!("nox-{key}{hashed}"), &format!("nox-{key}{hashed}"));
    let restore = |restore: &str| {
        keyed(&format!("nox-{exact}{hashed}-${{{{ hashFiles('requirements.txt') }}}}"), restore)
    };
    let with_id = |text: String| {
        text.replace("- uses: actions/setup-python", "- id: py\n        uses: actions/setup-python")
    };
    table(
        "interpreter-not-in-key",
        &[
            key(""),
            key("${{ runner.os }}-"),
            key("py3.12-"),
            matrix(
                "{python: ['3.11', '3.12']}",
                &key("${{ matrix.python }}-").replace("'3.12'\n", "${{ matrix.python }}\n"),
            ),
            restore("nox-").replace(REBUILD, ""),
            restore(&format!("nox-{exact}")).replace(REBUILD, ""),
            key("py312-"),
            // The image brings the Python, and moves.
            key("").replace(PYTHON, ""),
        ],
        &[
            keyed(KEY, RESTORE),
            key(exact),
            with_id(key("${{ steps.py.outputs.python-version }}-")),
            key("3.12.4-").replace("'3.12'", "'3.12.4'"),
            key("${{ env.PY }}-").replace(
                PYTHON,
                &format!(
                    "{PYTHON}      - run: echo \"PY=$(python -VV | sha256sum)\" >> $GITHUB_ENV\n"
                ),
            ),
            restore(&format!("nox-{exact}{hashed}-")).replace(REBUILD, ""),
            restore("nox-"),
            key("${{ env.PY }}-")
                .replace("on: push", "on: push\nenv: {PY: '${{ env.pythonLocation }}'}"),
        ],
    );
}

#[test]
fn restore_keys_mismatch() {
    let restore = |restore: &str| keyed(KEY, restore);
    table(
        "restore-keys-mismatch",
        &[
            restore(&format!("|\n            - {RESTORE}")),
            restore("cache-nox-"),
            restore("\"- nox-\""),
            restore(&format!("|\n            {RESTORE}\n            tox-")),
            restore("nox-tests-linux-"),
            restore("nox-${{ github.job }}-${{ runner.os }}_"),
            restore("Nox-"),
        ],
        &[
            restore(RESTORE),
            restore(&format!("|\n            {RESTORE}")),
            restore("nox-"),
            restore("nox-tests-Linux-"),
            restore(KEY),
            restore("nox-tests-${{ vars.OTHER }}"),
            with("restore-keys:", "restore-keys: ''\n          # none:")
                .replace(&format!("# none: {RESTORE}"), ""),
        ],
    );
}

#[test]
fn missing_restore_keys() {
    let restored = |text: &str| text.replace(&format!("          restore-keys: {RESTORE}\n"), "");
    let whole = restored(&keyed(KEY, RESTORE));
    // The key follows a part of what decides only.
    let plain = whole.replace(", 'pyproject.toml'", "");
    let key = |key: &str| whole.replace(KEY, key);
    table(
        "missing-restore-keys",
        &[
            plain.clone(),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}"),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('requirements.txt') }}"),
            plain.replace("actions/cache@v4", "actions/cache/restore@v4"),
            plain.replace("path: .nox", "path: |\n            .nox\n            ~/.cache/pip"),
            plain.replace("nox -r -s lint", "nox -r -s docs"),
        ],
        &[
            keyed(KEY, RESTORE),
            whole.clone(),
            key("nox"),
            plain.replace("nox -r -s lint", "nox -R -s lint"),
            plain.replace("path: .nox", "fail-on-cache-miss: true\n          path: .nox"),
            plain.replace("path: .nox", "path: ~/.cache/pip"),
            plain.replace("uses: actions/cache@v4", "uses: namespacelabs/nscloud-cache-action@v1"),
        ],
    );
}

#[test]
fn invalid_key() {
    let key = |key: &str| keyed(key, "nox-");
    let session =
        "nox-${{ matrix.session }}-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}";
    table(
        "invalid-key",
        &[
            key("nox,${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}"),
            key(&"x".repeat(513)),
            key(&format!("{}-${{{{ hashFiles('noxfile.py') }}}}", "x".repeat(460))),
            matrix("{session: [lint, 'tests(a=1, b=2)']}", &key(session)),
            keyed(KEY, format!("|\n{}", "            nox-\n".repeat(10)).trim_end()),
            keyed(KEY, "nox-tests,"),
        ],
        &[
            keyed(KEY, RESTORE),
            key(&"x".repeat(512)),
            key("nox-${{ hashFiles('noxfile.py', 'requirements.txt') }}"),
            key("nox-${{ join(matrix.*, '-') }}-${{ hashFiles('noxfile.py') }}"),
            matrix("{session: [lint, docs]}", &key(session)),
            keyed(KEY, format!("|\n{}", "            nox-\n".repeat(9)).trim_end()),
        ],
    );
}
