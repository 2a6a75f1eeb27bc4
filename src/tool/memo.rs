//! What a tool said about calls, kept for calls that are the same.

use std::sync::Arc;

use super::{Argument, Files, Request, Run, Tool, Variable};
use crate::memo::Memo;

/// The answers of a tool about the files of one repository.
#[derive(Debug)]
pub struct Answers {
    tool: Box<dyn Tool>,
    known: Memo<Question, String, Variable, Run>,
}

/// Everything a request holds beside its environment.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    args: Vec<Argument>,
    folder: String,
    script: Option<String>,
}

impl Answers {
    pub fn of(tool: impl Tool + 'static) -> Self {
        Self { tool: Box::new(tool), known: Memo::default() }
    }

    /// As [`Tool::read_ahead`].
    pub fn read_ahead(&self, files: &dyn Files) {
        self.tool.read_ahead(files);
    }

    /// What the tool says; `request.files` must always be the same.
    pub fn run(&self, request: &Request<'_>) -> Arc<Run> {
        let question = Question {
            args: request.args.to_vec(),
            folder: request.folder.to_owned(),
            script: request.script.map(str::to_owned),
        };
        self.known.answer(
            question,
            &|name| (request.env)(name),
            |_, look_up| self.tool.run(&Request { env: &|name| look_up(name.to_owned()), ..*request }),
            |_| true,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::tool::nox::Nox;

    #[test]
    fn calls_are_the_same_only_with_the_same_words_and_folder() {
        let folder = testing::repository(&[("noxfile.py", testing::NOXFILE)]);
        let files = crate::repo::RepoFiles::new(folder.path());
        let answers = Answers::of(Nox::default());
        let ask = |word: &str, folder: &str| {
            let args = [Argument::known(word)];
            let env = |_: &str| Variable::Unset;
            answers.run(&Request { args: &args, env: &env, folder, script: None, files: &files })
        };
        let first = ask("-r", "");
        assert!(Arc::ptr_eq(&first, &ask("-r", "")));
        assert_ne!(first, ask("-R", ""));
        assert_ne!(first, ask("-r", "other"));
    }
}
