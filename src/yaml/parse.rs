//! granit-parser's events to a [`Tree`].

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScanError, Tag};

use super::build::{Builder, Collection};
use super::tree::Tree;
use crate::base::text::{Position, Text};

/// Collections in collections above this depth are refused.
pub const MAX_DEPTH: usize = 128;

/// Values of a document, each alias counted as all that it stands for. No file within the size that
/// GitHub accepts has so many but by aliases, which make any number of values from a small file.
pub const MAX_VALUES: usize = 80_000;

/// Why a text is not one YAML document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    pub message: String,
    pub position: Position,
    /// What the reader can do about it.
    pub help: Option<String>,
    /// It has more than [`MAX_VALUES`].
    pub too_large: bool,
}

impl YamlError {
    pub(super) fn at(text: &Text, offset: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: text.position(offset),
            help: None,
            too_large: false,
        }
    }

    pub(super) fn too_deep(text: &Text, offset: usize) -> Self {
        Self::at(text, offset, format!("nested deeper than {MAX_DEPTH} levels"))
    }

    pub(super) fn too_many(text: &Text, offset: usize) -> Self {
        let found = Self::at(text, offset, format!("more than {MAX_VALUES} values"))
            .with_help("an alias counts as all the values that it stands for; split the file");
        Self { too_large: true, ..found }
    }

    pub(super) fn with_help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }
}

/// Parses one document. A text with only comments gives a tree without root; a second document,
/// nesting deeper than [`MAX_DEPTH`], more than [`MAX_VALUES`] and an alias to a node that contains it
/// are errors. Duplicate keys stay in the tree.
pub fn parse(text: &Text) -> Result<Tree, YamlError> {
    refuse_characters(text)?;
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(text.as_str(), options);
    let mut builder = Builder::new(text);
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| scan_error(text, &error))?;
        match event {
            Event::DocumentStart(explicit, _) => {
                documents += 1;
                if documents > 1 {
                    return Err(second_document(text, span.start.byte_offset()));
                }
                if explicit {
                    builder.reached(span.end.byte_offset());
                } else {
                    builder.no_marker()?;
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                // The place of an anchor is told after its node.
                let anchored = match parser.peek() {
                    Some(Ok((Event::Anchor(..), place))) if anchor > 0 => place.end.byte_offset(),
                    _ => None,
                };
                let tagged = span.tag_span().and_then(|tag| tag.end.byte_offset());
                builder.scalar(
                    (value, style),
                    anchor,
                    tag_name(tag),
                    anchored.max(tagged),
                    span.byte_range(),
                )?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                builder.begin(Collection::Sequence, style, anchor, tag_name(tag), &span)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                builder.begin(Collection::Mapping, style, anchor, tag_name(tag), &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end(span.byte_range())?,
            Event::Alias(anchor) => builder.alias(anchor, span.byte_range())?,
            Event::Anchor(..) => builder.reached(span.end.byte_offset()),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            _ => return Err(builder.unsupported()),
        }
    }
    Ok(builder.finish())
}

fn tag_name(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()))
}

fn second_document(text: &Text, offset: Option<usize>) -> YamlError {
    YamlError::at(text, offset.unwrap_or(0), "more than one YAML document in the file")
        .with_help("a workflow file holds one document; remove the `---` line")
}

/// Characters that YAML forbids, and those that some parsers read as a line break or skip and others
/// read as text: what such a file says depends on who reads it.
fn refuse_characters(text: &Text) -> Result<(), YamlError> {
    let source = text.as_str();
    if let Some(offset) = memchr::memchr(0, source.as_bytes()) {
        return Err(YamlError::at(text, offset, "invalid YAML: NUL character"));
    }
    let bytes = source.as_bytes();
    let lone = memchr::memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'));
    if let Some(offset) = lone {
        return Err(YamlError::at(text, offset, "carriage return without line feed")
            .with_help("end the lines of this file with LF or CRLF"));
    }
    if source.is_ascii() {
        return Ok(());
    }
    let differs = |c: char| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    if let Some((offset, character)) = source.char_indices().find(|(_, c)| differs(*c)) {
        let code = u32::from(character);
        return Err(YamlError::at(text, offset, format!("character U+{code:04X}"))
            .with_help("YAML parsers disagree on what it means; remove or escape it"));
    }
    Ok(())
}

fn scan_error(text: &Text, error: &ScanError) -> YamlError {
    let offset = error.marker().byte_offset().unwrap_or(0);
    let line = text.line_of(offset.min(text.as_str().len()));
    let indentation =
        text.line(line).bytes().take_while(|b| matches!(b, b' ' | b'\t')).position(|b| b == b'\t');
    if let Some(tab) = indentation {
        return YamlError::at(
            text,
            text.line_start(line) + tab,
            "invalid YAML: tab in the indentation",
        )
        .with_help("YAML doesn't allow tabs for indentation; use spaces");
    }
    let found = YamlError::at(text, offset, format!("invalid YAML: {}", error.info()));
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => YamlError::too_deep(text, offset),
        ErrorKind::InvalidQuotedScalarIndent => {
            found.with_help("indent the lines of a quoted text deeper than its key")
        }
        ErrorKind::MappingValueNotAllowed => found.with_help(
            "put a value that contains `: ` in quotes, and check the indentation of this line",
        ),
        _ => found,
    }
}
