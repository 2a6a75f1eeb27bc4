use crate::base::text::Span;
use crate::shell::{Call, Directory, Expanded, Left, Shell, calls, commands};

fn nox(script: &str) -> Vec<Call> {
    let mut holes = Vec::new();
    if let (Some(start), Some(end)) = (script.find("${{"), script.find("}}")) {
        holes.push((Span::new(start, end + 2), None));
    }
    let vars = |name: &str| (name == "SESSION").then(|| "lint".to_owned());
    let found = commands(&Shell::PowerShell, &Expanded::new(script, &holes), &vars);
    for word in found.iter().flat_map(|c| &c.words) {
        assert_eq!(
            script.get(word.span.range()),
            Some(word.raw.as_str()),
            "span of a word in {script:?}"
        );
    }
    found.iter().flat_map(|c| calls(c, "nox")).collect()
}

#[test]
fn every_way_to_run_nox_takes_the_flag_after_its_program() {
    // `@` marks the place.
    for marked in [
        "nox@",
        "nox@ -s x -- --verbose",
        "nox@ --session=\"${{ matrix.x }}\"",
        "& nox@ -s x",
        "& \"nox\"@ -s x",
        "nox.exe@ -s x",
        ".\\venv\\Scripts\\nox.exe@ -s x",
        "& .\\venv\\Scripts\\nox@ -s x",
        "& \"$env:VENV\\Scripts\\nox.exe\"@ -s x",
        "python -m nox@ -s x",
        "& python -m nox@ -s x",
        "py -3.12 -m nox@",
        "uvx --with tox nox@ `\n  -s x `\n  -- -y",
        "conda run -n hydra nox@ -s a b c -ts",
        "pip install nox\nnox@ --session libbezier-release",
        "$env:A = \"b\"; nox@ -s x",
        "if ($env:X -eq 'y') { nox@ -s a } elseif ($b) { nox@ } else { nox@ -s b }",
        "foreach ($s in 'a','b') { nox@ -s $s }",
        "try { nox@ } catch { Write-Host nox } finally { nox@ }",
        "function Run { nox@ -s a }\nRun",
        "nox@ -s a; nox@ -s b",
        "nox@ -s a | Tee-Object out.log",
        "nox@ -s a > out.log 2>&1",
        "$out = nox@ --list",
        "$x = $(nox@ -l | Out-String)",
        "nox@ -s a && nox@ -s b",
        "bash -c 'nox@ -s a'",
        "pwsh -NoProfile -Command \"nox@ -s a\"",
        "cmd /c nox@ -s a",
        "Invoke-Expression \"nox@ -s a\"",
        "nox@ -s a # nox",
    ] {
        let script = marked.replace('@', "");
        let mut flagged = script.clone();
        let mut places: Vec<usize> = nox(&script).into_iter().filter_map(|c| c.insert_at).collect();
        places.sort_unstable();
        for at in places.into_iter().rev() {
            flagged.insert_str(at, " -r");
        }
        assert_eq!(flagged, marked.replace('@', " -r"));
    }
}

#[test]
fn what_only_looks_like_nox_is_no_call() {
    for script in [
        "pip install nox",
        "Write-Host nox",
        "echo \"nox -s a\"",
        "\"nox -s a\"",
        "# nox",
        "<# nox\nnox #>",
        "function Run { nox }",
        "@'\nnox -s a\n'@ | Set-Content x",
        "$nox = 'nox'",
        "exit 0\nnox",
        "Get-Command nox",
        "& $tool nox",
    ] {
        assert_eq!(nox(script).len(), 0, "{script:?}");
    }
}

#[test]
fn arguments_directories_and_variables_are_known() {
    let call =
        nox("$s = 'docs'\nnox -s $s \"t-$s`\"\" 'it''s' $env:SESSION $other (1+1) a`b").remove(0);
    let values: Vec<_> = call.args.iter().map(|a| a.value.as_deref()).collect();
    let expected = [
        Some("-s"),
        Some("docs"),
        Some("t-docs\""),
        Some("it's"),
        Some("lint"),
        None,
        None,
        Some("ab"),
    ];
    assert_eq!(values, expected);
    let splat = nox("nox @arguments -s a,b").remove(0);
    assert!(splat.args[0].may_be_several() && splat.args[2].may_be_several());
    let call = nox("$env:A = \"b\"\ncd sub\nif ($x) { $env:C = 'd' }\nnox").remove(0);
    assert_eq!(call.directory, Directory::Into("sub".to_owned()));
    assert_eq!(call.env, [("A".to_owned(), Some("b".to_owned())), ("C".to_owned(), None)]);
    let conditional: Vec<_> = nox("if ($x) { nox }\nnox\nif ($y) { exit 1 }\nnox")
        .iter()
        .map(|c| c.conditional)
        .collect();
    assert_eq!(conditional, [true, false, false]);
    assert_eq!(
        nox("Push-Location a; Pop-Location; Set-Location -Path b/c; nox")[0].directory,
        Directory::Into("b/c".into())
    );
}

#[test]
fn programs_by_a_path_with_slashes() {
    for script in ["./ci.ps1 -Full", "  ../ci.ps1 -Full", "$x = 1\n./ci.ps1 -Full\n"] {
        let expanded = Expanded::new(script, &[]);
        let found = super::commands(&expanded, &|_| None, &mut Left::all());
        let words: Vec<&str> =
            found.iter().flat_map(|c| &c.words).filter_map(|w| w.value.as_deref()).collect();
        assert!(
            words.iter().any(|w| w.ends_with("ci.ps1")) && words.contains(&"-Full"),
            "{words:?}"
        );
    }
}
