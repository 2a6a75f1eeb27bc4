//! Keys as templates: what a key is made of on one instance, and whether two of them can differ at
//! all.

use crate::actions::expr::{Context, Expr, ExprKind, TemplatePart, Value, eval, parse_template};

/// Length of a `hashFiles` that matches something.
pub const HASH_CHARS: usize = 64;

/// The key of a cache step, or one line of its restore keys, on one instance.
#[derive(Debug, Clone, Default)]
pub struct Key {
    pub pieces: Vec<KeyPiece>,
    /// The text isn't a valid template: the runner refuses the workflow.
    pub broken: bool,
}

/// Literal text, or one `${{ }}`.
#[derive(Debug, Clone)]
pub struct KeyPiece {
    /// The text, where it is known on this instance.
    pub text: Option<String>,
    /// The expression as written; empty for literal text.
    pub source: String,
    /// The context paths it is made of, in lower case; variables and inputs looked through.
    pub paths: Vec<String>,
    /// Its calls of `hashFiles`.
    pub hashes: Vec<Hash>,
    /// Of a piece not known: everything that decides its value besides the source; `None` where two
    /// instances may have different values all the same.
    pub derived_from: Option<String>,
    /// The scripts that write what it is made of.
    pub scripts: Vec<String>,
    /// Those of its paths that tell only the interpreters and the machine.
    machine_paths: Vec<String>,
}

/// A call of `hashFiles`; no patterns where an argument is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    pub patterns: Option<Vec<String>>,
}

/// Where a value that is not known comes from.
#[derive(Debug, Clone, Default)]
pub struct ValueOrigin {
    /// Further context paths that it is made of.
    pub paths: Vec<String>,
    pub derived_from: Option<String>,
    pub scripts: Vec<String>,
    /// The value tells only the interpreters and the machine.
    pub tells_only_the_machine: bool,
}

/// Tells where values come from.
pub trait ResolveOrigin {
    fn origin(&self, path: &[String]) -> ValueOrigin;
}

/// A key in a form that can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderedKey {
    pub text: String,
    /// Nothing of it may differ all the same.
    pub complete: bool,
}

impl RenderedKey {
    /// The two keys cannot differ.
    pub fn is_same(&self, other: &Self) -> bool {
        self.complete && other.complete && self.text == other.text
    }

    /// Whatever the values are, `key` begins with `self`.
    pub fn begins(&self, key: &Self) -> bool {
        self.complete && key.text.starts_with(&self.text)
    }
}

/// One indivisible part of a key in a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeyToken<'a> {
    Char(char),
    Symbol { source: &'a str, hash: bool },
}

impl Key {
    /// Reads `text` in a context.
    pub fn read(text: &str, context: &dyn Context, origins: &dyn ResolveOrigin) -> Self {
        let Ok(template) = parse_template(text) else {
            return Self { broken: true, ..Self::default() };
        };
        let pieces = template.parts.iter().map(|part| match part {
            TemplatePart::Literal { text, .. } => KeyPiece::literal(text),
            TemplatePart::Expr { expr, span } => {
                let source = text.get(span.start + 3..span.end - 2).unwrap_or_default().trim();
                KeyPiece::read(expr, source, context, origins)
            }
        });
        Self { pieces: pieces.collect(), broken: false }
    }

    /// Whether some piece is made of this context path (in lower case).
    pub fn uses(&self, path: &str) -> bool {
        self.pieces.iter().any(|p| p.paths.iter().any(|own| own == path))
    }

    pub fn hashes(&self) -> impl Iterator<Item = &Hash> {
        self.pieces.iter().flat_map(|p| &p.hashes)
    }

    /// What is known of the text; pieces not known are left out.
    pub fn known_text(&self) -> String {
        self.pieces.iter().filter_map(|p| p.text.as_deref()).collect()
    }

    /// The key as one text; equal for keys that any restore key begins alike.
    pub fn text(&self) -> String {
        let piece = |piece: &KeyPiece| match &piece.text {
            Some(known) => known.clone(),
            None => format!("\u{1}{}\u{2}", piece.source),
        };
        let broken = if self.broken { "\u{3}" } else { "" };
        self.pieces.iter().map(piece).chain([broken.to_owned()]).collect()
    }

    /// Every piece's text is known.
    pub fn is_known(&self) -> bool {
        !self.broken && self.pieces.iter().all(|p| p.text.is_some())
    }

    /// The key as one text in which equal values are equal; it ends where a value may differ all
    /// the same.
    pub fn rendered(&self) -> RenderedKey {
        let mut text = String::new();
        for piece in &self.pieces {
            match (&piece.text, &piece.derived_from) {
                (Some(known), _) => text.push_str(known),
                (None, Some(derived_from)) => {
                    text.push_str(&format!("\u{1}{}\u{2}{derived_from}\u{3}", piece.source))
                }
                (None, None) => return RenderedKey { text, complete: false },
            }
        }
        RenderedKey { text, complete: !self.broken }
    }

    /// Whether `self` can be the beginning of `key`. What is not known may be anything, but a hash
    /// is a hash.
    pub fn can_begin(&self, key: &Key) -> bool {
        if self.broken || key.broken {
            return true;
        }
        let mut other = key.tokens();
        for token in self.tokens() {
            match (token, other.next()) {
                (_, None) => return false,
                (a, Some(b)) if a == b => {}
                (KeyToken::Char(_), Some(KeyToken::Char(_))) => return false,
                (KeyToken::Char(c), Some(KeyToken::Symbol { hash: true, .. }))
                | (KeyToken::Symbol { hash: true, .. }, Some(KeyToken::Char(c))) => {
                    return c.is_ascii_hexdigit();
                }
                _ => return true,
            }
        }
        true
    }

    fn tokens(&self) -> impl Iterator<Item = KeyToken<'_>> {
        self.pieces.iter().flat_map(|piece| {
            let symbol = || KeyToken::Symbol { source: &piece.source, hash: piece.is_hash() };
            let text = piece.text.as_deref();
            let chars = text.unwrap_or_default().chars().map(KeyToken::Char);
            chars.chain(text.is_none().then(symbol))
        })
    }
}

impl KeyPiece {
    fn literal(text: &str) -> Self {
        Self {
            text: Some(text.to_owned()),
            source: String::new(),
            paths: Vec::new(),
            hashes: Vec::new(),
            derived_from: None,
            scripts: Vec::new(),
            machine_paths: Vec::new(),
        }
    }

    fn read(expr: &Expr, source: &str, context: &dyn Context, origins: &dyn ResolveOrigin) -> Self {
        let text = eval(expr, context).known().map(Value::to_text);
        let hashes: Vec<Hash> =
            expr.calls("hashFiles").iter().map(|call| Hash::read(call.args, context)).collect();
        let (mut paths, mut scripts): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut derived_from = Some(String::new());
        let mut machine_paths = Vec::new();
        for path in expr.paths() {
            let origin = origins.origin(&path);
            let name = path.join(".").to_ascii_lowercase();
            if origin.tells_only_the_machine {
                machine_paths.push(name.clone());
            }
            paths.push(name);
            paths.extend(origin.paths);
            scripts.extend(origin.scripts);
            derived_from =
                derived_from.zip(origin.derived_from).map(|(all, next)| format!("{all}\n{next}"));
        }
        Self {
            text,
            source: source.to_owned(),
            paths,
            hashes,
            derived_from,
            scripts,
            machine_paths,
        }
    }

    /// Stays the same whatever the repository holds and whenever the job runs.
    pub fn is_fixed(&self) -> bool {
        let fixed = |path: &String| {
            let mut names = path.split('.');
            let (root, name) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            match root {
                "runner" | "matrix" | "strategy" => true,
                "github" => {
                    !matches!(name, "sha" | "run_id" | "run_number" | "run_attempt" | "event")
                }
                "env" => name == "pythonlocation" || self.machine_paths.contains(path),
                "steps" => {
                    path.ends_with(".python-version")
                        || path.ends_with(".python-path")
                        || self.machine_paths.contains(path)
                }
                _ => false,
            }
        };
        self.text.is_some()
            || (self.hashes.is_empty() && !self.paths.is_empty() && self.paths.iter().all(fixed))
    }

    /// Another value on every run.
    pub fn is_unique(&self) -> bool {
        let unique = ["github.sha", "github.run_id", "github.run_number", "github.run_attempt"];
        self.paths.iter().any(|path| unique.contains(&path.as_str()))
    }

    /// Nothing but a call of `hashFiles`.
    pub fn is_hash(&self) -> bool {
        let name = self.source.get(.."hashFiles".len()).unwrap_or_default();
        self.hashes.len() == 1
            && name.eq_ignore_ascii_case("hashFiles")
            && self.source.ends_with(')')
    }
}

impl Hash {
    fn read(args: &[Expr], context: &dyn Context) -> Self {
        let one = |arg: &Expr| match &arg.kind {
            ExprKind::Literal(value) => Some(value.to_text()),
            _ => eval(arg, context).known().map(Value::to_text),
        };
        let patterns: Option<Vec<String>> = args.iter().map(one).collect();
        let patterns =
            patterns.map(|all| all.into_iter().filter(|p| !p.starts_with("--")).collect());
        Self { patterns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::expr::Eval;

    /// Knows the job and nothing else; what comes from `steps` may differ from job to job.
    struct Little;

    impl Context for Little {
        fn lookup(&self, path: &[String]) -> Eval {
            match path {
                [root, name] if root == "github" && name == "job" => {
                    Eval::Known(Value::from("tests"))
                }
                _ => Eval::Unknown,
            }
        }
    }

    impl ResolveOrigin for Little {
        fn origin(&self, path: &[String]) -> ValueOrigin {
            ValueOrigin {
                derived_from: (path[0] != "steps").then(String::new),
                ..ValueOrigin::default()
            }
        }
    }

    fn key(text: &str) -> Key {
        Key::read(text, &Little, &Little)
    }

    #[test]
    fn keys_are_the_same_only_where_nothing_can_differ() {
        let same = |a: &str, b: &str| key(a).rendered().is_same(&key(b).rendered());
        assert!(same("nox-${{ github.job }}", "nox-tests"));
        assert!(same("${{ hashFiles('a') }}", "${{ hashFiles('a') }}"));
        assert!(!same("${{ hashFiles('a') }}", "${{ hashFiles('b') }}"));
        assert!(!same("${{ steps.x.outputs.y }}", "${{ steps.x.outputs.y }}"));
        assert!(!same("nox-${{ runner.os }}", "nox-Linux"));
        assert!(!same("${{ }}", "${{ }}"), "a broken template says nothing");
    }

    #[test]
    fn a_restore_key_can_begin_a_key_unless_their_known_texts_differ() {
        for (restore, saved, can) in [
            ("nox-", "nox-${{ runner.os }}", true),
            ("nox-Linux", "nox-${{ runner.os }}", true),
            ("nox-${{ github.job }}-", "nox-tests-1", true),
            ("nox-${{ hashFiles('a') }}-", "nox-${{ hashFiles('a') }}-${{ hashFiles('b') }}", true),
            ("cache-", "nox-", false),
            ("nox-1", "nox", false),
            ("nox-x", "nox-${{ hashFiles('a') }}", false),
            ("nox-${{ runner.os }}_", "nox-${{ runner.os }}-1", false),
            ("${{ runner.os }}", "Linux", true),
        ] {
            assert_eq!(key(restore).can_begin(&key(saved)), can, "{restore} {saved}");
        }
        assert!(key("nox-").rendered().begins(&key("nox-${{ steps.x.outputs.y }}").rendered()));
        assert!(
            !key("nox-${{ steps.x.outputs.y }}")
                .rendered()
                .begins(&key("nox-${{ steps.x.outputs.y }}").rendered())
        );
    }

    #[test]
    fn pieces_that_never_change() {
        for (text, fixed) in [
            ("nox", true),
            ("${{ runner.os }}", true),
            ("${{ github.ref }}", true),
            ("${{ env.pythonLocation }}", true),
            ("${{ github.sha }}", false),
            ("${{ hashFiles('a') }}", false),
            ("${{ vars.EPOCH }}", false),
            ("${{ steps.week.outputs.week }}", false),
        ] {
            assert_eq!(key(text).pieces[0].is_fixed(), fixed, "{text}");
        }
    }
}
