//! Puts the tree together: follows the parser's events with a cursor through the source.

use super::cursor::Cursor;
use super::parse::{MAX_DEPTH, YamlError};
use super::shadow::Shadow;
use super::tree::{Entry, Item, Kind, Node, NodeId, ScalarStyle, Tree};
use super::walk::{is_white, walk};
use crate::base::text::{Span, Text};

/// A collection that has not ended yet.
struct Open {
    id: NodeId,
    form: Form,
    /// Known with the first child in block style.
    start: Option<usize>,
    end: usize,
}

enum Form {
    Mapping {
        entries: Vec<Entry>,
        key: Option<NodeId>,
        style: MappingStyle,
    },
    Sequence {
        items: Vec<Item>,
        /// Where the present item begins.
        dash: usize,
        flow: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MappingStyle {
    Block,
    Flow,
    /// `[key: value]`: a mapping without braces.
    Pair,
}

pub(super) struct Builder<'a> {
    text: &'a Text,
    shadow: &'a Shadow,
    cursor: Cursor<'a>,
    tree: Tree,
    /// By the parser's anchor number, which counts from 1.
    anchors: Vec<NodeId>,
    open: Vec<Open>,
}

impl<'a> Builder<'a> {
    pub fn new(text: &'a Text, shadow: &'a Shadow) -> Self {
        let cursor = Cursor::new(text.as_str());
        Self { text, shadow, cursor, tree: Tree::default(), anchors: Vec::new(), open: Vec::new() }
    }

    pub fn finish(mut self) -> Tree {
        // Trees are kept longer than they are built.
        self.tree.nodes.shrink_to_fit();
        self.tree
    }

    pub fn document(&mut self) {
        self.cursor.eat_document_start();
    }

    pub fn scalar(
        &mut self,
        mut value: String,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<(), YamlError> {
        let absent = style == ScalarStyle::Plain && value.is_empty();
        if absent && self.open.is_empty() && anchor == 0 && tag.is_none() {
            // `---` with nothing after it is a file without content.
            return Ok(());
        }
        self.before(absent)?;
        self.cursor.eat_properties(anchor > 0, tag.is_some());
        if !absent {
            self.cursor.skip_blank();
        }
        let start = self.cursor.at;
        let end = if absent {
            Some(start)
        } else {
            walk(self.text.as_str(), start, style, &value, |_| {})
        };
        self.cursor.at = end.ok_or_else(|| self.lost())?;
        let span = Span::new(start, self.cursor.at);
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            self.drop_false_breaks(span, &mut value);
        }
        let id = self.node(span, anchor, tag, Kind::Scalar { value, style })?;
        self.attach(id);
        Ok(())
    }

    pub fn alias(&mut self, anchor: usize) -> Result<(), YamlError> {
        self.before(false)?;
        self.cursor.skip_blank();
        let start = self.cursor.at;
        let target = anchor.checked_sub(1).and_then(|i| self.anchors.get(i)).copied();
        let Some(target) = target.filter(|_| self.cursor.byte() == Some(b'*')) else {
            return Err(self.lost());
        };
        if self.open.iter().any(|o| o.id == target) {
            return Err(YamlError::at(self.text, start, "alias to a node that contains it"));
        }
        self.cursor.eat_name();
        let id = self.node(Span::new(start, self.cursor.at), 0, None, Kind::Alias(target))?;
        self.attach(id);
        Ok(())
    }

    pub fn sequence(&mut self, anchor: usize, tag: Option<String>) -> Result<(), YamlError> {
        self.begin(anchor, &tag)?;
        let start = self.cursor.at;
        let flow = self.cursor.eat(b'[');
        let form = Form::Sequence { items: Vec::new(), dash: start, flow };
        self.open(form, flow.then_some(start), anchor, tag)
    }

    /// True where the next mapping can be a pair in a flow sequence whose key is a mapping: `[{a:
    /// b}: c]`.
    pub fn may_be_pair(&self) -> bool {
        let in_sequence = |o: &Open| matches!(o.form, Form::Sequence { flow: true, .. });
        if !self.open.last().is_some_and(in_sequence) {
            return false;
        }
        let mut ahead = self.cursor.clone();
        ahead.skip_blank();
        if ahead.eat(b',') {
            ahead.skip_blank();
        }
        ahead.byte() == Some(b'{')
    }

    /// `mark` is the zero-based line and column at which the parser marks the mapping, if it can be
    /// one in braces: only those are marked at their start.
    pub fn mapping(
        &mut self,
        anchor: usize,
        tag: Option<String>,
        mark: Option<(usize, usize)>,
    ) -> Result<(), YamlError> {
        let in_flow = self.open.last().is_some_and(|o| o.is_flow());
        self.begin(anchor, &tag)?;
        let start = self.cursor.at;
        let braces = self.cursor.byte() == Some(b'{')
            && mark.is_some_and(|(line, column)| self.is_at(line, column));
        let style = if braces {
            self.cursor.at += 1;
            MappingStyle::Flow
        } else if in_flow {
            MappingStyle::Pair
        } else {
            MappingStyle::Block
        };
        let form = Form::Mapping { entries: Vec::new(), key: None, style };
        self.open(form, (style == MappingStyle::Flow).then_some(start), anchor, tag)
    }

    /// The end of the innermost collection.
    pub fn end(&mut self) -> Result<(), YamlError> {
        let Some(mut open) = self.open.pop() else { return Err(self.lost()) };
        let bracket = match &open.form {
            Form::Sequence { flow: true, .. } => Some(b']'),
            Form::Mapping { style: MappingStyle::Flow, .. } => Some(b'}'),
            _ => None,
        };
        if let Some(bracket) = bracket {
            self.cursor.skip_blank();
            if self.cursor.eat(b',') {
                self.cursor.skip_blank();
            }
            if !self.cursor.eat(bracket) {
                return Err(self.lost());
            }
            open.end = self.cursor.at;
        }
        let node = &mut self.tree.nodes[open.id.0 as usize];
        node.span = Span::new(open.start.unwrap_or(open.end), open.end);
        node.kind = match open.form {
            Form::Mapping { entries, style, .. } => {
                Kind::Mapping { entries, flow: style != MappingStyle::Block }
            }
            Form::Sequence { items, flow, .. } => Kind::Sequence { items, flow },
        };
        self.attach(open.id);
        Ok(())
    }

    /// Goes past what stands in front of a collection.
    fn begin(&mut self, anchor: usize, tag: &Option<String>) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::too_deep(self.text, self.cursor.at));
        }
        self.before(false)?;
        self.cursor.eat_properties(anchor > 0, tag.is_some());
        self.cursor.skip_blank();
        Ok(())
    }

    fn open(
        &mut self,
        form: Form,
        start: Option<usize>,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<(), YamlError> {
        let placeholder = Kind::Sequence { items: Vec::new(), flow: false };
        let id = self.node(Span::at(self.cursor.at), anchor, tag, placeholder)?;
        self.open.push(Open { id, form, start, end: self.cursor.at });
        Ok(())
    }

    /// Consumes the indicators that the innermost collection has in front of its next child.
    fn before(&mut self, absent: bool) -> Result<(), YamlError> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let cursor = &mut self.cursor;
        let flow = open.is_flow();
        match &mut open.form {
            Form::Sequence { dash, .. } => {
                cursor.skip_blank();
                if flow && cursor.eat(b',') {
                    cursor.skip_blank();
                }
                *dash = cursor.at;
                if !flow && !cursor.eat_before_white(b'-') {
                    return Err(self.lost());
                }
                open.start.get_or_insert(*dash);
            }
            Form::Mapping { key: None, .. } => {
                cursor.skip_blank();
                if flow && cursor.eat(b',') {
                    cursor.skip_blank();
                }
                let start = cursor.at;
                if cursor.eat_before_white(b'?') {
                    open.start.get_or_insert(start);
                }
            }
            Form::Mapping { key: Some(_), .. } => {
                let here = cursor.at;
                cursor.skip_blank();
                let colon = if flow { cursor.eat(b':') } else { cursor.eat_before_white(b':') };
                // `? key` and `{key}` leave the value out with its `:`.
                if !colon && absent {
                    cursor.at = here;
                }
            }
        }
        Ok(())
    }

    /// Makes `id` the next child of the innermost collection.
    fn attach(&mut self, id: NodeId) {
        let span = self.tree.span(id);
        let Some(open) = self.open.last_mut() else {
            self.tree.root = Some(id);
            return;
        };
        open.start.get_or_insert(span.start);
        open.end = span.end;
        match &mut open.form {
            Form::Sequence { items, dash, .. } => items.push(Item { node: id, dash: *dash }),
            Form::Mapping { entries, key, .. } => match key.take() {
                Some(key) => entries.push(Entry { key, value: id }),
                None => *key = Some(id),
            },
        }
    }

    fn node(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<String>,
        kind: Kind,
    ) -> Result<NodeId, YamlError> {
        let Ok(number) = u32::try_from(self.tree.nodes.len()) else { return Err(self.lost()) };
        let id = NodeId(number);
        self.tree.nodes.push(Node { span, anchored: anchor > 0, tag, kind });
        if anchor > 0 {
            if anchor != self.anchors.len() + 1 {
                return Err(self.lost());
            }
            self.anchors.push(id);
        }
        Ok(id)
    }

    /// Takes away the line breaks that only the parser sees in the block scalar at `span`: one at
    /// the end of a file that does not end its last line, one in a scalar without content at the
    /// end of a file.
    fn drop_false_breaks(&self, span: Span, value: &mut String) {
        let source = self.text.as_str();
        let (scalar, rest) = (&source[span.range()], &source[span.end..]);
        let keeps =
            scalar[1..].bytes().take_while(|b| !is_white(*b) && *b != b'#').any(|b| b == b'+');
        let to_end = rest.bytes().all(is_white);
        let unended = !source.ends_with('\n') && (rest.is_empty() || keeps && to_end);
        let empty = value.bytes().all(|b| b == b'\n');
        if empty && (!keeps || to_end && !rest.contains('\n')) {
            value.clear();
        } else if unended && value.ends_with('\n') {
            value.pop();
        }
    }

    /// True when the cursor stands where the parser says.
    fn is_at(&mut self, line: usize, column: usize) -> bool {
        let here = self.text.line_of(self.cursor.at);
        here == line
            && self.cursor.column(self.text.line_start(here)) + self.shadow.blanks(here) == column
    }

    /// The source does not say what the parser read: better no tree than a wrong one.
    fn lost(&self) -> YamlError {
        YamlError::at(self.text, self.cursor.at, "this use of YAML is not supported")
    }
}

impl Open {
    fn is_flow(&self) -> bool {
        match self.form {
            Form::Sequence { flow, .. } => flow,
            Form::Mapping { style, .. } => style != MappingStyle::Block,
        }
    }
}
