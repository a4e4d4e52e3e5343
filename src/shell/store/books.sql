-- The address books of the configuration, as they were found last. Which ones an
-- older ledger had read is not known: each has to be read once more.
CREATE TABLE address_book (
    path    TEXT NOT NULL PRIMARY KEY,
    -- When it was read to its end last; NULL: never, and nothing is judged before.
    read_at INTEGER,
    -- What stands in the way of reading it, and since when; NULL: nothing.
    words   TEXT,
    since   INTEGER,
    CHECK ((words IS NULL) = (since IS NULL))
) STRICT;
