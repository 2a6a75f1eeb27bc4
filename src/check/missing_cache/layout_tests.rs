//! What a fix leaves of the layout around it.

use crate::config::Config;
use crate::testing::{fixed, outcome, safe_fix};

#[test]
fn a_new_env_keeps_the_empty_lines_and_comments_around_it() {
    for (before, expected) in [
        (
            "    runs-on: ubuntu-latest\n\n",
            "latest\n    env:\n      UV_CACHE_DIR: .nox/.uv\n      UV_LINK_MODE: hardlink\n\n    steps:\n",
        ),
        (
            "    runs-on: ubuntu-latest\n    # What runs.\n",
            "latest\n    env:\n      UV_CACHE_DIR: .nox/.uv\n      UV_LINK_MODE: hardlink\n    # What runs.\n    steps:\n",
        ),
        (
            "    runs-on: ubuntu-latest\n",
            "latest\n    env:\n      UV_CACHE_DIR: .nox/.uv\n      UV_LINK_MODE: hardlink\n    steps:\n",
        ),
    ] {
        let workflow = format!(
            "on: push\njobs:\n  t:\n{before}    steps:\n      - uses: actions/checkout@v6\n      - uses: actions/setup-python@v6\n        with:\n          python-version: '3.13'\n      \
             - uses: astral-sh/setup-uv@v7\n        with:\n          enable-cache: true\n      - run: nox -s t\n"
        );
        let noxfile = "import nox\nnox.options.default_venv_backend = 'uv'\n@nox.session\ndef t(session):\n    session.install('-r', 'req.txt')\n";
        let files = [
            (".github/workflows/ci.yml", workflow.as_str()),
            ("noxfile.py", noxfile),
            ("req.txt", "ruff==0.14.0\n"),
        ];
        let findings = outcome(&files, &Config::default()).findings;
        let text = fixed(&workflow, safe_fix(&findings));
        assert!(text.contains(expected), "{before}: {text}");
    }
}
