//! Templates and conditions parsed, cached for texts that recur: every leg of a matrix asks for
//! the same ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::actions::expr::parse::ExprError;
use crate::actions::expr::template::{self, Template};

/// Texts cached for each thread.
const MAX_CACHED: usize = 1_024;
/// Longer texts are not cached.
const MAX_BYTES: usize = 1024;

type Parsed = Result<Rc<Template>, ExprError>;

thread_local! {
    /// Templates with expressions in them, and conditions without braces: no text is both.
    static CACHE: RefCell<HashMap<Box<str>, Parsed>> = RefCell::default();
}

/// Parses a string in which `${{ }}` may be. Fails where GitHub refuses the workflow: unclosed,
/// empty or malformed expressions.
pub fn parse_template(text: &str) -> Parsed {
    if !text.contains("${{") {
        return template::parse(text).map(Rc::new);
    }
    parsed(text, template::parse)
}

/// Parses an `if:` value: an expression without `${{ }}`, or a template.
///
/// Text next to `${{ }}`, even a final newline, makes the condition a string, which is always true:
/// kept as it is. Blank means `success()`. The `success() &&` that GitHub puts before conditions
/// without status function is not added.
pub fn parse_condition(text: &str) -> Parsed {
    parsed(text, template::condition)
}

fn parsed(text: &str, parse: fn(&str) -> Result<Template, ExprError>) -> Parsed {
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(text) {
            return known.clone();
        }
        let new = parse(text).map(Rc::new);
        if text.len() <= MAX_BYTES {
            if cache.len() == MAX_CACHED {
                cache.clear();
            }
            cache.insert(text.into(), new.clone());
        }
        new
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_as_what_it_is_asked_for_and_after_many_others() {
        for _ in 0..2 {
            assert_eq!(parse_template("a == b").unwrap().literal(), Some("a == b"));
            assert_eq!(parse_condition("a == b").unwrap().exprs().count(), 1);
            assert_eq!(parse_template("${{ a }}").unwrap().exprs().count(), 1);
            assert!(parse_template("${{ a").is_err() && parse_condition("a ==").is_err());
            for other in 0..2 * MAX_CACHED {
                let text = format!("${{{{ a.b{other} }}}}");
                let path = vec!["a".to_owned(), format!("b{other}")];
                assert_eq!(parse_template(&text).unwrap().paths(), std::slice::from_ref(&path));
                assert_eq!(parse_condition(&text).unwrap().paths(), [path]);
            }
        }
    }
}
