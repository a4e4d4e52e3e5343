-- By which reader of names (stages::people) each Sent folder was read. Another
-- one makes other forms of a name: the folder is read anew, and nobody forgotten.
ALTER TABLE sent_cursor ADD COLUMN reader INTEGER NOT NULL DEFAULT 1 CHECK (reader >= 1);
