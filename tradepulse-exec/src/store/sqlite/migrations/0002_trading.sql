-- Instants are milliseconds since the Unix epoch (UTC), money TEXT (exact decimals), figures REAL,
-- JSON is TEXT.

CREATE TABLE journals (
    key INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE journal (
    journal_key INTEGER NOT NULL REFERENCES journals (key),
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (journal_key, sequence)
) STRICT;

CREATE TABLE runs (
    id TEXT NOT NULL,
    tag TEXT NOT NULL,
    wallet TEXT NOT NULL,
    mode TEXT NOT NULL,
    exchange TEXT NOT NULL,
    config TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT,
    PRIMARY KEY (id)
) STRICT;

CREATE TABLE orders (
    id TEXT NOT NULL,
    run TEXT NOT NULL,
    wallet TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    price TEXT,
    "trigger" TEXT,
    quantity TEXT NOT NULL,
    reduce_only INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
    venue_id TEXT,
    state TEXT NOT NULL,
    filled TEXT NOT NULL,
    reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (id)
) STRICT;

CREATE INDEX orders_by_time ON orders (created_at, id);
CREATE INDEX open_orders ON orders (created_at) WHERE ended_at IS NULL;

CREATE TABLE fills (
    order_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    run TEXT NOT NULL,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL,
    liquidity TEXT NOT NULL,
    at INTEGER NOT NULL,
    reference TEXT,
    ambiguous INTEGER CHECK (ambiguous IN (0, 1)),
    moment TEXT,
    PRIMARY KEY (order_id, execution_id)
) STRICT;

CREATE INDEX fills_by_time ON fills (at, order_id, execution_id);

CREATE TABLE positions (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    entry_price REAL NOT NULL,
    stop TEXT,
    target TEXT,
    opened_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (run, sequence)
) STRICT;

CREATE INDEX positions_by_time ON positions (opened_at, run, sequence);
CREATE INDEX open_positions ON positions (opened_at) WHERE ended_at IS NULL;

CREATE TABLE trades (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    exchange TEXT NOT NULL,
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    strategy TEXT NOT NULL,
    side TEXT NOT NULL,
    entry_time_ms INTEGER NOT NULL,
    entry_price REAL NOT NULL,
    exit_time_ms INTEGER NOT NULL,
    exit_price REAL NOT NULL,
    quantity REAL NOT NULL,
    fees REAL NOT NULL,
    profit REAL NOT NULL,
    profit_pct REAL NOT NULL,
    exit_reason TEXT NOT NULL,
    holding INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL CHECK (ambiguous IN (0, 1)),
    slippage REAL NOT NULL,
    funding REAL NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT;

CREATE INDEX trades_by_time ON trades (exit_time_ms, run, sequence);
CREATE INDEX trades_of_a_wallet ON trades (wallet, exit_time_ms, run, sequence);

CREATE TABLE risk_state (
    wallet TEXT NOT NULL,
    counters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (wallet)
) STRICT;

CREATE TABLE snapshots (
    run TEXT NOT NULL,
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, symbol, timeframe, at)
) STRICT;

CREATE INDEX snapshots_by_time ON snapshots (at, run, symbol, timeframe);

CREATE TABLE predictions (
    run TEXT NOT NULL,
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    at INTEGER NOT NULL,
    model TEXT NOT NULL,
    action TEXT NOT NULL,
    confidence REAL NOT NULL,
    stop REAL,
    take_profit REAL,
    raw_score REAL,
    latency_ms INTEGER,
    dropped TEXT,
    PRIMARY KEY (run, symbol, timeframe, at, model)
) STRICT;

CREATE INDEX predictions_by_time ON predictions (at, run, symbol, timeframe, model);

CREATE TABLE decisions (
    run TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    signal TEXT,
    votes TEXT,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, configuration_id, at)
) STRICT;

CREATE INDEX decisions_by_time ON decisions (at, run, configuration_id);

CREATE TABLE system_events (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    wallet TEXT,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT,
    PRIMARY KEY (run, sequence)
) STRICT;

CREATE INDEX system_events_by_time ON system_events (at, run, sequence);

CREATE TABLE wallets (
    name TEXT NOT NULL,
    exchange TEXT NOT NULL,
    allocation REAL NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT;

CREATE TABLE equity (
    run TEXT NOT NULL,
    wallet TEXT NOT NULL,
    at INTEGER NOT NULL,
    equity REAL NOT NULL,
    cash REAL NOT NULL,
    exposure REAL NOT NULL,
    PRIMARY KEY (run, at)
) STRICT;

CREATE INDEX equity_by_time ON equity (at, run);
