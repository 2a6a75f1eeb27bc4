//! What builds a session's environment, by nox's order of precedence.

use crate::rules::nox::{Meaning, rules};
use crate::tool::{Answer, Backend, Variable};

use super::argv::NoxCall;
use super::noxfile::{Definition, NoxfileReader, PythonValue};

/// What a call says about backends before a session has its say.
pub struct OfCall {
    forced: Option<Backend>,
    default: Backend,
    /// The value that the noxfile's option has, or may have, when nothing stronger decides.
    default_is_noxfiles: bool,
}

impl OfCall {
    pub fn of_session(&self, definition: Option<&Definition>) -> Backend {
        if let Some(forced) = &self.forced {
            return forced.clone();
        }
        match definition.map(|d| &d.venv_backend) {
            Some(PythonValue::Str(text)) => named(text),
            None | Some(PythonValue::None) => {
                let package = definition.and_then(|d| d.package).and_then(|p| p.backend.as_deref());
                match package.filter(|_| self.default_is_noxfiles) {
                    Some(backend) if creates(&self.default) != Answer::No => named(backend),
                    _ => self.default.clone(),
                }
            }
            _ => Backend::default(),
        }
    }
}

/// `--no-venv`, or the backend `none` forced on the command line.
pub fn forced_none(call: &NoxCall) -> bool {
    call.has(Meaning::NoVenv)
        || call.one(Meaning::ForceBackend).is_some_and(|a| a.value.as_deref() == Some("none"))
}

pub fn of_call(
    call: &NoxCall,
    env: &dyn Fn(&str) -> Variable,
    reader: &NoxfileReader<'_>,
) -> OfCall {
    let word = |meaning| {
        call.one(meaning).map(|a| a.value.as_deref().map_or_else(Backend::default, named))
    };
    let forced =
        if call.has(Meaning::NoVenv) { Some(named("none")) } else { word(Meaning::ForceBackend) };
    let variable = rules()
        .variables
        .iter()
        .find(|(_, m)| **m == Meaning::DefaultBackend)
        .map(|(name, _)| env(name));
    let stronger = word(Meaning::DefaultBackend).or_else(|| match variable {
        Some(Variable::Set(text)) if !text.is_empty() => Some(named(&text)),
        Some(Variable::Unknown) => Some(Backend::default()),
        _ => None,
    });
    let default_is_noxfiles = stronger.is_none();
    OfCall { forced, default: stronger.unwrap_or_else(|| of_noxfile(reader)), default_is_noxfiles }
}

fn of_noxfile(reader: &NoxfileReader<'_>) -> Backend {
    const OPTION: &str = "default_venv_backend";
    match reader.options.get(OPTION) {
        None | Some(PythonValue::None) => named(&rules().default_backend),
        Some(PythonValue::Str(text)) => named(text),
        // Set under a condition: one of the values it is ever given, or nox's own default.
        Some(_) => {
            let mut names = Vec::new();
            for value in reader.option_values.get(OPTION).into_iter().flatten() {
                match value {
                    PythonValue::Str(text) => names.extend(named(text).names),
                    _ => return Backend::default(),
                }
            }
            names.push(rules().default_backend.clone());
            let mut seen = Vec::new();
            names.retain(|name| {
                !seen.contains(name) && {
                    seen.push(name.clone());
                    true
                }
            });
            Backend { names }
        }
    }
}

fn named(text: &str) -> Backend {
    let names: Vec<String> = text.split('|').map(str::to_owned).collect();
    let all_known = names.iter().all(|name| rules().backends.contains(name));
    if all_known { Backend { names } } else { Backend::default() }
}

/// Whether an environment is put on disk.
pub fn creates(backend: &Backend) -> Answer {
    Answer::one_of(
        backend.names.iter().map(|name| if name == "none" { Answer::No } else { Answer::Yes }),
    )
}
