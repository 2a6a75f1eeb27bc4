//! An inserted cache step as lines of its file, and the ways to change it.

use crate::facts::{Call, Leg};

/// The lines of an inserted cache step, among those of its file.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    pub path: &'a str,
    pub lines: &'a [String],
    pub start: usize,
    pub end: usize,
    /// All cache steps of the repository.
    pub legs: &'a [Leg],
}

/// The file with a break, where the break applies.
pub type Broken = Option<Vec<String>>;

impl<'a> Block<'a> {
    /// Every inserted step of the file.
    pub fn all(path: &'a str, lines: &'a [String], legs: &'a [Leg]) -> Vec<Self> {
        let caches =
            |i: &usize| lines[*i].contains("uses: ") && lines[*i].contains("actions/cache@");
        let found = (0..lines.len()).filter(caches).filter_map(|uses| {
            let start = (0..=uses).rev().find(|i| lines[*i].trim_start().starts_with("- "))?;
            let indent = indent_of(&lines[start]);
            let beyond =
                |i: &usize| !lines[*i].trim().is_empty() && indent_of(&lines[*i]) <= indent;
            let end = (start + 1..lines.len()).find(beyond).unwrap_or(lines.len());
            let found = Self { path, lines, start, end, legs };
            found.job().is_some().then_some(found)
        });
        found.collect()
    }

    /// The job as an inserted key names it: by the id of a job above, or by an expression in an
    /// action.
    fn job(&self) -> Option<&'a str> {
        const EXPRESSION: &str = "${{ github.job }}";
        let key = |line: &'a String| line.trim_start().strip_prefix("key: nox-");
        let key = self.lines[self.start..self.end].iter().find_map(key)?;
        if key.starts_with(EXPRESSION) {
            return Some(EXPRESSION);
        }
        let (id, _) = key.split_once("-${{")?;
        let is_job = |line: &String| line.trim().strip_suffix(':') == Some(id);
        self.lines[..self.start].iter().any(is_job).then_some(id)
    }

    /// The step on each instance.
    fn own_legs(&self) -> impl Iterator<Item = &'a Leg> {
        self.legs.iter().filter(|l| l.path == self.path && (self.start..self.end).contains(&l.line))
    }

    /// Every line of the step changed by `change`; nothing where it changes none.
    fn each(&self, change: impl Fn(&str) -> Vec<String>) -> Broken {
        let mut new = self.lines[..self.start].to_vec();
        self.lines[self.start..self.end].iter().for_each(|l| new.extend(change(l)));
        new.extend_from_slice(&self.lines[self.end..]);
        (new != self.lines).then_some(new)
    }

    pub fn reference(&self, reference: &str) -> Broken {
        self.each(|line| match line.split_once("actions/cache@") {
            Some((before, _)) => vec![format!("{before}actions/cache@{reference}")],
            None => vec![line.to_owned()],
        })
    }

    /// Before the checkout.
    pub fn first(&self) -> Broken {
        let indent = indent_of(&self.lines[self.start]);
        let steps =
            (0..self.start).rev().find(|i| self.lines[*i].trim_end().ends_with("steps:"))?;
        let first = steps + 1;
        let checks_out =
            self.lines[first..self.start].iter().any(|l| l.contains("actions/checkout@"));
        let mut new = self.lines.to_vec();
        let step: Vec<String> = new.drain(self.start..self.end).collect();
        new.splice(first..first, step);
        (checks_out && !self.is_asked() && indent_of(&self.lines[first]) == indent).then_some(new)
    }

    /// Behind all other steps of the job.
    pub fn last(&self) -> Broken {
        let end = self.job_end()?;
        let mut new = self.lines.to_vec();
        new.splice(end..end, self.lines[self.start..self.end].to_vec());
        new.drain(self.start..self.end);
        (!self.is_asked()).then_some(new)
    }

    /// After the last line of the job's steps.
    fn job_end(&self) -> Option<usize> {
        let indent = indent_of(&self.lines[self.start]);
        let beyond =
            |i: &usize| !self.lines[*i].trim().is_empty() && indent_of(&self.lines[*i]) < indent;
        let end = (self.end..self.lines.len()).find(beyond).unwrap_or(self.lines.len());
        Some((self.end..end).rev().find(|i| !self.lines[*i].trim().is_empty())? + 1)
    }

    pub fn path(&self, change: impl Fn(&str) -> String) -> Broken {
        self.each(|line| match line.split_once("path: ") {
            Some((before, path)) if path != "|" => vec![format!("{before}path: {}", change(path))],
            _ => vec![line.to_owned()],
        })
    }

    fn key(&self, change: impl Fn(&str) -> String) -> Broken {
        self.each(|line| match line.split_once("key: ") {
            Some((before, key)) if before.trim().is_empty() => {
                vec![format!("{before}key: {}", change(key))]
            }
            _ => vec![line.to_owned()],
        })
    }

    fn is_restore(line: &str) -> bool {
        line.trim_start().starts_with("nox-")
    }

    pub fn restore(&self, change: impl Fn(&str) -> Vec<String>) -> Broken {
        self.each(|line| {
            if !Self::is_restore(line) {
                return vec![line.to_owned()];
            }
            let (indent, text) = line.split_at(indent_of(line));
            change(text).into_iter().map(|l| format!("{indent}{l}")).collect()
        })
    }

    /// The key, and the restore key where there is one.
    pub fn both(&self, change: impl Fn(&str) -> String) -> Broken {
        let lines = self.restore(|r| vec![change(r)]).unwrap_or_else(|| self.lines.to_vec());
        Block { lines: &lines, ..*self }.key(change)
    }

    pub fn everywhere(&self, old: &str, new: &str) -> Broken {
        self.each(|line| vec![line.replace(old, new)])
    }

    /// The keys of a job of whose legs two certainly build different environments.
    pub fn of_legs(&self, change: impl Fn(&str) -> String) -> Broken {
        let legs: Vec<&Leg> = self.own_legs().collect();
        let differ = legs.iter().any(|a| legs.iter().any(|b| a.builds_other_than(b)));
        differ.then(|| self.keys(change))?
    }

    /// The keys of two jobs that certainly build different environments, and which then are the
    /// same.
    pub fn of_jobs(&self, change: impl Fn(&str, &str) -> String) -> Broken {
        let said = |b: &Block<'_>, name: &str| {
            let line = b.lines[b.start..b.end].iter().find(|l| l.trim_start().starts_with(name));
            line.map(|l| change(l.trim_start(), b.job().unwrap_or_default()))
        };
        let key =
            said(self, "key: ").filter(|k| !k.contains("matrix.") && !k.contains("inputs."))?;
        let path = said(self, "path: ")?;
        let same = |b: &Block<'_>| {
            said(b, "key: ").as_ref() == Some(&key) && said(b, "path: ").as_ref() == Some(&path)
        };
        let differ = |b: &Block<'_>| {
            self.own_legs().any(|own| {
                b.own_legs().any(|other| own.has_keys_of(other) && own.builds_other_than(other))
            })
        };
        let all = Self::all(self.path, self.lines, self.legs);
        let rival = all.iter().find(|b| b.start > self.start && same(b) && differ(b))?;
        let of = |block: &Block<'_>| {
            let id = block.job().unwrap_or_default().to_owned();
            block.keys(|text| change(text, &id))
        };
        let lines = of(self)?;
        of(&Block { lines: &lines, ..*rival })
    }

    fn keys(&self, change: impl Fn(&str) -> String) -> Broken {
        self.each(|l| {
            vec![if l.contains("key: nox-") || Self::is_restore(l) {
                change(l)
            } else {
                l.to_owned()
            }]
        })
    }

    /// `nox -r` after the step, up to the end of its job, becomes `nox` with `flag`, where that is
    /// a flaw: on some instance the lines changed hold the call that `decides`.
    pub fn calls(
        &self,
        flag: &str,
        decides: impl Fn(&[Call], &dyn Fn(&Call) -> bool) -> bool,
    ) -> Broken {
        let end = self.job_end()?;
        let mut new = self.lines.to_vec();
        new[self.end..end].iter_mut().for_each(|l| *l = l.replace("nox -r", &format!("nox{flag}")));
        let changed = |call: &Call| call.line.is_some_and(|l| new.get(l) != self.lines.get(l));
        self.own_legs().any(|leg| decides(&leg.calls, &changed)).then_some(new)
    }

    /// Whether a step after it asks whether its hit was exact: then it cannot move alone.
    fn is_asked(&self) -> bool {
        self.lines[self.start..self.end].iter().any(|l| l.contains("id: nox-cache"))
    }

    /// A change of the keys that is a flaw only where no input can make them differ from run to
    /// run.
    pub fn of_no_input(&self, broken: Broken) -> Broken {
        let names_input = self.lines[self.start..self.end].iter().any(|l| l.contains("{ inputs."));
        broken.filter(|_| !names_input)
    }

    /// A change of the step that is a flaw only where the interpreter that is set up builds the
    /// environments.
    pub fn of_set_up(&self, change: impl Fn(&Self) -> Broken) -> Broken {
        self.own_legs().any(Leg::uses_set_up).then(|| change(self))?
    }

    /// A change of the keys that is a flaw only where no step before brings files of which the
    /// repository knows nothing.
    pub fn of_own(&self, change: impl Fn(&str) -> String) -> Broken {
        let steps =
            (0..self.start).rev().find(|i| self.lines[*i].trim_end().ends_with("steps:"))?;
        let brings = |line: &String| {
            ["download", "clone", "make ", "compile", "export"].iter().any(|w| line.contains(w))
        };
        let only_own = self.own_legs().all(|leg| leg.only_own_files)
            && !self.lines[steps..self.start].iter().any(brings);
        only_own.then(|| self.both(change))?
    }

    /// A change of the keys that is a flaw only where packages without a version stay in the
    /// environments.
    pub fn of_unpinned(&self, change: impl Fn(&str) -> String) -> Broken {
        let unpinned =
            self.own_legs().any(|leg| leg.calls.iter().any(|c| c.creates && c.keeps_unpinned));
        unpinned.then(|| self.both(change))?
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
