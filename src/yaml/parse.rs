//! yaml-rust2's events to a [`Tree`].
//!
//! The parser's marks are not exact enough for edits: block mappings are marked at their first `:`,
//! block scalars at their content, and no node has an end. So a cursor follows the events through
//! the source and finds every start, end and dash itself; each scalar's source is read against its
//! value on the way.

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

use super::build::Builder;
use super::shadow::Shadow;
use super::tree::{ScalarStyle, Tree};
use crate::base::text::{Position, Text};

/// Collections in collections above this depth are refused.
pub const MAX_DEPTH: usize = 128;

/// Why a text is not one YAML document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    pub message: String,
    pub position: Position,
    /// What the reader can do about it.
    pub help: Option<String>,
}

impl YamlError {
    pub(super) fn at(text: &Text, offset: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), position: text.position(offset), help: None }
    }

    pub(super) fn too_deep(text: &Text, offset: usize) -> Self {
        Self::at(text, offset, format!("nested deeper than {MAX_DEPTH} levels"))
    }

    fn with_help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }
}

/// Parses one document. A text with only comments gives a tree without root; a second document,
/// nesting deeper than [`MAX_DEPTH`] and an alias to a node that contains it are errors. Duplicate
/// keys stay in the tree.
pub fn parse(text: &Text) -> Result<Tree, YamlError> {
    refuse_characters(text)?;
    let mut shadow = Shadow::default();
    loop {
        let copy = shadow.copy(text);
        let source = copy.as_deref().unwrap_or(text.as_str());
        // A last line without line break is ended, else the parser reads blanks after a block
        // scalar as content.
        let built = if source.ends_with('\n') {
            build(text, &shadow, Parser::new(source.chars()))
        } else {
            build(text, &shadow, Parser::new(source.chars().chain(std::iter::once('\n'))))
        };
        match built {
            Ok(tree) => return Ok(tree),
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Scan(error)) => {
                let (line, column) =
                    (error.marker().line().saturating_sub(1), error.marker().col());
                if !shadow.widen(text, error.info(), line, column) {
                    return Err(scan_error(text, &shadow, &error));
                }
            }
        }
    }
}

enum Failure {
    Scan(ScanError),
    Refused(YamlError),
}

impl From<YamlError> for Failure {
    fn from(error: YamlError) -> Self {
        Failure::Refused(error)
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        Failure::Scan(error)
    }
}

fn build<I: Iterator<Item = char>>(
    text: &Text,
    shadow: &Shadow,
    mut parser: Parser<I>,
) -> Result<Tree, Failure> {
    let mut builder = Builder::new(text, shadow);
    let mut documents = 0;
    loop {
        let (event, mark) = parser.next_token()?;
        match event {
            Event::StreamEnd => return Ok(builder.finish()),
            Event::DocumentStart if documents > 0 => {
                let error = YamlError::at(
                    text,
                    offset(text, shadow, &mark),
                    "more than one YAML document in the file",
                );
                return Err(error
                    .with_help("A workflow file holds one document; remove the `---` line.")
                    .into());
            }
            Event::DocumentStart => {
                documents += 1;
                builder.document();
            }
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            Event::Alias(id) => builder.alias(id)?,
            Event::Scalar(value, style, anchor, tag) => {
                builder.scalar(value, scalar_style(style), anchor, name(tag))?
            }
            Event::SequenceStart(anchor, tag) => builder.sequence(anchor, name(tag))?,
            Event::MappingStart(anchor, tag) => {
                // A pair without braces can be marked where the braces of its key are.
                let pair = builder.may_be_pair() && {
                    let (next, place) = parser.peek()?;
                    matches!(next, Event::MappingStart(..))
                        && (place.line(), place.col()) == (mark.line(), mark.col())
                };
                builder.mapping(
                    anchor,
                    name(tag),
                    (!pair).then(|| (mark.line().saturating_sub(1), mark.col())),
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end()?,
        }
    }
}

fn scalar_style(style: TScalarStyle) -> ScalarStyle {
    match style {
        TScalarStyle::Plain => ScalarStyle::Plain,
        TScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        TScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        TScalarStyle::Literal => ScalarStyle::Literal,
        TScalarStyle::Folded => ScalarStyle::Folded,
    }
}

fn name(tag: Option<Tag>) -> Option<String> {
    tag.map(|tag| tag.handle + &tag.suffix)
}

/// Characters that YAML forbids or reads as a line break where nothing else does.
fn refuse_characters(text: &Text) -> Result<(), YamlError> {
    if let Some(offset) = text.as_str().find('\0') {
        return Err(YamlError::at(text, offset, "invalid YAML: NUL character"));
    }
    let bytes = text.as_str().as_bytes();
    let lone = text.as_str().match_indices('\r').find(|(i, _)| bytes.get(i + 1) != Some(&b'\n'));
    match lone {
        Some((offset, _)) => Err(YamlError::at(text, offset, "carriage return without line feed")
            .with_help("End the lines of this file with LF or CRLF.")),
        None => Ok(()),
    }
}

/// Where `mark` stands in the text; the mark's own index is wrong after non-ASCII block scalars.
fn offset(text: &Text, shadow: &Shadow, mark: &Marker) -> usize {
    let line = mark.line().saturating_sub(1);
    text.offset_of(line, mark.col().saturating_sub(shadow.blanks(line)))
}

fn scan_error(text: &Text, shadow: &Shadow, error: &ScanError) -> YamlError {
    let offset = offset(text, shadow, error.marker());
    let line = text.line_of(offset);
    let start = text.line_start(line);
    let indentation =
        text.line(line).bytes().take_while(|b| matches!(b, b' ' | b'\t')).position(|b| b == b'\t');
    if let Some(tab) = indentation {
        return YamlError::at(text, start + tab, "invalid YAML: tab in the indentation")
            .with_help("YAML does not allow tabs for indentation; use blanks.");
    }
    if error.info() == "recursion limit exceeded" {
        return YamlError::too_deep(text, offset);
    }
    let found = YamlError::at(text, offset, format!("invalid YAML: {}", error.info()));
    match error.info() {
        "mapping values are not allowed in this context" => found.with_help(
            "Put a value that contains `: ` in quotes, and check the indentation of this line.",
        ),
        _ => found,
    }
}
