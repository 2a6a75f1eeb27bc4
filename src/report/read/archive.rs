//! The log archive of a GitHub run: `0_job.txt` per job at the top, and a folder per job with a
//! file per step.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::super::error::ReportError;
use super::super::job::JobRun;
use super::{Bounded, LARGEST, MOST, may_be_log, read_log};

/// A file to read, and the job it is of.
pub(super) struct Member {
    pub path: String,
    pub job: String,
}

/// The first step of every job of GitHub: where its file lies, the other files are steps too.
const FIRST_STEP: &str = "Set up job";

/// The folders in which archives were unpacked.
pub(super) fn roots(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut roots = BTreeSet::new();
    let mut jobs = BTreeSet::new();
    for file in files {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { continue };
        if let Some((_, rest)) = numbered(&name.to_string_lossy()) {
            roots.insert(folder.to_owned());
            if rest == FIRST_STEP {
                jobs.insert(folder.to_owned());
            }
        }
    }
    for job in jobs {
        roots.remove(&job);
        roots.extend(job.parent().map(Path::to_owned));
    }
    roots
}

fn numbered(name: &str) -> Option<(u32, &str)> {
    let (number, rest) = name.strip_suffix(".txt")?.split_once('_')?;
    (!rest.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .then_some((number.parse().ok()?, rest))
}

/// The whole jobs' files where there are any; else each job's step files in their order.
pub(super) fn members_to_read(paths: &[String]) -> Vec<Member> {
    let mut whole = BTreeMap::new();
    let mut steps = BTreeMap::new();
    for path in paths {
        match path.split_once('/') {
            None => {
                if let Some((number, job)) = numbered(path) {
                    whole.insert((number, job.to_owned()), path.clone());
                }
            }
            Some((job, file)) => {
                if let Some((number, _)) = numbered(file) {
                    steps.insert((job.to_owned(), number), path.clone());
                }
            }
        }
    }
    if whole.is_empty() {
        return steps.into_iter().map(|((job, _), path)| Member { path, job }).collect();
    }
    whole.into_iter().map(|((_, job), path)| Member { path, job }).collect()
}

/// Reads the members of an archive one after the other; what they may unpack to is bounded for all
/// together.
pub(super) fn read_zip<R: Read + Seek>(name: &str, reader: R) -> Result<Vec<JobRun>, ReportError> {
    let mut left = LARGEST;
    read_packed(name, reader, &mut left, true)
}

/// `may_nest` where archives of several runs may lie in the archive.
fn read_packed<R: Read + Seek>(
    name: &str,
    reader: R,
    left: &mut u64,
    may_nest: bool,
) -> Result<Vec<JobRun>, ReportError> {
    let broken = |e: zip::result::ZipError| ReportError::Archive {
        name: name.to_owned(),
        reason: e.to_string(),
    };
    let mut archive = zip::ZipArchive::new(reader).map_err(broken)?;
    if archive.len() > MOST * 16 {
        return Err(ReportError::TooMany { name: name.to_owned(), limit: MOST * 16 });
    }
    let paths: Result<Vec<String>, _> =
        archive.file_names().map(|name| name.map(|n| n.into_owned())).collect();
    let paths = paths.map_err(broken)?;
    // Some programs on Windows write names with `\`; a member is asked for by the name that it has.
    let names: BTreeMap<String, &String> =
        paths.iter().map(|path| (path.replace('\\', "/"), path)).collect();
    let members: Vec<Member> = members_to_read(&names.keys().cloned().collect::<Vec<_>>())
        .into_iter()
        .map(|Member { path, job }| Member {
            path: names.get(&path).map_or(path, |name| (*name).clone()),
            job,
        })
        .collect();
    if members.is_empty() {
        return read_others(name, &mut archive, &paths, left, may_nest);
    }
    let mut jobs: Vec<JobRun> = Vec::new();
    // step files of one job are one log
    let mut at = 0;
    while let Some(first) = members.get(at) {
        let mut text: Box<dyn Read> = Box::new(std::io::empty());
        let count = if first.path.contains('/') {
            members[at..].iter().take_while(|m| m.job == first.job).count()
        } else {
            1
        };
        if count > 1 {
            // a member borrows the archive, so the parts of a job are copied out, to a file and not
            // to memory
            let parts: Vec<String> =
                members[at..at + count].iter().map(|member| member.path.clone()).collect();
            text = Box::new(copied_out(name, &mut archive, &parts, left)?);
        }
        let label = format!("{name}: {}", first.path);
        if count > 1 {
            jobs.extend(read_log(
                &label,
                &first.job,
                &mut BufReader::with_capacity(1 << 16, text),
            )?);
        } else {
            let part = archive.by_name(&first.path).map_err(broken)?;
            let bounded = Bounded { inner: part, left: &mut *left };
            jobs.extend(read_log(
                &label,
                &first.job,
                &mut BufReader::with_capacity(1 << 16, bounded),
            )?);
        }
        at += count;
    }
    Ok(jobs)
}

/// Of an archive that no run of GitHub was packed into: logs of any kind, and archives of runs.
fn read_others<R: Read + Seek>(
    name: &str,
    archive: &mut zip::ZipArchive<R>,
    paths: &[String],
    left: &mut u64,
    may_nest: bool,
) -> Result<Vec<JobRun>, ReportError> {
    let mut jobs = Vec::new();
    let (mut unknown, mut any) = (None, false);
    for path in paths.iter().filter(|path| may_be_log(Path::new(path)) && !path.ends_with('/')) {
        let label = format!("{name}: {path}");
        let is_archive = path.to_lowercase().ends_with(".zip");
        if is_archive && !may_nest {
            continue;
        }
        let mut inner = copied_out(name, archive, std::slice::from_ref(path), left)?;
        let read = if is_archive {
            read_packed(&label, inner, left, false)
        } else {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let job = stem.unwrap_or_else(|| file.to_owned());
            read_log(&label, &job, &mut BufReader::with_capacity(1 << 16, &mut inner))
        };
        match read {
            Ok(read) => {
                any = true;
                jobs.extend(read);
            }
            // It may hold a note beside its logs.
            Err(e) if e.is_no_log() => unknown = Some(e),
            Err(e) => return Err(e),
        }
    }
    match unknown {
        _ if any => Ok(jobs),
        Some(error) => Err(error),
        None => {
            let reason = "it contains no log, such as `0_tests.txt`".to_owned();
            Err(ReportError::Archive { name: name.to_owned(), reason })
        }
    }
}

/// The members one after the other, in a file.
fn copied_out<R: Read + Seek>(
    name: &str,
    archive: &mut zip::ZipArchive<R>,
    members: &[String],
    left: &mut u64,
) -> Result<std::fs::File, ReportError> {
    let mut file = tempfile::tempfile()?;
    for member in members {
        let part = archive
            .by_name(member)
            .map_err(|e| ReportError::Archive { name: name.to_owned(), reason: e.to_string() })?;
        std::io::copy(&mut Bounded { inner: part, left: &mut *left }, &mut file)
            .map_err(|source| ReportError::Read { path: name.into(), source })?;
    }
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_whole_jobs_to_their_steps() {
        let paths = [
            "tests/2_Run nox.txt",
            "tests/system.txt",
            "10_lint.txt",
            "2_tests (3.12).txt",
            "notes.txt",
            "tests/1_Set up job.txt",
        ];
        let paths: Vec<String> = paths.map(str::to_owned).into();
        let found: Vec<String> = members_to_read(&paths).into_iter().map(|m| m.job).collect();
        assert_eq!(found, ["tests (3.12)", "lint"]);
    }

    #[test]
    fn falls_back_to_steps_in_their_order() {
        let paths = ["b/1_x.txt", "a/10_y.txt", "a/9_z.txt", "a/system.txt"].map(str::to_owned);
        let found: Vec<String> = members_to_read(&paths).into_iter().map(|m| m.path).collect();
        assert_eq!(found, ["a/9_z.txt", "a/10_y.txt", "b/1_x.txt"]);
    }
}
