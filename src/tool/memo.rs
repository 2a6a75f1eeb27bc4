//! Answers of a tool, kept together with the variables that decided them: the legs of a matrix ask the same questions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{Argument, Request, Run, Tool, Variable};

/// Answers kept for one command line; more environments than this are rare, and only cost time.
const MAX_KEPT: usize = 64;

/// The answers of one tool about the files of one repository.
#[derive(Debug, Default)]
pub struct Memo {
    answers: Mutex<HashMap<Question, Vec<Kept>>>,
}

/// Everything a request holds beside its environment.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    args: Vec<Argument>,
    folder: String,
    script: Option<String>,
}

#[derive(Debug)]
struct Kept {
    /// The variables that were looked at, with what was found.
    env: Vec<(String, Variable)>,
    run: Arc<Run>,
}

impl Memo {
    /// What the tool says; `request.files` must always be the same.
    pub fn run(&self, tool: &dyn Tool, request: &Request<'_>) -> Arc<Run> {
        let question = Question {
            args: request.args.to_vec(),
            folder: request.folder.to_owned(),
            script: request.script.map(str::to_owned),
        };
        let holds = |kept: &&Kept| kept.env.iter().all(|(name, value)| (request.env)(name) == *value);
        if let Some(kept) = self.lock().get(&question).and_then(|all| all.iter().find(holds)) {
            return kept.run.clone();
        }
        let looked_at = RefCell::new(Vec::new());
        let env = |name: &str| {
            let value = (request.env)(name);
            looked_at.borrow_mut().push((name.to_owned(), value.clone()));
            value
        };
        let run = Arc::new(tool.run(&Request { env: &env, ..*request }));
        let mut env = looked_at.into_inner();
        env.sort_by(|a, b| a.0.cmp(&b.0));
        env.dedup();
        let mut answers = self.lock();
        let all = answers.entry(question).or_default();
        if all.len() < MAX_KEPT {
            all.push(Kept { env, run: run.clone() });
        }
        run
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Question, Vec<Kept>>> {
        self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::testing;

    /// nox, counting how often it is asked.
    struct Counted<'a>(&'a Cell<usize>);

    impl Tool for Counted<'_> {
        fn name(&self) -> &'static str {
            "nox"
        }

        fn reuse_flag(&self) -> &str {
            "-r"
        }

        fn run(&self, request: &Request<'_>) -> Run {
            self.0.set(self.0.get() + 1);
            crate::tool::nox::Nox.run(request)
        }
    }

    #[test]
    fn an_answer_holds_while_what_decided_it_does() {
        let folder = testing::repository(&[("noxfile.py", testing::NOXFILE)]);
        let files = crate::repo::RepoFiles::new(folder.path());
        let (memo, asked) = (Memo::default(), Cell::new(0));
        let ask = |word: &str, session: Option<&str>, other: &str| {
            let env = |name: &str| match (name, session) {
                ("NOXSESSION", Some(value)) => Variable::Set(value.to_owned()),
                ("UNRELATED", _) => Variable::Set(other.to_owned()),
                _ => Variable::Unset,
            };
            let args = [Argument::known(word)];
            memo.run(&Counted(&asked), &Request { args: &args, env: &env, folder: "", script: None, files: &files })
        };
        let first = ask("-r", None, "1");
        assert_eq!(ask("-r", None, "2"), first, "a variable nobody looks at");
        assert_eq!(asked.get(), 1);
        let other = ask("-r", Some("lint"), "1");
        assert_ne!(other, first);
        assert_eq!(asked.get(), 2, "a variable that decides");
        assert_eq!((ask("-r", None, "1"), ask("-r", Some("lint"), "1")), (first, other));
        assert_eq!(asked.get(), 2, "both are kept");
        ask("-R", None, "1");
        assert_eq!(asked.get(), 3, "other words");
    }
}
