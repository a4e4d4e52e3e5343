-- Logins that a server refused, so that a new process does not try the same one
-- again at once. Rows go when the server lets us in.
CREATE TABLE refused_login (
    account TEXT NOT NULL REFERENCES account (name),
    port    TEXT NOT NULL CHECK (port IN ('imap', 'smtp')),
    at      INTEGER NOT NULL,
    salt    BLOB NOT NULL,
    -- A digest, with the salt, of what was used: server and user name, not the secret.
    used    BLOB NOT NULL,
    -- One byte of such a digest of the password; NULL for a token, which is another each time.
    hint    INTEGER,
    PRIMARY KEY (account, port)
) STRICT;
