//! Workflows made to be expensive: each ends at a limit, and the job says so.

use crate::config::Config;
use crate::engine::lint::Outcome;
use crate::job::instance::{MAX_INSTANCES, most_instances};
use crate::job::{Instances, JobRef, Timeline, build, most_work};
use crate::testing::{self, NOXFILE};

fn outcome(workflows: &[(String, String)]) -> Outcome {
    let mut files: Vec<(&str, &str)> =
        workflows.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([("noxfile.py", NOXFILE), ("pyproject.toml", "[project]\n")]);
    testing::outcome(&files, &Config::default())
}

fn workflow(name: usize, text: String) -> (String, String) {
    (format!(".github/workflows/w{name}.yml"), text)
}

fn says(outcome: &Outcome, what: &str) -> bool {
    outcome.undecided.iter().any(|undecided| undecided.label.contains(what))
}

const CALLED: &str = "on: [workflow_call, push]\njobs:\n  t:\n    steps: [{run: nox -s tests}]\n";

fn calls(of: usize, from: usize, count: usize) -> String {
    (0..count)
        .map(|i| format!("  c{from}x{of}x{i}:\n    uses: ./.github/workflows/w{of}.yml\n"))
        .collect()
}

/// Without a set of those already seen, each of these would take longer than anybody waits.
#[test]
fn workflows_that_call_each_other_come_to_an_end() {
    let itself = CALLED.to_owned() + &calls(0, 0, 40);
    let found = outcome(&[workflow(0, itself)]);
    assert!(found.findings.iter().any(|f| f.rule == "nox/missing-cache"));

    let ring: Vec<_> = (0..9)
        .map(|own| {
            let all: String = (0..9).filter(|to| *to != own).map(|to| calls(to, own, 1)).collect();
            workflow(own, CALLED.to_owned() + &all)
        })
        .collect();
    assert_eq!(outcome(&ring).findings.len(), 9);

    let layer = |own: usize| {
        let head = "on: workflow_call\njobs:\n".to_owned();
        workflow(own, if own == 4 { CALLED.to_owned() } else { head + &calls(own + 1, own, 12) })
    };
    let mut layers: Vec<_> = (0..5).map(layer).collect();
    layers[0].1 = layers[0].1.replace("workflow_call", "push");
    assert_eq!(outcome(&layers).findings.len(), 1);
}

#[test]
fn legs_and_callers_beyond_the_limit_are_said() {
    assert_eq!(most_instances(1), MAX_INSTANCES);
    assert!(most_instances(3_000) < 20);
    let input = "on: {workflow_call: {inputs: {s: {type: string}}}}\njobs:\n  t:\n    steps: [{run: 'true ${{ inputs.s }}'}]\n";
    let call =
        |i: usize| format!("  c{i}:\n    uses: ./.github/workflows/w.yml\n    with: {{s: t{i}}}\n");
    for (count, is_said) in [(MAX_INSTANCES + 1, true), (20, false)] {
        let callers = format!("on: push\njobs:\n{}", (0..count).map(call).collect::<String>());
        let files = [(".github/workflows/w.yml", input), (".github/workflows/x.yml", &callers)];
        let folder = testing::repository(&files);
        let repository = testing::read(folder.path());
        let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
        assert_eq!(instances.list.len(), count.min(MAX_INSTANCES));
        assert_eq!(instances.undecided.is_some(), is_said);
    }
}

#[test]
fn the_legs_of_a_file_share_the_work() {
    assert!(most_work(256 * 40) * 256 * 40 <= most_work(1) * 10, "many legs get a little each");
    let steps = "      - run: nox -s tests\n".repeat(30);
    let text = format!("on: push\njobs:\n  t:\n    steps:\n{steps}");
    let folder =
        testing::repository(&[(".github/workflows/w.yml", &text), ("noxfile.py", NOXFILE)]);
    let repository = testing::read(folder.path());
    let job_ref = JobRef { document: 0, job: Some(0) };
    let instances = Instances::of(&repository, job_ref);
    // A step costs one, its call as well, and so does the answer of the tool.
    for (most, read, is_said) in [(1_000, 30, false), (21, 7, true), (3, 1, true), (2, 0, true)] {
        let timeline = build(&repository, &instances, &instances.list[0], most);
        assert_eq!(timeline.invocations().count(), read);
        assert_eq!(
            timeline.undecided.iter().any(|u| u.place.label.contains("units of work")),
            is_said
        );
    }
}

/// A short script can hold thousands of calls, and each becomes an event.
#[test]
fn the_calls_of_a_script_count() {
    let text =
        format!("on: push\njobs:\n  t:\n    steps:\n      - run: {:?}\n", "nox\n".repeat(900));
    let folder =
        testing::repository(&[(".github/workflows/w.yml", &text), ("noxfile.py", NOXFILE)]);
    let repository = testing::read(folder.path());
    let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
    for (most, read) in [(4_000, 900), (100, (100 - 1 - 3600 / 64) / 2)] {
        let timeline = build(&repository, &instances, &instances.list[0], most);
        assert_eq!(timeline.invocations().count(), read);
    }
}

/// For each step that calls the tool, all scripts before it are searched for its Python.
#[test]
fn the_scripts_before_a_call_count() {
    let calls = |count: usize| "      - run: nox -s tests\n".repeat(count);
    let one_step = format!("      - run: {:?}\n", "nox -s tests\n".repeat(2_000));
    let others = "      - run: 'true'\n".repeat(2_000);
    for (steps, read) in [
        (calls(200), 200),
        (calls(4_800), 410),
        (one_step, 2_000),
        (others.clone() + &calls(10), 10),
        (others + &calls(100), 34),
    ] {
        assert_eq!(timeline(&steps).invocations().count(), read);
    }
}

#[test]
fn the_sessions_of_a_call_count() {
    let session = |i: usize| format!("@nox.session\ndef s{i}(session): session.install('x')\n");
    let noxfile = format!("import nox\n{}", (0..640).map(session).collect::<String>());
    let steps = "      - run: nox\n".repeat(9);
    let text = format!("on: push\njobs:\n  t:\n    steps:\n{steps}");
    let files = [(".github/workflows/w.yml", text.as_str()), ("noxfile.py", &noxfile)];
    let folder = testing::repository(&files);
    let repository = testing::read(folder.path());
    let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
    for (most, read) in [(20_000, 9), (2_000, 2), (800, 0)] {
        let timeline = build(&repository, &instances, &instances.list[0], most);
        assert_eq!(timeline.invocations().count(), read, "{most}");
    }
}

/// What a job may not pay for is not worked out: the time for it would be spent for each job again.
#[test]
fn an_answer_that_is_too_expensive_is_not_worked_out() {
    let session =
        |i: usize| format!("@nox.session\ndef s{i}(session): session.install(f'{{os.environ}}')\n");
    let noxfile = format!("import nox, os\n{}", (0..640).map(session).collect::<String>());
    let job = |i: usize| format!("  t{i}:\n    steps:\n      - run: nox -- word{i}\n");
    let text = format!("on: push\njobs:\n{}", (0..300).map(job).collect::<String>());
    let files = [(".github/workflows/w.yml", text.as_str()), ("noxfile.py", &noxfile)];
    let outcome = testing::outcome(&files, &Config::default());
    assert!(says(&outcome, "units of work"), "{:?}", outcome.undecided.first());
    assert!(outcome.findings.is_empty());
}

/// A job pays once for reading a noxfile; what it has left then needn't be as much again.
#[test]
fn a_noxfile_that_was_paid_for_is_there_for_the_next_call() {
    let lines: String = (0..400).map(|i| format!("A{i} = os.environ.get('X{i}')\n")).collect();
    let noxfile = format!("import os\n{lines}{NOXFILE}");
    let steps: String = (0..3).map(|i| format!("      - run: nox -s tests -- {i}\n")).collect();
    let text = format!("on: push\njobs:\n  t:\n    steps:\n{steps}");
    let files = [(".github/workflows/w.yml", text.as_str()), ("noxfile.py", &noxfile)];
    let folder = testing::repository(&files);
    let repository = testing::read(folder.path());
    let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
    let read =
        |most| build(&repository, &instances, &instances.list[0], most).invocations().count();
    let least = (1..2_000).find(|most| read(*most) > 0).unwrap();
    assert!(least > 100, "{least}");
    assert_eq!(read(least + 20), 3);
}

/// The scripts of the jobs that list sessions are searched again for each call.
#[test]
fn looking_for_listed_sessions_counts() {
    let listing = "on: push\njobs:\n  l:\n    outputs: {s: '${{ steps.s.outputs.s }}'}\n    steps:\n      - id: s\n        run: |\n          echo s=$(nox -l --json) >> $GITHUB_OUTPUT\n";
    let matrix = "  t:\n    needs: l\n    strategy: {matrix: {s: '${{ fromJSON(needs.l.outputs.s) }}'}}\n    steps:\n";
    let step = |i: usize| format!("      - run: nox -s ${{{{ matrix.s }}}} -- {i}\n");
    let steps: String = (0..60).map(step).collect();
    for (lines, is_said) in [(10, false), (6_000, true)] {
        let more = "          true\n".repeat(lines);
        let text = format!("{listing}{more}{matrix}{steps}");
        let noxfile = format!("{NOXFILE}\n@nox.session(python=False)\ndef none(session): pass\n");
        let files = [(".github/workflows/w.yml", text.as_str()), ("noxfile.py", &noxfile)];
        let outcome = testing::outcome(&files, &Config::default());
        assert_eq!(says(&outcome, "units of work"), is_said, "{lines}");
    }
}

/// Python goes through a grammar, also where none of its commands matters.
#[test]
fn looking_through_a_python_script_counts() {
    let script = format!("import subprocess\n{}", "x = 1\n".repeat(2_000));
    let script = script + "subprocess.run(['nox', '-s', 'tests'])\n";
    for (count, read) in [(10, 10), (900, 0)] {
        let job = |i: usize| format!("  t{i}:\n    steps:\n      - run: python ci.py {i}\n");
        let text = format!("on: push\njobs:\n{}", (0..count).map(job).collect::<String>());
        let files = [
            (".github/workflows/w.yml", text.as_str()),
            ("noxfile.py", NOXFILE),
            ("ci.py", script.as_str()),
        ];
        let outcome = testing::outcome(&files, &Config::default());
        assert_eq!(outcome.findings.len(), read, "{:?}", outcome.undecided.first());
        assert_eq!(says(&outcome, "units of work"), read == 0);
    }
}

/// Also where nothing is found in it, and before it is looked through.
#[test]
fn looking_through_a_file_counts() {
    let makefile = format!("{}tests:\n\tnox -s tests\n", "# none\n".repeat(15_000));
    for (target, calls, most, read, is_said) in [
        ("tests", 1, 1_000, 1, false),
        ("tests", 1, 90, 0, true),
        ("none", 5, 1_000, 0, false),
        ("none", 20, 1_000, 0, true),
    ] {
        let lines = format!("make {target}\n").repeat(calls);
        let text = format!("on: push\njobs:\n  t:\n    steps:\n      - run: {lines:?}\n");
        let files = [
            (".github/workflows/w.yml", text.as_str()),
            ("noxfile.py", NOXFILE),
            ("Makefile", &makefile),
        ];
        let folder = testing::repository(&files);
        let repository = testing::read(folder.path());
        let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
        let timeline = build(&repository, &instances, &instances.list[0], most);
        let said = timeline.undecided.iter().any(|u| u.place.label.contains("units of work"));
        assert_eq!((timeline.invocations().count(), said), (read, is_said), "{target} {most}");
    }
}

#[test]
fn a_script_whose_commands_are_not_all_read_is_said() {
    for (count, is_said) in [(11_000, true), (100, false)] {
        let lines = "          true\n".repeat(count);
        let text =
            format!("on: push\njobs:\n  t:\n    steps:\n      - run: |\n          nox\n{lines}");
        assert_eq!(says(&outcome(&[workflow(0, text)]), "statements"), is_said);
    }
}

fn one_job(script: &str, more: &str) -> Outcome {
    let script = script.replace('\n', "\n        ");
    let text = format!("on: push\njobs:\n  t:\n    steps:\n    - run: |\n        {script}\n{more}");
    let path = ".github/workflows/ci.yml";
    let inner = ("ci/inner.sh", "nox -s tests\n");
    let outer = ("ci/outer.sh", "#!/bin/sh\n\"${0%/*}/inner.sh\"\n");
    let files = [(path, text.as_str()), inner, outer, ("noxfile.py", NOXFILE)];
    testing::outcome(&files, &Config::default())
}

#[test]
fn calls_that_are_not_plain_commands_are_found() {
    for (script, more) in [
        ("import subprocess\nsubprocess.run(['nox', '-s', 'tests'])", "      shell: python\n"),
        ("ci/outer.sh", ""),
        ("echo tests | xargs nox -s", ""),
        ("bash <<'END'\nnox -s tests\nEND", ""),
    ] {
        let outcome = one_job(script, more);
        assert!(outcome.findings.iter().any(|f| f.rule == "nox/missing-cache"), "{script}");
    }
}

#[test]
fn a_literal_loop_runs_every_value() {
    let outcome = one_job("for s in tests none; do nox -s $s; done", "");
    assert!(says(&outcome, "the noxfile has no session `none`"), "{:?}", outcome.undecided);
    assert!(!says(&outcome, "a session's name is computed"));
}

#[test]
fn what_names_nox_and_cannot_be_read_is_said() {
    for (script, more) in [
        ("uv run --no-such-option nox -s tests", ""),
        ("start(['nox', '-s', 'tests'])", "      shell: python\n"),
    ] {
        let outcome = one_job(script, more);
        assert!(outcome.findings.is_empty(), "{script}");
        assert!(says(&outcome, "mentions nox"), "{script}: {:?}", outcome.undecided);
    }
}

/// The timeline of a job with these steps.
fn timeline(steps: &str) -> Timeline {
    let text = format!("on: push\njobs:\n  t:\n    steps:\n{steps}");
    let folder =
        testing::repository(&[(".github/workflows/w.yml", &text), ("noxfile.py", NOXFILE)]);
    let repository = testing::read(folder.path());
    let instances = Instances::of(&repository, JobRef { document: 0, job: Some(0) });
    build(&repository, &instances, &instances.list[0], most_work(1))
}

/// Each cache step is compared with the calls and with the other caches.
#[test]
fn what_is_compared_with_each_other_has_a_bound() {
    let cache = |lines: usize| {
        let paths: String = (0..lines).map(|i| format!("            p{i}\n")).collect();
        format!(
            "      - uses: actions/cache@v5\n        with:\n          key: k\n          path: |\n{paths}"
        )
    };
    let calls = |count: usize| -> String {
        (0..count).map(|i| format!("      - run: nox --envdir e{i}\n")).collect()
    };
    for (steps, events, said) in [
        (cache(1).repeat(100), 100, None),
        (cache(1).repeat(300), 100, Some("more than 100 cache steps")),
        (cache(300).repeat(9), 3, Some("more than 1000 lines in the `path` of cache steps")),
        (calls(100), 100, None),
        (calls(300), 100, Some("more than 100 folders of environments")),
    ] {
        let timeline = timeline(&steps);
        assert_eq!(timeline.events.len(), events, "{said:?}");
        let labels: Vec<&str> = timeline.undecided.iter().map(|u| u.place.label.as_str()).collect();
        match said {
            Some(said) => assert!(labels.len() == 1 && labels[0].starts_with(said), "{labels:?}"),
            None => assert_eq!(labels, [""; 0]),
        }
    }
}

/// For each pattern, the scripts before the step are searched for what may write such a file.
#[test]
fn the_hashes_of_a_key_count() {
    let scripts = "      - run: 'true # nox'\n".repeat(600);
    let hashes = "${{ hashFiles('a', 'b') }}".repeat(10);
    let cache = format!(
        "      - uses: actions/cache@v5\n        with: {{path: .nox, key: \"{hashes}\"}}\n"
    );
    for (steps, caches) in
        [(cache.repeat(60), 60), (scripts.clone() + &cache, 1), (scripts + &cache.repeat(90), 83)]
    {
        assert_eq!(timeline(&steps).caches().count(), caches);
    }
}
