//! How long each part of a check takes on the real workflows of the fixtures: `cargo bench`.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use cachelint::actions::Workflow;
use cachelint::actions::expr;
use cachelint::base::glob;
use cachelint::base::text::Text;
use cachelint::config::Config;
use cachelint::engine::lint;
use cachelint::repo::RepoFiles;
use cachelint::repo::discover::discover;
use cachelint::shell::{Expanded, Shell, commands};
use cachelint::tool::nox::Nox;
use cachelint::tool::{Argument, Most, Request, Tool, Variable};
use cachelint::yaml;
use divan::Bencher;
use divan::counter::BytesCount;
use tempfile::TempDir;

/// The case of eleven jobs as a repository of its own.
static CASE: LazyLock<TempDir> = LazyLock::new(|| {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/forgejo-11-jobs");
    let folder = tempfile::tempdir().expect("a writable folder for temporary files");
    for path in [".forgejo/workflows/ci.yml", "noxfile.py", "pyproject.toml", "uv.lock"] {
        let copy = folder.path().join(path);
        fs::create_dir_all(copy.parent().unwrap_or(&copy)).expect("a folder");
        fs::copy(fixture.join(path), copy).expect("the fixture is part of the repository");
    }
    fs::create_dir(folder.path().join(".git")).expect("a folder");
    folder
});

fn workflow() -> Text {
    let path = CASE.path().join(".forgejo/workflows/ci.yml");
    Text::new(&path, fs::read(&path).expect("a fixture")).expect("UTF-8")
}

fn main() {
    divan::main();
}

#[divan::bench]
fn yaml_to_tree(bencher: Bencher<'_, '_>) {
    let text = workflow();
    bencher.counter(BytesCount::of_str(text.as_str())).bench_local(|| yaml::parse(&text));
}

#[divan::bench]
fn tree_to_workflow(bencher: Bencher<'_, '_>) {
    let tree = yaml::parse(&workflow()).expect("valid YAML");
    bencher.bench_local(|| Workflow::read(&tree));
}

#[divan::bench]
fn script_to_commands(bencher: Bencher<'_, '_>) {
    let script =
        "set -o pipefail\nmkdir -p build\nnox -s tests 2>&1 | tee build/nox-tests-output.log\n";
    let script = Expanded::new(script, &[]);
    bencher.bench_local(|| commands(&Shell::Bash, &script, &|_| None));
}

#[divan::bench]
fn expression() -> bool {
    let text = "nox-${{ runner.os }}-${{ matrix.python || '3.12' }}-${{ hashFiles('noxfile.py', '**/uv.lock') }}";
    expr::parse_template(divan::black_box(text)).is_ok()
}

#[divan::bench]
fn glob_over_a_thousand_files(bencher: Bencher<'_, '_>) {
    let files: Vec<String> =
        (0..1_000).map(|i| format!("packages/p{i}/requirements-{i}.txt")).collect();
    let set =
        glob::PatternSet::parse("**/requirements*.txt\n!packages/p7/**").expect("a valid pattern");
    bencher.bench_local(|| files.iter().filter(|file| set.matches(file)).count());
}

#[divan::bench]
fn call_to_run(bencher: Bencher<'_, '_>) {
    let files = RepoFiles::new(CASE.path());
    let args = [Argument::known("-s"), Argument::known("unit_tests")];
    let env = |_: &str| Variable::Unset;
    bencher.bench_local(|| {
        let request = Request { args: &args, env: &env, folder: "", script: None, files: &files };
        Nox::default().run(&request, Most::ANY)
    });
}

#[divan::bench]
fn files_to_findings(bencher: Bencher<'_, '_>) {
    let settings = Config::default();
    let paths = [CASE.path().to_owned()];
    bencher.bench_local(|| {
        let found = discover(&paths, None);
        let repositories = found.repositories.iter();
        repositories
            .map(|r| {
                lint::lint(&r.root, &r.files, &settings, lint::Details::default()).findings.len()
            })
            .sum::<usize>()
    });
}
