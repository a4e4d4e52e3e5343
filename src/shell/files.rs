//! Reading what the owner wrote, and writing small files so that a crash
//! leaves the old one or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use tempfile::TempDir;

use crate::domain::Fault;

/// No rules file, config or letter is larger; one that is was named by mistake.
pub const TEXT_CAP_BYTES: u64 = 1 << 20;

/// How deep a rules folder may nest (`letters/en/…` is two).
const DEPTH_CAP: u32 = 8;

/// More files than this are not a rules folder.
const COUNT_CAP: usize = 10_000;

/// The text files of a folder by relative path (with `/`): the name to show,
/// and the text.
pub type Tree = BTreeMap<String, (String, String)>;

/// Reads every file below `dir`. Dotfiles and editors' backup files (`x~`) are passed over.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file or folder that cannot be read, is not
/// UTF-8, or is too large.
pub fn read_tree(dir: &Path) -> Result<Tree, Fault> {
    let mut tree = Tree::new();
    read_folder(dir, "", 0, &mut tree)?;
    Ok(tree)
}

fn read_folder(dir: &Path, prefix: &str, depth: u32, tree: &mut Tree) -> Result<(), Fault> {
    if depth > DEPTH_CAP {
        return Err(cannot(dir, "read", "folders are nested too deeply"));
    }
    let entries = fs::read_dir(dir).map_err(|error| cannot(dir, "read", &error.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot(dir, "read", &error.to_string()))?;
        let path = entry.path();
        let name =
            entry.file_name().into_string().map_err(|_| cannot(&path, "read", "its name is not UTF-8"))?;
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        // Follows symbolic links, as packagers and home managers make them.
        let metadata = fs::metadata(&path).map_err(|error| cannot(&path, "read", &error.to_string()))?;
        if metadata.is_dir() {
            read_folder(&path, &format!("{relative}/"), depth + 1, tree)?;
        } else if metadata.is_file() {
            let text = read_text(&path, TEXT_CAP_BYTES)?;
            tree.insert(relative, (path.display().to_string(), text));
            if tree.len() > COUNT_CAP {
                return Err(cannot(dir, "read", "it holds too many files"));
            }
        }
    }
    Ok(())
}

/// Reads one file of at most `cap_bytes`.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file when it cannot be read or is larger.
pub fn read_bytes(path: &Path, cap_bytes: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(cap_bytes.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| cannot(path, "read", &error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > cap_bytes {
        return Err(cannot(path, "read", &format!("it is larger than {cap_bytes} bytes")));
    }
    Ok(bytes)
}

/// Reads one UTF-8 file of at most `cap_bytes`; a byte order mark is dropped.
///
/// # Errors
/// As [`read_bytes`], and for text that is not UTF-8.
pub fn read_text(path: &Path, cap_bytes: u64) -> Result<String, Fault> {
    let text = String::from_utf8(read_bytes(path, cap_bytes)?)
        .map_err(|_| cannot(path, "read", "it is not UTF-8 text"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Reads standard input to its end, at most `cap_bytes`.
///
/// # Errors
/// [`Fault::Permanent`] when it cannot be read or is larger.
pub fn read_standard_input(cap_bytes: u64) -> Result<Vec<u8>, Fault> {
    let cannot = |words: &str| Fault::Permanent(format!("standard input: cannot read this: {words}"));
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(cap_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(&error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > cap_bytes {
        return Err(cannot(&format!("it is larger than {cap_bytes} bytes")));
    }
    Ok(bytes)
}

/// A folder for as long as the value lives.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming where none can be made.
pub fn temporary_folder(prefix: &str) -> Result<TempDir, Fault> {
    let place = std::env::temp_dir();
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(&place)
        .map_err(|error| cannot(&place, "write", &format!("no temporary folder: {error}")))
}

/// Makes the folder `dir`, and those above it, for what nobody has yet.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming it, also where it is there and not empty.
pub fn make_new(dir: &Path) -> Result<(), Fault> {
    let entry = fs::create_dir_all(dir).and_then(|()| fs::read_dir(dir)).map(|mut entries| entries.next());
    match entry.map_err(|error| cannot(dir, "write", &error.to_string()))? {
        None => Ok(()),
        Some(_) => Err(cannot(dir, "write", "not empty; name a new folder")),
    }
}

/// Writes the file `path`, and makes the folders above it where they are missing.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming it.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Fault> {
    let above = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    above
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| cannot(path, "write", &error.to_string()))
}

/// Makes the folder `dir` and those above it, with mode 0700, where they are missing.
///
/// # Errors
/// Those of the file system.
pub fn make_private(dir: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Whether something is at `path`; what cannot be looked at is: whoever opens it
/// is told why not.
pub fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

/// Tries whether files can be made in the folder `dir`, or, where it is missing,
/// in the lowest one above it that is there. What is made for that has no name
/// and goes with the call.
///
/// # Errors
/// Those of the file system.
pub fn try_making_in(dir: &Path) -> std::io::Result<()> {
    let there = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
    tempfile::tempfile_in(there).map(drop)
}

/// Tries whether the file `path`, if there is one, can be written to; it stays as it is.
///
/// # Errors
/// Those of the file system.
pub fn try_writing_to(path: &Path) -> std::io::Result<()> {
    match File::options().append(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// What a person is told of `error`, met when `tried` was done to `path`. The
/// remedy is `otherwise`, unless the error shows that another one is needed.
pub fn write_trouble(path: &Path, tried: &str, error: &std::io::Error, otherwise: &str) -> String {
    let remedy = match error.kind() {
        ErrorKind::ReadOnlyFilesystem => {
            "this file system is read-only: mount it for writing (for a systemd service: ReadWritePaths=), or name another folder"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on that disk",
        _ => otherwise,
    };
    format!("{}: {tried}: {error}; {remedy}", path.display())
}

/// Writes `bytes` to `path` with mode 0600 and has them on disk on return.
/// Under `path` stands the old content or the new, at every moment.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Made with mode 0600 by tempfile, in the same folder so that a rename suffices.
    tempfile::NamedTempFile::new_in(dir)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|failed| failed.error)?;
            File::open(dir)?.sync_all()
        })
        .map_err(|error| cannot(path, "write", &error.to_string()))
}

/// Puts `bytes` in the place of the file `path` in one step, with its
/// permissions: a reader sees the old or the new. A link stays a link.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let put = || {
        let target = path.canonicalize()?;
        let dir = target.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(fs::metadata(&target)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|failed| failed.error)?;
        File::open(dir)?.sync_all()
    };
    put().map_err(|error| cannot(path, "write", &error.to_string()))
}

/// What tells one version of a file from the next: its size and when it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    size_bytes: u64,
    changed: Option<std::time::SystemTime>,
}

/// A thread of [`beside`].
pub type Beside = std::thread::JoinHandle<()>;

/// Begins `work`, which waits for disks, in a thread of its own: where it hangs (a
/// network that is away) it holds up no other task, nor the end of the process.
///
/// # Errors
/// When there can be no more threads.
pub fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<(Beside, tokio::sync::oneshot::Receiver<T>)> {
    let (found, receiver) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().spawn(move || drop(found.send(work())))?;
    Ok((thread, receiver))
}

/// The files at `path` with their stamps: itself, or those of a folder (and the
/// folders in it) whose names end in one of `endings`, in order. In the place of
/// what cannot be looked at stands a [`Fault::NeedsHuman`] that names it.
pub fn stamps(path: &Path, endings: &[&str]) -> Vec<Result<(PathBuf, Stamp), Fault>> {
    let failed = |error: std::io::Error| vec![Err(cannot(path, "read", &error.to_string()))];
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return failed(error),
    };
    if metadata.is_file() {
        let stamp = Stamp { size_bytes: metadata.len(), changed: metadata.modified().ok() };
        return vec![Ok((path.to_owned(), stamp))];
    }
    let inside = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut inside: Vec<PathBuf> = match inside {
        Ok(inside) => inside,
        Err(error) => return failed(error),
    };
    inside.sort();
    let wanted = |path: &PathBuf| {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_link = path.symlink_metadata().is_ok_and(|m| m.is_symlink());
        !hidden && (ending.is_some_and(|e| endings.contains(&e.as_str())) || (path.is_dir() && !is_link))
    };
    inside.iter().filter(|path| wanted(path)).flat_map(|path| stamps(path, endings)).collect()
}

/// Whether group or others may read `path`: no place for a secret.
///
/// # Errors
/// [`Fault::NeedsHuman`] naming the file.
pub fn is_open_to_others(path: &Path) -> Result<bool, Fault> {
    let metadata = fs::metadata(path).map_err(|error| cannot(path, "read", &error.to_string()))?;
    Ok(metadata.permissions().mode() & 0o077 != 0)
}

fn cannot(path: &Path, verb: &str, words: &str) -> Fault {
    Fault::NeedsHuman(format!("{}: cannot {verb} this: {words}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_keyed_by_relative_path() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("letters/en")).unwrap();
        fs::write(dir.path().join("letters/en/generic.txt"), "\u{feff}Grüße").unwrap();
        fs::write(dir.path().join("policy.toml"), "a = 1").unwrap();
        fs::write(dir.path().join("policy.toml~"), "old").unwrap();
        fs::write(dir.path().join(".swp"), [0xff]).unwrap();
        let tree = read_tree(dir.path()).unwrap();
        let keys: Vec<_> = tree.keys().map(String::as_str).collect();
        assert_eq!(keys, ["letters/en/generic.txt", "policy.toml"]);
        let (shown, text) = &tree["letters/en/generic.txt"];
        assert_eq!(text, "Grüße");
        assert_eq!(Path::new(shown), dir.path().join("letters/en/generic.txt"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        for (bytes, word) in [(&[0xff_u8][..], "UTF-8"), (&[b'a'; 9], "larger")] {
            fs::write(&path, bytes).unwrap();
            let words = read_text(&path, 8).unwrap_err().message().to_owned();
            assert!(words.contains("x.toml") && words.contains(word), "{words}");
        }
        assert!(read_tree(&dir.path().join("absent")).is_err());
        assert!(read_text(&path, 9).is_ok());
    }

    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
        assert!(read_tree(dir.path()).is_err());
    }

    #[test]
    fn the_remedy_fits_the_trouble() {
        let words =
            |kind: ErrorKind| write_trouble(Path::new("/s/x"), "making it", &kind.into(), "be its owner");
        assert!(words(ErrorKind::PermissionDenied).ends_with("; be its owner"));
        assert!(words(ErrorKind::ReadOnlyFilesystem).contains("mount it for writing"));
        assert!(words(ErrorKind::StorageFull).ends_with("; make room on that disk"));
    }

    #[test]
    fn a_private_file_replaces_the_old_one_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        fs::write(&path, "old and longer").unwrap();
        assert!(is_open_to_others(&path).unwrap());
        write_private(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(!is_open_to_others(&path).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
