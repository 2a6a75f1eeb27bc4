//! A file's text as the other parts see it: BOM set aside, newline style known, byte offsets turned into lines and columns.

use std::ops::Range;
use std::path::PathBuf;

/// A half-open range of byte offsets into [`Text::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// An empty span, the place of an insertion.
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    pub fn contains(self, offset: usize) -> bool {
        self.start <= offset && offset < self.end
    }
}

/// A place as people read it: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newline {
    Lf,
    CrLf,
}

impl Newline {
    pub fn as_str(self) -> &'static str {
        match self {
            Newline::Lf => "\n",
            Newline::CrLf => "\r\n",
        }
    }
}

/// Why bytes are not a text that can be checked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    #[error("not UTF-8 (first bad byte at offset {offset}, line {line})")]
    NotUtf8 { offset: usize, line: usize },
    #[error("larger than {limit} bytes ({size} bytes)")]
    TooLarge { size: u64, limit: u64 },
}

/// Workflow files above this size are refused: GitHub itself refuses files of more than 512 KiB.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// A decoded file.
#[derive(Debug, Clone)]
pub struct Text {
    /// Where it was read from, for messages only.
    pub path: PathBuf,
    text: String,
    bom: bool,
    newline: Newline,
    line_starts: Vec<usize>,
}

impl Text {
    /// Decodes `bytes`; fails when they are not UTF-8 or more than [`MAX_BYTES`].
    pub fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, TextError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(TextError::TooLarge { size: bytes.len() as u64, limit: MAX_BYTES });
        }
        let whole = String::from_utf8(bytes).map_err(|e| {
            let offset = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
            TextError::NotUtf8 { offset, line }
        })?;
        let (bom, text) = match whole.strip_prefix('\u{feff}') {
            Some(rest) => (true, rest.to_owned()),
            None => (false, whole),
        };
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        let newline = match text.find('\n') {
            Some(i) if text[..i].ends_with('\r') => Newline::CrLf,
            _ => Newline::Lf,
        };
        Ok(Self { path: path.into(), text, bom, newline, line_starts })
    }

    /// The text without its BOM; every [`Span`] is an offset into this.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The style of the first line break; new lines are written in it.
    pub fn newline(&self) -> Newline {
        self.newline
    }

    /// `content` as bytes to write: the BOM that was set aside comes back.
    pub fn encode(&self, content: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(content.len() + 3);
        if self.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        out.extend_from_slice(content.as_bytes());
        out
    }

    /// Number of lines, counting a last one without newline.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// Zero-based line that holds `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|s| *s <= offset) - 1
    }

    /// Byte offset at which the zero-based `line` starts; the end of the text for lines past it.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// The zero-based `line` without its line break.
    pub fn line(&self, line: usize) -> &str {
        let start = self.line_start(line);
        let end = self.line_start(line + 1);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// Byte offset of the zero-based `line` and the zero-based character column; clamped to the line's end.
    pub fn offset_of(&self, line: usize, column: usize) -> usize {
        let start = self.line_start(line);
        let content = &self.text[start..self.line_start(line + 1)];
        content.char_indices().nth(column).map_or(start + content.len(), |(i, _)| start + i)
    }

    /// Line and column of `offset`, both from 1, the column in characters.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let column = self.text[self.line_starts[line]..offset].chars().count();
        Position { line: line + 1, column: column + 1 }
    }
}
