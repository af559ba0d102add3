-- Instants are milliseconds since the Unix epoch (UTC), figures REAL, JSON is TEXT.

CREATE TABLE studies (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    exchange TEXT NOT NULL,
    pair TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    regime TEXT NOT NULL,
    strategy_version INTEGER NOT NULL,
    space TEXT NOT NULL,
    method TEXT NOT NULL,
    seed TEXT NOT NULL,
    trials_wanted INTEGER NOT NULL,
    objective TEXT NOT NULL,
    windows TEXT NOT NULL,
    data_fingerprint TEXT NOT NULL,
    data_from INTEGER NOT NULL,
    data_to INTEGER NOT NULL,
    engine_version TEXT NOT NULL,
    status TEXT NOT NULL,
    note TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- A deleted study is there for the ledger only.
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;

CREATE INDEX studies_by_data ON studies (strategy, data_fingerprint);
CREATE INDEX studies_by_market ON studies (strategy, exchange, pair, timeframe);

-- Every trial ever run: what the ledger counts.
CREATE TABLE trials (
    study_key INTEGER NOT NULL REFERENCES studies (key),
    number INTEGER NOT NULL,
    parameters TEXT NOT NULL,
    -- Feasible: objectives. Infeasible: a reason, perhaps a violation.
    objectives TEXT,
    infeasible_reason TEXT,
    violation REAL,
    metrics TEXT,
    sharpe REAL,
    pruned INTEGER NOT NULL CHECK (pruned IN (0, 1)),
    seconds REAL NOT NULL,
    PRIMARY KEY (study_key, number),
    CHECK ((objectives IS NULL) <> (infeasible_reason IS NULL))
) STRICT;

-- Where the search of a study stands, as of its last batch.
CREATE TABLE search_states (
    study_key INTEGER PRIMARY KEY REFERENCES studies (key),
    batch INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE trained_configurations (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    exchange TEXT NOT NULL,
    pair TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    regime TEXT NOT NULL,
    strategy_version INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    parameters TEXT NOT NULL,
    -- performance
    gross_win_rate REAL,
    avg_win REAL,
    avg_loss REAL,
    net_profit REAL,
    net_profit_pct REAL,
    sample_size INTEGER,
    exchange_fees REAL,
    est_slippage REAL,
    actual_slippage REAL,
    -- statistics
    sharpe_ratio REAL,
    sortino_ratio REAL,
    calmar_ratio REAL,
    p_value REAL,
    z_score REAL,
    confidence_interval_low REAL,
    confidence_interval_high REAL,
    out_of_sample_sharpe REAL,
    deflated_sharpe REAL,
    probability_of_overfitting REAL,
    monte_carlo_var REAL,
    stability_score REAL,
    drawdown_duration INTEGER,
    max_drawdown REAL,
    trade_clustering REAL,
    rolling_30d_sharpe REAL,
    lifetime_sharpe REAL,
    -- execution
    fill_rate REAL,
    partial_fill_rate REAL,
    time_to_fill_ms REAL,
    slippage_vs_mid_bps REAL,
    adverse_selection_score REAL,
    post_trade_drift_1m REAL,
    post_trade_drift_5m REAL,
    rejection_rate REAL,
    regime_classification TEXT,
    -- risk
    kelly_fraction REAL,
    correlation_adjusted_weight REAL,
    regime_adjusted_size REAL,
    max_position_size REAL,
    correlation_threshold REAL,
    current_allocation REAL,
    var_95 REAL,
    cvar_95 REAL,
    -- microstructure
    avg_spread_bps REAL,
    book_depth_ratio REAL,
    book_imbalance REAL,
    maker_fee REAL,
    taker_fee REAL,
    -- health
    performance_degradation REAL,
    degradation_velocity REAL,
    death_signals TEXT,
    death_signal_count INTEGER,
    resurrection_score REAL,
    time_in_state INTEGER,
    circuit_breakers TEXT,
    -- provenance
    study_id TEXT,
    job_id TEXT,
    seed TEXT,
    trials INTEGER,
    optimizer TEXT,
    objective TEXT,
    data_fingerprint TEXT,
    data_from INTEGER,
    data_to INTEGER,
    engine_version TEXT,
    model_version TEXT,
    discovery_date INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    activation_date INTEGER,
    deactivated_at INTEGER
) STRICT;

CREATE UNIQUE INDEX one_active_configuration_a_cell
    ON trained_configurations (strategy, exchange, pair, timeframe, regime)
    WHERE is_active = 1;

CREATE TABLE configuration_events (
    configuration_key INTEGER NOT NULL
        REFERENCES trained_configurations (key) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    from_stage TEXT,
    to_stage TEXT NOT NULL,
    causes TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (configuration_key, sequence)
) STRICT, WITHOUT ROWID;
