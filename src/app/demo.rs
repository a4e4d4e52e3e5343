//! The daemon's real pass over a bundled sample mailbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use include_dir::{Dir, include_dir};

use super::account::pass;
use super::ingest::{Observer, Unwatched};
use super::port::Port;
use super::setup;
use super::shared::{Memory, Shared, Stop};
use crate::config::{Account, Dkim, MailboxKind, Maildir, Owner, SentCopy};
use crate::domain::{Address, Fault, Policy};
use crate::shell::clock;
use crate::shell::files::{self, TempDir};
use crate::shell::store::Ledger;

static SAMPLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/mail/demo");

/// The sample as it lies on disk, ready for a pass.
pub struct Demo {
    /// The folder that holds everything.
    pub dir: PathBuf,
    /// Removes it in the end, unless it is kept.
    _temporary: Option<TempDir>,
    account: Account,
    shared: Shared,
}

impl Demo {
    /// Where the drafts will lie.
    pub fn drafts_dir(&self) -> PathBuf {
        self.dir.join("Maildir/.Drafts/cur")
    }

    /// Makes the sample mailbox in `keep`, which must be new or empty, else in a folder that goes
    /// with the value; and watches it while it is still empty, as a first run does.
    ///
    /// # Errors
    /// When the folder cannot be made or is not empty.
    pub async fn prepare(keep: Option<&Path>) -> Result<Self, Fault> {
        let (dir, temporary) = match keep {
            Some(dir) => (dir.to_owned(), None),
            None => {
                let folder = files::temporary_folder("notyet-demo-")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        files::make_new(&dir)?;
        let maildir = dir.join("Maildir");
        for part in ["cur", "new", "tmp"] {
            files::make_new(&maildir.join(part))?;
        }
        let rules = setup::rules(None).map_err(|problems| Fault::Permanent(problems.to_string()))?;
        // The sample is a year's mail at once; limits are not what it shows.
        let policy = Policy { max_per_hour: 1000, max_per_day: 1000, ..rules.policy.clone() };
        let no_address = || Fault::Permanent("the sample's owner has no address".to_owned());
        let from = Address::parse("robin@example.org").ok_or_else(no_address)?;
        let owner = Owner {
            name: "Robin Keller".to_owned(),
            addresses: vec![from.clone()],
            link: Some("https://example.org/robin".to_owned()),
            languages: vec!["en".to_owned()],
            me: crate::config::Me::default(),
        };
        let mut shared = Shared::new(rules, owner, policy, Ledger::open(&dir.join("state"))?, clock::now);
        shared.uids_dir = Some(dir.join("state/maildir"));
        let demo = Self { dir, _temporary: temporary, account: account(maildir.clone(), from), shared };
        demo.pass(&mut Unwatched).await?;
        let mut files: Vec<_> = SAMPLE.files().collect();
        files.sort_by_key(|file| file.path());
        for (at, file) in files.iter().enumerate() {
            let name =
                file.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let unique = format!("{at:03}.{name}.sample");
            // Nobody looks into it yet, so it need not be staged in tmp.
            files::write(&maildir.join("new").join(&unique), file.contents())?;
        }
        Ok(demo)
    }

    /// The daemon's pass.
    ///
    /// # Errors
    /// See [`pass`].
    pub async fn pass(&self, observer: &mut dyn Observer) -> Result<(), Fault> {
        let (_switch, stop) = Stop::new();
        let mut port = Port::connect(&self.account, self.shared.uids(&self.account)).await?;
        let mut memory = Memory::default();
        pass(&mut port, &self.account, &self.shared, &mut memory, observer, &stop).await.map(|_| ())
    }
}

fn account(path: PathBuf, from: Address) -> Account {
    Account {
        name: "sample".to_owned(),
        from,
        kind: MailboxKind::Maildir(Maildir { path }),
        mailboxes: vec!["INBOX".to_owned()],
        drafts: None,
        sent: None,
        sent_copy: SentCopy::File,
        authserv_id: Some("mx.example.org".to_owned()),
        dkim: Dkim::Provider,
        resolver: None,
        poll_every: Duration::from_secs(300),
        since: None,
        smtp: None,
    }
}
