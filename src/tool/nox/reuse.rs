//! Whether nox uses an environment again that is already there.

use crate::rules::nox::Meaning;
use crate::tool::Reuse;

use super::argv::NoxCall;
use super::noxfile::{NoxfileReader, PythonValue};

/// nox's setting for all sessions of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Yes,
    No,
    Always,
    Never,
    Unknown,
}

/// The setting and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    pub setting: Setting,
    pub why: String,
    /// The words that ask not to reuse, when somebody wrote them on the command line or meant them
    /// to be final.
    pub refused: Option<String>,
    /// The command line itself says no, after which an inserted flag has no effect.
    pub line_refuses: bool,
}

/// What the command line and the noxfile say (`reader` is `None` when there is no noxfile to read).
pub fn global(call: &NoxCall, reader: Option<&NoxfileReader<'_>>) -> Global {
    let new = |setting, why: &str| Global {
        setting,
        why: why.to_owned(),
        refused: None,
        line_refuses: false,
    };
    let from_line = if call.has(Meaning::ReuseNoInstall) {
        Some(new(Setting::Yes, "`-R` on the command line"))
    } else if let Some(value) = call.one(Meaning::ReuseVenv) {
        let setting = value.value.as_deref().map_or(Setting::Unknown, setting);
        let text = format!("--reuse-venv={}", value.value.as_deref().unwrap_or("…"));
        let no = matches!(setting, Setting::No | Setting::Never);
        Some(Global {
            setting,
            why: format!("`{text}` on the command line"),
            refused: no.then_some(text),
            line_refuses: no,
        })
    } else if call.has(Meaning::Reuse) {
        Some(new(Setting::Yes, "`-r` on the command line"))
    } else if call.has(Meaning::NoReuse) {
        let why = "`-N` on the command line".to_owned();
        Some(Global {
            setting: Setting::No,
            why,
            refused: Some("-N".to_owned()),
            line_refuses: true,
        })
    } else {
        None
    };
    if let Some(from_line) = from_line {
        return from_line;
    }
    if call.incomplete {
        return new(Setting::Unknown, "part of the command line is unknown");
    }
    let Some(reader) = reader else { return new(Setting::Unknown, "there is no noxfile to read") };
    match reader.options.get("reuse_existing_virtualenvs").map(PythonValue::truth) {
        Some(Some(true)) => {
            return new(Setting::Yes, "`nox.options.reuse_existing_virtualenvs` in the noxfile");
        }
        Some(None) => {
            return new(
                Setting::Unknown,
                "`nox.options.reuse_existing_virtualenvs` is computed in the noxfile",
            );
        }
        Some(Some(false)) => {
            let text = "nox.options.reuse_existing_virtualenvs = False";
            return Global {
                refused: Some(text.to_owned()),
                ..new(Setting::No, "`nox.options.reuse_existing_virtualenvs` is off in the noxfile")
            };
        }
        None => {}
    }
    match reader.options.get("reuse_venv") {
        None => new(Setting::No, "nox rebuilds environments unless it is told to reuse them"),
        Some(PythonValue::Str(text)) => {
            let setting = setting(text);
            let text = format!("nox.options.reuse_venv = \"{text}\"");
            let off = matches!(setting, Setting::No | Setting::Never);
            let refused = off.then(|| text.clone());
            Global {
                setting,
                why: format!("`{text}` in the noxfile"),
                refused,
                line_refuses: false,
            }
        }
        Some(_) => new(Setting::Unknown, "`nox.options.reuse_venv` is computed in the noxfile"),
    }
}

fn setting(text: &str) -> Setting {
    match text {
        "yes" => Setting::Yes,
        "no" => Setting::No,
        "always" => Setting::Always,
        "never" => Setting::Never,
        _ => Setting::Unknown,
    }
}

/// One session's decision, from the setting and its own `reuse_venv=`.
pub fn session(setting: Setting, own: &PythonValue) -> Reuse {
    match (setting, own) {
        (Setting::Always, _) => Reuse::On,
        (Setting::Never, _) => Reuse::Off,
        // Only `always` and `never` go over the session's head.
        (Setting::Unknown, _) => Reuse::Unknown,
        (_, PythonValue::Bool(true)) => Reuse::On,
        (_, PythonValue::Bool(false)) => Reuse::Off,
        (Setting::Yes, PythonValue::None) => Reuse::On,
        (Setting::No, PythonValue::None) => Reuse::Off,
        _ => Reuse::Unknown,
    }
}

/// Over several sessions; `exact` when all of them run.
pub fn over(sessions: impl IntoIterator<Item = Reuse>, exact: bool) -> Option<Reuse> {
    let mut sessions = sessions.into_iter();
    let first = sessions.next()?;
    Some(sessions.fold(first, |so_far, next| match (so_far, next) {
        (Reuse::Unknown, _) | (_, Reuse::Unknown) => Reuse::Unknown,
        (a, b) if a == b => a,
        _ if exact => Reuse::Mixed,
        _ => Reuse::Unknown,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Argument;
    use crate::tool::nox::argv;

    /// nox 2026.10.20, `sessions.py` and `_merge.py`, and tried.
    #[test]
    fn the_session_decides_unless_always_or_never() {
        for (setting, own, expected) in [
            (Setting::No, PythonValue::None, Reuse::Off),
            (Setting::Yes, PythonValue::None, Reuse::On),
            (Setting::No, PythonValue::Bool(true), Reuse::On),
            (Setting::Never, PythonValue::Bool(true), Reuse::Off),
            (Setting::Yes, PythonValue::Bool(false), Reuse::Off),
            (Setting::Always, PythonValue::Bool(false), Reuse::On),
            (Setting::Yes, PythonValue::Unknown, Reuse::Unknown),
            (Setting::Unknown, PythonValue::None, Reuse::Unknown),
        ] {
            assert_eq!(session(setting, &own), expected, "{setting:?} {own:?}");
        }
    }

    #[test]
    fn on_one_line_the_strongest_word_decides() {
        for (line, setting, refused) in [
            ("-r", Setting::Yes, None),
            ("-N", Setting::No, Some("-N")),
            ("-r -N", Setting::No, Some("-N")),
            ("-N -r", Setting::Yes, None),
            ("-r --reuse-venv=no", Setting::No, Some("--reuse-venv=no")),
            ("--reuse-venv never -r", Setting::Never, Some("--reuse-venv=never")),
            ("--reuse-venv=no -R", Setting::Yes, None),
            ("-N -R", Setting::Yes, None),
            ("--reuse-venv=always", Setting::Always, None),
        ] {
            let words: Vec<Argument> = line.split(' ').map(Argument::known).collect();
            let global = global(&argv::parse(&words), None);
            assert_eq!((global.setting, global.refused.as_deref()), (setting, refused), "{line}");
        }
    }

    #[test]
    fn several_sessions_mix_only_when_all_run() {
        assert_eq!(over([Reuse::On, Reuse::Off], true), Some(Reuse::Mixed));
        assert_eq!(over([Reuse::On, Reuse::Off], false), Some(Reuse::Unknown));
        assert_eq!(over([Reuse::On, Reuse::On], false), Some(Reuse::On));
        assert_eq!(over([], true), None);
    }
}
