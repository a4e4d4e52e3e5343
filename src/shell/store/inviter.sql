-- What the inviter behind each letter would be known by, as digests like those
-- of person: a letter that waits goes to one of their addresses, and the owner
-- may come to know them by another.
CREATE TABLE inviter (
    key    TEXT NOT NULL REFERENCES delivery (key),
    digest BLOB NOT NULL,
    PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;
