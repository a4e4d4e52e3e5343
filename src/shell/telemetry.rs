//! Where log lines go, and which there are.
//!
//! Only our own lines exist. The crates that speak IMAP, SMTP and TLS log whole
//! commands and bodies at their lower levels, so everything that does not come
//! from this crate is off, at every level: there is no `RUST_LOG` to turn it on,
//! and records of the `log` crate are not bridged into tracing.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, Layered, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;

use crate::config::{LogFormat, Logging};
use crate::domain::Fault;

/// The target of all lines of this crate.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// The running log; its level can be changed when the config is reloaded.
#[derive(Clone, Debug)]
pub struct Telemetry {
    filter: reload::Handle<Targets, Registry>,
}

impl Telemetry {
    /// Takes over the level of a reloaded config. Where lines go stays as it
    /// was at the start.
    pub fn reload(&self, logging: &Logging) {
        // Fails only when the subscriber is gone, and then there is no log at all.
        let _ = self.filter.reload(ours_only(&logging.level));
    }
}

/// Starts the log of this process. Call it once.
///
/// # Errors
/// [`Fault::NeedsHuman`] when the config asks for the journal and there is
/// none, or when a log was started before.
pub fn start(logging: &Logging) -> Result<Telemetry, Fault> {
    let (subscriber, telemetry) = match Output::choose(logging.format, &Stderr::look()) {
        Output::Human { colours } => human(&logging.level, colours, io::stderr),
        Output::Json => json(&logging.level, io::stderr),
        Output::Journal => match (journal(&logging.level), logging.format) {
            (Ok(started), _) => started,
            (Err(_), LogFormat::Auto) => json(&logging.level, io::stderr),
            (Err(error), _) => {
                return Err(Fault::NeedsHuman(format!(
                    "log.format = \"journald\", but the journal cannot be reached ({error}); \
                     use \"auto\""
                )));
            }
        },
    };
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| Fault::NeedsHuman("the log was started twice in one process".to_owned()))?;
    // The words of a panic can quote a mail, so only its place is told.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{}", place_of(panic.location()))));
    Ok(telemetry)
}

fn place_of(location: Option<&std::panic::Location<'_>>) -> String {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("a fault inside notyet at {place}; please report it")
}

/// The subscriber below the layer that writes.
type Filtered = Layered<reload::Layer<Targets, Registry>, Registry>;

type Started = (Box<dyn Subscriber + Send + Sync>, Telemetry);

fn human<W>(level: &str, colours: bool, writer: W) -> Started
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(colours).with_target(false).with_writer(writer);
    filtered(level, layer)
}

fn json<W>(level: &str, writer: W) -> Started
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer);
    filtered(level, layer)
}

/// Fields become `NOTYET_ACCOUNT=` and the like, to search by in journalctl.
fn journal(level: &str) -> io::Result<Started> {
    let layer = tracing_journald::layer()?
        .with_field_prefix(Some(OURS.to_ascii_uppercase()))
        .with_syslog_identifier(OURS.to_owned());
    Ok(filtered(level, layer))
}

fn filtered<L>(level: &str, layer: L) -> Started
where
    L: Layer<Filtered> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(ours_only(level));
    let subscriber = Registry::default().with(filter).with(layer);
    (Box::new(subscriber), Telemetry { filter: handle })
}

fn ours_only(level: &str) -> Targets {
    // The config allows the five words only.
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    Targets::new().with_default(LevelFilter::OFF).with_target(OURS, level)
}

/// What standard error is.
struct Stderr {
    terminal: bool,
    journal: bool,
    /// `NO_COLOR` is set and not empty (no-color.org), or the terminal is dumb.
    plain: bool,
}

impl Stderr {
    fn look() -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            terminal: io::stderr().is_terminal(),
            journal: env::var("JOURNAL_STREAM").is_ok_and(|stream| is_stderr(&stream)),
            plain: set("NO_COLOR") || env::var_os("TERM").is_some_and(|term| term == "dumb"),
        }
    }
}

/// `JOURNAL_STREAM` holds device and inode of the journal's stream; the
/// variable is inherited, so they must be those of our stderr (systemd.exec(5)).
fn is_stderr(journal_stream: &str) -> bool {
    let numbers = journal_stream
        .split_once(':')
        .and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    let ours = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| File::from(fd).metadata())
        .map(|metadata| (metadata.dev(), metadata.ino()))
        .ok();
    numbers.is_some() && numbers == ours
}

/// Where lines go, all things considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Human { colours: bool },
    Json,
    Journal,
}

impl Output {
    fn choose(format: LogFormat, stderr: &Stderr) -> Self {
        let colours = stderr.terminal && !stderr.plain;
        match format {
            LogFormat::Human => Self::Human { colours },
            LogFormat::Json => Self::Json,
            LogFormat::Journald => Self::Journal,
            LogFormat::Auto if stderr.terminal => Self::Human { colours },
            LogFormat::Auto if stderr.journal => Self::Journal,
            LogFormat::Auto => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run(level: &str, log: impl FnOnce(&Telemetry)) -> String {
        let written = Written::default();
        let writer = written.clone();
        let (subscriber, telemetry) = json(level, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || log(&telemetry));
        written.text()
    }

    #[test]
    fn lines_of_other_crates_are_off_at_every_level() {
        let text = run("trace", |_| {
            tracing::trace!("our own trace line");
            tracing::error!(target: "lettre::transport::smtp", "AUTH PLAIN hunter2");
            tracing::trace!(target: "async_imap::imap_stream", "LOGIN hunter2");
            tracing::warn!(target: "rustls::client", "hunter2");
            tracing::debug!(target: "mailparse", "hunter2");
        });
        assert!(text.contains("our own trace line"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_level_follows_the_config_and_its_reload() {
        let text = run("info", |telemetry| {
            tracing::debug!("unheard");
            tracing::info!("first");
            telemetry.reload(&Logging { level: "debug".to_owned(), ..Logging::default() });
            tracing::debug!("second");
        });
        assert!(text.contains("first") && text.contains("second"), "{text}");
        assert!(!text.contains("unheard"), "{text}");
    }

    #[test]
    fn json_is_one_object_a_line_with_the_fields_at_the_top() {
        let text = run("info", |_| tracing::info!(account = "work", "two\nlines"));
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["account"], "work");
        assert_eq!(line["message"], "two\nlines");
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let colours = |terminal, plain| {
            let stderr = Stderr { terminal, journal: false, plain };
            Output::choose(LogFormat::Human, &stderr)
        };
        assert_eq!(colours(true, false), Output::Human { colours: true });
        assert_eq!(colours(true, true), Output::Human { colours: false });
        assert_eq!(colours(false, false), Output::Human { colours: false });
    }

    #[test]
    fn auto_follows_what_stderr_is() {
        let auto = |terminal, journal| {
            let stderr = Stderr { terminal, journal, plain: true };
            Output::choose(LogFormat::Auto, &stderr)
        };
        assert_eq!(auto(true, false), Output::Human { colours: false });
        assert_eq!(auto(false, true), Output::Journal);
        assert_eq!(auto(false, false), Output::Json);
    }

    #[test]
    fn an_inherited_journal_stream_is_not_ours() {
        assert!(!is_stderr("1:1"));
        assert!(!is_stderr(""));
        let metadata = File::from(io::stderr().as_fd().try_clone_to_owned().unwrap());
        let metadata = metadata.metadata().unwrap();
        assert!(is_stderr(&format!("{}:{}", metadata.dev(), metadata.ino())));
    }
}
