//! Files that are generated from `rules/checks.yaml`: current, or rewritten with `UPDATE_GENERATED=1`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cachelint::rules::checks::{self, Check, FixAvailability};

const BEGIN: &str = "<!-- checks: generated from rules/checks.yaml -->\n";
const END: &str = "<!-- /checks -->\n";
const NOTICE: &str = "<!-- Generated from rules/checks.yaml; edit that, then `UPDATE_GENERATED=1 cargo test --test generated`. -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(check: &Check) -> String {
    format!("{NOTICE}\n{}", check.markdown())
}

/// One row for each check, its name linked to its page below `pages`.
fn table(pages: &str) -> String {
    let mut out = "| Check | Severity | Fix | What is wrong |\n| --- | --- | --- | --- |\n".to_owned();
    for check in checks::all() {
        let fix = match check.fix {
            FixAvailability::None => "no",
            FixAvailability::Sometimes => "often",
            FixAvailability::Always => "yes",
        };
        let (id, title, severity) = (&check.id, &check.title, check.severity.as_str());
        out += &format!("| [`{id}`]({pages}{}.md) | {severity} | {fix} | {title} |\n", check.short_name());
    }
    out
}

/// `text` with what stands between the markers replaced.
fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// Every generated file, and what has to stand in it.
fn wanted() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let pages = root().join("docs/rules");
    for check in checks::all() {
        files.insert(pages.join(format!("{}.md", check.short_name())), page(check));
    }
    files.insert(pages.join("README.md"), format!("{NOTICE}\n# Checks\n\n{}", table("")));
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).expect("there is a README");
    let text = with_table(&text, &table("docs/rules/")).expect("README.md holds both markers");
    files.insert(readme, text);
    files
}

#[test]
fn rule_pages_and_the_table_of_the_readme_are_current() {
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let wanted = wanted();
    let mut stale = Vec::new();
    for (path, content) in &wanted {
        if fs::read_to_string(path).ok().as_ref() == Some(content) {
            continue;
        }
        stale.push(path.display().to_string());
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    for entry in fs::read_dir(root().join("docs/rules")).unwrap() {
        let path = entry.unwrap().path();
        if !wanted.contains_key(&path) {
            stale.push(format!("{} (of no check)", path.display()));
            if update {
                fs::remove_file(&path).unwrap();
            }
        }
    }
    assert!(update || stale.is_empty(), "stale: {stale:#?}\nrun `UPDATE_GENERATED=1 cargo test --test generated`");
}

#[test]
fn only_what_stands_between_the_markers_is_replaced() {
    let text = format!("a\n{BEGIN}old\n{END}b\n");
    assert_eq!(with_table(&text, "new\n").unwrap(), format!("a\n{BEGIN}\nnew\n\n{END}b\n"));
    assert_eq!(with_table("a\n", "new\n"), None);
}
