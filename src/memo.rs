//! Answers kept together with what decided them: the legs of a matrix, and steps that look alike, ask the same again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

/// Answers kept for one question; more surroundings than this are rare, and only cost time.
const MAX_KEPT: usize = 64;
/// Questions kept: thousands of files would fill the memory.
const MAX_QUESTIONS: usize = 2_048;
/// Answers that took more look-ups are not kept.
const MAX_LOOKED_UP: usize = 256;

/// The answers `A` to questions `Q`, each found by looking up names `N` that stand for values `V`.
#[derive(Debug)]
pub struct Memo<Q, N, V, A> {
    answers: Mutex<Answers<Q, N, V, A>>,
}

type Answers<Q, N, V, A> = HashMap<Q, Vec<Kept<N, V, A>>>;

#[derive(Debug)]
struct Kept<N, V, A> {
    /// The names that were looked up, with what was found.
    looked_up: Vec<(N, V)>,
    answer: Arc<A>,
}

impl<Q, N, V, A> Default for Memo<Q, N, V, A> {
    fn default() -> Self {
        Self { answers: Mutex::default() }
    }
}

impl<Q: Eq + Hash, N: Ord, V: PartialEq + Clone, A> Memo<Q, N, V, A> {
    /// The answer that `find` gives; it must follow from the question and from what it looks up alone. Only answers that
    /// are `small` are kept.
    pub fn answer(
        &self,
        question: Q,
        look_up: &dyn Fn(&N) -> V,
        find: impl FnOnce(&Q, &dyn Fn(N) -> V) -> A,
        small: impl FnOnce(&A) -> bool,
    ) -> Arc<A> {
        let holds = |kept: &&Kept<N, V, A>| kept.looked_up.iter().all(|(name, value)| look_up(name) == *value);
        if let Some(kept) = self.lock().get(&question).and_then(|all| all.iter().find(holds)) {
            return kept.answer.clone();
        }
        let looked_up = RefCell::new(Vec::new());
        let noted = |name: N| {
            let value = look_up(&name);
            looked_up.borrow_mut().push((name, value.clone()));
            value
        };
        let answer = Arc::new(find(&question, &noted));
        let mut looked_up = looked_up.into_inner();
        looked_up.sort_by(|a, b| a.0.cmp(&b.0));
        looked_up.dedup_by(|a, b| a.0 == b.0);
        if looked_up.len() > MAX_LOOKED_UP || !small(&answer) {
            return answer;
        }
        let mut answers = self.lock();
        if answers.len() == MAX_QUESTIONS {
            answers.clear();
        }
        let all = answers.entry(question).or_default();
        if all.len() < MAX_KEPT {
            all.push(Kept { looked_up, answer: answer.clone() });
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Answers<Q, N, V, A>> {
        self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_answer_holds_while_what_decided_it_does() {
        let (memo, found) = (Memo::default(), Cell::new(0));
        let ask = |question: &'static str, values: [&'static str; 2]| {
            let look_up = |name: &usize| values[*name];
            let find = |question: &&'static str, look_up: &dyn Fn(usize) -> &'static str| {
                found.set(found.get() + 1);
                format!("{question} {} {}", look_up(0), look_up(0))
            };
            let answer = memo.answer(question, &look_up, find, |answer| answer.len() < 10);
            ((*answer).clone(), found.get())
        };
        assert_eq!(ask("q", ["a", "b"]), ("q a a".to_owned(), 1));
        assert_eq!(ask("q", ["a", "c"]), ("q a a".to_owned(), 1), "what nobody looks up");
        assert_eq!(ask("q", ["d", "b"]), ("q d d".to_owned(), 2), "what decides");
        assert_eq!((ask("q", ["a", ""]).1, ask("q", ["d", ""]).1), (2, 2), "both are kept");
        assert_eq!(ask("r", ["a", "b"]), ("r a a".to_owned(), 3), "another question");
        let long = "long enough";
        assert_eq!((ask(long, ["a", "b"]).1, ask(long, ["a", "b"]).1), (4, 5), "too large to be kept");
    }

    #[test]
    fn more_is_answered_than_is_kept() {
        let memo = Memo::default();
        for question in (0..3 * MAX_QUESTIONS).chain(0..2) {
            let find = |question: &usize, look_up: &dyn Fn(usize) -> usize| question + look_up(0);
            assert_eq!(*memo.answer(question, &|_| 1, find, |_| true), question + 1);
        }
        assert!(memo.lock().len() <= MAX_QUESTIONS);
        let memo = Memo::default();
        let find = |names: &usize, look_up: &dyn Fn(usize) -> usize| (0..*names).map(look_up).sum::<usize>();
        for _ in 0..2 {
            assert_eq!(*memo.answer(MAX_LOOKED_UP + 1, &|_| 1, find, |_| true), MAX_LOOKED_UP + 1);
        }
        assert!(memo.lock().is_empty());
    }
}
