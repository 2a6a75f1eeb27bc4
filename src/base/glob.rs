//! Patterns as `@actions/glob` reads them on Linux and macOS: arguments of `hashFiles`, `path` of a
//! cache.

use std::cmp::Reverse;

/// Why the runner refuses a pattern; the step that uses it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    #[error("the pattern is empty")]
    Empty,
    #[error("`.` and `..` aren't allowed in a pattern")]
    Relative,
}

/// What a pattern is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Workspace,
    /// `~`: never matches a file of the repository.
    Home,
    /// An absolute path: matches no repository-relative path; a workspace prefix is for the caller
    /// to remove.
    Root,
}

/// One pattern. Braces and `+(a)` have no meaning, a file name that starts with a dot is like any
/// other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// `!pattern`: takes away what earlier patterns matched.
    pub negated: bool,
    pub anchor: Anchor,
    segments: Vec<GlobSegment>,
    /// `foo/`: not a file of that name, only what is below.
    directory_only: bool,
    literal: Option<String>,
    /// Letters that every matched path contains, those of each name, the longest first: they rule out
    /// most paths at once.
    letters: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum GlobSegment {
    /// `**`: any number of segments.
    Globstar,
    Name(Vec<GlobPiece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum GlobPiece {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[...]`: inclusive ranges.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads one pattern; surrounding spaces and leading `!` are part of the notation.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let mut negated = false;
        let mut text = text.trim();
        while let Some(rest) = text.strip_prefix('!') {
            negated = !negated;
            text = rest.trim();
        }
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        let directory_only = text.ends_with('/');
        let mut names = text.split('/').filter(|name| !name.is_empty()).peekable();
        let anchor = match names.peek() {
            _ if text.starts_with('/') => Anchor::Root,
            Some(&"~") => Anchor::Home,
            _ => Anchor::Workspace,
        };
        if anchor == Anchor::Home || (anchor == Anchor::Workspace && names.peek() == Some(&".")) {
            names.next();
        }
        let segments: Vec<GlobSegment> = names.map(GlobSegment::parse).collect();
        let literals: Option<Vec<String>> = segments.iter().map(GlobSegment::literal).collect();
        if segments.iter().filter_map(GlobSegment::literal).any(|name| name == "." || name == "..")
        {
            return Err(GlobError::Relative);
        }
        let literal = literals.map(|names| match anchor {
            Anchor::Workspace if names.is_empty() => ".".to_owned(),
            Anchor::Workspace => names.join("/"),
            Anchor::Home => [&["~".to_owned()], names.as_slice()].concat().join("/"),
            Anchor::Root => format!("/{}", names.join("/")),
        });
        let mut letters: Vec<String> = segments.iter().map(GlobSegment::letters).collect();
        letters.retain(|letters| !letters.is_empty());
        letters.sort_by_key(|letters| Reverse(letters.len()));
        Ok(Self { negated, anchor, segments, directory_only, literal, letters })
    }

    /// The path itself when the pattern has no wildcard: without leading `./`, final `/` and
    /// escapes; `.` is the workspace.
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// Letters that one name of every matched path contains; "" where there are none.
    pub fn letters(&self) -> &str {
        self.letters.first().map_or("", String::as_str)
    }

    /// Whether the file `path` (relative to the workspace, with `/`) is matched, itself or by a
    /// folder above it. Says nothing about [`Pattern::negated`].
    pub fn matches(&self, path: &str) -> bool {
        if !self.may_match(path) {
            return false;
        }
        self.matches_names(&path.split('/').collect::<Vec<&str>>())
    }

    /// False for most of the paths that are not matched; cheap.
    fn may_match(&self, path: &str) -> bool {
        self.anchor == Anchor::Workspace
            && self.letters.iter().all(|letters| path.contains(letters.as_str()))
    }

    fn matches_names(&self, names: &[&str]) -> bool {
        let names = if self.directory_only {
            names.split_last().map_or(names, |(_, folder)| folder)
        } else {
            names
        };
        wildcard(
            &self.segments,
            names,
            Tail::Ignored,
            |s| *s == GlobSegment::Globstar,
            |s, name| s.matches(name),
        )
    }
}

impl GlobSegment {
    fn parse(name: &str) -> Self {
        if name == "**" {
            return GlobSegment::Globstar;
        }
        let mut pieces = Vec::new();
        let chars: Vec<char> = name.chars().collect();
        let mut rest = chars.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let (piece, after) = match (first, after.split_first()) {
                ('\\', Some((escaped, after))) => (GlobPiece::Char(*escaped), after),
                ('*', _) => (GlobPiece::Star, after),
                ('?', _) => (GlobPiece::Any, after),
                ('[', _) => class(after).unwrap_or((GlobPiece::Char('['), after)),
                (other, _) => (GlobPiece::Char(*other), after),
            };
            rest = after;
            if !(piece == GlobPiece::Star && pieces.last() == Some(&GlobPiece::Star)) {
                pieces.push(piece);
            }
        }
        GlobSegment::Name(pieces)
    }

    /// The longest run of letters that a name must hold.
    fn letters(&self) -> String {
        let GlobSegment::Name(pieces) = self else { return String::new() };
        let runs = pieces.split(|piece| !matches!(piece, GlobPiece::Char(_)));
        let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
        let letter = |piece: &GlobPiece| match piece {
            GlobPiece::Char(c) => Some(*c),
            _ => None,
        };
        longest.iter().filter_map(letter).collect()
    }

    fn literal(&self) -> Option<String> {
        let GlobSegment::Name(pieces) = self else { return None };
        let literal = |piece: &GlobPiece| match piece {
            GlobPiece::Char(c) => Some(*c),
            GlobPiece::Class { negated: false, ranges } => match ranges.as_slice() {
                [(low, high)] if low == high => Some(*low),
                _ => None,
            },
            GlobPiece::Any | GlobPiece::Star | GlobPiece::Class { .. } => None,
        };
        pieces.iter().map(literal).collect()
    }

    fn matches(&self, name: &str) -> bool {
        let GlobSegment::Name(pieces) = self else { return true };
        let is_star = |piece: &GlobPiece| *piece == GlobPiece::Star;
        if name.is_ascii() {
            let fits = |piece: &GlobPiece, byte: &u8| piece.matches(&char::from(*byte));
            return wildcard(pieces, name.as_bytes(), Tail::Matched, is_star, fits);
        }
        let chars: Vec<char> = name.chars().collect();
        wildcard(pieces, &chars, Tail::Matched, is_star, GlobPiece::matches)
    }
}

impl GlobPiece {
    fn matches(&self, c: &char) -> bool {
        match self {
            GlobPiece::Char(own) => own == c,
            GlobPiece::Any | GlobPiece::Star => true,
            GlobPiece::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&c)) != *negated
            }
        }
    }
}

/// The class after a `[` and what follows it; `None` when nothing closes it, so that the bracket is
/// an ordinary one.
fn class(text: &[char]) -> Option<(GlobPiece, &[char])> {
    let negated = matches!(text.first(), Some('!' | '^'));
    let mut rest = if negated { &text[1..] } else { text };
    let mut ranges = Vec::new();
    let mut is_first = true;
    loop {
        let (low, after) = class_member(rest)?;
        if rest.first() == Some(&']') && !is_first {
            return Some((GlobPiece::Class { negated, ranges }, after));
        }
        is_first = false;
        // A dash before the closing bracket is a dash.
        match after {
            ['-', end @ ..] if end.first() != Some(&']') => {
                let (high, after) = class_member(end)?;
                ranges.push((low, high));
                rest = after;
            }
            _ => {
                ranges.push((low, low));
                rest = after;
            }
        }
    }
}

fn class_member(text: &[char]) -> Option<(char, &[char])> {
    match text {
        ['\\', escaped, after @ ..] => Some((*escaped, after)),
        [c, after @ ..] => Some((*c, after)),
        [] => None,
    }
}

/// What may be left of the text when the pattern is used up.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    Matched,
    Ignored,
}

/// Matches with stars that stand for any number of items; going back to the last star only keeps it
/// quadratic.
fn wildcard<P, T>(
    pattern: &[P],
    text: &[T],
    tail: Tail,
    is_star: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (None, Some(_)) if tail == Tail::Ignored => return true,
            (Some(star), _) if is_star(star) => {
                p += 1;
                last_star = Some((p, t));
                continue;
            }
            (Some(piece), Some(item)) if matches(piece, item) => {
                p += 1;
                t += 1;
                continue;
            }
            (_, None) => return false,
            _ => {}
        }
        let Some((after, from)) = last_star else { return false };
        (p, t) = (after, from + 1);
        last_star = Some((after, t));
    }
}

/// Whether the names of a path fit the parts of a pattern: `**` is any number of names, `fits`
/// decides the others.
pub(crate) fn names_fit(parts: &[&str], names: &[&str], fits: impl Fn(&str, &str) -> bool) -> bool {
    wildcard(parts, names, Tail::Matched, |part| *part == "**", |part, name| fits(part, name))
}

/// Whether a name fits a pattern in which only `*` and `?` have a meaning.
pub(crate) fn name_fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    wildcard(&pattern, &name, Tail::Matched, |c| *c == '*', |c, own| *c == '?' || c == own)
}

/// Whether a path fits a pattern in which one `*` stands for any text without `/`, and nothing else
/// has a meaning.
pub(crate) fn path_fits(pattern: &str, path: &str) -> bool {
    let Some((start, end)) = pattern.split_once('*') else { return pattern == path };
    path.strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end))
        .is_some_and(|middle| !middle.contains('/'))
}

/// Several patterns, in order: a later one adds to, or with `!` takes from, what the earlier ones
/// matched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatternSet {
    pub patterns: Vec<Pattern>,
}

impl PatternSet {
    /// One pattern a line; blank lines and lines that begin with `#` do not count. Arguments of
    /// `hashFiles` are lines of one set.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self { patterns: lines.map(Pattern::parse).collect::<Result<_, _>>()? })
    }

    /// Whether the file `path`, relative to the workspace, is matched.
    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let mut hits =
            self.patterns.iter().rev().filter(|p| p.may_match(path) && p.matches_names(&names));
        hits.next().is_some_and(|last| !last.negated)
    }
}

#[cfg(test)]
mod tests;
