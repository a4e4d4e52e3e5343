-- From when on letters are looked for; NULL: from the beginning. Set where the
-- ledger may be an older copy of itself.
ALTER TABLE rebuild ADD COLUMN since INTEGER;
