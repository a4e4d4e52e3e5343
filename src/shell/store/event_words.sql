-- Words for two moves that were written as others: every parking was 'too-late', also one
-- that had another reason; a letter that became a draft was to be tried later.
UPDATE delivery_event SET event = 'parked' WHERE event = 'too-late';
UPDATE delivery_event SET event = 'became-draft'
WHERE event = 'try-later' AND (from_state = 'held' OR note LIKE '%so it becomes a draft');
