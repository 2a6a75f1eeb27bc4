//! Puts the tree together from the parser's events.
//!
//! The parser says where each token is. Three places it does not say are found by going
//! forward from the token before: the dash of an item, the header of a block scalar and the place
//! of an absent value. The source of each scalar is read against its value on the way.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ScalarStyle as Style, Span as Place, StructureStyle};

use super::parse::{MAX_DEPTH, MAX_VALUES, YamlError};
use super::scalar_map::{is_document_marker, is_white, walk};
use super::tree::{Entry, Item, NodeContent, NodeId, NodeRecord, ScalarStyle, Tree};
use crate::base::text::{Span, Text};

/// So many bytes of a text count as one more value.
const BYTES_OF_VALUE: usize = 64;

/// A collection that has not ended yet.
struct OpenNode {
    id: NodeId,
    flow: bool,
    children: Children,
    /// Known with the first child where no bracket or indicator tells it.
    start: Option<usize>,
    /// After the last descendant.
    end: usize,
}

enum Children {
    /// Where its entries begin among those of the open mappings, and a key whose value has not come
    /// yet.
    Mapping { first: usize, key: Option<NodeId> },
    /// Where its items begin among those of the open sequences, and where the present one begins.
    Sequence { first: usize, dash: usize },
}

/// A collection that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    Mapping,
    Sequence,
}

pub(super) struct Builder<'a> {
    text: &'a Text,
    /// The source is read up to here.
    at: usize,
    tree: Tree,
    /// How many values each node of the tree stands for, aliases expanded.
    sizes: Vec<usize>,
    /// By the parser's anchor number, which counts from 1.
    anchors: Vec<NodeId>,
    open: Vec<OpenNode>,
    /// The children of the open collections, outermost first.
    entries: Vec<Entry>,
    items: Vec<Item>,
}

impl<'a> Builder<'a> {
    pub fn new(text: &'a Text) -> Self {
        Self {
            text,
            at: 0,
            tree: Tree { source: text.shared(), ..Tree::default() },
            sizes: Vec::new(),
            anchors: Vec::new(),
            open: Vec::new(),
            entries: Vec::new(),
            items: Vec::new(),
        }
    }

    pub fn finish(mut self) -> Tree {
        // Trees are kept longer than they are built.
        self.tree.nodes.shrink_to_fit();
        self.tree.entries.shrink_to_fit();
        self.tree.items.shrink_to_fit();
        self.tree.made.shrink_to_fit();
        self.tree
    }

    /// The source is read up to `offset`.
    pub fn reached(&mut self, offset: Option<usize>) {
        self.at = self.at.max(offset.unwrap_or(0));
    }

    /// The document begins without `---`. The `...` of a document that is not there may be
    /// before it, and nobody writes that.
    pub fn no_marker(&self) -> Result<(), YamlError> {
        let first = self.next_token(0);
        if is_document_marker(self.text.as_str().as_bytes(), first) {
            return Err(self.unsupported());
        }
        Ok(())
    }

    pub fn scalar(
        &mut self,
        (value, style): (Cow<'_, str>, Style),
        anchor: usize,
        tag: Option<String>,
        properties: Option<usize>,
        range: Option<Range<usize>>,
    ) -> Result<(), YamlError> {
        let Some(range) = range else { return Err(self.unsupported()) };
        let style = scalar_style(style);
        let absent = style == ScalarStyle::Plain && range.is_empty();
        // The parser writes an absent value as `~`.
        let mut value = if absent { "" } else { &*value };
        if absent && self.open.is_empty() && anchor == 0 && tag.is_none() {
            // `---` with nothing after it is a file without content.
            return Ok(());
        }
        self.before_child()?;
        self.reached(properties);
        let start = match style {
            ScalarStyle::Plain if absent => self.at,
            // The parser says where the content begins.
            ScalarStyle::Literal | ScalarStyle::Folded => self.next_token(self.at),
            _ => range.start,
        };
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && self.open.is_empty() {
            // As the whole document, parsers differ in which indentation it needs.
            return Err(self.unsupported());
        }
        if start < self.at || (block && !matches!(self.byte(start), Some(b'|' | b'>'))) {
            return Err(self.unsupported());
        }
        let end = walk(self.text.as_str(), start, style, value, |_| {});
        self.at = end.ok_or_else(|| self.unsupported())?;
        let span = Span::new(start, self.at);
        if block {
            value = self.without_false_breaks(span, value);
        } else if !absent && range.end != span.end {
            return Err(self.unsupported());
        }
        let size = 1 + value.len() / BYTES_OF_VALUE;
        let content = self.value(start, value, style);
        let id = self.node(span, anchor, tag, content, size)?;
        self.attach(id)
    }

    /// Where the value of the scalar at `start` is.
    fn value(&mut self, start: usize, value: &str, style: ScalarStyle) -> NodeContent {
        let quote = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let from = start + usize::from(quote);
        if self.text.as_str().get(from..from + value.len()) == Some(value) {
            return NodeContent::Written {
                from: short(from),
                to: short(from + value.len()),
                style,
            };
        }
        let from = self.tree.made.len();
        self.tree.made.push_str(value);
        NodeContent::Made { from: short(from), to: short(self.tree.made.len()), style }
    }

    pub fn alias(&mut self, anchor: usize, range: Option<Range<usize>>) -> Result<(), YamlError> {
        let Some(range) = range else { return Err(self.unsupported()) };
        self.before_child()?;
        let target = anchor.checked_sub(1).and_then(|i| self.anchors.get(i)).copied();
        let Some(target) = target else { return Err(self.unsupported()) };
        if self.open.iter().any(|open| open.id == target) {
            let message = "alias to a node that contains it";
            return Err(YamlError::at(self.text, range.start, message));
        }
        self.at = range.end;
        let (span, size) = (Span::new(range.start, range.end), self.size(target));
        let id = self.node(span, 0, None, NodeContent::Alias(target), size)?;
        self.attach(id)
    }

    /// The start of a collection.
    pub fn begin(
        &mut self,
        collection: Collection,
        style: StructureStyle,
        anchor: usize,
        tag: Option<String>,
        place: &Place,
    ) -> Result<(), YamlError> {
        let flow = style == StructureStyle::Flow;
        let Some(range) = place.byte_range() else { return Err(self.unsupported()) };
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::too_deep(self.text, range.start));
        }
        self.before_child()?;
        self.reached(place.tag_span().and_then(|tag| tag.end.byte_offset()));
        // Where its first child may begin.
        let dash = self.at;
        let start = match self.byte(range.start) {
            Some(b'[' | b'{') if flow && !range.is_empty() => {
                self.at = range.end;
                Some(range.start)
            }
            // `? key`, `: value` without key.
            Some(b'?' | b':') if collection == Collection::Mapping => Some(range.start),
            _ => None,
        };
        let children = match collection {
            Collection::Mapping => Children::Mapping { first: self.entries.len(), key: None },
            Collection::Sequence => Children::Sequence { first: self.items.len(), dash },
        };
        // Its children are known at its end.
        let placeholder = NodeContent::Sequence { from: 0, to: 0, flow: false };
        let id = self.node(Span::at(self.at), anchor, tag, placeholder, 1)?;
        self.open.push(OpenNode { id, flow, children, start, end: self.at });
        Ok(())
    }

    /// The end of the innermost collection; `range` is that of its bracket.
    pub fn end(&mut self, range: Option<Range<usize>>) -> Result<(), YamlError> {
        let (Some(mut open), Some(range)) = (self.open.pop(), range) else {
            return Err(self.unsupported());
        };
        if open.flow && matches!(self.text.as_str().get(range.clone()), Some("]" | "}")) {
            open.end = range.end;
            self.at = range.end;
        }
        let flow = open.flow;
        let content = match open.children {
            Children::Mapping { first, .. } => {
                let from = short(self.tree.entries.len());
                self.tree.entries.extend(self.entries.drain(first..));
                NodeContent::Mapping { from, to: short(self.tree.entries.len()), flow }
            }
            Children::Sequence { first, .. } => {
                let from = short(self.tree.items.len());
                self.tree.items.extend(self.items.drain(first..));
                NodeContent::Sequence { from, to: short(self.tree.items.len()), flow }
            }
        };
        let node = &mut self.tree.nodes[open.id.0 as usize];
        node.start = short(open.start.unwrap_or(open.end));
        node.end = short(open.end);
        node.content = content;
        self.attach(open.id)
    }

    /// Goes past the indicator in front of the innermost collection's next child.
    fn before_child(&mut self) -> Result<(), YamlError> {
        let Some(open) = self.open.last() else { return Ok(()) };
        let flow = open.flow;
        let mut next = self.next_token(self.at);
        match open.children {
            Children::Sequence { .. } => {
                if flow && self.byte(next) == Some(b',') {
                    next = self.next_token(next + 1);
                }
                self.at = next;
                if !flow {
                    if !self.is_indicator(b'-', next) {
                        return Err(self.unsupported());
                    }
                    self.at = next + 1;
                }
                self.begin_item(next);
            }
            Children::Mapping { key: None, .. } => {
                if flow && self.byte(next) == Some(b',') {
                    next = self.next_token(next + 1);
                }
                self.at = next + usize::from(self.is_indicator(b'?', next));
            }
            // `? key` and `{key}` leave the value out with its `:`.
            Children::Mapping { key: Some(_), .. } => {
                if self.is_indicator(b':', next) || (flow && self.byte(next) == Some(b':')) {
                    self.at = next + 1;
                }
            }
        }
        Ok(())
    }

    fn begin_item(&mut self, at: usize) {
        if let Some(open) = self.open.last_mut()
            && let Children::Sequence { dash, .. } = &mut open.children
        {
            *dash = at;
            open.start.get_or_insert(at);
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_str().as_bytes().get(at).copied()
    }

    /// Whether `indicator` is at `at` as `-`, `?` and `:` do in block style: before whitespace.
    fn is_indicator(&self, indicator: u8, at: usize) -> bool {
        self.byte(at) == Some(indicator) && self.byte(at + 1).is_none_or(is_white)
    }

    /// The offset of the next byte that is neither blank nor comment.
    fn next_token(&self, from: usize) -> usize {
        let source = self.text.as_str().as_bytes();
        let mut at = from;
        while let Some(byte) = source.get(at) {
            match byte {
                b'#' => at += memchr::memchr(b'\n', &source[at..]).unwrap_or(source.len() - at),
                b if is_white(*b) => at += 1,
                _ => break,
            }
        }
        at
    }

    /// Makes `id` the next child of the innermost collection.
    fn attach(&mut self, id: NodeId) -> Result<(), YamlError> {
        let (span, size) = (self.tree.span(id), self.size(id));
        let Some(open) = self.open.last_mut() else {
            self.tree.root = Some(id);
            return Ok(());
        };
        let whole = &mut self.sizes[open.id.0 as usize];
        *whole += size;
        if *whole > MAX_VALUES {
            return Err(YamlError::too_many(self.text, span.start));
        }
        open.start.get_or_insert(span.start);
        open.end = span.end;
        match &mut open.children {
            Children::Sequence { dash, .. } => self.items.push(Item { node: id, dash: *dash }),
            Children::Mapping { key, .. } => match key.take() {
                Some(key) => self.entries.push(Entry { key, value: id }),
                None => *key = Some(id),
            },
        }
        Ok(())
    }

    fn size(&self, id: NodeId) -> usize {
        self.sizes[id.0 as usize]
    }

    fn node(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<String>,
        content: NodeContent,
        size: usize,
    ) -> Result<NodeId, YamlError> {
        let count = self.tree.nodes.len();
        let Some(number) = u32::try_from(count).ok().filter(|_| count < MAX_VALUES) else {
            return Err(YamlError::too_many(self.text, span.start));
        };
        let id = NodeId(number);
        self.tree.nodes.push(NodeRecord {
            start: short(span.start),
            end: short(span.end),
            content,
            anchored: anchor > 0,
            tagged: tag.is_some(),
        });
        self.tree.tags.extend(tag.map(|tag| (id, tag)));
        self.sizes.push(size);
        if anchor > 0 {
            if anchor != self.anchors.len() + 1 {
                return Err(self.unsupported());
            }
            self.anchors.push(id);
        }
        Ok(id)
    }

    /// The value of the block scalar at `span` without the line breaks that only the parser sees:
    /// one at the end of a file that does not end its last line, one in a scalar without content at
    /// the end of a file.
    fn without_false_breaks<'v>(&self, span: Span, value: &'v str) -> &'v str {
        let source = self.text.as_str();
        let (scalar, rest) = (&source[span.range()], &source[span.end..]);
        let keeps =
            scalar[1..].bytes().take_while(|b| !is_white(*b) && *b != b'#').any(|b| b == b'+');
        let to_end = rest.bytes().all(is_white);
        let unended = rest.is_empty() && !source.ends_with('\n');
        let empty = value.bytes().all(|b| b == b'\n');
        if empty && (!keeps || to_end && !rest.contains('\n')) {
            ""
        } else if unended {
            value.strip_suffix('\n').unwrap_or(value)
        } else {
            value
        }
    }

    /// The source doesn't say what the parser read, so any tree could be wrong.
    pub fn unsupported(&self) -> YamlError {
        YamlError::at(self.text, self.at, "cachelint doesn't support this use of YAML")
    }
}

/// A place in a text or in what is made of it: [`MAX_BYTES`](crate::base::text::MAX_BYTES) is far
/// below what fits.
fn short(place: usize) -> u32 {
    place as u32
}

fn scalar_style(style: Style) -> ScalarStyle {
    match style {
        Style::Plain => ScalarStyle::Plain,
        Style::SingleQuoted => ScalarStyle::SingleQuoted,
        Style::DoubleQuoted => ScalarStyle::DoubleQuoted,
        Style::Literal => ScalarStyle::Literal,
        Style::Folded => ScalarStyle::Folded,
    }
}
