//! What fixes did, written for programs that read YAML in other ways: a line of JSON for each
//! round.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use cachelint::base::finding::{Change as Declared, Segment};
use cachelint::engine::fix_loop::FileChange;
use serde_json::{Value, json};

/// Writes the rounds of each numbered mutant to the file at `path`.
pub fn write<'a>(path: &Path, mutants: impl Iterator<Item = (u64, &'a [FileChange])>) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    for (number, changes) in mutants {
        for change in changes {
            let mut old = &change.before;
            for (round, done) in change.rounds.iter().enumerate() {
                let name = format!("{number}:{}:{round}", change.relative);
                let declared: Vec<Value> = done.declared.iter().map(declared).collect();
                writeln!(
                    out,
                    "{}",
                    json!({"name": name, "old": old, "new": done.after, "changes": declared})
                )
                .unwrap();
                old = &done.after;
            }
        }
    }
    out.flush().unwrap();
}

fn declared(change: &Declared) -> Value {
    match change {
        Declared::InsertItem { sequence, index, value } => {
            json!({"do": "insert", "at": route(sequence), "index": index, "value": value})
        }
        Declared::SetScalar { at, value } => json!({"do": "set", "at": route(at), "value": value}),
        Declared::SetBool { at, value } => json!({"do": "set", "at": route(at), "value": value}),
        Declared::AddKey { mapping, key, value } => {
            json!({"do": "add", "at": route(mapping), "key": key, "value": value})
        }
        Declared::RemoveKey { mapping, key } => {
            json!({"do": "drop", "at": route(mapping), "key": key})
        }
        Declared::RemoveItem { sequence, index } => {
            json!({"do": "remove", "at": route(sequence), "index": index})
        }
        Declared::MoveItem { sequence, from, before } => {
            json!({"do": "move", "at": route(sequence), "from": from, "before": before})
        }
    }
}

/// Keys as strings, indices as numbers.
fn route(segments: &[Segment]) -> Value {
    let parts = segments.iter().map(|segment| match segment {
        Segment::Key(key) => Value::from(key.as_str()),
        Segment::Index(index) => Value::from(*index),
    });
    parts.collect()
}
