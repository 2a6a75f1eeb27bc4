//! What one call of nox does: which sessions run, what they build, and where.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use super::argv::NoxCall;
use super::call_work::CallWork;
use super::file_facts::FileFacts;
use super::install::InstallPlace;
use super::nested::{self, Nesting};
use super::noxfile::{COPIES_PER_STEP, Effects, NestedCall, NoxfileReader, PythonValue, join};
use super::reuse::Setting;
use super::select::{Candidate, Selection};
use super::session::{bodies, describe, own_reuse};
use super::{argv, backend, install, noxfile, reuse, select};
use crate::base::path::parent;
use crate::rules::nox::{Meaning, rules};
use crate::rules::publishers::publishers;
use crate::tool::{
    Answer, Argument, Backend, Files, Loading, Most, OutsideFolder, Request, Reuse, Run, Session,
    TooMuchWork,
};

/// What it costs to put a file that decides what is installed into a key.
const STEPS_PER_FILE: usize = 16;

pub(super) fn run(
    request: &Request<'_>,
    most: Most,
    nesting: &Nesting<'_>,
) -> Result<Run, TooMuchWork> {
    let call = argv::parse(request.args);
    let mut run = start(&call);
    if let Some((answer, why)) = leaves_early(&call) {
        run.creates_env = answer;
        run.why = why;
        return Ok(run);
    }
    let Some(path) = noxfile_path(&call, request) else {
        run.undecided.push("cachelint doesn't know which noxfile is used".to_owned());
        return Ok(run);
    };
    let reader = nesting.noxfiles.read(&path, request.files, request.env, most.loading)?;
    let mut work = CallWork::new(most);
    let folder = parent(&path);
    match env_dir(&call, request.args, reader.as_ref(), folder) {
        Ok(dir) => run.env_dirs.push(dir),
        Err(why) => run.undecided.push(why),
    }
    let mut needs_environment = false;
    match reader {
        Some(reader) => {
            needs_environment = reader.needs_environment;
            run.loading = reader.loading;
            work.spend(reader.copied() / COPIES_PER_STEP)?;
            let calls = follow(&mut run, &call, request, reader, nesting.facts, &mut work)?;
            let calls: Vec<_> = calls.iter().map(|(call, certain)| (call, *certain)).collect();
            nested::add(&mut run, &calls, request, &path, nesting, &mut work)?;
        }
        None => without_noxfile(&mut run, &call, &path, request.files),
    }
    if run.creates_env == Answer::No {
        run.env_dirs.clear();
    } else if needs_environment && request.script.is_none() {
        add_script_environment(&mut run, request.folder);
    }
    run.work = work.spent();
    Ok(run)
}

/// What holds before the noxfile is read.
fn start(call: &NoxCall) -> Run {
    Run {
        creates_env: Answer::Unknown,
        creates_by_default: false,
        why: "not decided".to_owned(),
        env_dirs: Vec::new(),
        reuse: Reuse::Unknown,
        off_by_default: false,
        reuse_why: "not decided".to_owned(),
        reuse_refused: None,
        can_insert_reuse_flag: true,
        sessions: Vec::new(),
        sessions_known: false,
        installs_anything: Answer::Unknown,
        installs_skipped: call.has(Meaning::ReuseNoInstall) || call.has(Meaning::NoInstall),
        install_only: call.has(Meaning::InstallOnly),
        backend: Backend::default(),
        definition_files: Vec::new(),
        install_files: Vec::new(),
        copies_source: false,
        unpinned: false,
        unlocked: false,
        unfollowed: None,
        newest: None,
        foreign_code: None,
        exact_installer: false,
        publishes: None,
        removes: Vec::new(),
        leftovers: BTreeSet::new(),
        changes_folder: false,
        outside: Vec::new(),
        calls_again: Vec::new(),
        undecided: Vec::new(),
        work: 0,
        loading: Loading::default(),
    }
}

/// Calls that end before any session is looked at.
fn leaves_early(call: &NoxCall) -> Option<(Answer, String)> {
    let no = |why: &str| Some((Answer::No, why.to_owned()));
    if let Some(error) = &call.error {
        return Some((Answer::Unknown, error.clone()));
    }
    for (meaning, why) in [
        (Meaning::Help, "only prints its help"),
        (Meaning::Version, "only prints its version"),
        (Meaning::List, "only lists sessions"),
        (Meaning::Usage, "only prints what a session is for"),
        (Meaning::Json, "`--json` without `--list` is an error"),
    ] {
        // Words that are not known may add the `--list` that makes `--json` a listing: no
        // environment either way.
        if call.has(meaning) {
            return no(why);
        }
    }
    None
}

/// The noxfile, relative to the repository root; `None` when its name is not known or it lies
/// outside.
fn noxfile_path(call: &NoxCall, request: &Request<'_>) -> Option<String> {
    let name = match (request.script, call.one(Meaning::Noxfile)) {
        (_, Some(given)) => given.value.as_deref()?,
        (Some(script), None) => script,
        (None, None) => &rules().default_noxfile,
    };
    let path = join(request.folder, name);
    // nox expands variables in this one option.
    (!path.contains('$') && inside(&path)).then_some(path)
}

fn inside(path: &str) -> bool {
    !path.starts_with('/') && path != ".." && !path.starts_with("../")
}

/// The environment folder, relative to the repository root.
fn env_dir(
    call: &NoxCall,
    words: &[Argument],
    reader: Option<&NoxfileReader<'_>>,
    folder: &str,
) -> Result<String, String> {
    let option = reader.and_then(|r| r.options.get("envdir"));
    let name = match (call.one(Meaning::Envdir), option) {
        (Some(given), _) => given.value.clone(),
        (None, Some(option)) => option.text().map(str::to_owned),
        (None, None) => Some(rules().default_envdir.clone()),
    };
    let Some(name) = name else {
        return Err("the environment folder's name is computed".to_owned());
    };
    // The shell turns `~` into the home folder, but not inside a word; nox itself does not.
    let inside_word = |word: &Argument| {
        word.value.as_ref().is_some_and(|word| word.ends_with(&format!("={name}")))
    };
    let at_home = name.starts_with("~/");
    if at_home && (call.one(Meaning::Envdir).is_none() || words.iter().any(inside_word)) {
        return Err(format!("nothing expands the `~` of the environment folder `{name}`"));
    }
    if (name.starts_with('/') && name.len() > 1) || at_home {
        return Ok(name.trim_end_matches('/').to_owned());
    }
    let dir = join(folder, &name);
    if inside(&dir) && !dir.is_empty() {
        Ok(dir)
    } else {
        Err(format!("the environment folder `{name}` is outside the repository"))
    }
}

fn without_noxfile(run: &mut Run, call: &NoxCall, path: &str, files: &dyn Files) {
    let global = reuse::global(call, None);
    run.why = match files.is_tracked(path) {
        true => noxfile::unread(path),
        false => format!("`{path}` isn't in the repository"),
    };
    run.undecided.push(run.why.clone());
    run.reuse = match global.setting {
        Setting::Always | Setting::Yes => Reuse::On,
        Setting::Never => Reuse::Off,
        Setting::No | Setting::Unknown => Reuse::Unknown,
    };
    run.can_insert_reuse_flag = !global.line_refuses;
    (run.reuse_why, run.reuse_refused) = (global.why, global.refused);
    run.creates_by_default = !call.incomplete;
    run.off_by_default =
        !call.incomplete && run.reuse == Reuse::Unknown && !call.has(Meaning::ReuseVenv);
    if backend::forced_none(call) {
        run.creates_by_default = false;
        (run.creates_env, run.why) = (Answer::No, "`--no-venv` on the command line".to_owned());
    }
}

/// A noxfile with an inline script header gets an environment of its own, below the folder of the
/// call.
fn add_script_environment(run: &mut Run, folder: &str) {
    let dir = join(folder, &rules().script_env_dir);
    if !run.env_dirs.iter().any(|d| dir.starts_with(&format!("{d}/"))) {
        run.env_dirs.push(dir);
        run.env_dirs.sort();
    }
}

/// Decides everything that the noxfile says, but for the calls of nox in its sessions: these are
/// returned, with whether their session surely runs.
fn follow(
    run: &mut Run,
    call: &NoxCall,
    request: &Request<'_>,
    mut reader: NoxfileReader<'_>,
    facts: &FileFacts,
    work: &mut CallWork,
) -> Result<Vec<(NestedCall, bool)>, TooMuchWork> {
    let global = reuse::global(call, Some(&reader));
    if reader.bare_packages.is_empty() {
        let unseen = select::unseen_defaults(&reader, work)?;
        reader.hidden_sessions.extend(unseen);
    }
    let index = select::all(call, request.env, &reader, work)?;
    let mut selection = select::select(call, request.env, &reader, &index, work)?;
    let (certain, possible) = bodies(&mut selection, &index, &mut reader, work)?;
    // Where all other sessions are in sight, a name that is missing here is that of an imported
    // one.
    let elsewhere =
        reader.bare_packages.first().filter(|_| reader.hidden_sessions.is_empty()).cloned();
    let all_found = selection.missing.is_empty() || elsewhere.is_some();
    let hidden = reader.hidden_sessions.first().cloned();
    let out_of_sight = hidden.filter(|_| !all_found || selection.more);
    let exact = selection.doubts.is_empty()
        && all_found
        && selection.possible.is_empty()
        && !call.incomplete;
    let default_backend = backend::of_call(call, request.env, &reader);
    let mut session = |(candidate, effects): &(Candidate, Rc<Effects>)| {
        describe(candidate, effects, &reader, &default_backend, &global, run)
    };
    let sure: Vec<Session> = certain.iter().map(&mut session).collect();
    let maybe: Vec<Session> = possible.iter().map(&mut session).collect();

    let any_sure = Answer::any(sure.iter().map(|s| s.creates_env));
    run.creates_env = match any_sure {
        _ if sure.is_empty() && maybe.is_empty() && exact && !selection.missing.is_empty() => {
            Answer::No
        }
        // A call that runs nothing that is seen ends in an error, or runs what is not seen.
        _ if sure.is_empty() && maybe.is_empty() => Answer::Unknown,
        Answer::Yes | Answer::No if exact => any_sure,
        Answer::Yes => Answer::Yes,
        _ if !all_found || selection.more => Answer::Unknown,
        // Some of these run, it is not known which.
        _ if reader.hidden_sessions.is_empty() && reader.bare_packages.is_empty() => {
            Answer::one_of(sure.iter().chain(&maybe).map(|s| s.creates_env))
        }
        _ => Answer::Unknown,
    };
    if call.incomplete && run.creates_env == Answer::Yes {
        run.creates_env = Answer::Unknown;
    }
    if selection.none_asked {
        run.creates_env = Answer::No;
    }
    // All sessions are in sight, and one that is asked for is none of them. A noxfile without any
    // gets them from somewhere that is not seen.
    let fails = (!all_found || selection.none_fits)
        && !reader.sessions.is_empty()
        && reader.hidden_sessions.is_empty()
        && selection.doubts.is_empty()
        && !selection.more
        && !call.incomplete
        && !reader.foreign;
    if fails {
        run.creates_env = Answer::Unknown;
    }
    // A name that is not known may be that of a session out of sight.
    let hidden = sure.is_empty() && !reader.hidden_sessions.is_empty();
    if run.creates_env == Answer::Unknown
        && !call.incomplete
        && !reader.foreign
        && (hidden || sure.is_empty() && maybe.is_empty() || !selection.missing.is_empty())
        && !fails
    {
        run.creates_by_default = backend::creates(&default_backend.of_session(None)) == Answer::Yes;
    }
    let all: Vec<Session> = sure.into_iter().chain(maybe).collect();
    run.why = match elsewhere
        .filter(|_| run.creates_env == Answer::No && !selection.missing.is_empty())
    {
        Some(package) => format!("sessions that come from `{package}` have no environments"),
        None => why(run.creates_env, &selection, &all, call),
    };
    let builds = || all.iter().filter(|s| s.creates_env != Answer::No);
    let refusing = certain
        .iter()
        .chain(&possible)
        .find(|(c, _)| own_reuse(c, &reader) == &PythonValue::Bool(false));
    run.reuse = match reuse::over(builds().map(|s| s.reuse), exact) {
        Some(_) if call.incomplete && global.setting == Setting::Unknown => Reuse::Unknown,
        Some(reuse) => reuse,
        // No session is known: only what goes over a session's head decides.
        None => match global.setting {
            Setting::Always | Setting::Yes => Reuse::On,
            Setting::Never => Reuse::Off,
            Setting::No if exact => Reuse::Off,
            _ => Reuse::Unknown,
        },
    };
    run.reuse_why = match run.reuse {
        Reuse::Mixed => "some sessions set `reuse_venv=` themselves".to_owned(),
        Reuse::On if matches!(global.setting, Setting::No | Setting::Never) => {
            "`reuse_venv=True` at the session".to_owned()
        }
        Reuse::Unknown if matches!(global.setting, Setting::Yes | Setting::No) => {
            "unknown sessions may set `reuse_venv=` themselves".to_owned()
        }
        Reuse::Off if matches!(global.setting, Setting::Yes) => {
            "`reuse_venv=False` at the session".to_owned()
        }
        _ => global.why.clone(),
    };
    run.off_by_default = run.reuse == Reuse::Unknown
        && run.creates_by_default
        && global.setting == Setting::No
        && !call.incomplete;
    run.reuse_refused =
        global.refused.clone().or_else(|| refusing.map(|_| "reuse_venv=False".to_owned()));
    run.can_insert_reuse_flag = !global.line_refuses && refusing.is_none();
    run.sessions_known = exact;
    run.installs_anything = if all.is_empty() {
        Answer::Unknown
    } else if selection.more {
        Answer::any(all.iter().map(|s| s.installs_anything).chain([Answer::Unknown]))
    } else if exact {
        Answer::any(all.iter().map(|s| s.installs_anything))
    } else {
        Answer::one_of(all.iter().map(|s| s.installs_anything))
    };
    let mut names: Vec<String> = Vec::new();
    for name in builds().flat_map(|s| &s.backend.names) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    run.backend = if builds().any(|s| s.backend.names.is_empty()) {
        Backend::default()
    } else {
        Backend { names }
    };
    run.sessions = all;

    let handed: Vec<Option<&str>> = request
        .args
        .iter()
        .skip_while(|word| word.value.as_deref() != Some("--"))
        .skip(1)
        .map(|word| word.value.as_deref())
        .collect();
    // Each body once, and whether a session with it surely runs.
    let mut bodies: HashSet<*const Effects> = HashSet::new();
    let mut surely = certain.iter().map(|_| true).chain(possible.iter().map(|_| false));
    let followed = certain.iter().chain(&possible).map(|(_, effects)| Rc::clone(effects));
    let effects: Vec<(Rc<Effects>, bool)> = followed
        .zip(&mut surely)
        .filter(|(effects, _)| bodies.insert(Rc::as_ptr(effects)))
        .collect();
    for (effects, _) in effects.iter().filter(|(_, surely)| *surely) {
        if run.publishes.is_none() {
            let open =
                || effects.open_commands.iter().find_map(|words| publishes_with(words, &handed));
            run.publishes = effects.publishes.clone().or_else(open);
        }
        run.removes.extend(effects.removes.iter().cloned());
    }
    let (effects, surely): (Vec<Rc<Effects>>, Vec<bool>) = effects.into_iter().unzip();
    // Sessions that run programs nobody is seen to install get them in a way that is not
    // understood.
    let unseen = !exact || effects.iter().all(|e| e.installs.is_empty() && (e.opaque || e.runs));
    let hands_archives = handed.iter().flatten().any(|word| install::is_archive(word));
    let place = InstallPlace { folder: &reader.folder, files: request.files, facts };
    let mut installs = install::collect(&effects, &reader.reads, place, hands_archives);
    if unseen && installs.files.is_empty() {
        let opaque = Rc::new(Effects { opaque: true, ..Effects::default() });
        installs.files = install::collect(&[opaque], &[], place, false).files;
    }
    work.spend(installs.files.len() * STEPS_PER_FILE)?;
    run.unpinned = installs.unpinned;
    run.unlocked = installs.unlocked || installs.computed;
    run.unfollowed = installs.unfollowed.take();
    // Sessions of other packages install what these say.
    if let Some(why) = out_of_sight {
        run.unlocked = true;
        run.unfollowed.get_or_insert(why);
    }
    run.newest = installs.newest.take();
    run.foreign_code.clone_from(&reader.foreign_code);
    run.copies_source = installs.copies_source;
    run.exact_installer = {
        let mut commands = effects.iter().flat_map(|e| &e.installs).peekable();
        commands.peek().is_some()
            && commands.all(|i| i.exact)
            && !effects.iter().any(|e| e.opaque)
            && exact
    };
    run.leftovers = effects.iter().flat_map(|e| e.leftovers.iter().cloned()).collect();
    run.changes_folder = effects.iter().any(|e| e.changes_folder);
    let keepers: BTreeSet<&String> = effects.iter().flat_map(|e| &e.keepers).collect();
    let kept = rules().session_caches.iter().filter(|cache| keepers.contains(&cache.path));
    let outside = kept.map(|cache| {
        let follows = join(&reader.folder, &cache.follows);
        let follows = request.files.is_tracked(&follows).then_some(follows);
        OutsideFolder { path: cache.path.clone(), variable: &cache.variable, follows }
    });
    run.outside = outside.collect();
    let definitions = reader.definition_files();
    run.install_files = installs.files.into_iter().filter(|f| !definitions.contains(f)).collect();
    run.definition_files = definitions.into_iter().collect();
    // Tables that the noxfile reads while it loads define sessions as much as its own text.
    for path in reader.reads.iter().filter(|path| is_table(path)) {
        let path = join(&reader.folder, path);
        if request.files.is_tracked(&path) && !run.definition_files.contains(&path) {
            run.install_files.retain(|file| *file != path);
            run.definition_files.push(path);
        }
    }
    run.undecided.extend(selection.doubts);
    if !all_found {
        run.undecided.extend(selection.missing.iter().map(|name| match fails {
            true => format!("the noxfile has no session `{name}`, so nox fails here"),
            false => format!("no session `{name}` was found in the noxfile"),
        }));
    }
    if fails && all_found {
        let why =
            "no session of the noxfile has these tags, keywords and Pythons, so nox fails here";
        run.undecided.push(why.to_owned());
    }
    if !selection.missing.is_empty() {
        run.undecided.extend(reader.hidden_sessions.iter().cloned());
    }
    if call.incomplete {
        run.undecided.push("part of the command line is unknown".to_owned());
    }
    if installs.computed {
        run.undecided.push("the noxfile computes some of what it installs".to_owned());
    }
    let mut seen = BTreeSet::new();
    run.undecided.retain(|reason| seen.insert(reason.clone()));
    let of = |(effects, certain): (&Rc<Effects>, bool)| {
        effects.nested.clone().into_iter().map(move |call| (call, certain))
    };
    Ok(effects.iter().zip(surely).flat_map(of).collect())
}

/// What a command publishes that ends in the words after `--`; one that is not known may be any.
fn publishes_with(words: &[String], handed: &[Option<&str>]) -> Option<String> {
    let known = handed.iter().map_while(|word| *word);
    let all: Vec<&str> = words.iter().map(String::as_str).chain(known).collect();
    if all.len() == words.len() + handed.len() {
        return publishers().words(&all).map(str::to_owned);
    }
    let may = publishers().may_become(&all);
    may.then(|| "may publish with the words after `--`".to_owned())
}

/// TOML, JSON or YAML.
fn is_table(path: &str) -> bool {
    [".toml", ".json", ".yaml", ".yml"].iter().any(|end| path.ends_with(end))
}

fn why(answer: Answer, selection: &Selection, sessions: &[Session], call: &NoxCall) -> String {
    match answer {
        Answer::No if selection.none_asked => {
            "no session is selected, so nox only lists them".to_owned()
        }
        Answer::No if backend::forced_none(call) => "`--no-venv` on the command line".to_owned(),
        Answer::No => match sessions {
            [one] => format!("the session `{}` has no environment", one.name),
            _ => "none of its sessions has an environment".to_owned(),
        },
        Answer::Yes => match sessions.iter().find(|s| s.creates_env == Answer::Yes) {
            Some(session) => format!("the session `{}` gets an environment", session.name),
            None => "its sessions get environments".to_owned(),
        },
        Answer::Unknown => match selection.missing.first() {
            Some(name) => format!("no session `{name}` was found in the noxfile"),
            None => "cachelint doesn't know which sessions run or whether they have environments"
                .to_owned(),
        },
    }
}
