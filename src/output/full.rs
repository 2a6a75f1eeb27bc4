//! Each finding with the source around it, why it matters, and what a fix would do.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use rayon::prelude::*;

use super::{Look, Report, Reported, printable, printable_name, summary};
use crate::base::finding::{Applicability, Severity};
use crate::base::text::{Span, Text};
use crate::rules::checks;

const DEFAULT_WIDTH: usize = 100;
/// Source with a longer line is not shown: nobody could read it, and a terminal has no such
/// columns.
const MAX_LINE_BYTES: usize = 4096;
/// Findings rendered side by side.
const AT_ONCE: usize = 64;

pub fn write(out: &mut dyn Write, report: &Report, look: Look) -> io::Result<()> {
    let theme =
        if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width.unwrap_or(DEFAULT_WIDTH))
        .with_links(look.colour)
        .tab_width(4)
        .with_context_lines(1);
    let shown: Vec<&Reported> = report.shown(look).collect();
    let render = |reported: &&Reported| {
        let mut block = String::new();
        handler.render_report(&mut block, &Rendered::new(reported)).map(|()| block)
    };
    for some in shown.chunks(AT_ONCE) {
        for block in some.par_iter().map(render).collect::<Vec<_>>() {
            writeln!(out, "{}", block.map_err(io::Error::other)?.trim_start_matches('\n'))?;
        }
    }
    summary::write(out, report, look)
}

/// A named text whose columns count characters, as in every other format; miette's own count bytes.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
}

impl SourceCode for Source {
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
        let (above, below) = self.text.split_at(from);
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
        let lines_above = above.matches('\n').count();
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
struct Rendered<'a> {
    reported: &'a Reported,
    message: String,
    help: String,
    source: Option<Source>,
    labels: Vec<LabeledSpan>,
}

impl<'a> Rendered<'a> {
    fn new(reported: &'a Reported) -> Self {
        let Reported { finding, sources } = reported;
        let whole = sources.text(&finding.primary.path);
        let places =
            finding.related.iter().filter(|l| l.path == finding.primary.path).map(|l| l.span);
        let edits = finding
            .fix
            .iter()
            .filter(|f| f.path == finding.primary.path)
            .flat_map(|f| f.edits.first());
        let mut spans =
            std::iter::once(finding.primary.span).chain(places).chain(edits.map(|e| e.span));
        let text = whole.filter(|text| spans.all(|span| is_readable(text, span)));
        let source = text.map(|t| Source {
            name: printable_name(&reported.path()),
            text: printable(t.as_str()).into_owned(),
        });
        let end = text.map_or(0, |t| t.as_str().len());
        let label = |name: &str, start: usize, stop: usize| {
            let (start, stop) = (start.min(end), stop.min(end));
            (
                Some(printable(name).into_owned()).filter(|n| !n.is_empty()),
                start,
                stop.saturating_sub(start),
            )
        };
        let here = |path: &str| path == finding.primary.path;
        let primary =
            label(&finding.primary.label, finding.primary.span.start, finding.primary.span.end);
        let mut labels =
            vec![LabeledSpan::new_primary_with_span(primary.0, (primary.1, primary.2))];
        for related in finding.related.iter().filter(|l| here(&l.path)) {
            let (name, start, length) = label(&related.label, related.span.start, related.span.end);
            labels.push(LabeledSpan::new(name, start, length));
        }
        if let Some((fix, edit)) =
            finding.fix.as_ref().filter(|f| here(&f.path)).and_then(|f| Some((f, f.edits.first()?)))
        {
            let (name, start, length) = label(&fix.message, edit.span.start, edit.span.end);
            labels.push(LabeledSpan::new(name, start, length));
        }
        let mut message = printable(&finding.message).into_owned();
        if source.is_none() && whole.is_some() {
            let start = reported.start();
            message.insert_str(
                0,
                &format!("{}:{}:{}: ", printable_name(&reported.path()), start.line, start.column),
            );
        }
        Self { reported, message, help: help(reported), source, labels }
    }
}

/// Whether the lines of `span` and those around it are short enough to be shown.
fn is_readable(text: &Text, span: Span) -> bool {
    let (first, last) = (text.line_of(span.start), text.line_of(span.end));
    (first.saturating_sub(1)..=last + 1).all(|line| text.line(line).len() <= MAX_LINE_BYTES)
}

/// Why, what else to look at, and what a fix would do or why there is none.
fn help(reported: &Reported) -> String {
    let Reported { finding, sources } = reported;
    let mut lines = vec![finding.help.clone()];
    for related in finding.related.iter().filter(|l| l.path != finding.primary.path) {
        let (start, _) = sources.positions(related);
        lines.push(format!(
            "see {}:{}:{}: {}",
            sources.display(&related.path),
            start.line,
            start.column,
            related.label
        ));
    }
    lines.extend(finding.notes.iter().map(|note| format!("note: {note}")));
    if let Some(fix) = &finding.fix {
        let way = match fix.applicability {
            Applicability::Safe => "fix with `--fix`",
            Applicability::Unsafe => "fix with `--fix --unsafe-fixes`",
            Applicability::DisplayOnly => "suggestion",
        };
        let place = if fix.path == finding.primary.path {
            String::new()
        } else {
            format!(" in {}", sources.display(&fix.path))
        };
        lines.push(format!("{way}: {}{place}", fix.message));
    } else if let Some(reason) = &finding.no_fix_reason {
        lines.push(format!("no automatic fix: {reason}"));
    }
    if let Some(reason) = &finding.withheld {
        lines.push(format!("withheld: {reason}"));
    }
    if let Some(check) = checks::find(finding.rule).filter(|check| check.url().is_none()) {
        lines.push(format!("more: {}", check.page()));
    }
    lines.retain(|line| !line.is_empty());
    printable(&lines.join("\n")).into_owned()
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rendered<'_> {}

impl Diagnostic for Rendered<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.reported.finding.rule))
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
    use std::sync::Arc;

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
            "fix with `--fix`: Cache `.nox` before this step",
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
