-- When a notification's move or copy was asked for and its end was not heard of; NULL
-- when nothing is under way.
ALTER TABLE touch ADD COLUMN moving_since INTEGER;
