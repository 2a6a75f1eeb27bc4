//! Every check of an existing cache on workflows that have its flaw and on near-misses that have
//! not. All workflows are made up: one job, whose parts a case replaces.

mod key_checks;
mod keys;
#[path = "../support/mod.rs"]
mod support;
mod workflow;

use workflow::{
    CHECKOUT, KEY, NOX, PYTHON, REBUILD, RESTORE, cache, dated, findings_with, job, keyed, matrix,
    with,
};

/// `rule` is found in every invalid workflow and in no valid one; no fix brings a new finding.
fn table(rule: &str, invalid: &[String], valid: &[String]) {
    let rule = format!("nox/{rule}");
    assert!(
        invalid.len() >= 6 && valid.len() >= 6,
        "{rule}: {} and {}",
        invalid.len(),
        valid.len()
    );
    for text in invalid {
        let (found, left) = findings_with(text, &[]);
        assert!(found.contains(&rule.as_str()), "{rule} not found, but {found:?}:\n{text}");
        let new: Vec<_> = left.iter().filter(|r| !found.contains(r)).collect();
        assert!(new.is_empty(), "a fix brought {new:?}:\n{text}");
    }
    for text in valid {
        let (found, _) = findings_with(text, &[]);
        assert!(!found.contains(&rule.as_str()), "{rule} found:\n{text}");
    }
}

#[test]
fn the_clean_cache_is_clean() {
    assert_eq!(findings_with(&keyed(KEY, RESTORE), &[]), (vec![], vec![]));
}

#[test]
fn cache_not_reused() {
    let call = |nox: &str| with("nox -r -s lint", nox);
    table(
        "cache-not-reused",
        &[
            call("nox -s lint"),
            call("nox"),
            call("python -m nox -s docs"),
            call("nox -N -s lint"),
            call("nox --reuse-venv=no -s lint"),
            call("nox -s kept && nox -s lint"),
            call("nox -s lint -- -r"),
        ],
        &[
            call("nox -r -s lint"),
            call("nox -rs lint"),
            call("nox --reuse-venv=yes -s lint"),
            call("nox -s kept"),
            call("nox -l"),
            call("nox --reuse-existing-virtualenvs -s docs"),
            call("nox $FLAGS -s lint")
                .replace("on: push", "on: push\nenv: {FLAGS: '${{ vars.FLAGS }}'}"),
        ],
    );
}

#[test]
fn cache_after_run() {
    let restored = cache(KEY, RESTORE);
    let second = "      - run: nox -r -s docs\n";
    let on_some = |step: &str| step.replacen("- ", "- if: vars.SOME\n        ", 1);
    table(
        "cache-after-run",
        &[
            job(&[CHECKOUT, PYTHON, NOX, &restored]),
            job(&[CHECKOUT, PYTHON, NOX, &restored, second]),
            job(&[CHECKOUT, PYTHON, "      - run: nox -r --install-only\n", &restored, NOX]),
            job(&[CHECKOUT, PYTHON, NOX, "      - run: echo\n", &restored]),
            job(&[CHECKOUT, PYTHON, NOX, "      # Keep them.\n", &restored]),
            job(&[
                CHECKOUT,
                PYTHON,
                NOX,
                &restored.replace("actions/cache@", "actions/cache/restore@"),
            ]),
            job(&[CHECKOUT, PYTHON, &on_some(NOX), &on_some(&restored)]),
        ],
        &[
            keyed(KEY, RESTORE),
            job(&[CHECKOUT, PYTHON, "      - run: nox -l\n", &restored, NOX]),
            job(&[CHECKOUT, PYTHON, "      - run: pip install nox\n", &restored, NOX]),
            job(&[
                CHECKOUT,
                PYTHON,
                &restored,
                NOX,
                &restored.replace("actions/cache@", "actions/cache/save@"),
            ]),
            job(&[CHECKOUT, PYTHON, &restored, NOX, &restored, second]),
            job(&[
                CHECKOUT,
                PYTHON,
                "      - if: vars.FIRST\n        run: nox -r -s docs\n",
                &restored,
                NOX,
            ]),
            job(&[CHECKOUT, PYTHON, &restored, NOX, &restored.replace(".nox\n", "~/.cache/pip\n")]),
        ],
    );
}

#[test]
fn cache_before_checkout() {
    let restored = cache(KEY, RESTORE);
    let checkout =
        |with: &str| format!("      - uses: actions/checkout@v4\n        with: {with}\n");
    table(
        "cache-before-checkout",
        &[
            job(&[&restored, CHECKOUT, PYTHON, NOX]),
            job(&[PYTHON, &restored, CHECKOUT, NOX]),
            job(&[CHECKOUT, PYTHON, &restored, CHECKOUT, NOX]),
            job(&[&restored, &checkout("{clean: false}"), PYTHON, NOX]),
            job(&["      - run: echo\n", &restored, &checkout("{fetch-depth: 0}"), PYTHON, NOX]),
            job(&[
                &restored.replace("actions/cache@", "actions/cache/restore@"),
                CHECKOUT,
                PYTHON,
                NOX,
            ]),
        ],
        &[
            keyed(KEY, RESTORE),
            job(&[CHECKOUT, PYTHON, &restored, &checkout("{path: other, repository: a/b}"), NOX]),
            job(&[CHECKOUT, PYTHON, &restored, &checkout("{clean: false}"), NOX]),
            job(&[CHECKOUT, PYTHON, &restored, NOX, CHECKOUT]),
            job(&[CHECKOUT, CHECKOUT, PYTHON, &restored, NOX]),
            job(&[
                &cache(KEY, RESTORE).replace(".nox\n", "~/.cache/pip\n"),
                CHECKOUT,
                PYTHON,
                &restored,
                NOX,
            ]),
        ],
    );
}

#[test]
fn wrong_path() {
    let path = |path: &str| with("path: .nox", &format!("path: {path}"));
    let call = |nox: &str| with("nox -r -s lint", nox);
    table(
        "wrong-path",
        &[
            path("sub/.nox"),
            path("${{ github.workspace }}/sub/.nox"),
            path("\"other/.nox\""),
            path("|\n            ~/.cache/pip\n            sub/.nox"),
            path("~/.nox"),
            with(
                &cache(KEY, RESTORE),
                "      - uses: actions/cache@v4\n        with: {path: sub/.nox, key: \"nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}\"}\n",
            ),
        ],
        &[
            path(".nox"),
            path("./.nox/"),
            path("${{ github.workspace }}/.nox"),
            path("|\n            .nox\n            ~/.cache/pip"),
            path("'**/.nox'"),
            path(".nox/*"),
            call("nox -r --envdir .nox -s lint"),
        ],
    );
}

#[test]
fn stale_install() {
    let call = |nox: &str| with("nox -r -s lint", nox);
    table(
        "stale-install",
        &[
            call("nox -R -s docs"),
            call("nox -Rs docs"),
            call("nox -r --no-install -s docs"),
            call("nox -R"),
            call("nox -R -s docs && nox -r -s lint"),
            call("nox -R -s lint").replace(REBUILD, ""),
        ],
        &[
            call("nox -r -s lint"),
            call("nox -r --install-only -s lint && nox -R -s lint"),
            call("nox -R -s lint"),
            call("nox -R -s lint").replace(&format!("          restore-keys: {RESTORE}\n"), ""),
            call("nox -s lint -- -R"),
            call("nox -l -R"),
            job(&[CHECKOUT, PYTHON, &cache(KEY, RESTORE), NOX, "      - run: nox -R -s lint\n"]),
        ],
    );
}

#[test]
fn retired_cache_action() {
    let version = |reference: &str| with("actions/cache@v4", reference);
    table(
        "retired-cache-action",
        &[
            version("actions/cache@v1"),
            version("actions/cache@v2"),
            version("actions/cache@v3.3.3"),
            version("actions/cache@v4.1.2"),
            version("actions/cache/restore@v3.2.0"),
            version("\"actions/cache@v2.1.8\""),
            version("actions/cache@v3.0.1 # old"),
        ],
        &[
            version("actions/cache@v3"),
            version("actions/cache@v4"),
            version("actions/cache@v3.4.0"),
            version("actions/cache@v4.2.0"),
            version("actions/cache@main"),
            version("actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830 # v4.3.0"),
            version("actions/cache@v1").replace("path: .nox", "path: ~/.cache/pip"),
        ],
    );
}

#[test]
fn frozen_dependencies() {
    let key = |key: &str, nox: &str| {
        keyed(key, key.split("${{ hash").next().unwrap()).replace("nox -r -s lint", nox)
    };
    let part = "nox-${{ env.pythonLocation }}-${{ hashFiles('requirements.txt') }}";
    let docs = "nox -r -s docs";
    let week = "${{ steps.date.outputs.week }}";
    table(
        "frozen-dependencies",
        &[
            key(part, docs),
            key("nox-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py') }}", docs),
            key(part, "nox -r -s docs lint"),
            key(part, "nox --reuse-venv=yes -s docs"),
            key(part, docs)
                .replace("path: .nox", "path: |\n            .nox\n            ~/.cache/pip"),
            key(
                "nox-${{ runner.os }}-${{ env.pythonLocation }}-${{ hashFiles('pyproject.toml') }}",
                docs,
            ),
        ],
        &[
            keyed(KEY, RESTORE),
            key(KEY, docs),
            key(part, NOX.trim_start_matches("      - run: ").trim()),
            key(part, "nox -s docs"),
            dated(&key(&part.replace("nox-", &format!("nox-{week}-")), docs)),
            key("nox-${{ env.pythonLocation }}", docs),
            key(
                "nox-${{ env.pythonLocation }}-${{ github.sha }}-${{ hashFiles('requirements.txt') }}",
                docs,
            ),
        ],
    );
}

#[test]
fn jobs_of_other_workflows_share_caches_too() {
    let plain = keyed("nox-${{ hashFiles('requirements.txt') }}", "nox-");
    let other = plain.replace("-s lint", "-s docs");
    let (found, left) = findings_with(&plain, &[(".github/workflows/other.yml", &other)]);
    assert!(found.contains(&"nox/key-collision"), "{found:?}");
    assert!(!left.contains(&"nox/key-collision"), "{left:?}");
    let (found, _) = findings_with(
        &plain,
        &[(
            ".github/workflows/other.yml",
            &other.replace("path: .nox", "path: ./.nox\n          # x"),
        )],
    );
    assert!(found.contains(&"nox/key-collision"), "the same folder: {found:?}");
}

#[test]
fn a_cache_inside_an_action_is_seen() {
    let action = "name: x\ndescription: x\ninputs: {lock: {required: true}}\nruns:\n  using: composite\n  steps:\n    - uses: actions/cache@v4\n      with:\n        \
                  path: ${{ github.workspace }}/.nox\n        key: nox-${{ matrix.session }}-${{ hashFiles(inputs.lock) }}\n";
    let used = "      - uses: ./.github/actions/x\n        with: {lock: requirements.txt}\n";
    let text = matrix(
        "{session: [lint, docs]}",
        &job(&[CHECKOUT, used, "      - run: nox -r -s ${{ matrix.session }}\n"]),
    );
    let files = [(".github/actions/x/action.yml", action)];
    assert_eq!(
        findings_with(&text, &files).0,
        ["nox/frozen-dependencies", "nox/interpreter-not-in-key", "nox/missing-restore-keys",]
    );
    let shared = action.replace("-${{ matrix.session }}", "");
    let (found, left) = findings_with(&text, &[(".github/actions/x/action.yml", &shared)]);
    assert!(found.contains(&"nox/key-collision") && left.is_empty(), "{found:?} {left:?}");
}

#[test]
fn a_folder_inside_the_environments_is_no_cache_of_them() {
    let inside = with("path: .nox", "path: .nox/.cache");
    assert_eq!(findings_with(&inside, &[]).0, ["nox/missing-cache"]);
}
