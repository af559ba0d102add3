-- Whether an answer of no use counts against its model.
ALTER TABLE predictions ADD COLUMN invalid INTEGER NOT NULL DEFAULT 0 CHECK (invalid IN (0, 1));
