//! Scripts written to break a reader: random pieces, deep nesting, growth without end.

use super::*;

proptest::proptest! {
    #[test]
    fn nothing_panics_and_every_span_fits(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..24),
        hole in 0usize..40,
        known in proptest::option::of("[a-z '\"$(]{0,8}"),
    ) {
        let script = pieces.concat();
        let at = (0..=script.len()).filter(|i| script.is_char_boundary(*i)).nth(hole).unwrap_or(script.len());
        let with_hole = format!("{}${{{{ x }}}}{}", &script[..at], &script[at..]);
        let expanded = Expanded::new(&with_hole, &[(Span::new(at, at + 8), known)]);
        for shell in [Shell::Bash, Shell::PowerShell, Shell::Cmd] {
            for command in commands(&shell, &expanded, &|_| None) {
                for word in &command.words {
                    proptest::prop_assert_eq!(with_hole.get(word.span.range()), Some(word.raw.as_str()));
                }
                for call in calls(&command, "nox") {
                    proptest::prop_assert!(call.insert_at.is_none_or(|i| with_hole.is_char_boundary(i)));
                }
            }
        }
    }
}

/// What random scripts are made of.
const PIECES: [&str; 44] = [
    "nox",
    " ",
    "\n",
    " -s ",
    "\"",
    "'",
    "$",
    "(",
    ")",
    "{",
    "}",
    "`",
    "\\",
    "|",
    "||",
    "&&",
    "&",
    ";",
    "é",
    "if ",
    "then ",
    "fi",
    "for x in a;do ",
    "done",
    "<<E\n",
    "E\n",
    "> ",
    "#",
    "bash -c ",
    "$x",
    "${x}",
    "$(",
    "%x%",
    "^",
    "@",
    "uv run ",
    "-p",
    "=",
    "A=b ",
    "eval ",
    "python -m",
    ",",
    "\r\n",
    "\t",
];

#[test]
fn hostile_scripts_end() {
    let deep = "(".repeat(5000) + "nox" + &")".repeat(5000);
    let doubling =
        (0..60).map(|i| format!("f{i}() {{ f{}; f{}; }}\n", i + 1, i + 1)).collect::<String>()
            + "f60() { nox; }\nf0";
    let growing = "x=aaaaaaaa\n".to_owned() + &"x=\"$x$x\"\n".repeat(60) + "nox $x";
    let recursive = "f() { f; nox; }\nf\ng() { h; }; h() { g; }; g".to_owned();
    let nested = "nox".to_owned();
    let nested = (0..12).fold(nested, |inner, _| format!("bash -c {:?}", inner));
    let exports = (0..600).map(|i| format!("export A{i}=$A{i}\ntrue\n")).collect::<String>();
    let lists = "a && ".repeat(1000) + "nox";
    for script in [deep, doubling, growing, recursive, nested, exports, lists] {
        for shell in [Shell::Bash, Shell::PowerShell, Shell::Cmd] {
            commands(&shell, &Expanded::new(&script, &[]), &|_| None);
        }
    }
}

#[test]
fn scripts_inside_a_script_share_its_statements() {
    let doubling: String =
        (0..10).map(|i| format!("f{i}() {{ f{}; f{}; }}; ", i + 1, i + 1)).collect();
    let script = format!("bash -c '{doubling} f10() {{ nox; }}; f0'\n").repeat(40);
    let found = commands(&Shell::Bash, &Expanded::new(&script, &[]), &|_| None);
    assert!(found.len() < MAX_STATEMENTS, "{}", found.len());
}

#[test]
fn sourced_scripts_share_what_one_script_may_read() {
    let reads = std::cell::Cell::new(0);
    let read = |script: &str, file: &str| {
        reads.set(0);
        let files = |_: &str| {
            reads.set(reads.get() + 1);
            Some(file.to_owned())
        };
        commands_given(
            &Shell::Bash,
            &Expanded::new(script, &[]),
            &Given { vars: &|_| None, files: &files },
        )
    };
    let again = ". ./a.sh\n".repeat(100);
    for script in [again.clone(), "bash -c '. ./a.sh'\n".repeat(100)] {
        assert_eq!(read(&script, &again).last().map(|c| c.words.len()), Some(2));
        assert_eq!(reads.get(), MAX_SOURCED);
    }
    let doubling =
        (0..60).map(|i| format!("f{i}() {{ f{}; f{}; }}\n", i + 1, i + 1)).collect::<String>()
            + "f0\n";
    assert_eq!(read(". ./a.sh\nnox", &doubling).len(), 1, "the statements are used up");
    let long = "x=1\n".to_owned() + &" ".repeat(MAX_SCRIPT_BYTES);
    for (file, value) in [(long.as_str(), None), ("x=1\n", Some("1"))] {
        assert_eq!(read(". ./a.sh\necho $x", file)[1].words[1].value.as_deref(), value);
    }
}

#[test]
fn branches_and_variables_together_are_bounded_and_the_limit_is_said() {
    let read = |script: &str| {
        let given = Given { vars: &|_| None, files: &|_| None };
        commands_and_cut(&Shell::Bash, &Expanded::new(script, &[]), &given)
    };
    let branches: String = (0..6_000).map(|i| format!("a{i}) Y{i}=1; nox ;;\n")).collect();
    let (found, cut) = read(&format!("case $X in\n{branches}esac\nnox\n"));
    assert!(cut.is_some_and(|why| why.contains("statements")), "{}", found.len());
    // What comes after the branches costs the sum of their variables.
    assert!(found.len().pow(2) / bash::COPIES_PER_STATEMENT > MAX_STATEMENTS, "{}", found.len());
    let few: String = (0..40).map(|i| format!("a{i}) Y{i}=1; nox ;;\n")).collect();
    assert_eq!(read(&format!("case $X in\n{few}esac\nnox\n")).1, None);

    let value = "x=$x$x\n".repeat(16);
    let (found, cut) = read(&format!("x=a\n{value}export x\n{}", "nox $x\n".repeat(5_000)));
    let bytes: usize =
        found.iter().flat_map(|c| &c.exports).flat_map(|(_, v)| v).map(String::len).sum();
    assert!(cut.is_some() && bytes <= MAX_STATEMENTS * 1024, "{bytes}");
    for script in ["nox\n".repeat(30_000), " ".repeat(MAX_SCRIPT_BYTES + 1)] {
        assert!(read(&script).1.is_some());
    }
}

/// The grammar reads long pipelines in many ways at once, which takes gigabytes.
#[test]
fn a_script_with_thousands_of_pipes_is_not_parsed() {
    for (count, cut) in [(1_000, None), (1_001, Some("a script has more than 1000 pipes"))] {
        let script = "nox -r | ".repeat(count) + "nox";
        let (read, why) = read_script(
            &Shell::Bash,
            &Expanded::new(&script, &[]),
            &Given { vars: &|_| None, files: &|_| None },
        );
        assert_eq!((read.is_empty(), why.as_deref()), (cut.is_some(), cut));
    }
    assert_eq!((reading_cost("a | b"), reading_cost("a || b")), (5 + 128, 6));
}
