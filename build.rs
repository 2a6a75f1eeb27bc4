//! Turns `rules/*.yaml` into JSON, which the program reads many times as fast each time it starts.

use std::path::Path;
use std::{env, error::Error, fs};

use serde_yaml::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    let out = env::var("OUT_DIR")?;
    for entry in fs::read_dir("rules")? {
        let path = entry?.path();
        let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|e| e == "yaml"))
        else {
            continue;
        };
        let rules: Value = serde_yaml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(key) = other_key(&rules) {
            return Err(format!(
                "{}: the key {key:?} is no text, put it in quotes",
                path.display()
            )
            .into());
        }
        if name == "checks" {
            fs::write(Path::new(&out).join("check_ids.rs"), check_ids(&rules)?)?;
        }
        fs::write(
            Path::new(&out).join(name).with_extension("json"),
            serde_json::to_string(&rules)?,
        )?;
    }
    Ok(())
}

/// A constant for the id of each check, so that only ids of `rules/checks.yaml` compile.
fn check_ids(checks: &Value) -> Result<String, Box<dyn Error>> {
    let mut constants = String::new();
    for check in checks.as_sequence().ok_or("checks.yaml: not a list")? {
        let id =
            check.get("id").and_then(Value::as_str).ok_or("checks.yaml: a check without id")?;
        let name = id.rsplit('/').next().unwrap_or(id).replace('-', "_").to_uppercase();
        constants += &format!("pub const {name}: &str = {id:?};\n");
    }
    Ok(constants)
}

/// A key that JSON would not keep as it is written: `-0` would become `"0"`.
fn other_key(value: &Value) -> Option<&Value> {
    match value {
        Value::Mapping(entries) => entries
            .iter()
            .find_map(|(key, value)| if key.is_string() { other_key(value) } else { Some(key) }),
        Value::Sequence(items) => items.iter().find_map(other_key),
        Value::Tagged(tagged) => other_key(&tagged.value),
        _ => None,
    }
}
