-- Invitations of people the owner wanted forgotten (`notyet forget`): no later mail of them brings
-- a word back or gets a letter. What merely grew old (`retention`) is not among them.
CREATE TABLE forgotten (
    key TEXT NOT NULL PRIMARY KEY REFERENCES invitation (key),
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Earlier versions did not tell the one from the other; a letter too few costs less than one too many.
INSERT INTO forgotten (key, at)
SELECT key, max(erased_at) FROM plan WHERE erased_at IS NOT NULL GROUP BY key;
