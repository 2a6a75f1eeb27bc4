//! The log archive of a GitHub run: `0_job.txt` per job at the top, and a folder per job with a
//! file per step.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::super::error::ReportError;
use super::super::job::JobRun;
use super::{Bounded, LARGEST, LONGEST_NAME, MOST, may_be_log, read_log};

/// A file to read, and the job it is of.
pub(super) struct Member {
    pub path: String,
    pub job: String,
}

/// With it begins what an archive's list says of a file.
const FILE_HEADER: &[u8] = b"PK\x01\x02";
/// Bytes of an archive that are looked at together.
const CHUNK: usize = 1 << 16;

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
    mut reader: R,
    left: &mut u64,
    may_nest: bool,
) -> Result<Vec<JobRun>, ReportError> {
    refuse_large(name, &mut reader)?;
    let broken = |e: zip::result::ZipError| ReportError::Archive {
        name: name.to_owned(),
        reason: e.to_string(),
    };
    let mut archive = zip::ZipArchive::new(reader).map_err(broken)?;
    if archive.file_names().flatten().any(|name| name.len() > LONGEST_NAME) {
        return Err(ReportError::LongName { name: name.to_owned(), limit: LONGEST_NAME });
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

/// Of each file, an archive holds a header with its name, and all of them are read into memory at
/// once: so their number and the size of the archive are looked at before.
fn refuse_large<R: Read + Seek>(name: &str, reader: &mut R) -> Result<(), ReportError> {
    let failed = |source| ReportError::Read { path: name.into(), source };
    let size = reader.seek(SeekFrom::End(0)).map_err(failed)?;
    if size > LARGEST {
        let reason =
            format!("larger than {} MiB; give the logs of its jobs one by one", LARGEST >> 20);
        return Err(ReportError::Archive { name: name.to_owned(), reason });
    }
    reader.rewind().map_err(failed)?;
    let finder = memmem::Finder::new(FILE_HEADER);
    let (mut chunk, mut kept, mut headers) = (vec![0; CHUNK], 0, 0);
    loop {
        let read = reader.read(&mut chunk[kept..]).map_err(failed)?;
        let held = kept + read;
        headers += finder.find_iter(&chunk[..held]).count();
        if headers > MOST * 16 {
            return Err(ReportError::TooMany { name: name.to_owned(), limit: MOST * 16 });
        }
        if read == 0 {
            break;
        }
        // A header may begin at the end of one part and go on in the next.
        kept = held.min(FILE_HEADER.len() - 1);
        chunk.copy_within(held - kept..held, 0);
    }
    reader.rewind().map_err(failed)
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

    /// An archive of files with nothing in them.
    fn archive(names: impl Iterator<Item = String>) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            let stored = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Stored);
            archive.start_file(name, stored).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn refusal(bytes: Vec<u8>) -> String {
        read_zip("logs.zip", std::io::Cursor::new(bytes)).unwrap_err().to_string()
    }

    #[test]
    fn an_archive_with_endless_names_is_refused() {
        let name = |length: usize| format!("0_{}.txt", "x".repeat(length - "0_.txt".len()));
        let found = refusal(archive([name(LONGEST_NAME)].into_iter()));
        assert!(found.ends_with(": is empty"), "{found}");
        let found = refusal(archive([name(LONGEST_NAME + 1)].into_iter()));
        assert!(found.ends_with("longer than 1024 bytes"), "{found}");
    }

    /// All headers are read before the first of them can be looked at.
    #[test]
    fn an_archive_is_refused_for_its_size_before_it_is_read() {
        struct Counting<R>(R, u64);
        impl<R: Read> Read for Counting<R> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let read = self.0.read(buffer)?;
                self.1 += read as u64;
                Ok(read)
            }
        }
        impl<R: Seek> Seek for Counting<R> {
            fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
                self.0.seek(to)
            }
        }
        let headers = FILE_HEADER.repeat(MOST * 16 + 1);
        let large = std::io::Cursor::new(vec![0; LARGEST as usize + 1]);
        let many = std::io::Cursor::new([headers.as_slice(), &[0; 10 * CHUNK]].concat());
        for (bytes, most, why) in
            [(large, 0, "64 MiB"), (many, headers.len() + CHUNK, "more than 65536 jobs")]
        {
            let mut reader = Counting(bytes, 0);
            let error = refuse_large("logs.zip", &mut reader).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(reader.1 <= most as u64, "{} bytes", reader.1);
        }
    }

    /// Wherever the parts of an archive end that are looked at together.
    #[test]
    fn every_header_of_an_archive_counts_once() {
        let count = MOST * 16;
        for gap in [0, 1, 3, 12] {
            let header = [FILE_HEADER, &vec![0; gap]].concat();
            for (headers, is_refused) in [(count, false), (count + 1, true)] {
                let mut reader = std::io::Cursor::new(header.repeat(headers));
                assert_eq!(refuse_large("logs.zip", &mut reader).is_err(), is_refused, "{gap}");
            }
        }
    }
}
