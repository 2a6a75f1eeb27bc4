//! Each finding with the source around it, why it matters, and the fix as a diff; jobs of a file
//! that have the same finding in one block.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use rayon::prelude::*;
use textwrap::WordSplitter;

use super::group::{Group, groups};
use super::patch::write_patch;
use super::{Look, Report, Reported, one_line, printable_name, summary};
use crate::base::finding::{Applicability, Location, Severity};
use crate::base::text::{Span, Text};
use crate::rules::checks;

const DEFAULT_WIDTH: usize = 100;
/// Source with a longer line isn't shown: no terminal is wide enough to read it.
const MAX_LINE_BYTES: usize = 4096;
/// Places that one finding points at; more would be pages of source.
const MAX_PLACES: usize = 20;
/// Findings rendered side by side.
const AT_ONCE: usize = 64;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let theme =
        if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width.unwrap_or(DEFAULT_WIDTH))
        .with_links(look.colour)
        // A hyphen is part of an option or a name more often than it joins two words.
        .with_word_splitter(WordSplitter::NoHyphenation)
        .tab_width(4)
        .with_context_lines(1);
    let shown = groups(report.shown(look));
    let repeated = repeated_notes(&shown);
    let render = |group: &Group<'_>| -> io::Result<Vec<u8>> {
        let mut block = String::new();
        let rendered = FindingDiagnostic::new(group, &repeated);
        handler.render_report(&mut block, &rendered).map_err(io::Error::other)?;
        let mut block = block.trim_start_matches('\n').as_bytes().to_vec();
        write_fix(&mut block, group.first(), look)?;
        Ok(block)
    };
    for some in shown.chunks(AT_ONCE) {
        for block in some.par_iter().map(render).collect::<Vec<_>>() {
            out.write_all(&block?)?;
            writeln!(out)?;
        }
    }
    for note in &repeated {
        writeln!(out, "note: {}", one_line(note))?;
    }
    if !repeated.is_empty() {
        writeln!(out)?;
    }
    summary::write(out, report, look)?;
    let unlinked = |group: &&Group<'_>| {
        checks::find(group.first().finding.rule).is_some_and(|check| check.url().is_none())
    };
    match shown.iter().find(unlinked).map(|group| group.first().finding.rule) {
        Some(check) if look.explains => {
            let name = check.rsplit('/').next().unwrap_or(check);
            writeln!(out, "`cachelint rule {name}` explains the check.")
        }
        _ => Ok(()),
    }
}

/// Notes of several blocks, which are said once at the end.
fn repeated_notes<'a>(groups: &[Group<'a>]) -> Vec<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut repeated: Vec<&str> = Vec::new();
    for note in groups.iter().flat_map(|group| &group.first().finding.notes) {
        if !seen.insert(note) && !repeated.contains(&note.as_str()) {
            repeated.push(note);
        }
    }
    repeated
}

/// What a fix would do, as a diff, or why there is none.
fn write_fix(out: &mut dyn Write, reported: &Reported, look: Look) -> io::Result<()> {
    let Reported { finding, sources } = reported;
    let Some(fix) = &finding.fix else {
        return match &finding.no_fix_reason {
            // A withheld finding has said why.
            Some(reason) if finding.withheld.is_none() => {
                writeln!(out, "  no automatic fix: {}", one_line(reason))
            }
            _ => Ok(()),
        };
    };
    let way = match fix.applicability {
        Applicability::Safe => "fix (`--fix`)",
        Applicability::Unsafe => "fix (`--fix --unsafe-fixes`)",
        Applicability::DisplayOnly => "suggestion",
    };
    let place = if fix.path == finding.primary.path {
        String::new()
    } else {
        format!(" in {}", printable_name(&sources.as_typed(&fix.path)))
    };
    writeln!(out, "  {way}: {}{place}", one_line(&fix.message))?;
    match sources.text(&fix.path) {
        Some(text) => write_patch(out, text, &fix.edits, look),
        None => Ok(()),
    }
}

/// A named text whose columns count characters, as in every other format; miette's own count bytes.
#[derive(Debug)]
struct NamedText<'t> {
    name: String,
    /// Printable, with every line and every offset as in `lines`.
    text: Arc<str>,
    lines: &'t Text,
}

impl SourceCode for NamedText<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // miette would walk from the first line, for every label again.
        let above = self.text.get(..span.offset()).unwrap_or(&self.text);
        let from = above.rmatch_indices('\n').nth(lines_before).map_or(0, |(at, _)| at + 1);
        let shifted = SourceSpan::from((span.offset() - from, span.len()));
        let below = &self.text[from..];
        let contents = below.read_span(&shifted, lines_before, lines_after)?;
        let start = contents.span().offset();
        let column = below
            .get(..start)
            .unwrap_or_default()
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count();
        let lines_above = self.lines.line_of(from);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            SourceSpan::from((from + start, contents.span().len())),
            lines_above + contents.line(),
            column,
            // As miette counts them: from the first line of the text.
            lines_above + contents.line_count(),
        )))
    }
}

/// A finding in miette's terms.
#[derive(Debug)]
struct FindingDiagnostic<'a> {
    reported: &'a Reported,
    code: String,
    message: String,
    help: String,
    source: Option<NamedText<'a>>,
    labels: Vec<LabeledSpan>,
}

impl<'a> FindingDiagnostic<'a> {
    fn new(group: &Group<'a>, repeated: &[&str]) -> Self {
        let reported = group.first();
        let Reported { finding, sources } = reported;
        let whole = sources.text(&finding.primary.path);
        let places =
            finding.related.iter().filter(|l| l.path == finding.primary.path).map(|l| l.span);
        let mut spans = std::iter::once(finding.primary.span).chain(places.take(MAX_PLACES));
        let text = whole.filter(|text| spans.all(|span| is_readable(text, span)));
        let source = text.zip(sources.printable_text(&finding.primary.path));
        let source = source.map(|(lines, text)| NamedText {
            name: printable_name(&reported.typed_path()),
            text,
            lines,
        });
        let end = text.map_or(0, |t| t.as_str().len());
        let label = |name: &str, start: usize, stop: usize| {
            let (start, stop) = (start.min(end), stop.min(end));
            (Some(one_line(name)).filter(|n| !n.is_empty()), start, stop.saturating_sub(start))
        };
        let here = |path: &str| path == finding.primary.path;
        let primary =
            label(&finding.primary.label, finding.primary.span.start, finding.primary.span.end);
        let mut labels =
            vec![LabeledSpan::new_primary_with_span(primary.0, (primary.1, primary.2))];
        for related in finding.related.iter().filter(|l| here(&l.path)).take(MAX_PLACES) {
            let (name, start, length) = label(&related.label, related.span.start, related.span.end);
            labels.push(LabeledSpan::new(name, start, length));
        }
        let mut message = one_line(&finding.message);
        if source.is_none() && whole.is_some() {
            let start = reported.start();
            message.insert_str(
                0,
                &format!(
                    "{}:{}:{}: ",
                    printable_name(&reported.typed_path()),
                    start.line,
                    start.column
                ),
            );
        }
        let code = format!("{}[{}]", finding.severity.as_str(), finding.rule);
        Self { reported, code, message, help: help(group, repeated), source, labels }
    }
}

/// Whether the lines of `span` and those around it are short enough to be shown.
fn is_readable(text: &Text, span: Span) -> bool {
    let (first, last) = (text.line_of(span.start), text.line_of(span.end));
    (first.saturating_sub(1)..=last + 1).all(|line| text.line(line).len() <= MAX_LINE_BYTES)
}

/// Why it matters, what else to look at, and which other jobs it concerns.
fn help(group: &Group<'_>, repeated: &[&str]) -> String {
    let Reported { finding, sources } = group.first();
    let mut lines = vec![finding.help.clone()];
    lines.extend(group.others());
    let (here, elsewhere): (Vec<&Location>, Vec<&Location>) =
        finding.related.iter().partition(|l| l.path == finding.primary.path);
    for related in elsewhere.iter().take(MAX_PLACES) {
        let (start, _) = sources.positions(related);
        lines.push(format!(
            "see {}:{}:{}: {}",
            sources.as_typed(&related.path),
            start.line,
            start.column,
            related.label
        ));
    }
    let unseen: usize =
        [here, elsewhere].iter().map(|places| places.len().saturating_sub(MAX_PLACES)).sum();
    if unseen > 0 {
        lines.push(format!("{unseen} more places aren't shown"));
    }
    let notes = finding.notes.iter().filter(|note| !repeated.contains(&note.as_str()));
    lines.extend(notes.map(|note| format!("note: {note}")));
    if let Some(reason) = &finding.withheld {
        lines.push(format!("withheld: {reason}"));
    }
    lines.retain(|line| !line.is_empty());
    let lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    lines.join("\n")
}

impl fmt::Display for FindingDiagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FindingDiagnostic<'_> {}

impl Diagnostic for FindingDiagnostic<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.reported.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        checks::find(self.reported.finding.rule)?
            .url()
            .map(|url| Box::new(url) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Sources;
    use crate::output::sample;

    fn render(report: &Report, look: Look) -> String {
        let mut out = Vec::new();
        write(&mut out, report, look).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shows_source_labels_help_and_fix() {
        let text = render(&sample::report(), Look::default());
        for part in [
            "nox/missing-cache",
            ".github/workflows/ci.yml:6:22",
            "echo é; nox",
            "builds environments",
            "in this job",
            "A cache would help.",
            "note: Saves about 40 s a run.",
            "error[nox/missing-cache]",
            "warning[nox/interpreter-not-in-key]",
            "fix (`--fix`): Cache `.nox` before this step",
            "\n    +      - uses: actions/cache@v6\n",
            "no automatic fix: flow style",
            "Found 1 error, 1 warning.",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains("the job publishes"), "{text}");
    }

    #[test]
    fn a_line_without_end_is_not_shown() {
        let mut report = sample::report();
        let text = format!("jobs: # {}\n", "x".repeat(100_000));
        let texts = [(".github/workflows/ci.yml", text)].map(|(path, text)| {
            (path.to_owned(), Arc::new(Text::new(path, text.into_bytes()).unwrap()))
        });
        let sources = Arc::new(Sources::new(
            std::path::Path::new("/r"),
            std::path::Path::new("/r"),
            texts.into(),
        ));
        report.findings.truncate(1);
        report.findings[0].sources = sources;
        report.findings[0].finding.withheld = None;
        report.findings[0].finding.primary.span = Span::new(70_000, 70_003);
        let text = render(&report, Look { verbose: true, ..Look::default() });
        assert!(text.contains("ci.yml:1:70001: ") && text.len() < 4096, "{text}");
    }

    #[test]
    fn thousands_of_places_are_counted_and_not_shown() {
        let mut report = sample::report();
        report.findings.truncate(1);
        let finding = &mut report.findings[0].finding;
        let mut elsewhere = finding.primary.clone();
        elsewhere.path = "action.yml".into();
        for place in [finding.primary.clone(), elsewhere] {
            finding.related.extend(vec![place; 5000]);
        }
        let related = finding.related.len();
        let text = render(&report, Look { verbose: true, ..Look::default() });
        let more = format!("{} more places aren't shown", related - 2 * MAX_PLACES);
        assert!(text.contains(&more) && text.lines().count() < 200, "{text}");
    }

    #[test]
    fn jobs_with_the_same_finding_are_one_block_with_one_help() {
        let mut report = sample::report();
        let reported = report.findings.remove(3);
        report.findings = ["tests", "lint", "docs"]
            .map(|job| {
                let mut reported = reported.clone();
                reported.finding.job = job.into();
                reported.finding.message = format!("job `{job}` rebuilds");
                reported
            })
            .to_vec();
        let text = render(&report, Look { explains: true, ..Look::default() });
        assert_eq!(text.matches("A cache would help.").count(), 1, "{text}");
        assert!(text.contains("same in 2 more jobs: `lint` (line 6), `docs` (line 6)"), "{text}");
        assert!(text.contains("Found 3 errors."), "{text}");
        assert!(text.ends_with("`cachelint rule missing-cache` explains the check.\n"), "{text}");
    }

    #[test]
    fn a_note_of_several_findings_is_said_once() {
        let mut report = sample::report();
        for reported in &mut report.findings {
            reported.finding.notes = vec!["Packages freeze.".into()];
        }
        let text = render(&report, Look::default());
        assert_eq!(text.matches("note: Packages freeze.").count(), 1, "{text}");
    }

    #[test]
    fn a_withheld_finding_gives_its_reason_once() {
        let mut report = sample::report();
        report.findings.truncate(1);
        let finding = &mut report.findings[0].finding;
        (finding.fix, finding.no_fix_reason) = (None, Some("up to you".into()));
        let text = render(&report, Look { verbose: true, ..Look::default() });
        assert!(text.contains("withheld: the job publishes"), "{text}");
        assert!(!text.contains("no automatic fix"), "{text}");
    }

    #[test]
    fn colour_only_when_asked() {
        assert!(
            render(&sample::report(), Look { colour: true, ..Look::default() }).contains('\u{1b}')
        );
    }

    #[test]
    fn a_span_past_the_end_or_a_missing_text_does_no_harm() {
        let mut report = sample::report();
        report.findings[3].finding.primary.span =
            Span::new(sample::CI.len() + 5, sample::CI.len() + 9);
        report.findings[1].finding.primary.path = "elsewhere.yml".into();
        let text = render(&report, Look { verbose: true, ..Look::default() });
        assert!(
            text.contains("the job publishes") && text.contains("nox/interpreter-not-in-key"),
            "{text}"
        );
    }
}
