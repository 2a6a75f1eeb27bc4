//! Files, folders, zip archives and standard input → the jobs that their logs describe. Everything is
//! streamed.

mod archive;
mod toolreport;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::job::{JobBuilder, JobRun};
use super::line::{LogLines, plain};
use super::record::{Decoder, LogFormat, Record};

/// Bytes of one input after unpacking; a larger one is more likely a trap than a log. So many bytes
/// of the lines that cost most take two seconds.
const LARGEST: u64 = 64 << 20;
/// Jobs of one input, and files of one folder or archive.
const MOST: usize = 4096;
/// Bytes of the name of a job, or of a file in an archive: the report names each job several times.
const LONGEST_NAME: usize = 1024;
/// How compressed files begin, and what unpacks them.
const COMPRESSED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "`gunzip`"),
    (b"\x28\xb5\x2f\xfd", "`unzstd`"),
    (b"\xfd7zXZ", "`unxz`"),
    (b"BZh", "`bunzip2`"),
];
/// Lines that may come before the first one that tells the format.
const PREAMBLE: usize = 10_000;

/// The jobs of all inputs, in their order. A log that is given twice, such as an archive beside the folder that it
/// was unpacked into, is one run.
pub fn read_all(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<JobRun>, ReportError> {
    let mut jobs: Vec<JobRun> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            jobs.extend(read_log("standard input", "-", &mut BufReader::new(&mut *stdin))?);
        } else {
            read_path(path, &mut jobs)?;
        }
    }
    let mut seen = HashSet::new();
    jobs.retain(|run| match run.fingerprint {
        Some(fingerprint) => seen.insert((run.name.clone(), fingerprint)),
        None => true,
    });
    Ok(jobs)
}

fn read_path(path: &Path, jobs: &mut Vec<JobRun>) -> Result<(), ReportError> {
    let failed = |source| ReportError::Read { path: path.to_owned(), source };
    if path.is_dir() {
        return read_folder(path, jobs);
    }
    // A pipe or a device may never end.
    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
    if !kind.is_file() {
        return Err(ReportError::NoFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let name = path.display().to_string();
    if reader.fill_buf().map_err(failed)?.starts_with(b"PK\x03\x04") {
        jobs.extend(archive::read_zip(&name, reader)?);
        return Ok(());
    }
    let stem =
        path.file_stem().map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into_owned());
    jobs.extend(read_log(&name, &stem, &mut reader)?);
    Ok(())
}

/// A folder is an archive unpacked, or holds logs of any kind.
fn read_folder(path: &Path, jobs: &mut Vec<JobRun>) -> Result<(), ReportError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).max_depth(8).sort_by_file_name() {
        let entry =
            entry.map_err(|e| ReportError::Read { path: path.to_owned(), source: e.into() })?;
        let is_file =
            entry.file_type().is_file() || (entry.path_is_symlink() && entry.path().is_file());
        if !is_file {
            continue;
        }
        if files.len() == MOST {
            return Err(ReportError::TooMany { name: path.display().to_string(), limit: MOST });
        }
        files.push(entry.into_path());
    }
    // several archives, each unpacked in a folder of its own, are several runs
    let roots = archive::roots(&files);
    let mut groups: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for file in &files {
        match file.ancestors().skip(1).filter_map(|folder| roots.get(folder)).last() {
            Some(root) => {
                let inside =
                    file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
                groups.entry(root).or_default().push(inside);
            }
            None => others.push(file),
        }
    }
    let read_groups = !groups.is_empty();
    for (root, members) in groups {
        for member in archive::members_to_read(&members) {
            let file = root.join(&member.path);
            let opened = File::open(&file)
                .map_err(|source| ReportError::Read { path: file.clone(), source })?;
            let name = file.display().to_string();
            jobs.extend(read_log(
                &name,
                &member.job,
                &mut BufReader::with_capacity(1 << 16, opened),
            )?);
        }
    }
    let before = jobs.len();
    let mut unknown = None;
    for file in others.into_iter().filter(|file| may_be_log(file)) {
        match read_path(file, jobs) {
            // a folder may hold a note beside its logs
            Err(e) if e.is_no_log() => unknown = Some(e),
            other => other?,
        }
    }
    match (jobs.len() > before || read_groups, unknown) {
        (true, _) => Ok(()),
        (false, Some(error)) => Err(error),
        (false, None) => Err(ReportError::EmptyFolder { path: path.to_owned() }),
    }
}

/// By its name; archives in archives count too.
fn may_be_log(file: &Path) -> bool {
    let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("._"));
    let extension = file.extension().map(|e| e.to_string_lossy().to_lowercase());
    !hidden
        && extension.is_none_or(|e| ["txt", "log", "json", "jsonl", "zip"].contains(&e.as_str()))
}

/// One stream of text. `job` names what does not name itself.
fn read_log(name: &str, job: &str, reader: &mut dyn BufRead) -> Result<Vec<JobRun>, ReportError> {
    let failed = |source| ReportError::Read { path: name.into(), source };
    let start = reader.fill_buf().map_err(failed)?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(ReportError::Utf16 { name: name.to_owned() });
    }
    if start.is_empty() {
        return Err(ReportError::Empty { name: name.to_owned() });
    }
    if let Some((_, with)) = COMPRESSED.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(ReportError::Compressed { name: name.to_owned(), with });
    }
    if start.starts_with(b"PK\x03\x04") {
        let reason = "an archive can't be read from a stream; give the file's name".to_owned();
        return Err(ReportError::Archive { name: name.to_owned(), reason });
    }
    if toolreport::looks_like(start) {
        return toolreport::read(name, job, reader).map(|run| vec![run]);
    }
    let mut lines = LogLines::new(reader, LARGEST);
    let mut decoder = None;
    let mut jobs = JobCollector::new(job);
    let mut passed_over = 0;
    while let Some(line) = lines.next().map_err(failed)? {
        let line = plain(&line);
        if decoder.is_none() {
            decoder = LogFormat::of(&line).map(Decoder::new);
            passed_over += 1;
            if decoder.is_none() && passed_over > PREAMBLE {
                break;
            }
        }
        if let Some(decoder) = &mut decoder {
            decoder.decode(&line, &mut |record| jobs.take(record));
        }
    }
    if lines.is_too_large() {
        return Err(ReportError::TooLarge { name: name.to_owned(), limit: LARGEST });
    }
    if jobs.overflow {
        return Err(ReportError::TooMany { name: name.to_owned(), limit: MOST });
    }
    if jobs.long_name {
        return Err(ReportError::LongName { name: name.to_owned(), limit: LONGEST_NAME });
    }
    if decoder.is_none() {
        return Err(ReportError::UnknownFormat { name: name.to_owned() });
    }
    Ok(jobs.finish())
}

/// Sorts the records of interleaved jobs.
struct JobCollector<'a> {
    default: &'a str,
    /// In the order of appearance.
    jobs: Vec<(String, JobBuilder)>,
    /// The places of their names.
    places: HashMap<String, usize>,
    finished: Vec<JobRun>,
    overflow: bool,
    /// Some job has a longer name than is read.
    long_name: bool,
}

impl<'a> JobCollector<'a> {
    fn new(default: &'a str) -> Self {
        Self {
            default,
            jobs: Vec::new(),
            places: HashMap::new(),
            finished: Vec::new(),
            overflow: false,
            long_name: false,
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let name = record.job.unwrap_or(self.default);
        let at = match self.places.get(name) {
            Some(at) => *at,
            None if self.jobs.len() + self.finished.len() >= MOST => {
                self.overflow = true;
                return;
            }
            None if name.len() > LONGEST_NAME => {
                self.long_name = true;
                return;
            }
            None => {
                self.places.insert(name.to_owned(), self.jobs.len());
                self.jobs.push((name.to_owned(), JobBuilder::new(name, record.job.is_none())));
                self.jobs.len() - 1
            }
        };
        let Some((_, builder)) = self.jobs.get_mut(at) else { return };
        if matches!(record.body, super::record::LineBody::JobStart) && builder.has_begun() {
            let fresh = JobBuilder::new(name, record.job.is_none());
            if self.finished.len() < MOST {
                self.finished.push(std::mem::replace(builder, fresh).finish());
            }
        }
        builder.take(record);
    }

    fn finish(mut self) -> Vec<JobRun> {
        self.finished.extend(self.jobs.into_iter().map(|(_, builder)| builder.finish()));
        self.finished
    }
}

/// Ends a stream with an error once more than `left` bytes came out of it.
struct Bounded<'a, R> {
    inner: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        *self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("larger than {} MiB when unpacked", LARGEST >> 20))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is saved is compared with all that was restored.
    #[test]
    fn only_so_many_caches_of_a_job_are_kept() {
        let stamp = "2026-01-01T00:00:00.0000000Z";
        let line = |i: usize| {
            format!(
                "{stamp} ##[group]Run actions/cache@v5\n{stamp} ##[endgroup]\n{stamp} Cache not found for input keys: k{i}\n"
            )
        };
        let text: String = (0..1_000).map(line).collect();
        let jobs = read_log("log", "job", &mut text.as_bytes()).unwrap();
        assert_eq!(jobs[0].other_caches.len(), 200);
    }

    #[test]
    fn a_log_beyond_the_limit_is_refused_by_its_name() {
        let start = b"2026-01-01T00:00:00.0000000Z nox > Running session tests\n";
        let mut log = BufReader::new(start.chain(io::repeat(b'x').take(LARGEST)));
        let error = read_log("log", "job", &mut log).unwrap_err().to_string();
        assert!(error.contains("larger than 64 MiB when unpacked"), "{error}");
    }

    #[test]
    fn a_job_with_an_endless_name_is_refused() {
        let line = |name: &str| format!("{name}\tstep\t2026-01-01T00:00:00.0000000Z nox > x\n");
        for (length, is_read) in [(LONGEST_NAME, true), (LONGEST_NAME + 1, false)] {
            let text = line("tests") + &line(&"x".repeat(length));
            let read = read_log("log", "job", &mut text.as_bytes());
            assert_eq!(read.is_ok(), is_read);
            if let Err(error) = read {
                assert!(error.to_string().contains("longer than 1024 bytes"), "{error}");
            }
        }
    }
}
