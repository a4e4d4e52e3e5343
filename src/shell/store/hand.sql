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
