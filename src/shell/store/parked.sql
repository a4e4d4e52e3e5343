-- Why a letter was parked, as a word, so that a person who lets it go overrules that alone.
-- NULL with other events, and with those from before this version.
ALTER TABLE delivery_event ADD COLUMN parked_for TEXT;
