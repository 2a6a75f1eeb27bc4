//! Steps and commands that wait for an earlier cache step: they run only where it found its exact
//! key, or only where it did not.

use super::event::{Event, Gate, StepRef};
use super::timeline::{Here, TimelineBuilder};
use crate::actions::expr::{CompareOp, Expr, ExprKind, parse_condition};

/// An output of cache steps, with what it is where the exact key was found, and where it was not.
#[derive(Debug)]
struct HitAnswers {
    output: &'static str,
    hit: &'static str,
    misses: &'static [&'static str],
    /// It is the key that was found, also by a restore key. Its text is not known, only whether
    /// there is one.
    is_key: bool,
}

/// actions/cache, README.
const ANSWERS: [HitAnswers; 2] = [
    HitAnswers { output: "cache-hit", hit: "true", misses: &["", "false"], is_key: false },
    HitAnswers {
        output: "cache-matched-key",
        hit: "a key",
        misses: &["", "another key"],
        is_key: true,
    },
];

/// An output of an earlier step that says whether a cache step found its exact key.
#[derive(Debug, Clone)]
pub struct HitOutput {
    pub cache: StepRef,
    /// The step that has the output: the cache step, or the one that uses its action.
    pub id: String,
    pub name: String,
    answers: &'static HitAnswers,
    /// The step looks for other keys, too.
    has_restore_keys: bool,
}

impl HitOutput {
    /// What it is where the exact key was not found.
    fn misses(&self) -> &'static [&'static str] {
        let all = self.answers.misses;
        if self.answers.is_key && !self.has_restore_keys { &all[..1] } else { all }
    }

    fn is_named_in(&self, text: &str) -> bool {
        text.contains(&self.written())
    }

    fn written(&self) -> String {
        format!("steps.{}.outputs.{}", self.id, self.name)
    }

    /// Whether a condition may ask for it, in whatever notation: `steps['id']`, another case.
    fn may_be_named_in(&self, lower: &str) -> bool {
        let holds = |name: &str| lower.contains(&name.to_ascii_lowercase());
        holds(&self.id) && holds(&self.name)
    }

    /// Whether the answers decide a condition: `startsWith(…, 'nox-')` and `== 'nox-1'` ask for the
    /// text of the key.
    fn answers(&self, condition: &str) -> bool {
        if !self.answers.is_key {
            return true;
        }
        let Ok(condition) = parse_condition(condition) else { return false };
        condition.exprs().any(|expr| self.is_used_in(expr))
            && condition.exprs().all(|expr| self.asks_whether(expr))
    }

    /// Whether an expression asks at most whether this output is empty.
    fn asks_whether(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Not(inner) => self.asks_whether(inner),
            ExprKind::Logical { args, .. } => args.iter().all(|arg| self.asks_whether(arg)),
            ExprKind::Compare { op: CompareOp::Equal | CompareOp::NotEqual, left, right }
                if left.as_str() == Some("") || right.as_str() == Some("") =>
            {
                self.asks_whether(left) && self.asks_whether(right)
            }
            _ => self.is(expr) || !self.is_used_in(expr),
        }
    }

    fn is_used_in(&self, expr: &Expr) -> bool {
        let mut used = false;
        expr.walk(&mut |part| used |= self.is(part));
        used
    }

    fn is(&self, expr: &Expr) -> bool {
        let own = ["steps", &self.id, "outputs", &self.name];
        let is_own = |(own, name): (&str, String)| own.eq_ignore_ascii_case(&name);
        expr.as_path()
            .is_some_and(|path| path.len() == own.len() && own.into_iter().zip(path).all(is_own))
    }
}

impl TimelineBuilder<'_> {
    /// The outputs of earlier steps of the same list that say whether a cache step found its exact
    /// key, the last step first.
    fn hit_outputs(&self, here: Here<'_>) -> Vec<HitOutput> {
        let StepRef { document, job, .. } = here.step_ref;
        let Some(list) = here.document.steps(job) else { return Vec::new() };
        let id = |step: usize| Some(list.steps.get(step)?.id.as_ref()?.text.clone());
        let mut found = Vec::new();
        let caches = self.events.iter().rev().filter(|e| e.cache().is_some());
        for event in caches {
            let (cache, outer) = (event.step_ref, event.outer);
            let has_restore_keys = event.cache().is_some_and(|step| step.restore_keys.is_some());
            let output = |id: &str, name: &str, answers| HitOutput {
                cache,
                id: id.to_owned(),
                name: name.to_owned(),
                answers,
                has_restore_keys,
            };
            if (cache.document, cache.job) == (document, job) {
                let Some(id) = id(cache.step) else { continue };
                found.extend(ANSWERS.iter().map(|answers| output(&id, answers.output, answers)));
            } else if (outer.document, outer.job) == (document, job) {
                // The action hands the answer on as an output of its own.
                let inner = self.repository.documents[cache.document].steps(cache.job);
                let inner = inner.and_then(|list| list.steps.get(cache.step)?.id.as_ref());
                let action = self.repository.documents[cache.document].action();
                let Some(((inner, action), id)) = inner.zip(action).zip(id(outer.step)) else {
                    continue;
                };
                for answers in &ANSWERS {
                    let asked = format!("steps.{}.outputs.{}", inner.text, answers.output);
                    let outputs = action.outputs.iter().filter(|(_, value)| value.contains(&asked));
                    found.extend(outputs.map(|(name, _)| output(&id, name, answers)));
                }
            }
        }
        found
    }

    /// What a condition says of an earlier cache step.
    pub(super) fn gate(&self, here: Here<'_>, condition: &str) -> Option<Gate> {
        // A condition is evaluated several times for each output that it may ask for.
        let env = here.step.env.entries.iter().map(|(_, value)| value.text.as_str());
        let texts = env.chain([condition]).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let outputs = self.hit_outputs(here).into_iter();
        let mut asked = outputs.filter(|o| o.may_be_named_in(&texts) && o.answers(condition));
        asked.find_map(|output| {
            let HitOutput { cache, id, name, .. } = &output;
            let given =
                |value: &str| self.scope_at(here).with_output(id, name, value).condition(condition);
            if given(output.answers.hit) == Some(false) {
                return Some(Gate { cache: *cache, on_hit: false });
            }
            let only = output.misses().iter().all(|miss| given(miss) == Some(false));
            only.then_some(Gate { cache: *cache, on_hit: true })
        })
    }

    /// Reads a script with `read`; where it asks for an earlier cache step, for both answers, so
    /// that what runs only after one of them is known to.
    pub(super) fn read_by_hit(&mut self, here: Here<'_>, script: &str, read: impl Fn(&mut Self)) {
        let env = here.step.env.entries.iter().map(|(_, value)| value.text.as_str());
        let texts: Vec<&str> =
            env.chain([script]).filter(|text| text.contains("outputs.")).collect();
        // A script can compare the key that was found with any text.
        let asks = |output: &HitOutput| {
            !output.answers.is_key && texts.iter().any(|text| output.is_named_in(text))
        };
        let outputs = if texts.is_empty() { Vec::new() } else { self.hit_outputs(here) };
        let Some(output) = outputs.into_iter().find(asks).filter(|_| self.gates.is_empty()) else {
            return read(self);
        };
        let (first, state) = (self.events.len(), self.state.clone());
        let cache = output.cache;
        self.assumed = Some((output.clone(), output.answers.hit));
        read(self);
        let on_hit = self.events.split_off(first);
        self.state = state;
        let miss = output.answers.misses[0];
        self.assumed = Some((output, miss));
        read(self);
        self.assumed = None;
        let same = |a: &Event, b: &Event| {
            a.span == b.span && std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
        };
        for event in &mut self.events[first..] {
            if !on_hit.iter().any(|other| same(event, other)) {
                event.gate = Some(Gate { cache, on_hit: false });
            }
        }
        let after_misses = self.events.len();
        for mut event in on_hit {
            if !self.events[first..after_misses].iter().any(|other| same(&event, other)) {
                event.gate = Some(Gate { cache, on_hit: true });
                self.events.push(event);
            }
        }
    }
}
