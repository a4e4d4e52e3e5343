-- The ledger: what a person does with it. A person's words on a letter
-- (`notyet queue`), which the first list of events did not have. The program
-- checks the words: they come from one table in the code.
CREATE TABLE delivery_event_next (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL REFERENCES delivery (key),
    event      TEXT NOT NULL CHECK (event <> ''),
    -- NULL for 'created'.
    from_state TEXT,
    to_state   TEXT NOT NULL,
    note       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

INSERT INTO delivery_event_next (id, key, event, from_state, to_state, note, at)
SELECT id, key, event, from_state, to_state, note, at FROM delivery_event;

DROP TABLE delivery_event;

ALTER TABLE delivery_event_next RENAME TO delivery_event;

CREATE INDEX delivery_event_by_key ON delivery_event (key, id);

-- What is wanted of a notification ([[after]] in the config), and how far that is.
CREATE TABLE touch (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    key          TEXT NOT NULL REFERENCES invitation (key),
    account      TEXT NOT NULL REFERENCES account (name),
    mailbox      TEXT NOT NULL,
    uid_validity INTEGER NOT NULL CHECK (uid_validity > 0),
    uid          INTEGER NOT NULL,
    -- The notification's, without angle brackets: it is found again by it.
    message_id   TEXT NOT NULL,
    seen         INTEGER NOT NULL CHECK (seen IN (0, 1)),
    flag         INTEGER NOT NULL CHECK (flag IN (0, 1)),
    -- NULL: it stays where it is.
    folder       TEXT,
    may_create   INTEGER NOT NULL CHECK (may_create IN (0, 1)),
    state        TEXT NOT NULL CHECK (state IN ('wanted', 'marking', 'copying', 'done', 'left',
                                                'back-wanted', 'back-copying', 'back')),
    -- The flags it had before the first touch; NULL until then.
    had_seen     INTEGER CHECK (had_seen IN (0, 1)),
    had_flag     INTEGER CHECK (had_flag IN (0, 1)),
    -- What stood in the way; '' when nothing did.
    words        TEXT NOT NULL,
    changed_at   INTEGER NOT NULL,
    -- One mail is touched once, whatever UID it gets when it is moved.
    UNIQUE (account, message_id)
) STRICT;

CREATE INDEX touch_by_key ON touch (key);
CREATE INDEX touch_by_state ON touch (account, state);

-- Invitations their owner took back: never answered again.
CREATE TABLE undo (
    key      TEXT NOT NULL PRIMARY KEY REFERENCES invitation (key),
    account  TEXT NOT NULL REFERENCES account (name),
    asked_at INTEGER NOT NULL,
    -- What becomes of our draft.
    draft    TEXT NOT NULL CHECK (draft IN ('none', 'wanted', 'removed', 'left')),
    words    TEXT NOT NULL
) STRICT;

-- When the words of a row were erased (retention, `notyet forget`); NULL while they are kept.
ALTER TABLE plan ADD COLUMN erased_at INTEGER;
ALTER TABLE delivery ADD COLUMN erased_at INTEGER;
