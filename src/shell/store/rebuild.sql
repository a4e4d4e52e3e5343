-- The ledger, a later version: which accounts looked for letters from before
-- this ledger began, and what they found. One row per account, for ever.

CREATE TABLE rebuild (
    account   TEXT NOT NULL PRIMARY KEY REFERENCES account (name),
    -- NULL until both folders were read to the end.
    done_at   INTEGER,
    in_drafts INTEGER NOT NULL CHECK (in_drafts >= 0),
    in_sent   INTEGER NOT NULL CHECK (in_sent >= 0)
) STRICT;
