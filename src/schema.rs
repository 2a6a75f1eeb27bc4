//! Published schemas, made from the types: those in `schemas/` are current, or rewritten with
//! `UPDATE_GENERATED=1`.

use std::borrow::Cow;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::config::{CheckName, CheckNames, Config};
use crate::output::json::JsonFinding;
use crate::rules::checks;

impl JsonSchema for CheckName {
    fn schema_name() -> Cow<'static, str> {
        "CheckName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> =
            checks::all().iter().flat_map(|c| [c.id.as_str(), c.short_name()]).collect();
        json_schema!({"description": "The id of a check, in full or without its first part.", "enum": names})
    }
}

impl JsonSchema for CheckNames {
    fn schema_name() -> Cow<'static, str> {
        "CheckNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A check, or the beginning of the names of several; `all` for every check.",
            "enum": CheckNames::words(),
        })
    }
}

/// Each file and its schema, in the dialect that editors and validators know best.
fn schemas() -> [(&'static str, Schema); 2] {
    let mut reader = SchemaSettings::draft07().into_generator();
    // The settings name it as a key of a map, which alone doesn't bring its definition along.
    reader.subschema_for::<CheckName>();
    let mut config = reader.into_root_schema_for::<Config>();
    config.insert("title".into(), "Settings of cachelint".into());
    let written = SchemaSettings::draft07().for_serialize().into_generator();
    let mut findings = written.into_root_schema_for::<Vec<JsonFinding<'_>>>();
    findings.insert("title".into(), "cachelint --output-format json".into());
    [("config.json", config), ("findings.json", findings)]
}

/// Every `#/definitions/NAME` that a schema refers to.
fn references(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Object(fields) => {
            let own = fields.get("$ref").and_then(|r| r.as_str()).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        serde_json::Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn schemas_define_what_they_refer_to() {
    for (name, schema) in schemas() {
        let value = schema.to_value();
        let all = references(&value);
        assert!(!all.is_empty(), "{name}");
        for reference in all {
            let pointer = reference.trim_start_matches('#');
            assert!(value.pointer(pointer).is_some(), "{name}: {reference}");
        }
    }
}

#[test]
fn schemas_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    for (name, schema) in schemas() {
        let wanted = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), &wanted).unwrap();
        }
        let stored = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            stored == wanted,
            "{name} is stale; run `UPDATE_GENERATED=1 cargo test --lib schema`\n{wanted}"
        );
    }
}
