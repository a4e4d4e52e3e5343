-- How often fetching a part of a mail failed while the server was there to be
-- asked. Rows go when the part is read after all, or when the cursor is past the mail.
CREATE TABLE stumble (
    account      TEXT NOT NULL,
    mailbox      TEXT NOT NULL,
    -- 0 when the server has none.
    uid_validity INTEGER NOT NULL,
    part         TEXT NOT NULL CHECK (part IN ('header', 'body')),
    uid          INTEGER NOT NULL,
    times        INTEGER NOT NULL CHECK (times > 0),
    PRIMARY KEY (account, mailbox, uid_validity, part, uid)
) STRICT, WITHOUT ROWID;
