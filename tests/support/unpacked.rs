//! Servers whose packages conflict with Dovecot's, and whose paths are compiled in.
//!
//! `tests/run` unpacks each, with every library it needs, into a folder below
//! `target/servers`; each test starts its server with a copy of that folder as root.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Where `tests/run` unpacks the packages.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/servers");
/// The last thing `tests/run` does in each.
const COMPLETE: &str = "complete";

/// What `tests/run` unpacked.
pub struct Unpacked {
    /// For people.
    pub name: &'static str,
    /// Its folder.
    pub folder: &'static str,
    /// With `=1` in the environment it is a failure that there is none to start.
    pub required_by: &'static str,
}

/// A copy of it, as the root folder of programs; they end when it is dropped.
pub struct Root(TempDir);

/// A process and all it started; they end when it is dropped.
pub struct Group(Child);

impl Unpacked {
    /// A copy to start programs in. `None`, said loudly, where there is nothing to copy.
    pub fn copy(&self) -> Option<Root> {
        if let Some(lack) = self.lack() {
            assert!(
                std::env::var(self.required_by).as_deref() != Ok("1"),
                "{lack}, and {}=1",
                self.required_by
            );
            println!("SKIPPED: {lack}: nothing was shown about {}", self.name);
            eprintln!("SKIPPED: {lack}: nothing was shown about {}", self.name);
            return None;
        }
        // Beside the packages: hard links reach no further than one file system.
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(UNPACKED).expect("temp dir");
        let root = Root(folder);
        well(Command::new("cp").arg("-al").arg(self.place()).arg(root.path()));
        for folder in ["dev", "etc", "run", "tmp"] {
            root.make(folder);
        }
        // A device may not be made everywhere; an empty file does the same here.
        root.put("dev/null", "");
        Some(root)
    }

    fn place(&self) -> PathBuf {
        Path::new(UNPACKED).join(self.folder)
    }

    fn lack(&self) -> Option<String> {
        if !self.place().join(COMPLETE).exists() {
            let place = self.place();
            return Some(format!("{} is not in {} (tests/run puts it there)", self.name, place.display()));
        }
        let id = Command::new("id").arg("-u").output().expect("id");
        (id.stdout.trim_ascii() != b"0").then(|| format!("{} has to be started as root", self.name))
    }
}

impl Root {
    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("root")
    }

    /// Makes a folder.
    pub fn make(&self, folder: &str) {
        std::fs::create_dir_all(self.path().join(folder)).expect("folder");
    }

    /// Writes a file of the copy's own: one of the packages has links elsewhere.
    pub fn put(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, text).expect("write");
    }

    /// Gives folders and all in them to a user.
    pub fn give(&self, id: u32, folders: &[&str]) {
        let folders = folders.iter().map(|folder| self.path().join(folder));
        well(Command::new("chown").arg("-R").arg(format!("{id}:{id}")).args(folders));
    }

    /// Runs a program to its good end.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) {
        let mut command = self.command(program, arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("chroot");
        child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("write");
        assert!(child.wait().expect("wait").success(), "{command:?}");
    }

    /// Starts a program that stays.
    pub fn start(&self, program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Group {
        let mut command = self.command(program, arguments);
        command.envs(settings.iter().copied()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Group(command.spawn().expect("chroot"))
    }

    /// Ends whatever still runs in it: some helpers leave the group of whoever started them.
    pub fn end_all(&self) {
        let root = self.path();
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            if std::fs::read_link(process.path().join("root")).is_ok_and(|of| of == root) {
                let _ = Command::new("kill").arg("-KILL").arg(process.file_name()).status();
            }
        }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.path()).arg(program).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.end_all();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn well(command: &mut Command) {
    assert!(command.status().expect("it runs").success(), "{command:?}");
}
