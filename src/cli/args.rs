//! The options, as users of ruff and zizmor expect them.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::base::finding::{Finding, Severity};
use crate::config::{CheckName, CheckNames};
use crate::output::Format;
use crate::report::ReportArgs;
use crate::rules::checks;

const AFTER_HELP: &str = "\
Exit codes: 0 no findings are left, 1 findings are left or a diff was printed, 2 something failed.
To ignore a finding, write `# cachelint: ignore[nox/missing-cache] reason` on its step, or on the line with the job's id.";

/// Find CI jobs that run nox without a working cache of its environments, and fix them.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Files or folders to check; `-` for standard input [default: the repository around the
    /// current folder]
    ///
    /// For any other file, such as noxfile.py or uv.lock, cachelint checks all workflows of its
    /// repository. Write `./rule` for a path that has the name of a subcommand.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Apply safe fixes
    #[arg(long, overrides_with = "no_fix", help_heading = "Fixes")]
    pub fix: bool,
    #[arg(long, overrides_with = "fix", hide = true)]
    pub no_fix: bool,
    /// Print fixes as a patch for `git apply`; with --fix, also apply them
    #[arg(long, help_heading = "Fixes")]
    pub diff: bool,
    /// Include fixes that may change what a job does beyond its caching
    #[arg(long, help_heading = "Fixes")]
    pub unsafe_fixes: bool,
    /// List every applied fix, not only the changed files and jobs
    #[arg(long, help_heading = "Fixes")]
    pub show_fixes: bool,
    /// Add an ignore comment for each finding; with --diff, only print the patch
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, help_heading = "Fixes")]
    #[arg(default_missing_value = "", value_parser = one_line)]
    #[arg(conflicts_with_all = ["fix", "unsafe_fixes", "show_fixes"])]
    pub add_ignore: Option<String>,

    /// Read the logs of past runs, and fix only jobs for which a cache pays off
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = "Checks")]
    pub logs: Vec<PathBuf>,
    /// Run only these checks, such as `missing-cache`, `cache` or `nox`
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Checks")]
    #[arg(value_parser = SomeChecks, hide_possible_values = true)]
    pub select: Vec<CheckNames>,
    /// Skip these checks
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Checks")]
    #[arg(value_parser = SomeChecks, hide_possible_values = true)]
    pub ignore: Vec<CheckNames>,

    /// Skip workflows and actions that match this pattern, as `exclude` in the settings does
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Checks")]
    #[arg(value_parser = pattern)]
    pub exclude: Vec<String>,

    /// Format of the findings
    #[arg(long, value_enum, default_value_t = Format::Full, help_heading = "Output")]
    pub output_format: Format,
    /// Write findings to this file
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output_file: Option<PathBuf>,
    /// Also append findings as Markdown tables to this file, such as $GITHUB_STEP_SUMMARY
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub summary_file: Option<PathBuf>,
    /// Count findings per check, and per repository if there are several
    #[arg(long, help_heading = "Output")]
    pub statistics: bool,
    /// List the files that would be checked
    #[arg(long, help_heading = "Output")]
    pub show_files: bool,
    /// Show what cachelint knows about each job that runs nox
    #[arg(long, help_heading = "Output")]
    pub show_timeline: bool,
    /// When to color the output
    #[arg(long, value_enum, default_value_t = ColourChoice::Auto, value_name = "WHEN", help_heading = "Output")]
    pub color: ColourChoice,
    /// Also show infos, withheld findings, and why some jobs could not be decided
    #[arg(long, short, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,
    /// Print nothing if there are no findings; -qq also hides errors about unreadable files
    #[arg(long, short, action = ArgAction::Count, help_heading = "Output")]
    pub quiet: u8,

    /// Use this settings file instead of the repository's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with = "isolated", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// Ignore all settings files
    #[arg(long, help_heading = "Settings")]
    pub isolated: bool,
    /// Path of the file on standard input
    #[arg(long, value_name = "PATH", help_heading = "Settings")]
    pub stdin_filename: Option<PathBuf>,

    /// Exit with 1 if a finding of at least this severity is left; `info` also shows infos
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY", help_heading = "Exit code")]
    pub fail_on: FailOn,
    /// Exit with 0 even if findings are left, as `--fail-on never` does
    #[arg(long, conflicts_with_all = ["exit_non_zero_on_fix", "fail_on"], help_heading = "Exit code")]
    pub exit_zero: bool,
    /// Exit with 1 if --fix changed something
    #[arg(long, help_heading = "Exit code")]
    pub exit_non_zero_on_fix: bool,

    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourChoice {
    Auto,
    Always,
    Never,
}

/// One check, with the names of all for completions.
#[derive(Debug, Clone)]
struct OneCheck;

/// One or several checks by a word, with the words for completions.
#[derive(Debug, Clone)]
struct SomeChecks;

/// A reason is in a comment, which ends with its line.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("the reason must be one line of plain text".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn pattern(text: &str) -> Result<String, String> {
    let refused = |(reason, help)| format!("{reason}; {help}");
    super::settings::path_pattern(text).map(|()| text.to_owned()).map_err(refused)
}

fn parse_word<T: FromStr<Err = String>>(
    command: &clap::Command,
    value: &OsStr,
) -> Result<T, clap::Error> {
    value.to_string_lossy().parse().map_err(|message: String| {
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, message + "\n").with_cmd(command)
    })
}

impl TypedValueParser for OneCheck {
    type Value = CheckName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<CheckName, clap::Error> {
        parse_word(command, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(checks::all().iter().map(|check| PossibleValue::new(check.short_name()))))
    }
}

impl TypedValueParser for SomeChecks {
    type Value = CheckNames;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<CheckNames, clap::Error> {
        parse_word(command, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(CheckNames::words().into_iter().map(PossibleValue::new)))
    }
}

/// The mildest severity that makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
    Never,
}

impl FailOn {
    /// Whether `finding` is left for the user to act on; one that is withheld never is.
    pub fn counts(self, finding: &Finding) -> bool {
        let least = match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Info => Severity::Info,
            Self::Never => return false,
        };
        finding.severity >= least && finding.withheld.is_none()
    }
}

#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Explain a check, or list all of them
    Rule(RuleArgs),
    Report(ReportArgs),
    /// Print completions for a shell
    ///
    /// Without a shell, list the supported shells.
    Completions {
        shell: Option<clap_complete::Shell>,
    },
}

#[derive(Debug, Args)]
pub struct RuleArgs {
    /// Id or short name of the check; without one, list all checks
    #[arg(value_name = "CHECK", value_parser = OneCheck, hide_possible_values = true)]
    pub check: Option<CheckName>,
    /// Print the pages of all checks
    #[arg(long, conflicts_with = "check")]
    pub all: bool,
    /// Format of the pages
    #[arg(long, value_enum, default_value_t = RuleFormat::Markdown)]
    pub output_format: RuleFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuleFormat {
    Markdown,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn paths_and_subcommands_do_not_mix_up() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["cachelint"], args].concat());
        assert!(matches!(
            parse(&["rule", "missing-cache"]).unwrap().command,
            Some(CliCommand::Rule(_))
        ));
        let cli = parse(&["./rule", "a.yml"]).unwrap();
        assert!(cli.command.is_none() && cli.paths.len() == 2);
        assert!(
            !parse(&["--fix", "--no-fix"]).unwrap().fix
                && parse(&["--no-fix", "--fix"]).unwrap().fix
        );
        assert_eq!(parse(&["--select", "missing-cache,nox/wrong-path"]).unwrap().select.len(), 2);
        assert!(
            parse(&["--select", "mising-cache"])
                .unwrap_err()
                .to_string()
                .contains("did you mean `missing-cache`?")
        );
        assert!(parse(&["--exit-zero", "--exit-non-zero-on-fix"]).is_err());
        assert!(parse(&["--exclude", "a/**,*.yml"]).is_ok());
        for pattern in ["", "a,", "../a"] {
            assert!(parse(&["--exclude", pattern]).is_err(), "{pattern}");
        }
    }
}
