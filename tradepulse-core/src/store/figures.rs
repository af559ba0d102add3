//! What is known about a trained configuration, in groups. A figure that nothing computed is
//! `None`, never a made-up number.

use super::columns::columns;
use super::{Json, RecordId};
use crate::random::Seed;
use crate::time::Timestamp;

columns! {
    /// What it earned, out of sample unless stated otherwise. Money in quote currency.
    PerformanceFigures {
        /// Winning trades over trades before costs, 0..1.
        gross_win_rate: f64,
        /// Mean profit of the winning trades.
        avg_win: f64,
        /// Mean profit of the losing trades, negative.
        avg_loss: f64,
        /// Profit after costs.
        net_profit: f64,
        /// Profit after costs over capital, percent.
        net_profit_pct: f64,
        /// Number of trades judged.
        sample_size: u64,
        /// Fees paid.
        exchange_fees: f64,
        /// Slippage assumed, money.
        est_slippage: f64,
        /// Slippage met by live or paper fills, money.
        actual_slippage: f64,
    }
}

columns! {
    /// How far its performance is to be believed.
    StatisticalFigures {
        /// Annualised Sharpe ratio of daily returns.
        sharpe_ratio: f64,
        /// Annualised Sortino ratio of daily returns.
        sortino_ratio: f64,
        /// Growth rate over maximum drawdown.
        calmar_ratio: f64,
        /// One-sided p-value of the mean return, 0..1.
        p_value: f64,
        /// Statistic behind the p-value.
        z_score: f64,
        /// Lower end of the confidence interval.
        confidence_interval_low: f64,
        /// Upper end of the confidence interval.
        confidence_interval_high: f64,
        /// Annualised Sharpe ratio of the joined test windows.
        out_of_sample_sharpe: f64,
        /// Probability that the true Sharpe ratio is above what the best of all trials of the
        /// ledger would show by luck, 0..1.
        deflated_sharpe: f64,
        /// Probability that the best trial in sample is below the median out of sample, 0..1.
        probability_of_overfitting: f64,
        /// Loss not exceeded in 95 % of resampled runs, a fraction of capital.
        monte_carlo_var: f64,
        /// 1 − deviation over magnitude of the mean of window results, 0..1.
        stability_score: f64,
        /// Longest run of candles below the peak of equity.
        drawdown_duration: u64,
        /// Deepest fall of equity from its peak, percent, positive.
        max_drawdown: f64,
        /// How much trades come in clusters: deviation over mean of the times between them.
        trade_clustering: f64,
        /// Annualised Sharpe ratio of the last 30 days.
        rolling_30d_sharpe: f64,
        /// Annualised Sharpe ratio of all trades it ever made, live and paper too.
        lifetime_sharpe: f64,
    }
}

columns! {
    /// How its orders fared, live or on paper.
    ExecutionFigures {
        /// Orders filled over orders sent, 0..1.
        fill_rate: f64,
        /// Orders filled in part over orders sent, 0..1.
        partial_fill_rate: f64,
        /// Mean time from order to fill, ms.
        time_to_fill_ms: f64,
        /// Mean distance of fill and mid price, basis points, losses positive.
        slippage_vs_mid_bps: f64,
        /// How much prices move against it right after fills, 0..1.
        adverse_selection_score: f64,
        /// Mean move one minute after fills, in its favour, a fraction of the price.
        post_trade_drift_1m: f64,
        /// Mean move five minutes after fills, in its favour, a fraction of the price.
        post_trade_drift_5m: f64,
        /// Orders rejected over orders sent, 0..1.
        rejection_rate: f64,
    }
}

columns! {
    /// How large it may trade.
    RiskFigures {
        /// Kelly fraction of its trades, a fraction of equity.
        kelly_fraction: f64,
        /// Weight after correlation with other active configurations, 0..1.
        correlation_adjusted_weight: f64,
        /// Size after the regime's confidence, a fraction of equity.
        regime_adjusted_size: f64,
        /// Largest position, a fraction of equity.
        max_position_size: f64,
        /// Correlation with another active configuration above which it is a death signal, 0..1.
        correlation_threshold: f64,
        /// Present allocation, a fraction of equity.
        current_allocation: f64,
        /// Daily value at risk at 95 %, a fraction, losses positive.
        var_95: f64,
        /// Daily expected shortfall at 95 %, a fraction, losses positive.
        cvar_95: f64,
    }
}

columns! {
    /// The market it trades in, where known.
    MicrostructureFigures {
        /// Mean spread, basis points.
        avg_spread_bps: f64,
        /// Depth of the book near the mid price over the usual order.
        book_depth_ratio: f64,
        /// (Bids − asks) / (bids + asks) near the mid price, −1..1.
        book_imbalance: f64,
        /// Maker fee, a fraction.
        maker_fee: f64,
        /// Taker fee, a fraction.
        taker_fee: f64,
    }
}

columns! {
    /// Whether it still is what it was.
    HealthFigures {
        /// Fall of performance from its level at activation, percent, positive.
        performance_degradation: f64,
        /// How fast that grows, percent a day.
        degradation_velocity: f64,
        /// The death signals seen, each with its figures.
        death_signals: Json,
        /// Their number.
        death_signal_count: u64,
        /// How far it has recovered in PAPER, 0..1.
        resurrection_score: f64,
        /// Time in its stage, ms.
        time_in_state: u64,
    }
}

columns! {
    /// Where it comes from.
    Provenance {
        /// Its study.
        study_id: RecordId,
        /// The job that ran the study.
        job_id: RecordId,
        /// Seed of the study.
        seed: Seed,
        /// Trials of the study.
        trials: u64,
        /// The optimiser.
        optimizer: String,
        /// What was maximised.
        objective: String,
        /// SHA-256 of the candles.
        data_fingerprint: String,
        /// Open time of the first candle, ms.
        data_from: Timestamp,
        /// Close time of the last candle, ms.
        data_to: Timestamp,
        /// Version of the engine.
        engine_version: String,
        /// Version of the model whose predictions were used.
        model_version: String,
        /// When it was found, ms.
        discovery_date: Timestamp,
    }
}
