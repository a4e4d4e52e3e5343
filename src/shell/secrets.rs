//! Fetches secrets from where the config says, each time anew.
//!
//! Every buffer that a secret passes through here is wiped. Neither output nor
//! arguments of a command ever reach a message or a log; its stderr is dropped,
//! since password managers are free to print what they like there.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Secret;
use crate::config::SecretSource;
use crate::domain::Fault;

/// How long a command may take; a person who must type a passphrase needs some.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

/// More than any password or access token has.
const MAX_BYTES: usize = 64 * 1024;

/// EX_TEMPFAIL of sysexits.h: the command itself says that it may work later.
const TRY_AGAIN: i32 = 75;

type Bytes = Zeroizing<Vec<u8>>;

/// The secret from `source`. Messages name that, and not the account, which whoever asks knows.
///
/// # Errors
/// [`Fault::Transient`] when a token command fails or is late (it asks a server),
/// when a command exits with 75, and when this machine is short of processes;
/// [`Fault::NeedsHuman`] for all else.
pub async fn read(source: &SecretSource) -> Result<Secret, Fault> {
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    read_from(source, credentials, COMMAND_DEADLINE).await
}

async fn read_from(
    source: &SecretSource,
    credentials: Option<PathBuf>,
    deadline: Duration,
) -> Result<Secret, Fault> {
    match source {
        SecretSource::PasswordCommand(argv) => {
            let what = format!("password.command {}", program(argv));
            let run = run(argv, deadline).await;
            let bytes = run.map_err(|failure| failure.of_password(&what))?;
            first_line(&bytes, &what).map(Secret::Password)
        }
        SecretSource::TokenCommand(argv) => {
            let what = format!("oauth2.token_command {}", program(argv));
            let run = run(argv, deadline).await;
            let bytes = run.map_err(|failure| failure.of_token(&what))?;
            first_line(&bytes, &what).map(Secret::Token)
        }
        SecretSource::PasswordFile(path) => {
            let what = format!("password.file {}", path.display());
            let bytes = read_file(path.clone(), Readers::OwnerOnly, &what).await?;
            first_line(&bytes, &what).map(Secret::Password)
        }
        SecretSource::PasswordCredential(name) => {
            let what = format!("password.credential {name}");
            let Some(folder) = credentials else {
                return Err(Fault::NeedsHuman(format!(
                    "{what}: systemd gave us no credentials; add LoadCredential={name}:PATH (or \
                     LoadCredentialEncrypted=) to the unit; in a shell set CREDENTIALS_DIRECTORY to a \
                     folder with the file {name}"
                )));
            };
            // systemd guards that folder itself; under an ACL its files look group-readable.
            let bytes = read_file(folder.join(name), Readers::AsTheyAre, &what).await?;
            first_line(&bytes, &what).map(Secret::Password)
        }
    }
}

fn program(argv: &[String]) -> &str {
    argv.first().map_or("", String::as_str)
}

/// How a command failed; how bad that is depends on what it was to fetch.
enum CommandFailure {
    /// It could not be started.
    Start(io::Error),
    /// It ended without success.
    Status(ExitStatus),
    /// It did not end in time.
    Late(Duration),
    /// It said more than a secret can have.
    TooMuch,
    /// Its output could not be read.
    Pipe(io::Error),
}

impl CommandFailure {
    /// A password manager waits for its person: trying again would only ask them again.
    fn of_password(&self, what: &str) -> Fault {
        let message = self.message(what);
        match self {
            Self::Status(status) if status.code() == Some(TRY_AGAIN) => Fault::Transient(message),
            Self::Start(error) if is_shortage(error) => Fault::Transient(message),
            _ => Fault::NeedsHuman(message),
        }
    }

    /// A token command asks a server, which comes and goes.
    fn of_token(&self, what: &str) -> Fault {
        let message = self.message(what);
        match self {
            Self::Status(_) | Self::Late(_) | Self::Pipe(_) => Fault::Transient(message),
            Self::Start(error) if is_shortage(error) => Fault::Transient(message),
            Self::Start(_) | Self::TooMuch => Fault::NeedsHuman(message),
        }
    }

    fn message(&self, what: &str) -> String {
        const BY_HAND: &str = "run it by hand as the same user to see what it says";
        match self {
            Self::Start(error) => {
                format!("{what} could not be started ({error}); give its full path")
            }
            Self::Status(status) => format!("{what} failed ({status}); {BY_HAND}"),
            Self::Late(deadline) => format!(
                "{what} was not done after {} s and was stopped; \
                 it must not wait for a terminal: {BY_HAND}",
                deadline.as_secs()
            ),
            Self::TooMuch => format!(
                "{what} printed more than {MAX_BYTES} bytes; \
                 its first line must be the secret and nothing else"
            ),
            Self::Pipe(error) => format!("{what}: its output could not be read ({error})"),
        }
    }
}

fn is_shortage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
}

async fn run(argv: &[String], deadline: Duration) -> Result<Bytes, CommandFailure> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| CommandFailure::Start(io::Error::new(io::ErrorKind::NotFound, "no program")))?;
    let mut child = Command::new(program)
        .args(arguments)
        // What it says to systemd would be taken for our own words.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(CommandFailure::Start)?;
    let stdout = child.stdout.take();
    let finish = async {
        let mut bytes = buffer();
        let mut filled = 0;
        if let Some(mut stdout) = stdout {
            while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
                match stdout.read(free).await.map_err(CommandFailure::Pipe)? {
                    0 => break,
                    count => filled += count,
                }
            }
        }
        if filled == MAX_BYTES {
            return Err(CommandFailure::TooMuch);
        }
        let status = child.wait().await.map_err(CommandFailure::Pipe)?;
        if !status.success() {
            return Err(CommandFailure::Status(status));
        }
        Ok(shortened(bytes, filled))
    };
    match timeout(deadline, finish).await {
        Ok(result) => result,
        Err(_) => Err(CommandFailure::Late(deadline)),
    }
}

/// Who else may read a secret's file.
#[derive(Clone, Copy)]
enum Readers {
    OwnerOnly,
    AsTheyAre,
}

async fn read_file(path: PathBuf, readers: Readers, what: &str) -> Result<Bytes, Fault> {
    let what_inside = what.to_owned();
    // tokio's own file type keeps a buffer of its own that is never wiped.
    tokio::task::spawn_blocking(move || read_file_blocking(&path, readers, &what_inside))
        .await
        .unwrap_or_else(|_| Err(Fault::Transient(format!("{what}: reading was interrupted"))))
}

fn read_file_blocking(path: &Path, readers: Readers, what: &str) -> Result<Bytes, Fault> {
    let refused = |error: io::Error| {
        Fault::NeedsHuman(format!(
            "{what} could not be read ({error}); it must be a file that our user can read"
        ))
    };
    // Asked before opening, since opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(refused)?.is_file() {
        return Err(refused(io::Error::other("not a regular file")));
    }
    let mut file = File::open(path).map_err(refused)?;
    let mode = file.metadata().map_err(refused)?.permissions().mode();
    if let Readers::OwnerOnly = readers
        && mode & 0o077 != 0
    {
        return Err(Fault::NeedsHuman(format!(
            "{what} has mode {:04o}, so that other users can read it; do: chmod 600 {}",
            mode & 0o7777,
            path.display()
        )));
    }
    let mut bytes = buffer();
    let mut filled = 0;
    while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused(error)),
        }
    }
    if filled == MAX_BYTES {
        return Err(Fault::NeedsHuman(format!(
            "{what} is larger than {MAX_BYTES} bytes; its first line must be the secret"
        )));
    }
    Ok(shortened(bytes, filled))
}

/// Of full size from the start: growing would leave copies behind.
fn buffer() -> Bytes {
    Zeroizing::new(vec![0; MAX_BYTES])
}

fn shortened(mut bytes: Bytes, filled: usize) -> Bytes {
    bytes.truncate(filled);
    bytes
}

fn first_line(bytes: &[u8], what: &str) -> Result<Zeroizing<String>, Fault> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => {
            Err(Fault::NeedsHuman(format!("{what} gave an empty first line; the secret must stand there")))
        }
        Ok(text) if text.contains('\0') => {
            Err(Fault::NeedsHuman(format!("{what} gave a NUL byte; no mail server takes that in a secret")))
        }
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Fault::NeedsHuman(format!("{what} gave a first line that is not UTF-8"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    async fn password_of(script: &str) -> Result<String, Fault> {
        reveal(read(&SecretSource::PasswordCommand(shell(script))).await)
    }

    async fn token_of(script: &str) -> Result<String, Fault> {
        reveal(read(&SecretSource::TokenCommand(shell(script))).await)
    }

    fn reveal(secret: Result<Secret, Fault>) -> Result<String, Fault> {
        secret.map(|secret| match secret {
            Secret::Password(text) => format!("password {}", *text),
            Secret::Token(text) => format!("token {}", *text),
        })
    }

    fn file_with(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[tokio::test]
    async fn takes_the_first_line_of_a_command_and_nothing_else() {
        let two_lines = password_of("printf 'correct horse \\r\\nuser: jane\\n'").await;
        assert_eq!(two_lines.unwrap(), "password correct horse ");
        assert_eq!(token_of("printf t0ken").await.unwrap(), "token t0ken");
    }

    #[tokio::test]
    async fn arguments_reach_the_command_as_they_are() {
        let argv = ["printf", "%s", "a b;$HOME`id`*"].map(str::to_owned).to_vec();
        let secret = reveal(read(&SecretSource::PasswordCommand(argv)).await);
        assert_eq!(secret.unwrap(), "password a b;$HOME`id`*");
    }

    #[tokio::test]
    async fn an_empty_first_line_is_for_a_person() {
        for script in ["true", "echo", "printf '\\nsecret\\n'"] {
            assert!(matches!(password_of(script).await, Err(Fault::NeedsHuman(_))), "{script}");
        }
    }

    #[tokio::test]
    async fn a_failing_command_says_neither_what_it_printed_nor_its_arguments() {
        let fault = password_of("echo hunter2; echo hunter2 >&2; exit 3").await.unwrap_err();
        assert!(matches!(fault, Fault::NeedsHuman(_)));
        assert!(!fault.message().contains("hunter2"), "{fault}");
        assert!(fault.message().starts_with("password.command sh failed"), "{fault}");
        assert!(fault.message().contains("exit status: 3"), "{fault}");
    }

    #[tokio::test]
    async fn a_command_may_ask_to_be_tried_again() {
        assert!(matches!(password_of("exit 75").await, Err(Fault::Transient(_))));
        assert!(matches!(token_of("exit 1").await, Err(Fault::Transient(_))));
        let missing = vec!["/nonexistent/token-helper".to_owned()];
        let fault = read(&SecretSource::TokenCommand(missing)).await;
        assert!(matches!(fault, Err(Fault::NeedsHuman(_))));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_stopped() {
        let source = SecretSource::PasswordCommand(vec!["sleep".to_owned(), "30".to_owned()]);
        let started = Instant::now();
        let fault = read_from(&source, None, Duration::from_millis(50)).await;
        assert!(matches!(fault, Err(Fault::NeedsHuman(_))));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_command_without_end_of_output_is_refused() {
        let fault = password_of("yes").await.unwrap_err();
        assert!(fault.message().contains("more than"), "{fault}");
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o660, 0o601] {
            let (_dir, path) = file_with("hunter2\n", mode);
            let fault = reveal(read(&SecretSource::PasswordFile(path.clone())).await);
            let fault = fault.unwrap_err();
            assert!(matches!(fault, Fault::NeedsHuman(_)));
            let remedy = format!("chmod 600 {}", path.display());
            assert!(fault.message().contains(&remedy), "{fault}");
            assert!(!fault.message().contains("hunter2"), "{fault}");
        }
        for mode in [0o600, 0o400] {
            let (_dir, path) = file_with("hunter2\r\nmore\n", mode);
            let secret = reveal(read(&SecretSource::PasswordFile(path)).await);
            assert_eq!(secret.unwrap(), "password hunter2");
        }
    }

    #[tokio::test]
    async fn a_folder_or_a_missing_file_is_for_a_person() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_path_buf(), dir.path().join("missing")] {
            let fault = read(&SecretSource::PasswordFile(path)).await;
            assert!(matches!(fault, Err(Fault::NeedsHuman(_))));
        }
    }

    #[tokio::test]
    async fn a_credential_comes_from_the_folder_systemd_gives() {
        let (dir, _) = file_with("from systemd\n", 0o440);
        let source = SecretSource::PasswordCredential("secret".to_owned());
        let folder = Some(dir.path().to_path_buf());
        let secret = read_from(&source, folder, COMMAND_DEADLINE).await;
        assert_eq!(reveal(secret).unwrap(), "password from systemd");
        let fault = read_from(&source, None, COMMAND_DEADLINE).await;
        let fault = fault.unwrap_err();
        let words = fault.message();
        assert!(words.contains("LoadCredential=secret") && words.contains("in a shell"), "{words}");
    }

    #[tokio::test]
    async fn debug_never_shows_a_secret() {
        let secret = read(&SecretSource::TokenCommand(shell("echo hunter2"))).await;
        assert_eq!(format!("{:?}", secret.unwrap()), "Token(***)");
    }
}
