-- Since when every account of the configuration has looked for letters from
-- before this ledger; until then nothing is sent. An old ledger counts as
-- whole if all its accounts had.
CREATE TABLE whole (
    -- One row, made with the table.
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    since INTEGER
) STRICT;

INSERT INTO whole (id, since) VALUES (1, (
    SELECT CASE WHEN count(*) = count(r.done_at) THEN max(r.done_at) END
    FROM account a LEFT JOIN rebuild r ON r.account = a.name));
