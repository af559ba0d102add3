-- What would have been right, once it is known.
ALTER TABLE predictions ADD COLUMN truth TEXT;
