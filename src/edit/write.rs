//! A changed file written whole or not at all, and only over the bytes that were read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::text::io_reason;

const TEMP_PREFIX: &str = ".cachelint-";
const TEMP_SUFFIX: &str = ".tmp";
/// No run takes so long between making its temporary file and locking it.
const LEFTOVER_AGE: Duration = Duration::from_secs(60);

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("is a symbolic link, which cachelint doesn't write through; fix the file it points to")]
    Symlink,
    #[error("is outside {}", .0.display())]
    OutsideRoot(PathBuf),
    #[error("isn't a regular file")]
    NotAFile,
    #[error("has another name (hard link) that would keep the old text; remove one of them")]
    HardLink,
    #[error("is read-only")]
    ReadOnly,
    #[error(
        "was changed by another program while cachelint was checking it; nothing was written, run \
         cachelint again"
    )]
    ChangedMeanwhile,
    #[error("can't be written: {}", io_reason(.0))]
    Io(#[from] io::Error),
}

/// Replaces the file at `path` below `root`, which must still hold `expected`, by `new`: a
/// temporary file in the same folder takes its permissions and then its name. A file that already
/// holds `new` is left as it is.
pub fn write(root: &Path, path: &Path, expected: &[u8], new: &[u8]) -> Result<(), WriteError> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(WriteError::Symlink);
    }
    if !metadata.is_file() {
        return Err(WriteError::NotAFile);
    }
    if names(&metadata) > 1 {
        return Err(WriteError::HardLink);
    }
    // The replacement would get past the permissions of the file it replaces, so they are asked
    // before.
    match fs::OpenOptions::new().write(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => return Err(WriteError::ReadOnly),
        opened => drop(opened?),
    }
    let folder = path.parent().ok_or(WriteError::NotAFile)?;
    if !fs::canonicalize(folder)?.starts_with(fs::canonicalize(root)?) {
        return Err(WriteError::OutsideRoot(root.to_owned()));
    }
    let mut temp =
        tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempfile_in(folder)?;
    // Held until the rename, so that another run sees that this file isn't a leftover. A file
    // system without locks has no such check either: leftovers stay there.
    let _ = temp.as_file().lock();
    temp.write_all(new)?;
    keep_owner(temp.path(), &metadata);
    keep_attributes(temp.as_file(), path);
    fs::set_permissions(temp.path(), metadata.permissions())?;
    temp.as_file().sync_all()?;
    let now = fs::read(path)?;
    if now == new {
        // Another run was faster with the same fix.
        return Ok(());
    }
    if now != expected || !is_unchanged(path, &metadata) {
        return Err(WriteError::ChangedMeanwhile);
    }
    // No system call compares and renames at once, so what another program does to the file
    // between these two lines is lost.
    temp.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Whether the file at `path` is still the one that was looked at, without a change since: not
/// replaced, not a link to the same text, with the same permissions.
fn is_unchanged(path: &Path, seen: &fs::Metadata) -> bool {
    fs::symlink_metadata(path).is_ok_and(|now| stamp(&now) == stamp(seen))
}

/// What differs after a change of content, permissions or names of a file, and between two files.
#[cfg(unix)]
fn stamp(of: &fs::Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt;
    let times = (of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
    (of.dev(), of.ino(), of.mode(), of.size(), times)
}

/// What differs after a change of a file.
#[cfg(not(unix))]
fn stamp(of: &fs::Metadata) -> impl PartialEq + use<> {
    (of.is_file(), of.len(), of.permissions().readonly(), of.modified().ok())
}

/// How many names the file has.
fn names(metadata: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(metadata);
    #[cfg(not(unix))]
    {
        let _ = metadata;
        1
    }
}

/// Gives the new file the owner and group of the one it replaces, where the system lets us.
fn keep_owner(path: &Path, old: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        // Only the superuser may give files away; the group alone may still be allowed.
        if chown(path, Some(old.uid()), Some(old.gid())).is_err() {
            let _ = chown(path, None, Some(old.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, old);
}

/// Gives the new file the extended attributes of the one it replaces, its access list among them,
/// where the system lets us. What it has by its folder alone is taken away.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn keep_attributes(new: &File, old: &Path) {
    use rustix::fs::{XattrFlags, flistxattr, fremovexattr, fsetxattr, getxattr, listxattr};
    use rustix::io::Result;

    /// Linux has no longer list or value.
    const LONGEST: usize = 64 * 1024;

    fn filled(call: impl Fn(&mut [u8]) -> Result<usize>) -> Option<Vec<u8>> {
        let mut buffer = vec![0; LONGEST];
        let length = call(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }
    fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
        list.split(|byte| *byte == 0).filter(|name| !name.is_empty())
    }
    let Some(wanted) = filled(|buffer| listxattr(old, buffer)) else { return };
    let inherited = filled(|buffer| flistxattr(new, buffer)).unwrap_or_default();
    for name in names(&inherited).filter(|name| !names(&wanted).any(|other| other == *name)) {
        let _ = fremovexattr(new, name);
    }
    for name in names(&wanted) {
        if let Some(value) = filled(|buffer| getxattr(old, name, buffer)) {
            let _ = fsetxattr(new, name, &value, XattrFlags::empty());
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn keep_attributes(_: &File, _: &Path) {}

/// Removes temporary files in `folder` that a killed run left behind. Those of a running one are
/// locked, or too young to be a leftover: a run locks its file a moment after making it.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours =
            name.to_str().is_some_and(|n| n.starts_with(TEMP_PREFIX) && n.ends_with(TEMP_SUFFIX));
        if ours
            && entry.metadata().is_ok_and(|m| m.is_file() && is_old(&m))
            && File::open(entry.path()).is_ok_and(|f| f.try_lock().is_ok())
        {
            // A leftover that cannot be removed does no harm, so it isn't a reason to fail.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_old(metadata: &fs::Metadata) -> bool {
    metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFTOVER_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci.yml");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_bytes_it_expects() {
        let (folder, path) = file("old");
        write(folder.path(), &path, b"old", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(files(folder.path()), ["ci.yml"]);
    }

    #[test]
    fn leaves_a_file_that_changed_meanwhile() {
        let (folder, path) = file("edited by hand");
        assert!(matches!(
            write(folder.path(), &path, b"old", b"new"),
            Err(WriteError::ChangedMeanwhile)
        ));
        assert_eq!(fs::read(&path).unwrap(), b"edited by hand");
        assert_eq!(files(folder.path()), ["ci.yml"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_holds_the_same_text_may_be_another_file() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (folder, path) = file("old");
        let aside = folder.path().join("aside.yml");
        let seen = fs::symlink_metadata(&path).unwrap();
        assert!(is_unchanged(&path, &seen));
        fs::read(&path).unwrap();
        drop(fs::OpenOptions::new().write(true).open(&path).unwrap());
        assert!(is_unchanged(&path, &seen), "what we do ourselves changes nothing");

        let change = |what: &str, change: &dyn Fn()| {
            let seen = fs::symlink_metadata(&path).unwrap();
            // Longer than the usual file systems need until their clock ticks.
            std::thread::sleep(Duration::from_millis(20));
            change();
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert!(!is_unchanged(&path, &seen), "{what}");
        };
        change("written again", &|| fs::write(&path, "old").unwrap());
        change("permissions", &|| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        });
        change("another name", &|| fs::hard_link(&path, &aside).unwrap());
        change("replaced by a copy", &|| {
            fs::remove_file(&aside).unwrap();
            fs::copy(&path, &aside).unwrap();
            fs::rename(&aside, &path).unwrap();
        });
        change("a link", &|| {
            fs::rename(&path, &aside).unwrap();
            symlink(&aside, &path).unwrap();
        });
        fs::remove_file(&path).unwrap();
        assert!(!is_unchanged(&path, &seen));
    }

    #[test]
    fn what_another_run_has_written_is_done() {
        let (folder, path) = file("new");
        write(folder.path(), &path, b"old", b"new").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), files(folder.path())),
            (b"new".to_vec(), vec!["ci.yml".to_owned()])
        );
    }

    #[test]
    fn refuses_what_is_outside_missing_or_no_file() {
        let (folder, path) = file("old");
        let (other, _) = file("old");
        assert!(matches!(
            write(other.path(), &path, b"old", b"new"),
            Err(WriteError::OutsideRoot(_))
        ));
        assert!(matches!(write(folder.path(), folder.path(), b"", b""), Err(WriteError::NotAFile)));
        assert!(matches!(
            write(folder.path(), &folder.path().join("no.yml"), b"", b""),
            Err(WriteError::Io(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn keeps_permissions_and_refuses_links_and_read_only_files() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = file("old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o754)).unwrap();
        write(folder.path(), &path, b"old", b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o754);

        let other = folder.path().join("other.yml");
        fs::hard_link(&path, &other).unwrap();
        assert!(matches!(write(folder.path(), &path, b"new", b"x"), Err(WriteError::HardLink)));
        fs::remove_file(&other).unwrap();

        let link = folder.path().join("link.yml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(write(folder.path(), &link, b"new", b"x"), Err(WriteError::Symlink)));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        // Root can write it anyway, and may.
        let may = fs::OpenOptions::new().write(true).open(&path).is_ok();
        let written = write(folder.path(), &path, b"new", b"x");
        assert!(if may { written.is_ok() } else { matches!(written, Err(WriteError::ReadOnly)) });
        assert_eq!(fs::read(&path).unwrap(), if may { b"x".to_vec() } else { b"new".to_vec() });
        assert!(fs::metadata(&path).unwrap().permissions().readonly());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn keeps_extended_attributes() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let (folder, path) = file("old");
        let name = "user.cachelint.test";
        if setxattr(&path, name, b"kept", XattrFlags::empty()).is_err() {
            eprintln!("skipped: this file system has no extended attributes");
            return;
        }
        write(folder.path(), &path, b"old", b"new").unwrap();
        let mut value = [0; 8];
        let length = getxattr(&path, name, &mut value[..]).unwrap();
        assert_eq!((&value[..length], fs::read(&path).unwrap()), (&b"kept"[..], b"new".to_vec()));
    }

    #[test]
    fn removes_leftovers_but_neither_running_nor_foreign_files() {
        let (folder, _) = file("old");
        fs::write(folder.path().join(".cachelint-dead.tmp"), "half").unwrap();
        fs::write(folder.path().join(".cachelint.yml"), "mine").unwrap();
        let running = File::create(folder.path().join(".cachelint-alive.tmp")).unwrap();
        running.lock().unwrap();
        fs::write(folder.path().join(".cachelint-young.tmp"), "").unwrap();
        let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
        for name in [".cachelint-dead.tmp", ".cachelint-alive.tmp"] {
            let file = File::options().write(true).open(folder.path().join(name)).unwrap();
            file.set_modified(hour_ago).unwrap();
        }
        remove_leftovers(folder.path());
        assert_eq!(
            files(folder.path()),
            [".cachelint-alive.tmp", ".cachelint-young.tmp", ".cachelint.yml", "ci.yml"]
        );
    }
}
