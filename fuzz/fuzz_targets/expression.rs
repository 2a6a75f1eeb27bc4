//! Any text as a template and as a condition: read and evaluated without a context, or refused.
#![no_main]

use cachelint::actions::expr::{Context, Eval, Expr, eval_condition, eval_template, parse_condition, parse_template};
use libfuzzer_sys::fuzz_target;

/// Nothing is known.
struct Nothing;

impl Context for Nothing {
    fn lookup(&self, _: &[String]) -> Eval {
        Eval::Unknown
    }
}

fuzz_target!(|text: &str| {
    if let Ok(template) = parse_template(text) {
        template.exprs().for_each(|expr: &Expr| drop((expr.paths(), expr.calls("hashFiles"))));
        let value = eval_template(&template, &Nothing);
        // A text without expressions is its own value.
        if let Some(literal) = template.literal() {
            assert_eq!(value.known().map(cachelint::actions::expr::Value::to_text).as_deref(), Some(literal));
        }
    }
    if let Ok(condition) = parse_condition(text) {
        eval_condition(&condition, &Nothing).truth();
    }
});
