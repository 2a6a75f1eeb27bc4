//! Answers kept together with what decided them: the legs of a matrix, and steps that look alike,
//! ask the same again.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

/// Answers kept for one question; more surroundings than this are rare, and only cost time.
const MAX_KEPT: usize = 64;
/// Bytes of all that is kept, about: thousands of files would fill the memory.
const MAX_BYTES: usize = 16 << 20;
/// Bytes of one answer with its question and what was looked up; more is not kept.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// Names looked up for one answer; with more it is not kept.
const MAX_NAMES: usize = 256;

/// How much memory something takes.
pub trait Weight {
    /// In bytes, about.
    fn bytes(&self) -> usize;
}

impl Weight for String {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.len()
    }
}

impl<T: Weight> Weight for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(size_of::<Self>(), T::bytes)
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.iter().map(T::bytes).sum::<usize>()
    }
}

/// The answers `A` to questions `Q`, each found by looking up names `N` that stand for values `V`.
#[derive(Debug)]
pub struct Memo<Q, N, V, A> {
    answers: Mutex<Entries<Q, N, V, A>>,
    room: Room,
}

/// How much a memo keeps, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Of one answer with its question and what was looked up.
    pub answer: usize,
    /// Of all together.
    pub all: usize,
}

#[derive(Debug)]
struct Entries<Q, N, V, A> {
    known: HashMap<Q, Vec<MemoEntry<N, V, A>>>,
    bytes: usize,
}

#[derive(Debug)]
struct MemoEntry<N, V, A> {
    /// The names that were looked up, with what was found.
    looked_up: BTreeMap<N, V>,
    answer: Arc<A>,
}

/// What was looked up so far.
struct Noted<N, V> {
    values: BTreeMap<N, V>,
    bytes: usize,
    /// More than is kept.
    too_large: bool,
}

impl<N: Ord + Weight, V: Weight + Clone> Noted<N, V> {
    fn add(&mut self, name: N, value: &V) {
        if self.too_large || self.values.contains_key(&name) {
            return;
        }
        self.bytes += name.bytes() + value.bytes();
        self.too_large = self.values.len() == MAX_NAMES || self.bytes > MAX_ANSWER_BYTES;
        if !self.too_large {
            self.values.insert(name, value.clone());
        }
    }
}

impl<Q, N, V, A> Default for Memo<Q, N, V, A> {
    fn default() -> Self {
        Self::with(Room { answer: MAX_ANSWER_BYTES, all: MAX_BYTES })
    }
}

impl<Q, N, V, A> Memo<Q, N, V, A> {
    pub fn with(room: Room) -> Self {
        Self { answers: Mutex::new(Entries { known: HashMap::new(), bytes: 0 }), room }
    }
}

impl<Q, N, V, A> Memo<Q, N, V, A>
where
    Q: Eq + Hash + Weight,
    N: Ord + Weight,
    V: PartialEq + Clone + Weight,
    A: Weight,
{
    /// The answer that `find` gives; it must follow from the question and from what it looks up
    /// alone.
    pub fn answer(
        &self,
        question: Q,
        look_up: &dyn Fn(&N) -> V,
        find: impl FnOnce(&Q, &dyn Fn(N) -> V) -> A,
    ) -> Arc<A> {
        let find =
            |question: &Q, look_up: &dyn Fn(N) -> V| Ok::<A, Infallible>(find(question, look_up));
        let Ok(answer) = self.try_answer(question, look_up, find);
        answer
    }

    /// As [`Memo::answer`]; failures aren't kept, so they may depend on more.
    pub fn try_answer<E>(
        &self,
        question: Q,
        look_up: &dyn Fn(&N) -> V,
        find: impl FnOnce(&Q, &dyn Fn(N) -> V) -> Result<A, E>,
    ) -> Result<Arc<A>, E> {
        let holds = |kept: &&MemoEntry<N, V, A>| {
            kept.looked_up.iter().all(|(name, value)| look_up(name) == *value)
        };
        if let Some(kept) = self.lock().known.get(&question).and_then(|all| all.iter().find(holds))
        {
            return Ok(kept.answer.clone());
        }
        let noted = RefCell::new(Noted { values: BTreeMap::new(), bytes: 0, too_large: false });
        let noting = |name: N| {
            let value = look_up(&name);
            noted.borrow_mut().add(name, &value);
            value
        };
        let answer = Arc::new(find(&question, &noting)?);
        let Noted { values: looked_up, bytes, too_large } = noted.into_inner();
        let bytes = bytes + question.bytes() + answer.bytes();
        if too_large || bytes > self.room.answer {
            return Ok(answer);
        }
        let mut answers = self.lock();
        if answers.bytes + bytes > self.room.all {
            *answers = Entries { known: HashMap::new(), bytes: 0 };
        }
        let all = answers.known.entry(question).or_default();
        if all.len() < MAX_KEPT {
            all.push(MemoEntry { looked_up, answer: answer.clone() });
            answers.bytes += bytes;
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Entries<Q, N, V, A>> {
        self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn an_answer_holds_while_what_decided_it_does() {
        let (memo, found) = (Memo::default(), Cell::new(0));
        let ask = |question: &str, values: [&str; 2]| {
            let look_up = |name: &String| text(values[usize::from(name == "second")]);
            let find = |question: &String, look_up: &dyn Fn(String) -> String| {
                found.set(found.get() + 1);
                format!("{question} {} {}", look_up(text("first")), look_up(text("first")))
            };
            let answer = memo.answer(text(question), &look_up, find);
            ((*answer).clone(), found.get())
        };
        assert_eq!(ask("q", ["a", "b"]), (text("q a a"), 1));
        assert_eq!(ask("q", ["a", "c"]), (text("q a a"), 1), "what nobody looks up");
        assert_eq!(ask("q", ["d", "b"]), (text("q d d"), 2), "what decides");
        assert_eq!((ask("q", ["a", ""]).1, ask("q", ["d", ""]).1), (2, 2), "both are kept");
        assert_eq!(ask("r", ["a", "b"]), (text("r a a"), 3), "another question");
    }

    #[test]
    fn what_is_too_much_is_answered_and_not_kept() {
        let large = "x".repeat(MAX_ANSWER_BYTES);
        for (question, names, value, answer, kept) in [
            ("", 1, "", "", true),
            (large.as_str(), 1, "", "", false),
            ("", 1, large.as_str(), "", false),
            ("", 1, "", large.as_str(), false),
            ("", MAX_NAMES, "", "", true),
            ("", MAX_NAMES + 1, "", "", false),
        ] {
            let memo = Memo::default();
            for _ in 0..2 {
                let find = |_: &String, look_up: &dyn Fn(String) -> String| {
                    assert!((0..names).all(|name| look_up(name.to_string()) == value));
                    text(answer)
                };
                assert_eq!(*memo.answer(text(question), &|_| text(value), find), answer);
            }
            assert_eq!(memo.lock().known.len(), usize::from(kept));
        }
    }

    #[test]
    fn all_answers_together_stay_small() {
        let memo = Memo::default();
        for number in (0..3 * MAX_BYTES / MAX_ANSWER_BYTES).chain(0..2) {
            let find = |question: &String, _: &dyn Fn(String) -> String| {
                question.repeat(MAX_ANSWER_BYTES / 10)
            };
            let answer = memo.answer(number.to_string(), &|_| String::new(), find);
            assert!(answer.starts_with(&number.to_string()));
            assert!(memo.lock().bytes <= MAX_BYTES);
        }
    }
}
