//! The spanned tree: what a YAML text says and where each part of it is.

use std::sync::Arc;

use crate::base::text::Span;

/// A node of a [`Tree`]; only meaningful with the tree it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: NodeId,
    pub value: NodeId,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub node: NodeId,
    /// Byte offset of the item's `-`; in a flow sequence the item's first byte.
    pub dash: usize,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind<'t> {
    /// An absent value (`key:`) is a plain scalar with an empty value and an empty span.
    Scalar {
        value: &'t str,
        style: ScalarStyle,
    },
    Mapping {
        entries: &'t [Entry],
        flow: bool,
    },
    Sequence {
        items: &'t [Item],
        flow: bool,
    },
    /// A link to the anchored node, never expanded.
    Alias(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    /// Scalars: from the first to after the last byte, quotes and the `|`/`>` header included; a
    /// block scalar ends after the line break of its last content line. Collections: from the first
    /// key, dash or bracket to the end of the last descendant or bracket. Anchors and tags in front
    /// are not part of it.
    pub span: Span,
    /// Carries `&name`.
    pub anchored: bool,
    pub tag: Option<&'t str>,
    pub kind: Kind<'t>,
}

/// A node as the tree holds it: small, because thousands of files are held at once.
#[derive(Debug, Clone)]
pub(super) struct NodeRecord {
    pub start: u32,
    pub end: u32,
    pub content: NodeContent,
    pub anchored: bool,
    pub tagged: bool,
}

/// Where the parts of a node are in the lists of its tree.
#[derive(Debug, Clone)]
pub(super) enum NodeContent {
    /// The value as the source writes it.
    Written {
        from: u32,
        to: u32,
        style: ScalarStyle,
    },
    /// A value that differs from what is written: with escapes, indentation or line breaks.
    Made {
        from: u32,
        to: u32,
        style: ScalarStyle,
    },
    Mapping {
        from: u32,
        to: u32,
        flow: bool,
    },
    Sequence {
        from: u32,
        to: u32,
        flow: bool,
    },
    Alias(NodeId),
}

/// One parsed document.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub(super) source: Arc<str>,
    /// The values that the source does not write as they are, one after the other.
    pub(super) made: String,
    pub(super) nodes: Vec<NodeRecord>,
    pub(super) entries: Vec<Entry>,
    pub(super) items: Vec<Item>,
    /// In the order of the nodes.
    pub(super) tags: Vec<(NodeId, String)>,
    pub(super) root: Option<NodeId>,
}

/// The part of a list from one place to another.
fn part<T>(list: &[T], from: u32, to: u32) -> &[T] {
    &list[from as usize..to as usize]
}

impl Tree {
    /// `None` for a file without content.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub fn node(&self, id: NodeId) -> Node<'_> {
        let record = self.record(id);
        let tag = if record.tagged { self.tag(id) } else { None };
        Node { span: self.span(id), anchored: record.anchored, tag, kind: self.kind(id) }
    }

    fn record(&self, id: NodeId) -> &NodeRecord {
        &self.nodes[id.0 as usize]
    }

    /// Every node, in no particular order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        (0..self.nodes.len()).map(|place| self.node(NodeId(place as u32)))
    }

    fn kind(&self, id: NodeId) -> Kind<'_> {
        match self.record(id).content {
            NodeContent::Written { from, to, style } => {
                Kind::Scalar { value: &self.source[from as usize..to as usize], style }
            }
            NodeContent::Made { from, to, style } => {
                Kind::Scalar { value: &self.made[from as usize..to as usize], style }
            }
            NodeContent::Mapping { from, to, flow } => {
                Kind::Mapping { entries: part(&self.entries, from, to), flow }
            }
            NodeContent::Sequence { from, to, flow } => {
                Kind::Sequence { items: part(&self.items, from, to), flow }
            }
            NodeContent::Alias(target) => Kind::Alias(target),
        }
    }

    fn tag(&self, id: NodeId) -> Option<&str> {
        let place = self.tags.binary_search_by_key(&id, |(tagged, _)| *tagged).ok()?;
        Some(&self.tags[place].1)
    }

    /// The node itself, or what an alias links to.
    pub fn resolve(&self, id: NodeId) -> NodeId {
        match self.record(id).content {
            NodeContent::Alias(target) => target,
            _ => id,
        }
    }

    /// Whether any part links to another one.
    pub fn has_aliases(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.content, NodeContent::Alias(_)))
    }

    pub fn is_alias(&self, id: NodeId) -> bool {
        matches!(self.record(id).content, NodeContent::Alias(_))
    }

    pub fn span(&self, id: NodeId) -> Span {
        let record = self.record(id);
        Span::new(record.start as usize, record.end as usize)
    }

    /// The text of a scalar, aliases followed; `None` for collections.
    pub fn str(&self, id: NodeId) -> Option<&str> {
        match self.kind(self.resolve(id)) {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// True for an absent value and a plain `null`, `Null`, `NULL` or `~`.
    pub fn is_null(&self, id: NodeId) -> bool {
        match self.kind(self.resolve(id)) {
            Kind::Scalar { value, style: ScalarStyle::Plain } => {
                matches!(value, "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The entries of a mapping, aliases followed; empty for anything else.
    pub fn entries(&self, id: NodeId) -> &[Entry] {
        match self.kind(self.resolve(id)) {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The items of a sequence, aliases followed; empty for anything else.
    pub fn items(&self, id: NodeId) -> &[Item] {
        match self.kind(self.resolve(id)) {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    pub fn is_mapping(&self, id: NodeId) -> bool {
        matches!(self.record(self.resolve(id)).content, NodeContent::Mapping { .. })
    }

    pub fn is_sequence(&self, id: NodeId) -> bool {
        matches!(self.record(self.resolve(id)).content, NodeContent::Sequence { .. })
    }

    /// The entry of a mapping whose key is the scalar `key`.
    pub fn entry(&self, mapping: NodeId, key: &str) -> Option<&Entry> {
        self.entries(mapping).iter().find(|e| self.str(e.key) == Some(key))
    }

    /// The value under `key` of a mapping.
    pub fn get(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        self.entry(mapping, key).map(|e| e.value)
    }
}
