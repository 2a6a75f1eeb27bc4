//! The known ways to break a cache.

use crate::block::{Block, Broken};
use crate::facts::Call;

/// A way to break a cache.
pub struct Break {
    /// The check that must find it.
    pub rule: &'static str,
    /// Others that rightly speak of the same break.
    pub also: &'static [&'static str],
    /// Nothing where it does not apply, or isn't a flaw.
    pub apply: fn(&Block<'_>) -> Broken,
}

const fn of(rule: &'static str, apply: fn(&Block<'_>) -> Broken) -> Break {
    Break { rule, also: &[], apply }
}

const fn with(
    rule: &'static str,
    also: &'static [&'static str],
    apply: fn(&Block<'_>) -> Broken,
) -> Break {
    Break { rule, also, apply }
}

pub const BREAKS: &[Break] = &[
    of("nox/retired-cache-action", |b| b.reference("v1")),
    of("nox/retired-cache-action", |b| b.reference("v2.1.7")),
    of("nox/retired-cache-action", |b| b.reference("v3.3.3")),
    of("nox/retired-cache-action", |b| b.reference("v4.1.2")),
    with("nox/cache-after-run", &["nox/interpreter-not-in-key"], |b| b.last()),
    // Before the interpreter too, so that the key has an empty path for it, which may be all that
    // tells the legs apart.
    with("nox/cache-before-checkout", &["nox/key-collision", "nox/interpreter-not-in-key"], |b| {
        b.first()
    }),
    of("nox/wrong-path", |b| b.path(|p| format!("elsewhere/{p}"))),
    of("nox/wrong-path", |b| b.path(|p| format!("./old/{p}"))),
    of("nox/cache-not-reused", |b| b.calls("", wasted)),
    of("nox/invalid-key", |b| b.both(|k| k.replacen("nox-", "nox,", 1))),
    of("nox/invalid-key", |b| b.both(|k| format!("{}{k}", "long".repeat(130)))),
    of("nox/invalid-key", |b| b.restore(|r| vec![r.to_owned(); 10])),
    // The workflow's hash may be what tells the interpreter.
    with("nox/constant-key", &["nox/interpreter-not-in-key"], |b| {
        b.of_no_input(b.both(without_hashes))
    }),
    with("nox/constant-key", &["nox/interpreter-not-in-key"], |b| b.of_own(misspelt)),
    with("nox/key-collision", &["nox/interpreter-not-in-key"], |b| b.of_legs(only_hashes)),
    with("nox/key-collision", &["nox/interpreter-not-in-key"], |b| {
        b.of_legs(|t| only_hashes(t).replacen("nox-", "nox-all-", 1))
    }),
    of("nox/key-collision", |b| b.of_jobs(|t, id| t.replacen(&format!("nox-{id}-"), "nox-", 1))),
    of("nox/key-collision", |b| {
        b.of_jobs(|t, id| t.replacen(&format!("nox-{id}-"), "nox-all-", 1))
    }),
    with("nox/interpreter-not-in-key", &["nox/key-collision"], |b| {
        b.of_set_up(|b| b.everywhere("${{ env.pythonLocation }}-", ""))
    }),
    with("nox/interpreter-not-in-key", &["nox/key-collision"], |b| {
        b.of_set_up(|b| b.everywhere("${{ env.pythonLocation }}", "py3.12"))
    }),
    of("nox/restore-keys-mismatch", |b| b.restore(|r| vec![format!("- {r}")])),
    of("nox/restore-keys-mismatch", |b| b.restore(|r| vec![r.replacen("nox-", "cache-", 1)])),
    of("nox/restore-keys-mismatch", |b| b.restore(|r| vec![r.to_owned(), "old-nox-".to_owned()])),
    with("nox/frozen-dependencies", &["nox/interpreter-not-in-key"], |b| {
        b.of_no_input(b.of_unpinned(without_definition))
    }),
];

/// Without the flag some call deletes what was restored, unless its noxfile has a say in that.
fn wasted(calls: &[Call], changed: &dyn Fn(&Call) -> bool) -> bool {
    calls.iter().any(|c| changed(c) && c.creates && !c.noxfile_decides_reuse)
}

fn expressions(text: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |e| at + e + 2);
        out.push_str(&rest[..at]);
        if keep(&rest[at..end]) {
            out.push_str(&rest[at..end]);
            rest = &rest[end..];
        } else {
            rest = rest[end..].strip_prefix('-').unwrap_or(&rest[end..]);
        }
    }
    out.push_str(rest);
    out
}

fn only_hashes(text: &str) -> String {
    expressions(text, |e| e.contains("hashFiles"))
}

/// The week, alone or together with the interpreter.
fn tells_week(expression: &str) -> bool {
    expression.contains("outputs.week") || expression.contains("outputs.key")
}

fn without_hashes(text: &str) -> String {
    expressions(text, |e| !e.contains("hashFiles") && !tells_week(e))
}

/// What defines the job and the week are gone, what is installed stays hashed.
fn without_definition(text: &str) -> String {
    let definition = |file: &str| file.contains("noxfile.py") || file.starts_with(".github/*/");
    let hashed = |e: &str| {
        let files = e.split('\'').skip(1).step_by(2);
        files.filter(|file| !definition(file)).map(|f| format!("'{f}'")).collect::<Vec<String>>()
    };
    let mut out = expressions(text, |e| {
        !tells_week(e) && (!e.contains("hashFiles") || !hashed(e).is_empty())
    });
    if let Some((start, end)) = out.find("hashFiles(").zip(out.rfind(") }}")) {
        let left = hashed(&out[start..end]).join(", ");
        out.replace_range(start + "hashFiles(".len()..end, &left);
    }
    out
}

/// Every hashed file under a name that no file has, and that no tool writes.
fn misspelt(text: &str) -> String {
    let name = |(at, part): (usize, &str)| {
        if at % 2 == 1 { format!("gone-{at}.txt") } else { part.to_owned() }
    };
    text.split('\'').enumerate().map(name).collect::<Vec<String>>().join("'")
}
