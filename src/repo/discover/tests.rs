use super::*;

const WORKFLOW: &str = "on: push\njobs: {}\n";

fn repository(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, WORKFLOW).unwrap();
    }
    (folder, root)
}

fn requested(discovery: &Discovery) -> Vec<&str> {
    let files = discovery.repositories.iter().flat_map(|r| &r.files);
    files.filter(|f| f.requested).map(|f| f.relative.as_str()).collect()
}

fn messages(discovery: &Discovery) -> Vec<&str> {
    discovery.problems.iter().map(|p| p.message.as_str()).collect()
}

#[test]
fn a_repository_gives_its_workflows_and_actions() {
    let (_guard, root) = repository(&[
        ".github/workflows/ci.yml",
        ".github/workflows/sub/no.yml",
        ".github/workflows/notes.md",
        ".forgejo/workflows/ci.yaml",
        ".gitea/workflows/ci.yml",
        ".github/actions/setup/action.yml",
        "action.yaml",
        "other.yml",
        "node_modules/x/action.yml",
        ".nox/tests/action.yml",
        ".venv/action.yml",
        "target/action.yml",
    ]);
    fs::create_dir(root.join(".github/workflows/folder.yml")).unwrap();
    let found = discover(std::slice::from_ref(&root), None);
    let expected = [
        ".forgejo/workflows/ci.yaml",
        ".gitea/workflows/ci.yml",
        ".github/actions/setup/action.yml",
        ".github/workflows/ci.yml",
        "action.yaml",
    ];
    assert_eq!(requested(&found), expected);
    assert!(found.problems.is_empty());
    let kinds: Vec<FileKind> = found.repositories[0].files.iter().map(|f| f.kind).collect();
    use FileKind::{Action, Workflow};
    assert_eq!(kinds, [Workflow, Workflow, Action, Workflow, Action]);
}

#[test]
fn a_repository_inside_another_is_not_part_of_it() {
    let (_guard, root) = repository(&["action.yml", "vendor/x/action.yml"]);
    fs::create_dir(root.join("vendor/x/.git")).unwrap();
    assert_eq!(requested(&discover(&[root], None)), ["action.yml"]);
}

#[test]
fn a_folder_asks_for_its_part_and_the_rest_stays_known() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml", "tools/action.yml"]);
    let found = discover(&[root.join("tools")], None);
    assert_eq!(requested(&found), ["tools/action.yml"]);
    assert_eq!(found.repositories[0].root, root);
    assert_eq!(found.repositories[0].files.len(), 2);
}

#[test]
fn a_file_is_taken_whatever_its_name_and_only_once() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml", "templates/build.yml"]);
    let ci = root.join(".github/workflows/ci.yml");
    let again = root.join(".github/../.github/workflows/ci.yml");
    let found = discover(&[ci, again, root.join("templates/build.yml")], None);
    assert_eq!(requested(&found), [".github/workflows/ci.yml", "templates/build.yml"]);
}

#[test]
fn the_content_tells_the_kind_of_a_file_with_another_name() {
    let (_guard, root) = repository(&["a.yml", "b.yml"]);
    fs::write(root.join("b.yml"), "name: x\nruns:\n  using: composite\n").unwrap();
    let found = discover(&[root.join("a.yml"), root.join("b.yml")], None);
    let kinds: Vec<FileKind> = found.repositories[0].files.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FileKind::Workflow, FileKind::Action]);
}

#[test]
fn a_file_of_the_top_level_keys_of_something_else_is_foreign() {
    use FileKind::{Action, Workflow};
    let table = [
        ("on: push\njobs: {}\n", Some(Workflow)),
        ("\u{feff}on: push\r\njobs :\r\n", Some(Workflow)),
        ("\"on\": push\n'jobs': {}\n", Some(Workflow)),
        ("on: push\njobs: [a\n", Some(Workflow)),
        ("runs:\n  using: node24\n", Some(Action)),
        // Azure Pipelines, CircleCI, Travis
        ("trigger: [main]\njobs:\n  - job: a\n", None),
        ("version: 2.1\njobs:\n  build: {}\n", None),
        ("services:\n  on: a\n  jobs: b\n", None),
        ("'on\": push\njobs: {}\n", None),
        ("online: 1\njobs: {}\n", None),
        ("- on: push\n", None),
        ("", None),
    ];
    for (content, kind) in table {
        assert_eq!(kind_of("some.yml", || content.into()), kind, "{content:?}");
        assert_eq!(
            kind_of(".gitea/workflows/some.yml", || content.into()),
            Some(Workflow),
            "{content:?}"
        );
        assert_eq!(kind_of("sub/action.yml", || content.into()), Some(Action), "{content:?}");
    }
}

#[test]
fn a_foreign_file_asks_for_the_whole_repository() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml", "environment.yml"]);
    let environment = root.join("environment.yml");
    fs::write(&environment, "name: x\ndependencies: [python]\n").unwrap();
    let found = discover(std::slice::from_ref(&environment), None);
    assert_eq!(requested(&found), [".github/workflows/ci.yml"]);
    assert_eq!(found.foreign, [environment]);
    let stdin = Stdin { path: root.join("environment.yml"), content: b"name: x\n".to_vec() };
    assert_eq!(requested(&discover(&[], Some(&stdin))), ["environment.yml"]);
}

#[test]
fn a_noxfile_or_lock_file_asks_for_the_whole_repository() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml", "sub/noxfile.py", "uv.lock"]);
    for name in ["sub/noxfile.py", "uv.lock"] {
        assert_eq!(requested(&discover(&[root.join(name)], None)), [".github/workflows/ci.yml"]);
    }
}

#[test]
fn a_folder_without_git_is_its_own_root() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let workflows = root.join(".github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    fs::write(workflows.join("ci.yml"), WORKFLOW).unwrap();
    for path in [root.clone(), workflows.clone(), workflows.join("ci.yml")] {
        let found = discover(&[path], None);
        assert_eq!(requested(&found), [".github/workflows/ci.yml"]);
        assert_eq!(found.repositories[0].root, root);
    }
}

#[test]
fn what_cannot_be_taken_is_a_problem_and_the_rest_goes_on() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml"]);
    let found =
        discover(&[root.join("missing.yml"), PathBuf::from("/dev/null"), root.clone()], None);
    assert_eq!(messages(&found), ["no such file or folder", "is neither a file nor a folder"]);
    assert_eq!(requested(&found), [".github/workflows/ci.yml"]);
}

#[cfg(unix)]
#[test]
fn links_out_of_the_repository_are_problems_and_links_inside_are_one_file() {
    use std::os::unix::fs::symlink;
    let (_guard, root) = repository(&[".github/workflows/a.yml"]);
    let (_other, elsewhere) = repository(&["secret.yml"]);
    symlink(elsewhere.join("secret.yml"), root.join(".github/workflows/out.yml")).unwrap();
    symlink(root.join(".github/workflows/a.yml"), root.join(".github/workflows/same.yml")).unwrap();
    symlink(&elsewhere, root.join("linked")).unwrap();
    let found = discover(std::slice::from_ref(&root), None);
    assert_eq!(requested(&found), [".github/workflows/a.yml"]);
    assert_eq!((found.problems.len(), found.repositories[0].files.len()), (1, 1));
    assert!(found.problems[0].message.starts_with("is a symbolic link to "));
    let [real, link] = ["a.yml", "same.yml"].map(|name| root.join(".github/workflows").join(name));
    for both in [[&real, &link], [&link, &real], [&link, &root]] {
        let found = discover(&both.map(Clone::clone), None);
        assert_eq!(requested(&found), [".github/workflows/a.yml"], "{both:?}");
    }
    let direct = discover(&[root.join(".github/workflows/out.yml")], None);
    assert!(requested(&direct).is_empty() && direct.problems.len() == 1);
    let context = discover(&[root.join(".github/workflows/a.yml")], None);
    assert_eq!(context.repositories[0].files.len(), 1, "a link is not read silently");
}

#[test]
fn standard_input_stands_for_the_file_it_names() {
    let (_guard, root) = repository(&[".github/workflows/ci.yml"]);
    let stdin =
        Stdin { path: root.join(".github/workflows/ci.yml"), content: b"on: pull\n".to_vec() };
    let found = discover(&[], Some(&stdin));
    assert_eq!(requested(&found), [".github/workflows/ci.yml"]);
    assert_eq!(found.repositories[0].files[0].read().unwrap().as_str(), "on: pull\n");
}

#[test]
fn unreadable_contents_are_problems_with_a_place() {
    let (_guard, root) = repository(&["a.yml"]);
    let read = |bytes: &[u8]| {
        fs::write(root.join("a.yml"), bytes).unwrap();
        discover(&[root.join("a.yml")], None).repositories[0].files[0].read()
    };
    let bad = read(b"on: push\njobs: \xff\n").unwrap_err();
    assert_eq!(bad.position, Some(Position { line: 2, column: 1 }));
    let large = read(
        &[b"on: push\njobs:\n".as_slice(), &vec![b'#'; crate::base::text::MAX_BYTES as usize]]
            .concat(),
    )
    .unwrap_err();
    assert!(large.message.starts_with("is larger than"), "{}", large.message);
    assert!(read(b"\xef\xbb\xbfon: push\njobs: {}\n").is_ok());
}
