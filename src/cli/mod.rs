//! The command line: options to settings, files to findings to output, and the one place that
//! decides the exit code.

pub mod args;
mod progress;
mod rule;
mod settings;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::base::finding::{Applicability, Problem};
use crate::config;
use crate::edit::diff::write_diff;
use crate::engine::fix_loop::{self, Change};
use crate::engine::lint::{self, Details, Outcome};
use crate::output::{self, Format, Look, Report, Reported, Sources, summary};
use crate::repo;
use crate::repo::discover::{Discovery, FileKind, Repository, Stdin, discover};
use crate::report::{self, ReportArgs, ReportError, ReportOutcome};
use args::{Cli, ColourChoice, Command, FailOn};

/// What a run was able to do; the exit code follows from it alone.
#[derive(Debug, Default, Clone, Copy)]
struct Verdict {
    /// Something could not be done.
    failed: bool,
    /// Findings are left that the user can act on.
    left: bool,
    /// Fixes were found that change a file.
    changed: bool,
}

impl Verdict {
    fn code(self, cli: &Cli) -> u8 {
        let unapplied = cli.diff && !cli.fix && self.changed;
        let applied = cli.exit_non_zero_on_fix && cli.fix && self.changed;
        match self {
            Self { failed: true, .. } => 2,
            _ if cli.exit_zero || cli.fail_on == FailOn::Never => 0,
            Self { left, .. } if left || unapplied || applied => 1,
            _ => 0,
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    // The rules are read while the arguments are.
    rayon::spawn(repo::preload);
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(verdict) => ExitCode::from(verdict.code(&cli)),
        // The reader of our output has seen enough, as in `cachelint | head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(2),
        Err(e) => {
            // Nothing is left to say it to if this fails too.
            let _ = writeln!(io::stderr(), "error: {e}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: &Cli) -> io::Result<Verdict> {
    match &cli.command {
        Some(Command::Rule(wanted)) => rule::print(wanted, &mut io::stdout().lock()),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(
                *shell,
                &mut Cli::command(),
                "cachelint",
                &mut io::stdout().lock(),
            );
            Ok(Verdict::default())
        }
        Some(Command::Report(wanted)) => report_logs(wanted),
        // In the pool as a whole, so that no step waits for another thread to wake up.
        None => rayon::scope(|_| check(cli)),
    }
}

fn report_logs(wanted: &ReportArgs) -> io::Result<Verdict> {
    match report::run(wanted, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(outcome) => {
            Ok(Verdict { left: outcome != ReportOutcome::Reported, ..Verdict::default() })
        }
        Err(ReportError::Write(e)) => Err(e),
        Err(e) => Err(io::Error::other(e)),
    }
}

/// Everything that a check or a fix of all repositories found.
#[derive(Default)]
struct Run {
    report: Report,
    changes: Vec<(Change, Arc<Sources>)>,
    timelines: Vec<lint::JobTimeline>,
}

fn check(cli: &Cli) -> io::Result<Verdict> {
    let current = std::env::current_dir().and_then(std::fs::canonicalize)?;
    try_outputs(cli)?;
    let stdin = read_stdin(cli)?;
    let paths: Vec<PathBuf> = cli.paths.iter().filter(|p| p.as_os_str() != "-").cloned().collect();
    let paths =
        if paths.is_empty() && stdin.is_none() { vec![default_folder(&current)] } else { paths };
    let Discovery { repositories, problems, foreign } = discover(&paths, stdin.as_ref());
    note_foreign(cli, &foreign)?;
    if cli.show_files {
        return show_files(&repositories, problems, &current);
    }

    let mut run = Run {
        report: Report { problems, current: current.clone(), ..Report::default() },
        ..Run::default()
    };
    let files: usize =
        repositories.iter().map(|r| r.files.iter().filter(|f| f.requested).count()).sum();
    let progress = progress::Progress::start(files, cli.quiet == 0);
    for repository in repositories {
        check_repository(cli, repository, &current, &mut run);
    }
    drop(progress);
    run.report.dry = cli.diff && !cli.fix;
    run.report.sort();
    let verdict = Verdict {
        failed: !run.report.problems.is_empty(),
        left: run.report.findings.iter().any(|r| cli.fail_on.counts(&r.finding)),
        changed: !run.changes.is_empty(),
    };
    print(cli, &run, stdin.as_ref())?;
    Ok(verdict)
}

fn check_repository(cli: &Cli, mut repository: Repository, current: &Path, run: &mut Run) {
    let config = match settings::settings(cli, &repository.root) {
        Ok(config) => config,
        Err(problems) => {
            // The same `--config` file fails for every repository, which is said once.
            for problem in problems {
                if !run.report.problems.contains(&problem) {
                    run.report.problems.push(problem);
                }
            }
            return;
        }
    };
    for file in repository.files.iter_mut().filter(|f| config.excludes(&f.relative)) {
        file.requested = false;
    }
    run.report.files += repository.files.iter().filter(|f| f.requested).count();
    let details = Details { undecided: cli.verbose > 0, timelines: cli.show_timeline };
    let repaired = if cli.fix || cli.diff {
        let required = if cli.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
        fix_loop::repair(&repository, &config, details, required, cli.fix)
    } else {
        fix_loop::Repaired {
            outcome: fix_loop::checked(&repository.root, &repository.files, &config, details),
            ..Default::default()
        }
    };
    let Outcome { findings, problems, texts, undecided, undecided_jobs, timelines } =
        repaired.outcome;
    let sources = Arc::new(Sources::new(&repository.root, current, texts));
    let report = &mut run.report;
    report.findings.extend(
        findings.into_iter().map(|finding| Reported { finding, sources: Arc::clone(&sources) }),
    );
    report.problems.extend(problems);
    report.undecided.extend(undecided.into_iter().map(|place| (place, Arc::clone(&sources))));
    report.undecided_jobs += undecided_jobs;
    report.fixed += repaired.applied;
    run.changes.extend(repaired.changes.into_iter().map(|change| (change, Arc::clone(&sources))));
    run.timelines.extend(
        timelines.into_iter().map(|t| lint::JobTimeline { path: sources.display(&t.path), ..t }),
    );
}

/// The whole repository around the current folder.
fn default_folder(current: &Path) -> PathBuf {
    current.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(current).to_owned()
}

fn read_stdin(cli: &Cli) -> io::Result<Option<Stdin>> {
    if !cli.paths.iter().any(|p| p.as_os_str() == "-") {
        return Ok(None);
    }
    let mut content = Vec::new();
    io::stdin().lock().take(crate::base::text::MAX_BYTES + 1).read_to_end(&mut content)?;
    Ok(Some(Stdin {
        path: cli.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("stdin.yml")),
        content,
    }))
}

fn show_files(
    repositories: &[Repository],
    problems: Vec<Problem>,
    current: &Path,
) -> io::Result<Verdict> {
    let mut out = io::stdout().lock();
    for repository in repositories {
        for file in repository.files.iter().filter(|f| f.requested) {
            let kind = match file.kind {
                FileKind::Workflow => "workflow",
                FileKind::Action => "action",
            };
            writeln!(
                out,
                "{kind:<8}  {}",
                output::printable_name(&output::relative(current, &file.path))
            )?;
        }
    }
    let report = Report { problems, current: current.to_owned(), ..Report::default() };
    write_problems(&report, Look::default())?;
    Ok(Verdict { failed: !report.problems.is_empty(), ..Verdict::default() })
}

fn write_problems(report: &Report, look: Look) -> io::Result<()> {
    let mut rendered = Vec::new();
    summary::write_problems(&mut rendered, report, look)?;
    io::stderr().lock().write_all(&output::without_commands(&rendered))
}

/// Findings go to standard output, unless a patch or a fixed text has to stand there alone.
fn print(cli: &Cli, run: &Run, stdin: Option<&Stdin>) -> io::Result<()> {
    let look = |terminal: bool| Look {
        colour: colour(cli.color, terminal),
        verbose: cli.verbose > 0,
        infos: cli.fail_on == FailOn::Info,
        width: terminal.then(terminal_width).flatten(),
    };
    let (out_look, err_look) = (look(io::stdout().is_terminal()), look(io::stderr().is_terminal()));
    if cli.quiet < 2 {
        write_problems(&run.report, err_look)?;
    }
    let mut patch = Vec::new();
    if cli.diff {
        for (change, sources) in &run.changes {
            let path = if run.several_roots() {
                sources.display(&change.relative)
            } else {
                change.relative.clone()
            };
            write_diff(&mut patch, &path, &change.before, &change.after, out_look.colour)?;
        }
    } else if let Some(stdin) = stdin.filter(|_| cli.fix) {
        let fixed = run
            .changes
            .iter()
            .find(|(change, _)| change.stdin)
            .map(|(change, _)| change.after.as_bytes());
        patch.extend_from_slice(fixed.unwrap_or(&stdin.content));
    }
    let alone = cli.diff || (cli.fix && stdin.is_some());
    io::stdout().lock().write_all(&patch)?;

    let (destination, look) = match &cli.output_file {
        Some(_) => (None, look(false)),
        None if alone => (Some(Box::new(io::stderr().lock()) as Box<dyn Write>), err_look),
        None => (Some(Box::new(io::stdout().lock()) as Box<dyn Write>), out_look),
    };
    if let Some(path) = &cli.summary_file {
        let mut tables = Vec::new();
        output::write(
            &mut tables,
            &run.report,
            Format::Markdown,
            Look { colour: false, width: None, ..look },
        )?;
        append(path, &tables)?;
    }
    let rendered = render(cli, run, look)?;
    match (destination, &cli.output_file) {
        (Some(mut out), _) => out.write_all(&rendered),
        (None, Some(path)) => std::fs::write(path, &rendered).map_err(|e| unwritable(path, &e)),
        (None, None) => Ok(()),
    }
}

/// Opens the files that the run will write, so that nothing is fixed in a run that cannot say so.
fn try_outputs(cli: &Cli) -> io::Result<()> {
    let mut created: Vec<&Path> = Vec::new();
    for path in cli.output_file.iter().chain(&cli.summary_file) {
        let new = !path.exists();
        if let Err(e) = append(path, &[]) {
            for path in created {
                // An empty file of a run that came to nothing would pass for its result.
                let _ = std::fs::remove_file(path);
            }
            return Err(e);
        }
        created.extend(new.then_some(path.as_path()));
    }
    Ok(())
}

/// Says which files were taken for the repository they belong to, where that may surprise.
fn note_foreign(cli: &Cli, foreign: &[PathBuf]) -> io::Result<()> {
    for path in foreign.iter().filter(|path| cli.quiet == 0 && !config::is_settings_file(path)) {
        let path = output::printable(&path.to_string_lossy()).into_owned();
        let meaning =
            "neither a workflow nor an action, so all workflows of its repository are checked";
        writeln!(io::stderr(), "note: {path}: {meaning}")?;
    }
    Ok(())
}

/// Adds to the end of a file, which is created if need be.
fn append(path: &Path, content: &[u8]) -> io::Result<()> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.and_then(|mut file| file.write_all(content)).map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, error: &io::Error) -> io::Error {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "create its folder first",
        io::ErrorKind::IsADirectory => "name a file in it",
        _ => "name another file",
    };
    io::Error::new(
        error.kind(),
        format!("{}: cannot be written: {error}\n  help: {help}", path.display()),
    )
}

/// The whole report as bytes, so that a file is never half written because of us.
fn render(cli: &Cli, run: &Run, look: Look) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let for_people = matches!(cli.output_format, Format::Full | Format::Concise);
    if cli.show_timeline {
        match cli.output_format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, &run.timelines)?;
                writeln!(out)?;
            }
            _ => output::timeline::write(&mut out, &run.timelines, look)?,
        }
    } else if cli.statistics {
        summary::write_statistics(&mut out, &run.report, look)?;
        summary::write(&mut out, &run.report, look)?;
    } else if !(for_people && cli.quiet > 0 && run.report.shown(look).next().is_none()) {
        output::write(&mut out, &run.report, cli.output_format, look)?;
    }
    let for_programs = matches!(cli.output_format, Format::Json | Format::Github | Format::Sarif);
    Ok(if for_programs { out } else { output::without_commands(&out) })
}

impl Run {
    fn several_roots(&self) -> bool {
        self.changes.iter().any(|(_, sources)| !Arc::ptr_eq(sources, &self.changes[0].1))
    }
}

fn colour(choice: ColourChoice, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if set("NO_COLOR") => false,
        ColourChoice::Auto if set("FORCE_COLOR") => true,
        ColourChoice::Auto => {
            terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn terminal_width() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| (40..=400).contains(width))
}
