use clap::Args;
use tradepulse_core::market::Symbol;

/// Which records of trading, and how they are shown.
#[derive(Args)]
pub(crate) struct Selection {
    /// Of this run: its id, the beginning of it, or `latest`
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Of this wallet
    #[arg(long, value_name = "NAME")]
    pub(crate) wallet: Option<String>,
    /// How many, the newest first [default: 20, as JSON all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// The same, where records are of a market.
#[derive(Args)]
pub(crate) struct MarketSelection {
    #[command(flatten)]
    pub(crate) records: Selection,
    /// Of this market, such as BTC/USDT
    #[arg(long)]
    pub(crate) symbol: Option<Symbol>,
}

impl Selection {
    /// How many rows a table has unless told otherwise.
    pub(crate) const ROWS: u64 = 20;

    /// How many records to show, where a table has room for `table`.
    pub(crate) fn limit(&self, table: u64) -> u64 {
        self.limit.unwrap_or(if self.json { u64::MAX } else { table })
    }

    /// Whether it says which run or wallet.
    pub(crate) fn is_narrow(&self) -> bool {
        self.run.is_some() || self.wallet.is_some()
    }
}

impl MarketSelection {
    /// Whether it says which run, wallet or market.
    pub(crate) fn is_narrow(&self) -> bool {
        self.symbol.is_some() || self.records.is_narrow()
    }
}
