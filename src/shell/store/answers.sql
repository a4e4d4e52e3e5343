-- What came back to letters: a person's reply, a machine's, a bounce. One row of a kind per letter.

CREATE TABLE answer (
    key  TEXT NOT NULL REFERENCES delivery (key),
    kind TEXT NOT NULL CHECK (kind IN ('replied', 'auto-answered', 'bounced')),
    -- When the first of its kind arrived.
    at   INTEGER NOT NULL,
    PRIMARY KEY (key, kind)
) STRICT, WITHOUT ROWID;
