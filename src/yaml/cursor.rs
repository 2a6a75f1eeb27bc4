//! Walks the source between scalars: blanks, comments, indicators, anchors and tags.

use super::walk::{is_document_marker, is_white};

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    source: &'a [u8],
    pub at: usize,
    /// A place and its column in characters, to count on from.
    counted: (usize, usize),
}

impl<'a> Cursor<'a> {
    pub fn new(source: &'a str) -> Self {
        Self { source: source.as_bytes(), at: 0, counted: (0, 0) }
    }

    pub fn byte(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// Goes to the next byte that is neither blank nor comment.
    pub fn skip_blank(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b'#' => self.skip_while(|b| b != b'\n'),
                b if is_white(b) => self.at += 1,
                _ => break,
            }
        }
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        let rest = &self.source[self.at..];
        self.at += rest.iter().position(|b| !keep(*b)).unwrap_or(rest.len());
    }

    /// Consumes `indicator` where it is followed by white space, as `-`, `?` and `:` are in block
    /// style.
    pub fn eat_before_white(&mut self, indicator: u8) -> bool {
        let found = self.byte() == Some(indicator)
            && self.source.get(self.at + 1).is_none_or(|b| is_white(*b));
        self.at += usize::from(found);
        found
    }

    pub fn eat(&mut self, indicator: u8) -> bool {
        let found = self.byte() == Some(indicator);
        self.at += usize::from(found);
        found
    }

    /// The `...` of a document that is not there, directives and the `---` in front of a document.
    pub fn eat_document_start(&mut self) {
        self.skip_blank();
        loop {
            let line_start = self.at == 0 || self.source[self.at - 1] == b'\n';
            match self.byte() {
                Some(b'%') if line_start => self.skip_while(|b| b != b'\n'),
                Some(b'.') if line_start && is_document_marker(self.source, self.at) => {
                    self.at += 3
                }
                Some(b'-') if line_start && is_document_marker(self.source, self.at) => {
                    self.at += 3;
                    break;
                }
                _ => break,
            }
            self.skip_blank();
        }
    }

    /// The anchor and the tag of a node, in whatever order.
    pub fn eat_properties(&mut self, anchored: bool, tagged: bool) {
        let (mut anchored, mut tagged) = (anchored, tagged);
        while anchored || tagged {
            self.skip_blank();
            match self.byte() {
                Some(b'&') if anchored => {
                    self.eat_name();
                    anchored = false;
                }
                Some(b'!') if tagged => {
                    self.eat_tag();
                    tagged = false;
                }
                _ => break,
            }
        }
    }

    /// `&name` or `*name`.
    pub fn eat_name(&mut self) {
        self.skip_while(|b| !is_white(b) && !is_flow_indicator(b));
    }

    fn eat_tag(&mut self) {
        if self.source[self.at..].starts_with(b"!<") {
            self.skip_while(|b| b != b'>');
            self.at += usize::from(self.byte().is_some());
        } else {
            self.eat_name();
        }
    }

    /// Column in characters, from 0. Counts on from the last place asked for, so that one long line
    /// is counted once.
    pub fn column(&mut self, line_start: usize) -> usize {
        let (place, column) = self.counted;
        let (from, base) =
            if (line_start..=self.at).contains(&place) { (place, column) } else { (line_start, 0) };
        // Every byte that does not continue a character starts one.
        let chars = self.source[from..self.at].iter().filter(|b| **b & 0xC0 != 0x80).count();
        self.counted = (self.at, base + chars);
        base + chars
    }
}

fn is_flow_indicator(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}
