-- Searches in the training parts of walk-forward windows. The ledger counts their trials.
CREATE TABLE window_searches (
    study_key INTEGER NOT NULL REFERENCES studies (key),
    number INTEGER NOT NULL,
    trials INTEGER NOT NULL,
    -- The state of the search; empty once its study is deleted.
    json TEXT NOT NULL,
    PRIMARY KEY (study_key, number)
) STRICT;
