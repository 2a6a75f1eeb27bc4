//! nox: what a call of it builds, where, and whether it would reuse what a cache restored.

pub mod argv;
mod backend;
mod call_work;
mod file_facts;
mod install;
pub mod log;
pub mod mention;
mod metadata;
mod nested;
pub mod noxfile;
pub mod reuse;
mod run;
pub mod select;
mod session;

use self::file_facts::FileFacts;
use self::nested::Nesting;
use self::noxfile::Noxfiles;
use super::{Argument, Files, Listing, Most, Request, Run, TooMuchWork, Tool, Variable};
use crate::rules::nox::{Meaning, rules};

/// The tool nox, in one repository.
#[derive(Debug, Default)]
pub struct Nox {
    noxfiles: Noxfiles,
    facts: FileFacts,
}

/// As people call it.
pub const NAME: &str = "nox";

impl Tool for Nox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reuse_flag(&self) -> &str {
        &rules().reuse_flag
    }

    fn install_files(&self) -> Vec<&str> {
        let rules = rules();
        rules.project_files.iter().chain(&rules.lock_files).map(String::as_str).collect()
    }

    fn reads_variable(&self, name: &str) -> bool {
        let prefixes = &rules().installer_variable_prefixes;
        rules().variables.contains_key(name)
            || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    fn reads_files_of(&self, name: &str) -> bool {
        rules().file_variables.iter().any(|variable| variable == name)
    }

    fn tries_newest(&self, name: &str) -> bool {
        let mut parts = name.split(|c: char| !c.is_alphanumeric());
        let words = &rules().newest_names;
        parts.any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)))
    }

    fn listing(&self, args: &[Argument]) -> Option<Listing> {
        const CHOOSING: [Meaning; 4] =
            [Meaning::Sessions, Meaning::Tags, Meaning::Keywords, Meaning::Pythons];
        let line = argv::parse(args);
        if !line.has(Meaning::List) || !line.has(Meaning::Json) {
            return None;
        }
        let makes_a_list = |word: &Argument| {
            let option = word.value.as_deref().and_then(|name| rules().option(name));
            option.is_some_and(|option| matches!(option.means, Meaning::List | Meaning::Json))
        };
        let args = args.iter().filter(|word| !makes_a_list(word)).cloned().collect();
        Some(Listing { args, chooses: CHOOSING.iter().any(|choosing| line.has(*choosing)) })
    }

    fn afresh(&self) -> Box<dyn Tool> {
        Box::new(Self::default())
    }

    fn read_ahead(&self, files: &dyn Files) {
        let none = |_: &str| Variable::Unset;
        // Only the memo is wanted; whether the file can be read is for the calls to say.
        let _ = self.noxfiles.read(&rules().default_noxfile, files, &none, usize::MAX);
    }

    fn run(&self, request: &Request<'_>, most: Most) -> Result<Run, TooMuchWork> {
        run::run(request, most, &Nesting::new(&self.noxfiles, &self.facts))
    }
}

#[cfg(test)]
mod tests;
