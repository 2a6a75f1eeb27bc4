//! Which sessions a call runs: nox's names, tags, keywords and interpreters against what the
//! noxfile defines.

mod index;
mod matching;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::rules::nox::{Meaning, rules};
use crate::tool::{Argument, Interpreter, TooMuchWork, Variable};

pub use self::index::SessionIndex;
use self::matching::{Keywords, Match, WordSet, by_python, by_tag};
use super::argv::NoxCall;
use super::call_work::CallWork;
use super::noxfile::{Definition, MAX_SESSIONS, NoxfileReader, PythonValue, Pythons};

/// One session that the noxfile makes.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its place among all sessions.
    pub place: usize,
    /// Index of its definition.
    pub definition: usize,
    /// Every name `-s` takes for it, the fullest first; `None` when its name is computed.
    pub names: Option<Vec<String>>,
    pub python: Interpreter,
    /// `python=False`, and no interpreter forced.
    pub no_python: bool,
    /// Its interpreters or parameters are computed: it stands for all of them.
    pub computed_variants: bool,
    tags: Option<Vec<String>>,
}

/// What a call runs.
#[derive(Debug, Default)]
pub struct Selection {
    pub certain: Vec<Candidate>,
    pub possible: Vec<Candidate>,
    /// Names that are asked for and not found.
    pub missing: Vec<String>,
    /// Why more, or fewer, may run.
    pub doubts: Vec<String>,
    /// Sessions run besides these that are not known.
    pub more: bool,
    /// Nothing is asked for: nox lists its sessions and leaves.
    pub none_asked: bool,
    /// No session has the tags, keywords and Pythons that are asked for: nox fails.
    pub none_fits: bool,
}

/// Words of a list setting: the command line's, else the environment's, else (unless `own` is off)
/// the noxfile's.
struct ListSetting(Vec<Argument>);

impl ListSetting {
    fn from_line(call: &NoxCall, meaning: Meaning, env: &dyn Fn(&str) -> Variable) -> Option<Self> {
        if let Some(list) = call.list(meaning) {
            return Some(Self(list.to_vec()));
        }
        let (variable, _) = rules().variables.iter().find(|(_, m)| **m == meaning)?;
        match env(variable) {
            Variable::Set(value) if !value.is_empty() => {
                Some(Self(value.split(',').map(Argument::known).collect()))
            }
            Variable::Unknown => Some(Self(vec![Argument::unknown("", true)])),
            Variable::Set(_) | Variable::Unset => None,
        }
    }

    fn from_option(value: Option<&PythonValue>) -> Option<Self> {
        match value? {
            PythonValue::None => None,
            PythonValue::List(items) => {
                let word = |v: &PythonValue| {
                    v.text().map_or_else(|| Argument::unknown("", false), Argument::known)
                };
                Some(Self(items.iter().map(word).collect()))
            }
            _ => Some(Self(vec![Argument::unknown("", true)])),
        }
    }

    fn known(&self) -> Vec<&str> {
        self.0.iter().filter_map(|a| a.value.as_deref()).collect()
    }

    fn unknown(&self) -> impl Iterator<Item = &Argument> {
        self.0.iter().filter(|a| a.value.is_none())
    }
}

/// Names and tags of sessions that a word is compared with at the price of one step.
const WORDS_PER_STEP: usize = 16;
/// Names in `requires=` that are looked up for one call.
const MAX_REQUIRED: usize = 4_000;

/// The sessions that `call` runs, `requires=` included.
pub fn select(
    call: &NoxCall,
    env: &dyn Fn(&str) -> Variable,
    reader: &NoxfileReader<'_>,
    index: &SessionIndex,
    work: &mut CallWork,
) -> Result<Selection, TooMuchWork> {
    let mut selection = Selection::default();
    let (mut names, mut tags) = (
        ListSetting::from_line(call, Meaning::Sessions, env),
        ListSetting::from_line(call, Meaning::Tags, env),
    );
    let mut keywords = call.one(Meaning::Keywords).cloned();
    if names.is_none() && tags.is_none() && keywords.is_none() {
        let option = |name: &str| reader.options.get(name);
        (names, tags) = (
            ListSetting::from_option(option("sessions")),
            ListSetting::from_option(option("tags")),
        );
        keywords = option("keywords").filter(|v| **v != PythonValue::None).map(|v| match v {
            PythonValue::Str(text) => Argument::known(text),
            _ => Argument::unknown("", false),
        });
    }
    let forced =
        ListSetting::from_line(call, Meaning::ForcePythons, env).filter(|w| !w.0.is_empty());
    let pythons = forced
        .or_else(|| ListSetting::from_line(call, Meaning::Pythons, env))
        .or_else(|| ListSetting::from_option(reader.options.get("pythons")))
        .filter(|w| !w.0.is_empty());
    let filters = tags.is_some() || keywords.is_some();
    if !filters && names.as_ref().is_some_and(|words| words.0.is_empty()) {
        selection.none_asked = true;
        return Ok(selection);
    }
    let keywords = keywords.map(|word| word.value.as_deref().map(Keywords::new));
    work.spend(match &names {
        // A word that is not known is compared with all.
        Some(names) if !filters => {
            names.0.len() * index.lookup_steps() + names.unknown().count() * index.all.len()
        }
        _ => index.all.len(),
    })?;
    let by_keywords = keywords.iter().flatten().map(Keywords::len).sum::<usize>();
    let by_tags = usize::from(tags.is_some());
    work.spend((by_keywords + by_tags) * index.words / WORDS_PER_STEP)?;
    let (tags, pythons) = (tags.as_ref().map(WordSet::of), pythons.as_ref().map(WordSet::of));
    for (place, mut matched) in asked(names.as_ref().filter(|_| !filters), filters, index, reader) {
        let candidate = &index.all[place];
        if let Some(words) = &pythons {
            matched = matched.and(by_python(words, candidate));
        }
        if let Some(words) = &tags {
            matched = matched.and(by_tag(words, candidate));
        }
        if let Some(keywords) = &keywords {
            let by_keyword = keywords.as_ref().map_or(Match::Maybe, |words| words.fit(candidate));
            matched = matched.and(by_keyword);
        }
        let defined = reader.sessions.get(candidate.definition).is_some_and(|d| d.certain);
        match matched {
            Match::Yes if defined => selection.certain.push(candidate.clone()),
            Match::Yes | Match::Maybe => selection.possible.push(candidate.clone()),
            Match::No => {}
        }
    }
    let none_fits = (filters || pythons.is_some())
        && selection.certain.is_empty()
        && selection.possible.is_empty();
    let unseen_tags = none_fits && has_unseen_tags(reader, index, work)?;
    selection.none_fits = none_fits && !unseen_tags;
    if unseen_tags {
        // Any session may have them, but for those of another Python.
        let fits =
            |c: &&Candidate| pythons.as_ref().is_none_or(|words| by_python(words, c) != Match::No);
        selection.possible = index.all.iter().filter(fits).cloned().collect();
    }
    if let (Some(words), false) = (&names, filters) {
        let missing = words.known().into_iter().filter(|word| !index.has(word));
        selection.missing = missing.map(str::to_owned).collect();
        selection.doubts.extend(words.unknown().map(|w| match w.prefix.as_str() {
            "" => "a session's name is computed".to_owned(),
            prefix => format!("a session's name is computed (`{prefix}…`)"),
        }));
    } else {
        // Without names every session counts, seen or not.
        selection.more = !reader.hidden_sessions.is_empty();
        selection.doubts.extend(reader.hidden_sessions.iter().cloned());
    }
    requires(&mut selection, call, index, reader, work)?;
    Ok(selection)
}

/// The sessions that the names ask for, or the default ones without names, before any filter.
fn asked(
    names: Option<&ListSetting>,
    filters: bool,
    index: &SessionIndex,
    reader: &NoxfileReader<'_>,
) -> BTreeMap<usize, Match> {
    let mut asked = BTreeMap::new();
    if let Some(words) = names {
        for (place, matched) in words.0.iter().flat_map(|word| index.meant(word)) {
            let so_far = asked.entry(place).or_insert(Match::No);
            *so_far = so_far.or(matched);
        }
        return asked;
    }
    let by_default = |candidate: &Candidate| {
        let definition = reader.sessions.get(candidate.definition);
        definition.and_then(|d| d.default.truth()).map_or(Match::Maybe, Match::when)
    };
    let of = |candidate| if filters { Match::Yes } else { by_default(candidate) };
    index.all.iter().enumerate().map(|(place, candidate)| (place, of(candidate))).collect()
}

/// Whether the noxfile names a tag as its default that no session has: it gives tags in a way not
/// seen.
fn has_unseen_tags(
    reader: &NoxfileReader<'_>,
    index: &SessionIndex,
    work: &mut CallWork,
) -> Result<bool, TooMuchWork> {
    let Some(tags) = ListSetting::from_option(reader.options.get("tags")) else {
        return Ok(false);
    };
    work.spend(tags.0.len() * index.words / WORDS_PER_STEP)?;
    let unseen = |tag: &&str| {
        let word = ListSetting(vec![Argument::known(*tag)]);
        let word = WordSet::of(&word);
        index.all.iter().all(|candidate| by_tag(&word, candidate) == Match::No)
    };
    Ok(tags.known().iter().any(unseen))
}

/// Sessions that the noxfile names as its defaults and that were not found in it: it makes sessions
/// in a way not seen.
pub fn unseen_defaults(
    reader: &NoxfileReader<'_>,
    work: &mut CallWork,
) -> Result<Vec<String>, TooMuchWork> {
    let Some(names) = ListSetting::from_option(reader.options.get("sessions")) else {
        return Ok(Vec::new());
    };
    let index = index_of(reader);
    work.spend(names.0.len() * index.lookup_steps())?;
    let unseen = names.known().into_iter().filter(|name| !index.has(name));
    let why = |name| format!("the noxfile's default session `{name}` wasn't found");
    Ok(unseen.map(why).collect())
}

fn requires(
    selection: &mut Selection,
    call: &NoxCall,
    index: &SessionIndex,
    reader: &NoxfileReader<'_>,
    work: &mut CallWork,
) -> Result<(), TooMuchWork> {
    if call.has(Meaning::NoDependencies) {
        return Ok(());
    }
    let mut seen: HashSet<(usize, Interpreter)> = HashSet::new();
    let mut left = MAX_REQUIRED;
    for certain in [true, false] {
        let chosen = if certain { &mut selection.certain } else { &mut selection.possible };
        let mut queue: Vec<Candidate> = chosen.clone();
        let mut present = places(chosen);
        while let Some(next) = queue.pop() {
            let id = (next.definition, next.python.clone());
            let Some(definition) =
                reader.sessions.get(next.definition).filter(|_| !seen.contains(&id))
            else {
                continue;
            };
            seen.insert(id);
            match &definition.requires {
                PythonValue::None => {}
                PythonValue::List(items) if items.len() > left => {
                    left = 0;
                    selection.more = true;
                    selection.doubts.push(format!(
                        "sessions have more than {MAX_REQUIRED} requirements on each other"
                    ));
                }
                PythonValue::List(items) => {
                    left -= items.len();
                    work.spend(items.len() * index.lookup_steps())?;
                    for wanted in items.iter() {
                        let found = index.named(&of_its_python(wanted, &next.python));
                        work.spend(found.len())?;
                        queue.extend(found.iter().cloned());
                        add(chosen, &mut present, found);
                    }
                }
                _ => {
                    selection.more = true;
                    selection.doubts.push("what a session requires is computed".to_owned());
                }
            }
        }
    }
    Ok(())
}

/// A required name, in which nox puts the version of the session that requires it.
fn of_its_python(wanted: &PythonValue, python: &Interpreter) -> PythonValue {
    match (wanted, python) {
        (PythonValue::Str(name), Interpreter::Named(version)) => {
            PythonValue::Str(name.replace("{python}", version).replace("{py}", version))
        }
        _ => wanted.clone(),
    }
}

/// The places of sessions.
pub fn places(of: &[Candidate]) -> HashSet<usize> {
    of.iter().map(|candidate| candidate.place).collect()
}

/// Adds those that are not there yet; `present` are the places of those that are.
pub fn add(to: &mut Vec<Candidate>, present: &mut HashSet<usize>, found: Vec<Candidate>) {
    to.extend(found.into_iter().filter(|candidate| present.insert(candidate.place)));
}

/// Every session the noxfile makes, with the interpreters that the command line adds.
pub fn all(
    call: &NoxCall,
    env: &dyn Fn(&str) -> Variable,
    reader: &NoxfileReader<'_>,
    work: &mut CallWork,
) -> Result<Arc<SessionIndex>, TooMuchWork> {
    let forced =
        ListSetting::from_line(call, Meaning::ForcePythons, env).filter(|w| !w.0.is_empty());
    let extra = ListSetting::from_line(call, Meaning::ExtraPythons, env);
    let Some(added) = forced.as_ref().or(extra.as_ref()) else { return Ok(index_of(reader)) };
    let each = if added.0.len() <= most_pythons(reader) { added.0.len().max(1) } else { 1 };
    work.spend(each * reader.sessions.iter().map(Definition::count).sum::<usize>())?;
    Ok(Arc::new(SessionIndex::new(expand(reader, Some(added), forced.is_some()))))
}

/// Every session the noxfile makes, found once for all calls.
pub fn index_of(reader: &NoxfileReader<'_>) -> Arc<SessionIndex> {
    let index =
        reader.index.get_or_init(|| Arc::new(SessionIndex::new(expand(reader, None, false))));
    Arc::clone(index)
}

fn expand(reader: &NoxfileReader<'_>, added: Option<&ListSetting>, forced: bool) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (index, definition) in reader.sessions.iter().enumerate() {
        let mut pythons = definition.pythons.clone();
        if let Some(words) = added {
            let is_known =
                words.unknown().next().is_none() && words.0.len() <= most_pythons(reader);
            let words = if is_known { Some(words.known()) } else { None };
            pythons = match (pythons, words) {
                (none @ (Pythons::None | Pythons::Own), _) if !forced => none,
                (_, None) => Pythons::Unknown,
                (Pythons::None | Pythons::Own, Some(more)) => {
                    Pythons::Many(more.into_iter().map(str::to_owned).collect())
                }
                (Pythons::One(one), Some(more)) => Pythons::Many(union(vec![one], &more)),
                (Pythons::Many(many), Some(more)) => Pythons::Many(union(many, &more)),
                (Pythons::Unknown, Some(_)) => Pythons::Unknown,
            };
        }
        match pythons {
            Pythons::Many(versions) => {
                for version in versions {
                    candidates(index, definition, Some(&version), true, &mut all);
                }
            }
            Pythons::One(version) => candidates(index, definition, Some(&version), false, &mut all),
            Pythons::Own => candidates(index, definition, None, false, &mut all),
            Pythons::None => {
                let from = all.len();
                candidates(index, definition, None, false, &mut all);
                all.iter_mut().skip(from).for_each(|c| c.no_python = true);
            }
            Pythons::Unknown => {
                let from = all.len();
                candidates(index, definition, None, false, &mut all);
                all.iter_mut()
                    .skip(from)
                    .for_each(|c| (c.computed_variants, c.python) = (true, Interpreter::Unknown));
            }
        }
    }
    all
}

/// How many interpreters the command line may add, so that the sessions can still be told apart.
fn most_pythons(reader: &NoxfileReader<'_>) -> usize {
    let made: usize = reader.sessions.iter().map(Definition::count).sum();
    MAX_SESSIONS / made.max(1)
}

fn union(mut list: Vec<String>, more: &[&str]) -> Vec<String> {
    for item in more {
        if !list.iter().any(|l| l == item) {
            list.push((*item).to_owned());
        }
    }
    list
}

/// The sessions of one definition with one interpreter; `multi` when it is one of several.
fn candidates(
    index: usize,
    definition: &Definition,
    python: Option<&str>,
    multi: bool,
    all: &mut Vec<Candidate>,
) {
    let own_tags = match &definition.tags {
        PythonValue::None => Some(Vec::new()),
        tags => tags.strings(),
    };
    let base = Candidate {
        place: 0,
        definition: index,
        names: None,
        python: python.map_or(Interpreter::Own, |p| Interpreter::Named(p.to_owned())),
        no_python: false,
        computed_variants: false,
        tags: own_tags.clone(),
    };
    let Some(name) = &definition.name else {
        all.push(Candidate { computed_variants: true, ..base });
        return;
    };
    let versioned = python.map(|p| format!("{name}-{p}"));
    let Some(parameters) = &definition.parameters else {
        let mut names: Vec<String> = if multi { Vec::new() } else { vec![name.clone()] };
        names.extend(versioned);
        names.push(name.clone());
        all.push(Candidate { names: Some(names), ..base });
        return;
    };
    let Some(sets) = &parameters.sets else {
        let names = versioned.into_iter().chain([name.clone()]).collect();
        // A parameter may be the interpreter.
        let python = if python.is_none() { Interpreter::Unknown } else { base.python };
        all.push(Candidate { names: Some(names), computed_variants: true, python, ..base });
        return;
    };
    for set in sets {
        let signature = format!("({})", set.signature);
        let own = set.python.as_ref().filter(|_| python.is_none());
        let mut names: Vec<String> =
            if multi { Vec::new() } else { vec![format!("{name}{signature}")] };
        names.extend(versioned.iter().map(|v| format!("{v}{signature}")));
        names.extend(versioned.clone());
        names.push(name.clone());
        let tags: Option<Vec<String>> =
            set.tags.iter().map(|t| t.text().map(str::to_owned)).collect();
        let tags = own_tags
            .iter()
            .zip(tags)
            .map(|(own, more)| own.iter().cloned().chain(more).collect())
            .next();
        let python = match own {
            Some(value) => {
                value.text().map_or(Interpreter::Unknown, |p| Interpreter::Named(p.to_owned()))
            }
            None => base.python.clone(),
        };
        let no_python = own == Some(&PythonValue::Bool(false));
        all.push(Candidate { names: Some(names), tags, python, no_python, ..base.clone() });
    }
}
