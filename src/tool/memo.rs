//! What a tool said about calls, kept for calls that are the same.

use std::sync::Arc;

use super::{Argument, Files, Most, Request, Run, TooMuchWork, Tool, Variable};
use crate::base::memo::{Memo, Weight};

/// The answers of a tool about the files of one repository.
#[derive(Debug)]
pub struct Answers {
    tool: Box<dyn Tool>,
    known: Memo<Question, String, Variable, Run>,
}

/// Everything a request holds besides its environment.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    args: Vec<Argument>,
    folder: String,
    script: Option<String>,
}

impl Weight for Question {
    fn bytes(&self) -> usize {
        let words = self
            .args
            .iter()
            .map(|word| size_of_val(word) + word.value.as_ref().unwrap_or(&word.prefix).len());
        words.sum::<usize>() + self.folder.bytes() + self.script.bytes()
    }
}

impl Weight for Variable {
    fn bytes(&self) -> usize {
        match self {
            Variable::Set(value) => value.bytes(),
            Variable::Unset | Variable::Unknown => size_of::<Self>(),
        }
    }
}

impl Weight for Run {
    fn bytes(&self) -> usize {
        let sessions =
            self.sessions.iter().map(|session| size_of_val(session) + 2 * session.name.len());
        let texts = [&self.env_dirs, &self.definition_files, &self.install_files, &self.undecided];
        size_of::<Self>()
            + sessions.sum::<usize>()
            + texts.into_iter().map(Weight::bytes).sum::<usize>()
    }
}

impl Answers {
    pub fn of(tool: impl Tool + 'static) -> Self {
        Self { tool: Box::new(tool), known: Memo::default() }
    }

    pub fn tool(&self) -> &dyn Tool {
        &*self.tool
    }

    /// What the tool says about a call whose files are not those of the repository; as [`Tool::run`].
    pub fn elsewhere(&self, request: &Request<'_>, most: Most) -> Result<Run, TooMuchWork> {
        self.tool.afresh().run(request, most)
    }

    /// As [`Tool::read_ahead`].
    pub fn read_ahead(&self, files: &dyn Files) {
        self.tool.read_ahead(files);
    }

    /// As [`Tool::run`]; `request.files` must always be the same.
    pub fn run(&self, request: &Request<'_>, most: Most) -> Result<Arc<Run>, TooMuchWork> {
        let question = Question {
            args: request.args.to_vec(),
            folder: request.folder.to_owned(),
            script: request.script.map(str::to_owned),
        };
        self.known.try_answer(question, &|name| (request.env)(name), |_, look_up| {
            self.tool.run(&Request { env: &|name| look_up(name.to_owned()), ..*request }, most)
        })
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
            let request = Request { args: &args, env: &env, folder, script: None, files: &files };
            answers.run(&request, Most::ANY).unwrap()
        };
        let first = ask("-r", "");
        assert!(Arc::ptr_eq(&first, &ask("-r", "")));
        assert_ne!(first, ask("-R", ""));
        assert_ne!(first, ask("-r", "other"));
    }
}
