//! What a run says, and where: findings, patches, fixed texts, tables.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Findings;
use super::args::{Cli, ColourChoice, FailOn};
use crate::base::printable::harmless;
use crate::base::text::io_reason;
use crate::config;
use crate::edit::diff::write_diff;
use crate::engine::fix_loop::FileChange;
use crate::output::{self, Format, Look, Report, Sources, json, printable_name, summary};
use crate::repo::discover::{DiscoveredRepository, FileKind, Stdin};

/// Prints a message on standard error, whatever names are in it.
pub fn say(message: &str) -> io::Result<()> {
    io::stderr().lock().write_all(&harmless(&format!("{message}\n")))
}

/// Prints what is wrong with the arguments, or the requested help; returns the exit code.
pub fn usage(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    let safe = harmless(&text);
    // If this fails, there is nowhere left to report it.
    let _ = if safe == text.as_bytes() { error.print() } else { io::stderr().write_all(&safe) };
    u8::try_from(error.exit_code()).unwrap_or(2)
}

pub fn write_problems(report: &Report, look: Look) -> io::Result<()> {
    let mut rendered = Vec::new();
    summary::write_problems(&mut rendered, report, look)?;
    io::stderr().lock().write_all(&output::without_commands(&rendered))
}

/// Findings go to standard output, unless a patch or a fixed text has to be there alone.
pub fn print(cli: &Cli, run: &Findings, stdin: Option<&Stdin>) -> io::Result<()> {
    let look = |terminal: bool| Look {
        colour: colour(cli.color, terminal),
        verbose: cli.verbose > 0,
        infos: cli.fail_on == FailOn::Info,
        width: terminal.then(terminal_width).flatten(),
        show_fixes: cli.show_fixes,
        explains: can_explain(),
    };
    let (out_look, err_look) = (look(io::stdout().is_terminal()), look(io::stderr().is_terminal()));
    if cli.quiet < 2 {
        write_problems(&run.report, err_look)?;
    }
    let fixes_stdin = stdin.filter(|_| cli.fix && !cli.diff);
    // One JSON document holds the patch too; a pull request has its own.
    let patch_alone = cli.diff && !matches!(cli.output_format, Format::Json | Format::PullRequest);
    if patch_alone {
        let (patch, elsewhere) = patch(run, out_look.colour)?;
        io::stdout().lock().write_all(&patch)?;
        if let Some(folder) = elsewhere.filter(|_| cli.quiet == 0) {
            let folder = printable_name(&folder);
            say(&format!("note: apply the patch with `git -C {folder} apply`"))?;
        }
    } else if let Some(stdin) = fixes_stdin {
        let fixed = run.changes.iter().find(|(change, _)| change.stdin);
        let text = fixed.map_or(&*stdin.content, |(change, _)| change.after.as_bytes());
        // What was not read to its end is not echoed either.
        let whole = stdin.content.len() as u64 <= crate::base::text::MAX_BYTES;
        io::stdout().lock().write_all(if whole { text } else { &[] })?;
    }
    let alone = patch_alone || fixes_stdin.is_some();

    let (destination, look) = match &cli.output_file {
        Some(_) => (None, look(false)),
        None if alone => (Some(Box::new(io::stderr().lock()) as Box<dyn Write>), err_look),
        None => (Some(Box::new(io::stdout().lock()) as Box<dyn Write>), out_look),
    };
    if let Some(path) = &cli.summary_file {
        let mut tables = Vec::new();
        let look = Look { colour: false, width: None, ..look };
        output::write(&mut tables, &run.report, Format::Markdown, look)?;
        append(path, &output::without_commands(&tables))?;
    }
    let rendered = render(cli, run, look)?;
    match (destination, &cli.output_file) {
        (Some(mut out), _) => out.write_all(&rendered),
        (None, Some(path)) => std::fs::write(path, &rendered).map_err(|e| unwritable(path, &e)),
        (None, None) => Ok(()),
    }
}

/// The whole patch, to be applied in the current folder; else in the one that is returned, because
/// git refuses paths out of the folder it runs in.
fn patch(run: &Findings, colour: bool) -> io::Result<(Vec<u8>, Option<String>)> {
    let outside = run.changes.iter().any(|(change, sources)| sources.is_outside(&change.relative));
    let one_root = run.changes.iter().all(|(_, sources)| Arc::ptr_eq(sources, &run.changes[0].1));
    let from_root = outside && one_root;
    let mut patch = Vec::new();
    for (change, sources) in &run.changes {
        let path =
            if from_root { change.relative.clone() } else { sources.display(&change.relative) };
        write_diff(&mut patch, &path, &change.before, &change.after, colour)?;
    }
    let root = run.changes.first().filter(|_| from_root).map(|(_, sources)| sources.display(""));
    Ok((patch, root))
}

fn changes(run: &Findings) -> io::Result<Vec<json::JsonChange>> {
    let one = |(change, sources): &(FileChange, Arc<Sources>)| {
        let mut patch = Vec::new();
        let path = sources.display(&change.relative);
        write_diff(&mut patch, &path, &change.before, &change.after, false)?;
        Ok(json::JsonChange { path, patch: String::from_utf8_lossy(&patch).into_owned() })
    };
    run.changes.iter().map(one).collect()
}

/// Whether the reader can run `cachelint rule`, unlike in the log of a hook or an action.
fn can_explain() -> bool {
    let hosted = ["PRE_COMMIT", "GITHUB_ACTIONS", "CI"];
    if hosted.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return false;
    }
    let name = format!("cachelint{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(&name).is_file()))
}

/// Opens the files that the run will write, so that nothing is fixed in a run that cannot say so.
pub fn try_outputs(cli: &Cli) -> io::Result<()> {
    let mut created: Vec<&Path> = Vec::new();
    for path in cli.output_file.iter().chain(&cli.summary_file) {
        let new = !path.exists();
        if let Err(e) = append(path, &[]) {
            for path in created {
                // The empty file of a failed run would look like its result.
                let _ = std::fs::remove_file(path);
            }
            return Err(e);
        }
        created.extend(new.then_some(path.as_path()));
    }
    Ok(())
}

/// Says which files were taken for the repository they belong to, where that may surprise.
pub fn note_foreign(cli: &Cli, foreign: &[PathBuf]) -> io::Result<()> {
    for path in foreign.iter().filter(|path| cli.quiet == 0 && !config::is_settings_file(path)) {
        let path = printable_name(&path.to_string_lossy());
        let meaning =
            "is neither a workflow nor an action, so cachelint checks the whole repository";
        say(&format!("note: {path} {meaning}"))?;
    }
    Ok(())
}

/// Adds to the end of a file, which is created if need be.
fn append(path: &Path, content: &[u8]) -> io::Result<()> {
    let opened = has_reader(path)
        .and_then(|()| std::fs::OpenOptions::new().append(true).create(true).open(path));
    opened.and_then(|mut file| file.write_all(content)).map_err(|e| unwritable(path, &e))
}

/// Fails if `path` is a pipe that nobody reads: opening it would wait for a reader forever.
#[cfg(unix)]
fn has_reader(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let is_pipe = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    if is_pipe {
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let opened = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(path);
        opened.map_err(|_| io::Error::other("nobody reads from this pipe"))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn has_reader(_: &Path) -> io::Result<()> {
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> io::Error {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "create its folder first",
        io::ErrorKind::IsADirectory => "name a file in it",
        _ => "name another file",
    };
    io::Error::new(
        error.kind(),
        format!(
            "{}: can't be written: {}\n  help: {help}",
            printable_name(&path.to_string_lossy()),
            io_reason(error)
        ),
    )
}

/// The files that would be checked.
pub fn show_files(
    cli: &Cli,
    repositories: &[DiscoveredRepository],
    report: &Report,
) -> io::Result<bool> {
    let files = repositories.iter().flat_map(|repository| &repository.files);
    let files = files.filter(|file| file.requested).map(|file| {
        let kind = match file.kind {
            FileKind::Workflow => "workflow",
            FileKind::Action => "action",
        };
        (kind, report.path_of(&file.path, cli.output_format))
    });
    let mut out = Vec::new();
    if cli.output_format == Format::Json {
        let files: Vec<serde_json::Value> =
            files.map(|(kind, path)| serde_json::json!({"path": path, "kind": kind})).collect();
        output::write_json(&mut out, &files)?;
    } else {
        for (kind, path) in files {
            writeln!(out, "{kind:<8}  {}", printable_name(&path))?;
        }
        out = output::without_commands(&out);
    }
    match &cli.output_file {
        Some(path) => std::fs::write(path, &out).map_err(|e| unwritable(path, &e))?,
        None => io::stdout().lock().write_all(&out)?,
    }
    write_problems(report, Look::default())?;
    Ok(!report.problems.is_empty())
}

/// The whole report as bytes, so that a file is never half written because of us.
fn render(cli: &Cli, run: &Findings, look: Look) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let for_people = matches!(cli.output_format, Format::Full | Format::Concise);
    let nothing_to_say = run.report.shown(look).next().is_none() && run.report.fixed.is_empty();
    match cli.output_format {
        Format::Json if cli.show_timeline => {
            output::write_json(&mut out, &run.timelines)?;
        }
        Format::Json if cli.statistics => {
            let checks = summary::statistics(&run.report, look);
            let repositories = &run.report.repositories;
            let whole = serde_json::json!({"checks": checks, "repositories": repositories});
            output::write_json(&mut out, &whole)?;
        }
        Format::Json if cli.diff || cli.show_fixes => {
            json::write_fixed(&mut out, &run.report, &changes(run)?)?;
        }
        _ if cli.show_timeline => output::timeline::write(&mut out, &run.timelines, look)?,
        _ if cli.statistics => {
            summary::write_statistics(&mut out, &run.report, look)?;
            summary::write(&mut out, &run.report, look)?;
        }
        _ if for_people && cli.quiet > 0 && nothing_to_say => {}
        format => output::write(&mut out, &run.report, format, look)?,
    }
    let for_programs = matches!(cli.output_format, Format::Json | Format::Github | Format::Sarif);
    let as_asked = !(cli.show_timeline || cli.statistics) || cli.output_format == Format::Json;
    Ok(if for_programs && as_asked { out } else { output::without_commands(&out) })
}

fn colour(choice: ColourChoice, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0");
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if set("NO_COLOR") => false,
        ColourChoice::Auto if set("FORCE_COLOR") || forced => true,
        ColourChoice::Auto => {
            terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// `COLUMNS` where somebody set it, else what the terminal says.
fn terminal_width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(asked).map(|width| width.clamp(40, 400))
}
