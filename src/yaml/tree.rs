//! The spanned tree: what a YAML text says and where each part of it is.

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

#[derive(Debug, Clone)]
pub enum Kind {
    /// An absent value (`key:`) is a plain scalar with an empty value and an empty span.
    Scalar {
        value: String,
        style: ScalarStyle,
    },
    Mapping {
        entries: Vec<Entry>,
        flow: bool,
    },
    Sequence {
        items: Vec<Item>,
        flow: bool,
    },
    /// A link to the anchored node, never expanded.
    Alias(NodeId),
}

#[derive(Debug, Clone)]
pub struct Node {
    /// Scalars: from the first to after the last byte, quotes and the `|`/`>` header included; a
    /// block scalar ends after the line break of its last content line. Collections: from the first
    /// key, dash or bracket to the end of the last descendant or bracket. Anchors and tags in front
    /// are not part of it.
    pub span: Span,
    /// Carries `&name`.
    pub anchored: bool,
    pub tag: Option<String>,
    pub kind: Kind,
}

/// One parsed document.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Option<NodeId>,
}

impl Tree {
    /// `None` for a file without content.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Every node, in no particular order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The node itself, or what an alias links to.
    pub fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    /// Whether any part links to another one.
    pub fn has_aliases(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.kind, Kind::Alias(_)))
    }

    pub fn is_alias(&self, id: NodeId) -> bool {
        matches!(self.node(id).kind, Kind::Alias(_))
    }

    pub fn span(&self, id: NodeId) -> Span {
        self.node(id).span
    }

    /// The text of a scalar, aliases followed; `None` for collections.
    pub fn str(&self, id: NodeId) -> Option<&str> {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// True for an absent value and a plain `null`, `Null`, `NULL` or `~`.
    pub fn is_null(&self, id: NodeId) -> bool {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar { value, style: ScalarStyle::Plain } => {
                matches!(value.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The entries of a mapping, aliases followed; empty for anything else.
    pub fn entries(&self, id: NodeId) -> &[Entry] {
        match &self.node(self.resolve(id)).kind {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The items of a sequence, aliases followed; empty for anything else.
    pub fn items(&self, id: NodeId) -> &[Item] {
        match &self.node(self.resolve(id)).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    pub fn is_mapping(&self, id: NodeId) -> bool {
        matches!(self.node(self.resolve(id)).kind, Kind::Mapping { .. })
    }

    pub fn is_sequence(&self, id: NodeId) -> bool {
        matches!(self.node(self.resolve(id)).kind, Kind::Sequence { .. })
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
