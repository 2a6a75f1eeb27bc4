//! A file's text as the other parts see it: BOM set aside, newline style known, byte offsets as
//! lines and columns.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

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
    #[error("isn't UTF-8 (first invalid byte at offset {offset}, line {line})")]
    NotUtf8 { offset: usize, line: usize },
    #[error("is larger than {} MiB", limit / (1024 * 1024))]
    TooLarge { limit: u64 },
    /// YAML parsers differ in whether the second belongs to the first key.
    #[error("starts with two byte order marks")]
    TwoBoms,
}

/// Workflow files above this size are refused: GitHub itself refuses files of more than 512 KiB.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Larger TOML files aren't parsed: the parsed form takes a hundred times the bytes of many small
/// tables.
pub const MAX_TOML_BYTES: u64 = 1024 * 1024;

/// Why a file can't be read, as it is shown after the file's name.
pub fn unreadable(error: &io::Error) -> String {
    format!("can't be read: {}", io_reason(error))
}

/// What went wrong, in plain words and without the number of the system's error.
pub fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => {
            let text = error.to_string();
            let plain = text.split(" (os error ").next().unwrap_or_default();
            plain.to_owned()
        }
    }
}

/// The bytes of a file: of a larger one than [`MAX_BYTES`] no more than tells that it is.
pub(crate) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for whoever writes into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it isn't a regular file"));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(size.min(MAX_BYTES) as usize);
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A decoded file.
#[derive(Debug, Clone)]
pub struct Text {
    /// Where it was read from, for messages only.
    pub path: PathBuf,
    text: Arc<str>,
    bom: bool,
    newline: Newline,
    /// Found when first asked for: of thousands of texts that are held, few are.
    line_starts: OnceLock<Vec<usize>>,
}

impl Text {
    /// Decodes `bytes`; fails when they are not UTF-8, begin with two BOMs or are more than
    /// [`MAX_BYTES`].
    pub fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, TextError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(TextError::TooLarge { limit: MAX_BYTES });
        }
        let whole = String::from_utf8(bytes).map_err(|e| {
            let offset = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
            TextError::NotUtf8 { offset, line }
        })?;
        let (bom, text): (bool, Arc<str>) = match whole.strip_prefix('\u{feff}') {
            Some(rest) => (true, Arc::from(rest)),
            None => (false, Arc::from(whole)),
        };
        if text.starts_with('\u{feff}') {
            return Err(TextError::TwoBoms);
        }
        let newline = match text.find('\n') {
            Some(i) if text[..i].ends_with('\r') => Newline::CrLf,
            _ => Newline::Lf,
        };
        Ok(Self { path: path.into(), text, bom, newline, line_starts: OnceLock::new() })
    }

    /// The text without its BOM; every [`Span`] is an offset into this.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same for who holds it longer.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
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

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let breaks = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0).chain(breaks.map(|at| at + 1)).collect()
        })
    }

    /// Number of lines, counting a last one without newline.
    pub fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// Zero-based line that holds `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|s| *s <= offset) - 1
    }

    /// Byte offset at which the zero-based `line` starts; the end of the text for lines past it.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts().get(line).copied().unwrap_or(self.text.len())
    }

    /// The zero-based `line` without its line break.
    pub fn line(&self, line: usize) -> &str {
        let start = self.line_start(line);
        let end = self.line_start(line + 1);
        let line = &self.text[start..end];
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Byte offset of the zero-based `line` and the zero-based character column; clamped to the
    /// line's end.
    pub fn offset_of(&self, line: usize, column: usize) -> usize {
        let start = self.line_start(line);
        let content = self.line(line);
        content.char_indices().nth(column).map_or(start + content.len(), |(i, _)| start + i)
    }

    /// Line and column of `offset`, both from 1, the column in characters.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        // Every byte that does not continue a character starts one; `offset` may be inside the
        // last.
        let before = &self.text.as_bytes()[self.line_starts()[line]..offset];
        let column = before.iter().filter(|b| **b & 0xC0 != 0x80).count();
        Position { line: line + 1, column: column + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Text {
        Text::new("a.yml", source.as_bytes().to_vec()).expect("text")
    }

    #[test]
    fn bytes_that_are_no_text() {
        let bad = Text::new("a.yml", b"a\nb\xff".to_vec()).expect_err("not UTF-8");
        assert_eq!(bad, TextError::NotUtf8 { offset: 3, line: 2 });
        let limit = usize::try_from(MAX_BYTES).expect("a small limit");
        assert!(Text::new("a.yml", vec![b'a'; limit]).is_ok());
        let large = Text::new("a.yml", vec![b'a'; limit + 1]).expect_err("too large");
        assert_eq!(large, TextError::TooLarge { limit: MAX_BYTES });
        let twice = Text::new("a.yml", "\u{feff}\u{feff}on: push\n".into()).expect_err("two BOMs");
        assert_eq!(twice, TextError::TwoBoms);
    }

    #[test]
    fn bom_is_set_aside_and_comes_back() {
        let with = text("\u{feff}é\n");
        assert_eq!(with.as_str(), "é\n");
        assert_eq!(with.encode(with.as_str()), "\u{feff}é\n".as_bytes());
        assert_eq!(text("é\n").encode("é\n"), "é\n".as_bytes());
    }

    #[test]
    fn first_line_break_is_the_style() {
        for (source, newline) in [
            ("", Newline::Lf),
            ("a", Newline::Lf),
            ("a\nb\r\n", Newline::Lf),
            ("a\r\nb\n", Newline::CrLf),
        ] {
            assert_eq!(text(source).newline(), newline, "{source:?}");
        }
    }

    #[test]
    fn lines_without_their_breaks() {
        for (source, lines) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("a\n", vec!["a", ""]),
            ("a\r\n\r\nb\r", vec!["a", "", "b"]),
            ("a\r\r\nb", vec!["a\r", "b"]),
        ] {
            let text = text(source);
            assert_eq!(
                (0..text.line_count()).map(|i| text.line(i)).collect::<Vec<_>>(),
                lines,
                "{source:?}"
            );
            assert_eq!(text.line(99), "");
            assert_eq!(text.line_start(99), source.len());
        }
    }

    #[test]
    fn places() {
        let text = text("aé🦀b\r\n\nc");
        for (offset, line, column) in [
            (0, 1, 1),
            (1, 1, 2),
            (3, 1, 3),
            (7, 1, 4),
            (8, 1, 5),
            (10, 2, 1),
            (11, 3, 1),
            (12, 3, 2),
        ] {
            assert_eq!(text.position(offset), Position { line, column }, "{offset}");
            assert_eq!(text.offset_of(line - 1, column - 1), offset);
            assert_eq!(text.line_of(offset), line - 1);
        }
        assert_eq!(text.offset_of(0, 99), 8, "before the line break");
        assert_eq!(text.offset_of(99, 0), 12);
        assert_eq!(text.position(99), Position { line: 3, column: 2 });
        assert_eq!(text.position(2), Position { line: 1, column: 3 }, "inside a character");
    }

    #[test]
    fn spans_are_half_open() {
        let span = Span::new(2, 4);
        assert!(span.contains(2) && span.contains(3) && !span.contains(4) && !span.contains(1));
        assert!(!Span::at(2).contains(2));
        assert_eq!(span.range(), 2..4);
    }
}
