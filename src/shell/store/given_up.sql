-- A fetch that fails is a mail's fault only where other mail could be fetched at
-- that moment, or where it goes on for hours. What was counted before knew no
-- such difference; the mails are counted anew.
DROP TABLE stumble;
CREATE TABLE stumble (
    account      TEXT NOT NULL,
    mailbox      TEXT NOT NULL,
    -- 0 when the server has none.
    uid_validity INTEGER NOT NULL,
    part         TEXT NOT NULL CHECK (part IN ('header', 'body')),
    uid          INTEGER NOT NULL,
    -- Failures that count against the mail.
    times        INTEGER NOT NULL CHECK (times >= 0),
    -- All failures, and when the first was.
    tries        INTEGER NOT NULL CHECK (tries >= times AND tries > 0),
    since        INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, uid_validity, part, uid)
) STRICT, WITHOUT ROWID;

-- When a mail that the server did not hand out was asked for last; NULL: it is not asked for again.
ALTER TABLE quarantine ADD COLUMN tried_at INTEGER;
UPDATE quarantine SET tried_at = since
WHERE why IN ('the server failed each time its header was fetched', 'the server broke off each time it was fetched');
