-- When an account's mailboxes were looked into last, whether or not mail had come;
-- NULL before the first such look that was noted.
ALTER TABLE account ADD COLUMN looked_at INTEGER;
