//! nox's lines in a run log, by the wordings of `rules/nox-logs.yaml`.

use regex::Captures;

use crate::rules::nox_logs::{NOX_LOGS, Says};
use crate::tool::log::{LogLine, LogWords, SessionResult};

/// Characters of a name that are used.
const LONGEST: usize = 512;

/// What nox says in a log.
#[derive(Debug, Clone, Copy)]
pub struct NoxWords;

impl LogWords for NoxWords {
    fn line(&self, text: &str) -> Option<LogLine> {
        let (says, groups) = NOX_LOGS.find(text)?;
        let group = |name: &str| groups.name(name).map(|m| clipped(m.as_str()));
        let named = |name: &str| group(name).unwrap_or_default();
        Some(match says {
            Says::SessionStart => LogLine::SessionStart(named("name")),
            Says::SessionEnd => LogLine::SessionEnd {
                name: named("name"),
                result: result(&named("result")),
                seconds: seconds(&groups),
                at_most: at_most(&groups),
            },
            Says::RunEnd => LogLine::RunEnd { seconds: seconds(&groups) },
            Says::Created => match environment(&named("path")) {
                Some((folder, name)) => {
                    LogLine::Created { name, folder, backend: group("backend") }
                }
                None => LogLine::Other,
            },
            Says::Reused => match environment(&named("path")) {
                Some((folder, name)) => LogLine::Reused { name, folder },
                None => LogLine::Other,
            },
            Says::InterpreterGone => LogLine::InterpreterGone,
            Says::Install => LogLine::Install,
            Says::Command => LogLine::Command,
            Says::Other => LogLine::Other,
        })
    }

    fn is_environment_folder(&self, path: &str) -> bool {
        path.split(['/', '\\']).any(|part| part == NOX_LOGS.environment_folder)
    }

    fn is_named_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&NOX_LOGS.word)
    }
}

/// The folder of an environment and its name; `None` of one that nox made for itself.
fn environment(path: &str) -> Option<(String, String)> {
    let path = path.trim_end_matches(['/', '\\']);
    let (folder, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    (!NOX_LOGS.is_own_environment(name)).then(|| (folder.to_owned(), name.to_owned()))
}

fn result(word: &str) -> SessionResult {
    match word {
        "successful" => SessionResult::Success,
        "skipped" => SessionResult::Skipped,
        "aborted" => SessionResult::Aborted,
        _ => SessionResult::Failed,
    }
}

/// How many units nox writes, and the seconds of one.
fn duration(groups: &Captures<'_>) -> Option<(f64, f64)> {
    let unit = match groups.name("unit")?.as_str().trim_end_matches('s') {
        "second" => 1.0,
        "minute" => 60.0,
        "hour" => 3600.0,
        _ => return None,
    };
    let number = match groups.name("number") {
        Some(number) => number.as_str().parse().ok()?,
        None => 1.0,
    };
    Some((number, unit))
}

/// nox rounds down to the largest unit: "2 minutes" may be 179 seconds, so only seconds are taken
/// at their word.
fn seconds(groups: &Captures<'_>) -> Option<f64> {
    duration(groups).filter(|(_, unit)| *unit == 1.0).map(|(number, _)| number)
}

/// Less than one more of the unit that it was rounded down to.
fn at_most(groups: &Captures<'_>) -> Option<f64> {
    duration(groups).map(|(number, unit)| (number + 1.0) * unit)
}

fn clipped(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nox(text: &str) -> Option<LogLine> {
        NoxWords.line(text)
    }

    #[test]
    fn takes_nox_at_its_word_only_in_seconds() {
        for (text, expected, most) in [
            ("nox > Session tests was successful in 12 seconds.", Some(12.0), Some(13.0)),
            ("nox > Session tests was successful in a second.", Some(1.0), Some(2.0)),
            ("nox > Session tests was successful in 2 minutes.", None, Some(180.0)),
            ("nox > Session tests was successful in an hour.", None, Some(7200.0)),
            ("nox > Session tests was successful.", None, None),
        ] {
            let Some(LogLine::SessionEnd { name, result, seconds, at_most }) = nox(text) else {
                panic!("{text}")
            };
            assert_eq!(
                (name.as_str(), result, seconds, at_most),
                ("tests", SessionResult::Success, expected, most),
                "{text}"
            );
        }
        let end = |seconds| Some(LogLine::RunEnd { seconds });
        assert_eq!(nox("nox > Ran 4 sessions in 5 seconds:"), end(Some(5.0)));
        assert_eq!(nox("nox > Ran 2 sessions:"), end(None));
    }

    #[test]
    fn names_sessions_with_parameters() {
        let text = "nox > Session tests-3.12(a=1, b='x y') was successful in 2 seconds.";
        assert!(
            matches!(nox(text), Some(LogLine::SessionEnd { name, .. }) if name == "tests-3.12(a=1, b='x y')")
        );
        for (text, expected) in [
            ("nox > Session s failed.", SessionResult::Failed),
            ("nox > Session s skipped: not today (took a second).", SessionResult::Skipped),
            ("nox > Session s skipped: not today.", SessionResult::Skipped),
            ("nox > Session s aborted: no reason", SessionResult::Aborted),
        ] {
            assert!(
                matches!(nox(text), Some(LogLine::SessionEnd { name, result, .. }) if name == "s" && result == expected),
                "{text}"
            );
        }
    }

    #[test]
    fn passes_over_the_environment_nox_makes_for_itself() {
        let own = "nox > Reusing existing virtual environment at .nox/_nox_script_mode.";
        assert_eq!(nox(own), Some(LogLine::Other));
    }

    #[test]
    fn knows_every_form_of_an_environment_line() {
        let created = |name: &str, backend: Option<&str>| {
            let (folder, backend) = (".nox".to_owned(), backend.map(str::to_owned));
            Some(LogLine::Created { name: name.into(), folder, backend })
        };
        let reused =
            |name: &str| Some(LogLine::Reused { name: name.into(), folder: ".nox".into() });
        let windows =
            r"nox > Creating virtual environment (virtualenv) using python.exe in .nox\tests-3-12";
        for (text, expected) in [
            ("Creating virtualenv using python in .nox/a", created("a", None)),
            ("Re-using existing virtualenv at .nox/a.", reused("a")),
            (
                "nox > Creating virtual environment (virtualenv) using python in .nox/a",
                created("a", Some("virtualenv")),
            ),
            (
                "nox > Creating virtual environment (uv) using python3.12 in .nox/t-3-12",
                created("t-3-12", Some("uv")),
            ),
            (windows, created("tests-3-12", Some("virtualenv"))),
            ("nox > Re-using existing virtual environment at .nox/a.", reused("a")),
            (
                "nox > [2026-11-22 10:00:00] Reusing existing virtual environment at .nox/a.",
                reused("a"),
            ),
            ("nox > Creating conda env in .nox/a with python=3.12", created("a", None)),
            ("nox > Re-using existing conda env at .nox/a.", reused("a")),
            ("nox > Reusing existing mamba env at .nox/a.", reused("a")),
        ] {
            assert_eq!(nox(text), expected, "{text}");
        }
    }

    #[test]
    fn tells_installs_from_other_commands() {
        for text in [
            "nox > python -m pip install pytest",
            "nox > uv pip install -r requirements.txt pytest",
            "nox > [2026-11-22 10:00:00] pip install .",
            "nox > uv sync --locked",
            "nox > .nox/tests/bin/python -m pip install -e .",
            "nox > poetry install --with dev",
            "nox > conda install --yes numpy",
        ] {
            assert_eq!(nox(text), Some(LogLine::Install), "{text}");
        }
        for text in
            ["nox > pytest tests", "nox > python -m build", "nox > pip check", "nox > uv run x"]
        {
            assert_eq!(nox(text), Some(LogLine::Command), "{text}");
        }
        for text in
            ["nox > * tests: success", "nox > Skipping pytest run, as --install-only is set."]
        {
            assert_eq!(nox(text), Some(LogLine::Other), "{text}");
        }
        for text in ["hello", "Creating virtual environments is slow", "Running sessions"] {
            assert_eq!(nox(text), None, "{text}");
        }
    }
}
