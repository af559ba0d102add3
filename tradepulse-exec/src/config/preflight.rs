use super::section::section;

section! {
    /// What `tradepulse preflight` asks for. Evidence of dry runs on live candles is asked for
    /// where `mode.dry_run` is false.
    Preflight {
        /// Days in a row, up to yesterday, that dry runs went through without a gap.
        dry_run_days: u32 = 14, "days", 0 ..= 3650;
        /// Share of the hours of those days in which they recorded something.
        min_availability: f64 = 0.99, "fraction", 0.0 ..= 1.0;
        /// Events of level error in those days.
        max_errors: u32 = 0, "", 0 ..= 1_000_000;
        /// Trades that dry runs made.
        min_trades: u32 = 30, "", 0 ..= 1_000_000;
        /// Their mean profit.
        min_expectancy: f64 = 0.0, "quote currency a trade", -1e12 ..= 1e12;
        /// Share of them that earned something.
        min_win_rate: f64 = 0.0, "fraction", 0.0 ..= 1.0;
        /// Largest drawdown of a dry run.
        max_drawdown: f64 = 0.2, "fraction of the peak", 0.0 ..= 1.0;
        /// Free space for the database.
        min_free_disk_mib: u32 = 1024, "MiB", 0 ..= 100_000_000;
        /// Age of the last backup.
        max_backup_age_hours: u32 = 48, "h", 1 ..= 87_600;
    }
}
