//! The command line: options to settings, files to findings to output, and the one place that
//! decides the exit code.

pub mod args;
mod print;
mod progress;
mod rule;
mod settings;

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, ValueEnum};

use crate::base::evidence::Evidence;
use crate::base::finding::{Applicability, Severity};
use crate::config::Config;
use crate::engine::fix_loop::{self, FileChange};
use crate::engine::lint::{self, Details, Outcome};
use crate::engine::suppress::add::Wanted;
use crate::output::{self, Fixed, Format, Report, Reported, Row, Sources, summary};
use crate::repo;
use crate::repo::discover::{DiscoveredRepository, Discovery, Stdin, discover};
use crate::report::{self, ReportArgs, ReportError, ReportOutcome};
use args::{Cli, CliCommand, FailOn};

/// What a run was able to do; the exit code follows from it alone.
#[derive(Debug, Default, Clone, Copy)]
struct ExitStatus {
    /// Something could not be done.
    failed: bool,
    /// Findings are left that the user can act on.
    left: bool,
    /// Fixes were found that change a file.
    changed: bool,
}

impl ExitStatus {
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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(print::usage(&error)),
    };
    match dispatch(&cli) {
        Ok(status) => ExitCode::from(status.code(&cli)),
        // The reader of our output has seen enough, as in `cachelint | head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(2),
        Err(e) => {
            // If this fails too, there is nowhere left to report it.
            let _ = print::say(&format!("error: {e}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: &Cli) -> io::Result<ExitStatus> {
    match &cli.command {
        Some(CliCommand::Rule(wanted)) => rule::print(wanted, &mut io::stdout().lock()),
        Some(CliCommand::Completions { shell }) => {
            let mut out = io::stdout().lock();
            match shell {
                Some(shell) => {
                    clap_complete::generate(*shell, &mut Cli::command(), "cachelint", &mut out);
                }
                None => {
                    for shell in clap_complete::Shell::value_variants() {
                        writeln!(out, "cachelint completions {shell}")?;
                    }
                }
            }
            Ok(ExitStatus::default())
        }
        Some(CliCommand::Report(wanted)) => report_logs(wanted),
        // In the pool as a whole, so that no step waits for another thread to wake up.
        None => rayon::scope(|_| check(cli)),
    }
}

fn report_logs(wanted: &ReportArgs) -> io::Result<ExitStatus> {
    match report::run(wanted, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(outcome) => {
            Ok(ExitStatus { left: outcome != ReportOutcome::Reported, ..ExitStatus::default() })
        }
        Err(ReportError::Write(e)) => Err(e),
        Err(e) => Err(io::Error::other(e)),
    }
}

/// Everything that a check or a fix of all repositories found.
#[derive(Default)]
struct Findings {
    report: Report,
    changes: Vec<(FileChange, Arc<Sources>)>,
    timelines: Vec<lint::JobTimeline>,
    /// What the run logs say, where some were given.
    evidence: Option<Arc<Evidence>>,
}

fn check(cli: &Cli) -> io::Result<ExitStatus> {
    let current = std::env::current_dir().and_then(std::fs::canonicalize)?;
    print::try_outputs(cli)?;
    let evidence = match cli.logs.as_slice() {
        [] => None,
        logs => Some(Arc::new(report::evidence(logs).map_err(io::Error::other)?)),
    };
    let stdin = read_stdin(cli)?;
    let paths: Vec<PathBuf> = cli.paths.iter().filter(|p| p.as_os_str() != "-").cloned().collect();
    let paths =
        if paths.is_empty() && stdin.is_none() { vec![default_folder(&current)] } else { paths };
    let typed = typed(&cli.paths, &current);
    let Discovery { mut repositories, mut problems, foreign } = discover(&paths, stdin.as_ref());
    print::note_foreign(cli, &foreign)?;
    for problem in &mut problems {
        if let Some(help) = problem.path.to_str().and_then(instead_of_subcommand) {
            problem.help = Some(help.to_owned());
        }
    }
    if cli.show_files {
        for repository in &mut repositories {
            if let Ok(config) = settings::settings(cli, &repository.root) {
                leave_out(repository, &config);
            }
        }
        let report = Report { problems, current, typed, ..Report::default() };
        let failed = print::show_files(cli, &repositories, &report)?;
        return Ok(ExitStatus { failed, ..ExitStatus::default() });
    }
    if cli.quiet == 0 && !cli.isolated && cli.config.is_none() {
        for repository in &repositories {
            note_ignored_settings(&repository.root, &current)?;
        }
    }

    let mut run = Findings {
        evidence,
        report: Report {
            problems,
            current: current.clone(),
            typed: Arc::clone(&typed),
            ..Report::default()
        },
        ..Findings::default()
    };
    let files: usize =
        repositories.iter().map(|r| r.files.iter().filter(|f| f.requested).count()).sum();
    let progress = progress::Progress::start(files, cli.quiet == 0);
    let several = repositories.len() > 1;
    let asked = Asked { current: &current, typed, several };
    for repository in repositories {
        check_repository(cli, repository, &asked, &mut run);
    }
    drop(progress);
    run.report.dry = cli.diff && !cli.fix;
    run.report.ignores = cli.add_ignore.is_some();
    run.report.sort();
    let status = ExitStatus {
        failed: !run.report.problems.is_empty(),
        left: run.report.findings.iter().any(|r| cli.fail_on.counts(&r.finding)),
        changed: !run.changes.is_empty(),
    };
    print::print(cli, &run, stdin.as_ref())?;
    Ok(status)
}

/// What the user asked for, as far as it concerns how paths are shown.
struct Asked<'a> {
    current: &'a Path,
    typed: Arc<Vec<(PathBuf, PathBuf)>>,
    several: bool,
}

/// The paths that are not what they look like from the current folder: absolute ones, and those
/// through a link. As resolved, and as typed.
fn typed(paths: &[PathBuf], current: &Path) -> Arc<Vec<(PathBuf, PathBuf)>> {
    let own = |path: &PathBuf| {
        let Ok(resolved) = std::fs::canonicalize(path) else {
            return path.is_absolute().then(|| (path.clone(), path.clone()));
        };
        let plain = Path::new(&output::relative(current, &resolved)) == path.as_path();
        let odd = path.is_absolute() || (!plain && path.components().all(is_name));
        odd.then(|| (resolved, path.clone()))
    };
    Arc::new(paths.iter().filter_map(own).collect())
}

fn is_name(component: Component<'_>) -> bool {
    matches!(component, Component::Normal(_))
}

/// What to type instead of a subcommand that other linters have.
fn instead_of_subcommand(path: &str) -> Option<&'static str> {
    match path {
        "check" | "lint" => Some("cachelint needs no subcommand to check: `cachelint PATH`"),
        "fix" => Some("`cachelint --fix` applies fixes"),
        "explain" => Some("`cachelint rule CHECK` explains a check"),
        _ => None,
    }
}

/// Says that a second settings file is not read.
fn note_ignored_settings(root: &Path, current: &Path) -> io::Result<()> {
    let files = Config::files_of(root);
    let Some((used, ignored)) = files.split_first() else { return Ok(()) };
    let name = |path: &Path| output::printable_name(&output::relative(current, path));
    for path in ignored {
        print::say(&format!(
            "warning: ignoring the settings in {}, because {} exists",
            name(path),
            name(used)
        ))?;
    }
    Ok(())
}

fn leave_out(repository: &mut DiscoveredRepository, config: &Config) {
    for file in repository.files.iter_mut().filter(|f| config.excludes(&f.relative)) {
        file.requested = false;
    }
}

fn check_repository(
    cli: &Cli,
    mut repository: DiscoveredRepository,
    asked: &Asked<'_>,
    run: &mut Findings,
) {
    let mut config = match settings::settings(cli, &repository.root) {
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
    config.evidence.clone_from(&run.evidence);
    leave_out(&mut repository, &config);
    run.report.files += repository.files.iter().filter(|f| f.requested).count();
    let table = asked.several && (cli.statistics || cli.output_format == Format::Markdown);
    let details = Details { undecided: cli.verbose > 0, timelines: cli.show_timeline || table };
    let mut repaired = if let Some(reason) = &cli.add_ignore {
        let infos = cli.verbose > 0 || cli.fail_on == FailOn::Info;
        let least = if infos { Severity::Info } else { Severity::Warning };
        fix_loop::ignore(&repository, &config, details, Wanted { reason, least }, !cli.diff)
    } else if cli.fix || cli.diff {
        let required = if cli.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
        fix_loop::repair(&repository, &config, details, required, cli.fix)
    } else {
        fix_loop::Repaired {
            outcome: fix_loop::checked(&repository.root, &repository.files, &config, details),
            ..Default::default()
        }
    };
    let Outcome { findings, problems, texts, undecided, undecided_jobs, timelines } =
        repaired.left();
    let sources = Sources::new(&repository.root, asked.current, texts);
    let sources = Arc::new(sources.with_typed(Arc::clone(&asked.typed)));
    let shown = |path: &str| match cli.output_format {
        Format::Json | Format::PullRequest => sources.display(path),
        _ => sources.as_typed(path),
    };
    let report = &mut run.report;
    if table {
        report.repositories.push(Row {
            repository: shown(""),
            jobs: timelines.len(),
            findings: findings.iter().filter(|finding| finding.is_actionable()).count(),
            fixable: findings.iter().filter(|finding| summary::is_fixable(finding)).count(),
        });
    }
    report.findings.extend(
        findings.into_iter().map(|finding| Reported { finding, sources: Arc::clone(&sources) }),
    );
    report.problems.extend(problems);
    report.undecided.extend(undecided.into_iter().map(|place| (place, Arc::clone(&sources))));
    report.undecided_jobs += undecided_jobs;
    for change in &repaired.changes {
        let done = change.rounds.iter().flat_map(|round| &round.done);
        report.fixed.extend(done.map(|done| Fixed {
            path: shown(&change.relative),
            rule: done.rule,
            job: done.job.clone(),
            message: done.message.clone(),
            details: done.details.clone(),
        }));
    }
    run.changes.extend(repaired.changes.into_iter().map(|change| (change, Arc::clone(&sources))));
    run.timelines
        .extend(timelines.into_iter().map(|t| lint::JobTimeline { path: shown(&t.path), ..t }));
}

/// The whole repository around the current folder.
fn default_folder(current: &Path) -> PathBuf {
    current.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(current).to_owned()
}

fn read_stdin(cli: &Cli) -> io::Result<Option<Stdin>> {
    if !cli.paths.iter().any(|p| p.as_os_str() == "-") {
        return match cli.stdin_filename {
            Some(_) => Err(io::Error::other(
                "`--stdin-filename` names a file on standard input\n  help: add `-` to the paths",
            )),
            None => Ok(None),
        };
    }
    if cli.fix && cli.stdin_filename.is_none() {
        return Err(io::Error::other(
            "`--fix -` needs `--stdin-filename`\n  help: give the path of the file in its \
             repository, such as .github/workflows/ci.yml",
        ));
    }
    if cli.add_ignore.is_some() {
        return Err(io::Error::other(
            "`--add-ignore` can't edit standard input\n  help: name the file instead of `-`",
        ));
    }
    let mut content = Vec::new();
    io::stdin().lock().take(crate::base::text::MAX_BYTES + 1).read_to_end(&mut content)?;
    Ok(Some(Stdin {
        path: cli.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("stdin.yml")),
        content,
    }))
}
