//! What a Python expression of a noxfile can be, as far as reading tells.

use std::sync::Arc;

/// The longest list or text that is built.
pub(super) const MAX_SIZE: usize = 2_000;

/// A value; anything that is not one of the plain kinds is `Unknown`.
#[derive(Debug, Clone, PartialEq)]
pub enum PythonValue {
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Str(String),
    /// A file or folder, relative to the noxfile's folder ("" is that folder); starts with `/` or
    /// `../` when it lies outside.
    Path(String),
    /// A text or path of which parts are not known; each of these is a `*`.
    Partly(String),
    /// A list, tuple or set.
    List(Arc<Vec<PythonValue>>),
    Dict(Arc<Vec<(PythonValue, PythonValue)>>),
    /// A dotted name from an import: `nox.session`, `os.environ`.
    Name(String),
    /// A function of the noxfile.
    PythonFunction(usize),
    /// The session object inside a session's body.
    Session,
    /// One set of parameters, from `nox.param`.
    Param {
        values: Arc<Vec<PythonValue>>,
        id: Option<String>,
        tags: Arc<Vec<PythonValue>>,
    },
    /// A call of `nox.session` that still waits for its function.
    Decorator(usize),
}

impl PythonValue {
    pub fn list(items: impl IntoIterator<Item = PythonValue>) -> PythonValue {
        PythonValue::List(Arc::new(items.into_iter().collect()))
    }

    pub fn str(text: impl Into<String>) -> PythonValue {
        PythonValue::Str(text.into())
    }

    /// How much is copied where the value is made again: its items, and long texts by their length.
    pub(super) fn weight(&self) -> usize {
        const TEXT: usize = 32;
        let of_item = |item: &PythonValue| 1 + item.text().map_or(0, |text| text.len() / TEXT);
        match self {
            PythonValue::List(items) => items.iter().map(of_item).sum(),
            PythonValue::Dict(pairs) => pairs.iter().map(|(k, v)| of_item(k) + of_item(v)).sum(),
            PythonValue::Param { values, .. } => values.iter().map(of_item).sum(),
            other => of_item(other),
        }
    }

    /// Truth as `if` sees it; `None` when unknown.
    pub fn truth(&self) -> Option<bool> {
        match self {
            PythonValue::Unknown
            | PythonValue::Partly(_)
            | PythonValue::Name(_)
            | PythonValue::Session => None,
            PythonValue::None => Some(false),
            PythonValue::Bool(b) => Some(*b),
            PythonValue::Int(i) => Some(*i != 0),
            PythonValue::Str(s) => Some(!s.is_empty()),
            PythonValue::List(l) => Some(!l.is_empty()),
            PythonValue::Dict(d) => Some(!d.is_empty()),
            PythonValue::Path(_)
            | PythonValue::PythonFunction(_)
            | PythonValue::Param { .. }
            | PythonValue::Decorator(_) => Some(true),
        }
    }

    /// Text of a string or path.
    pub fn text(&self) -> Option<&str> {
        match self {
            PythonValue::Str(s) | PythonValue::Path(s) => Some(s),
            _ => None,
        }
    }

    pub fn is_partly(&self) -> bool {
        matches!(self, PythonValue::Partly(_))
    }

    /// The same, each part that is not known as a `*`.
    pub fn shape(&self) -> &str {
        match self {
            PythonValue::Str(s) | PythonValue::Path(s) | PythonValue::Partly(s) => s,
            _ => "*",
        }
    }

    /// A text or path from such parts; nothing where not even its beginning is known.
    pub fn of_shape(shape: String, whole: impl FnOnce(String) -> PythonValue) -> PythonValue {
        if !shape.contains('*') {
            return whole(shape);
        }
        if shape.starts_with('*') { PythonValue::Unknown } else { PythonValue::Partly(shape) }
    }

    pub fn items(&self) -> Option<&[PythonValue]> {
        match self {
            PythonValue::List(l) => Some(l),
            _ => None,
        }
    }

    /// A list of strings, when every item is known to be one.
    pub fn strings(&self) -> Option<Vec<String>> {
        self.items()?.iter().map(|v| v.text().map(str::to_owned)).collect()
    }

    /// Equality as `==` decides it; `None` when a part is unknown.
    pub fn equals(&self, other: &PythonValue) -> Option<bool> {
        use PythonValue::*;
        match (self, other) {
            (Unknown | Partly(_) | Name(_) | Session | Path(_), _)
            | (_, Unknown | Partly(_) | Name(_) | Session | Path(_)) => Option::None,
            (List(a), List(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                a.iter()
                    .zip(b.iter())
                    .try_fold(true, |so_far, (x, y)| x.equals(y).map(|same| so_far && same))
            }
            (a, b) => Some(a == b),
        }
    }

    /// How Python writes it (`repr`), for the names of parametrized sessions.
    pub fn repr(&self) -> Option<String> {
        Some(match self {
            PythonValue::None => "None".to_owned(),
            PythonValue::Bool(true) => "True".to_owned(),
            PythonValue::Bool(false) => "False".to_owned(),
            PythonValue::Int(i) => i.to_string(),
            PythonValue::Str(s) if s.contains(['\\', '\n']) => return None,
            PythonValue::Str(s) if s.contains('\'') => format!("\"{s}\""),
            PythonValue::Str(s) => format!("'{s}'"),
            _ => return None,
        })
    }
}

/// Python's `+` on texts, paths and lists.
pub(super) fn add(left: &PythonValue, right: &PythonValue) -> PythonValue {
    match (left, right) {
        (PythonValue::Str(a) | PythonValue::Path(a), PythonValue::Str(b))
            if a.len() + b.len() <= MAX_SIZE =>
        {
            PythonValue::Str(format!("{a}{b}"))
        }
        (
            PythonValue::Str(a) | PythonValue::Path(a) | PythonValue::Partly(a),
            PythonValue::Partly(b),
        )
        | (PythonValue::Partly(a), PythonValue::Str(b))
            if a.len() + b.len() <= MAX_SIZE =>
        {
            PythonValue::of_shape(format!("{a}{b}"), PythonValue::Str)
        }
        (PythonValue::Int(a), PythonValue::Int(b)) => {
            a.checked_add(*b).map_or(PythonValue::Unknown, PythonValue::Int)
        }
        (PythonValue::List(a), PythonValue::List(b)) if a.len() + b.len() <= MAX_SIZE => {
            PythonValue::list(a.iter().chain(b.iter()).cloned())
        }
        _ => PythonValue::Unknown,
    }
}

/// `path` joined to `base` as `pathlib` and `os.path.join` do, with `.` and `..` resolved in the
/// text.
pub fn join(base: &str, path: &str) -> String {
    let path = path.replace('\\', "/");
    if path.starts_with('/') {
        return path;
    }
    let absolute = base.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

/// Where a session that runs in `folder` is after it changed to `to`, both relative to the
/// repository root.
pub(super) fn changed(folder: Option<&str>, to: Option<&str>) -> Option<String> {
    let folder = join(folder?, to?);
    (!folder.starts_with('/') && folder != ".." && !folder.starts_with("../")).then_some(folder)
}

/// A template for `format` with a `*` in each of its places.
pub(super) fn blanked(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// `"{}-{}".format(…)`; nothing where the template holds more than plain places in order.
pub(super) fn formatted(template: &str, parts: &[&str]) -> Option<String> {
    let mut pieces = template.split("{}");
    let mut out = pieces.next()?.to_owned();
    let mut parts = parts.iter();
    for piece in pieces {
        out.push_str(parts.next()?);
        out.push_str(piece);
    }
    (!template.replace("{}", "").contains(['{', '}'])).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_as_text() {
        for (base, path, joined) in [
            ("", "a", "a"),
            ("sub", "a/b", "sub/a/b"),
            ("sub", "../a", "a"),
            ("sub", "../../a", "../a"),
            ("sub", "./a/.", "sub/a"),
            ("sub", "/etc", "/etc"),
            ("sub", "a\\b", "sub/a/b"),
            ("", "", ""),
        ] {
            assert_eq!(join(base, path), joined, "{base} + {path}");
        }
    }

    #[test]
    fn truth_and_equality_are_three_valued() {
        assert_eq!(PythonValue::Unknown.truth(), None);
        assert_eq!(PythonValue::str("").truth(), Some(false));
        assert_eq!(PythonValue::list([PythonValue::Unknown]).truth(), Some(true));
        assert_eq!(
            PythonValue::list([PythonValue::Unknown])
                .equals(&PythonValue::list([PythonValue::Int(1)])),
            None
        );
        assert_eq!(
            PythonValue::list([PythonValue::Unknown]).equals(&PythonValue::list([])),
            Some(false)
        );
        assert_eq!(PythonValue::Bool(true).equals(&PythonValue::Bool(true)), Some(true));
    }
}
