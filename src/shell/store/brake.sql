-- What stops all sending, and who had a letter.

CREATE TABLE brake (
    -- One row, made with the table.
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The latest moment at which a pass was made by a clock that was believed; NULL before the first.
    seen_at      INTEGER,
    -- Events of letters up to this id are settled: a person has looked at them.
    settled_event INTEGER NOT NULL,
    -- All three NULL while sending goes on.
    cause        TEXT CHECK (cause IN ('burst', 'refusals', 'clock')),
    tripped_at   INTEGER,
    words        TEXT,
    CHECK ((cause IS NULL) = (tripped_at IS NULL) AND (cause IS NULL) = (words IS NULL))
) STRICT;

INSERT INTO brake (id, seen_at, settled_event)
    VALUES (1, (SELECT max(changed_at) FROM delivery), (SELECT coalesce(max(id), 0) FROM delivery_event));

-- Every address a letter was made for, and the one invitation it answers: digests as in person.
-- They outlive the letters, so that nobody is written to twice.
CREATE TABLE recipient (
    digest BLOB NOT NULL PRIMARY KEY,
    key    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
