-- Commands of people to coordinators.
CREATE TABLE controls (
    id TEXT NOT NULL,
    wallet TEXT,
    kind TEXT NOT NULL,
    symbol TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    taken_at INTEGER,
    answer TEXT,
    result TEXT,
    ended_at INTEGER,
    PRIMARY KEY (id)
) STRICT;

CREATE INDEX controls_by_time ON controls (created_at, id);
CREATE INDEX open_controls ON controls (created_at) WHERE ended_at IS NULL;
