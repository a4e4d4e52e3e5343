-- Of which accounts it is known whom the owner wrote to: their Sent folder was
-- read to the end. An account of an old ledger counts if it was begun.
CREATE TABLE learned (
    account TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO learned (account) SELECT account FROM sent_cursor;
