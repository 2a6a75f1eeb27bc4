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
