-- The ledger, version 1. Times are seconds since 1970 (UTC). One meaning per
-- column; a word column is checked against the words the program knows.
-- This file is the first migration: it never changes again, later versions
-- are further steps in migrate.rs.

CREATE TABLE account (
    name       TEXT NOT NULL PRIMARY KEY,
    -- Mail older than this is not ours to answer; set once, at the first run.
    started_at INTEGER NOT NULL
) STRICT;

CREATE TABLE cursor (
    account      TEXT NOT NULL REFERENCES account (name),
    mailbox      TEXT NOT NULL,
    uid_validity INTEGER NOT NULL CHECK (uid_validity > 0),
    -- Every UID below this one has been dealt with.
    next_uid     INTEGER NOT NULL CHECK (next_uid >= 0),
    moved_at     INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox)
) STRICT;

CREATE TABLE invitation (
    key                  TEXT NOT NULL PRIMARY KEY,
    network              TEXT NOT NULL,
    -- Digests only; NULL where no mail has shown that part yet.
    invitation_id_digest TEXT,
    shared_key_digest    TEXT,
    profile_digest       TEXT,
    name_digest          TEXT NOT NULL,
    first_seen           INTEGER NOT NULL
) STRICT;

CREATE INDEX invitation_by_id         ON invitation (invitation_id_digest) WHERE invitation_id_digest IS NOT NULL;
CREATE INDEX invitation_by_shared_key ON invitation (shared_key_digest) WHERE shared_key_digest IS NOT NULL;
CREATE INDEX invitation_by_profile    ON invitation (profile_digest) WHERE profile_digest IS NOT NULL;
CREATE INDEX invitation_by_name       ON invitation (name_digest);

-- One row per judgement of one notification; several rows of one key are its history.
CREATE TABLE plan (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    key              TEXT NOT NULL REFERENCES invitation (key),
    account          TEXT NOT NULL REFERENCES account (name),
    mailbox          TEXT NOT NULL,
    uid_validity     INTEGER NOT NULL,
    uid              INTEGER NOT NULL,
    -- SHA-256 of the notification's Message-ID; NULL when it has none.
    source_message_id_digest TEXT,
    decision         TEXT NOT NULL CHECK (decision IN ('leave', 'draft', 'hold', 'send')),
    reason_code      TEXT NOT NULL,
    reason_text      TEXT NOT NULL,
    note_kind        TEXT NOT NULL CHECK (note_kind IN ('generic', 'personalized')),
    confidence       REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    -- BCP 47 primary tag; '' when unknown.
    language         TEXT NOT NULL,
    route            TEXT NOT NULL CHECK (route IN ('address', 'relay', 'paste')),
    inviter_name     TEXT NOT NULL,
    -- NULL when the mail shows no note.
    note             TEXT,
    -- [{"stage","rule","text"}] in order.
    evidence         TEXT NOT NULL CHECK (json_valid(evidence)),
    made_at          INTEGER NOT NULL
) STRICT;

CREATE INDEX plan_by_key ON plan (key, id);
CREATE INDEX plan_by_account ON plan (account, decision);

-- One letter per invitation, for ever: the primary key is the promise.
CREATE TABLE delivery (
    key             TEXT NOT NULL PRIMARY KEY REFERENCES invitation (key),
    -- The plan it was made by; the rows of later sightings come after it.
    plan_id         INTEGER NOT NULL REFERENCES plan (id),
    account         TEXT NOT NULL REFERENCES account (name),
    mode            TEXT NOT NULL CHECK (mode IN ('draft', 'send')),
    state           TEXT NOT NULL CHECK (state IN ('held', 'queued', 'appending', 'drafted', 'transmitting',
                                                   'sent', 'refused', 'uncertain', 'parked', 'taken-over')),
    -- The message, rendered once, as it is to be delivered.
    message         BLOB NOT NULL,
    -- Without angle brackets.
    message_id      TEXT NOT NULL UNIQUE,
    -- The one envelope recipient; NULL for a draft to be pasted.
    recipient       TEXT,
    -- Tries begun.
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at INTEGER NOT NULL,
    -- Where an APPEND left its trace (a Maildir file name, a UIDNEXT); NULL before the first.
    append_mark     TEXT,
    -- What came back last; '' when nothing has.
    last_words      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    -- When it entered the queue, which is what limits count; NULL while held.
    queued_at       INTEGER,
    changed_at      INTEGER NOT NULL,
    -- When the copy in Sent was filed or seen; NULL until then.
    sent_copy_at    INTEGER,
    CHECK (mode = 'draft' OR recipient IS NOT NULL),
    CHECK (state <> 'queued' OR queued_at IS NOT NULL)
) STRICT;

CREATE INDEX delivery_by_state ON delivery (account, state, next_attempt_at);
CREATE INDEX delivery_by_queued_at ON delivery (account, queued_at);

-- Every move of the machine, the way in included.
CREATE TABLE delivery_event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL REFERENCES delivery (key),
    event      TEXT NOT NULL CHECK (event IN ('created', 'released', 'append-about-to-go', 'appended',
                                              'not-appended', 'append-unclear', 'body-about-to-go', 'accepted',
                                              'try-later', 'rejected', 'lost', 'seen-in-sent', 'too-late',
                                              'owner-acted')),
    -- NULL for 'created'.
    from_state TEXT,
    to_state   TEXT NOT NULL,
    note       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

CREATE INDEX delivery_event_by_key ON delivery_event (key, id);

-- Mail that could not be read: left untouched and listed.
CREATE TABLE quarantine (
    account      TEXT NOT NULL REFERENCES account (name),
    mailbox      TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    why          TEXT NOT NULL,
    since        INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, uid_validity, uid)
) STRICT;

-- A port that waits for a person.
CREATE TABLE port_fault (
    account   TEXT NOT NULL REFERENCES account (name),
    port      TEXT NOT NULL CHECK (port IN ('imap', 'smtp', 'maildir')),
    words     TEXT NOT NULL,
    since     INTEGER NOT NULL,
    -- When the owner was told last; NULL until then.
    last_told INTEGER,
    PRIMARY KEY (account, port)
) STRICT;
