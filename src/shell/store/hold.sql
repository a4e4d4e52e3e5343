-- Letters that are to be sent, and first stand in Drafts for a while. A row goes
-- when its letter is queued to be sent, or is not to be sent any more.
CREATE TABLE hold (
    key            TEXT NOT NULL PRIMARY KEY REFERENCES delivery (key),
    -- For so many seconds, from when the draft stands there.
    lasts_s        INTEGER NOT NULL CHECK (lasts_s > 0),
    -- When it is sent; NULL until the draft stands.
    goes_at        INTEGER,
    -- The draft is about to be removed, or was; NULL before that.
    withdrawing_at INTEGER,
    -- The letter is not to be sent any more, and its draft was being removed; NULL while it is to be sent.
    ended_at       INTEGER
) STRICT;
