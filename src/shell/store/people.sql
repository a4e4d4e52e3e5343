-- The ledger, version 2: whom the owner knows. Names and addresses are kept as
-- digests only (SHA-256 over a secret of this ledger and the canonical text).

CREATE TABLE secret (
    -- One row, made with the table.
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    value BLOB NOT NULL CHECK (length(value) = 32)
) STRICT;

INSERT INTO secret (id, value) VALUES (1, randomblob(32));

CREATE TABLE person (
    digest   BLOB NOT NULL,
    source   TEXT NOT NULL CHECK (source IN ('keep', 'address-book', 'sent')),
    -- The account whose Sent folder told; '' for the other sources.
    account  TEXT NOT NULL,
    strength TEXT NOT NULL CHECK (strength IN ('near-name', 'name', 'address')),
    PRIMARY KEY (digest, source, account)
) STRICT, WITHOUT ROWID;

-- How far each Sent folder was read for it.
CREATE TABLE sent_cursor (
    account      TEXT NOT NULL PRIMARY KEY,
    folder       TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    -- Every UID below this one has been read.
    next_uid     INTEGER NOT NULL CHECK (next_uid >= 0)
) STRICT;
