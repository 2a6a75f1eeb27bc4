//! Facts about the world, read from `rules/*.yaml` (embedded); what their types cannot rule out,
//! tests do.

pub mod cache_actions;
pub mod checks;
pub mod command_actions;
pub mod folders;
pub mod forges;
pub mod launchers;
pub mod logs;
pub mod nox;
pub mod nox_logs;
pub mod publishers;
pub mod pull_request;
pub mod setup_actions;
pub mod wrappers;

use std::sync::LazyLock;

use serde::de::DeserializeOwned;

/// The rules of `rules/<name>.yaml`, which the build embeds as JSON.
macro_rules! embedded {
    ($name:literal) => {
        $crate::rules::load($name, include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json")))
    };
}
pub(crate) use embedded;

/// Reads embedded rules. They ship with the binary and a test loads each, so bad ones are a bug,
/// not bad input.
fn load<T: DeserializeOwned>(name: &str, json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("internal error: rules/{name}.yaml: {e}"))
}

/// Reads what nearly every check needs, so that it is there when the files have been found.
pub fn preload() {
    LazyLock::force(&launchers::LAUNCHERS);
    nox::rules();
    cache_actions::cache_actions();
}

/// Names of actions are compared as GitHub does: without case.
pub fn is_action(known: &str, used: &str) -> bool {
    known.eq_ignore_ascii_case(used)
}

/// Whether some rule says what an action does: it saves no folder, or is read as a cache step.
pub fn is_known_action(action: &str) -> bool {
    let (setup, folders) = (setup_actions::setup_actions(), folders::folders());
    let half = action.strip_suffix("/restore").or(action.strip_suffix("/save"));
    let caches = cache_actions::cache_actions().actions.iter().map(|known| &known.repository);
    let passing = folders.uploads.iter().chain(&folders.downloads).map(|known| &known.action);
    let publishing = publishers::publishers().actions.iter().map(|known| &known.action);
    setup.is_checkout(action)
        || setup.interpreter(action).is_some()
        || setup.exports(action).is_some()
        || setup.tool_action(action).is_some()
        || setup.builds_wheels(action)
        || command_actions::command_action(action).is_some()
        || command_actions::action_file(action).is_some()
        || caches.into_iter().any(|known| is_action(known, half.unwrap_or(action)))
        || passing.chain(publishing).any(|known| is_action(known, action))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::is_known_action;

    /// The names of actions in the rules of a file.
    fn actions(rules: &Value, found: &mut Vec<String>) {
        match rules {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if matches!(name.as_str(), "action" | "repository" | "checkouts") {
                        let values =
                            value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                        found.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    actions(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| actions(item, found)),
            _ => {}
        }
    }

    #[test]
    fn an_action_with_a_rule_is_known() {
        let files: [Value; 5] = [
            embedded!("cache-actions"),
            embedded!("command-actions"),
            embedded!("folders"),
            embedded!("publishers"),
            embedded!("setup-actions"),
        ];
        let mut found = Vec::new();
        files.iter().for_each(|rules| actions(rules, &mut found));
        assert!(found.len() > 80, "{found:?}");
        let unknown: Vec<&String> = found.iter().filter(|name| !is_known_action(name)).collect();
        assert_eq!(unknown, [] as [&String; 0]);
        assert!(is_known_action("Actions/Cache/restore") && is_known_action("Runs-On/Cache/save"));
        assert!(!is_known_action("acme/prepare") && !is_known_action("actions/checkout/save"));
    }
}
