use tradepulse_core::market::{ExchangeName, InstrumentKind, Symbol};
use tradepulse_core::simulation::{Costs, Slippage};
use tradepulse_core::sizing::Sizing;
use tradepulse_core::store::RegimeScope;
use tradepulse_core::time::Timeframe;

use super::reader::Reader;
use super::section::{choice, section};
use super::setting::{Assignments, Url, VariableName};
use super::yaml::Node;
use super::{SecretKeys, check_secret_keys};

use std::path::PathBuf;

choice! {
    /// How the quantity of an entry is found.
    SizingMethod {
        /// A loss at the stop costs `risk_per_trade` of equity.
        FixedRisk = "fixed_risk",
        /// `position_size_fraction` of equity.
        FixedFraction = "fixed_fraction",
        /// `position_size_amount` in quote currency.
        FixedAmount = "fixed_amount",
        /// `kelly_fraction` of the Kelly fraction of the trades so far.
        Kelly = "kelly",
        /// As much as moves `target_daily_volatility` of equity in a day.
        VolatilityTarget = "volatility_target",
        /// As much as `leverage` allows.
        AllIn = "all_in",
    }

    /// What is traded.
    Market {
        /// Coins.
        Spot = "spot",
        /// A perpetual future.
        Perpetual = "perpetual",
    }
}

section! {
    /// Whether real orders are sent. Live trading needs both keys false and the consent of a flag.
    Mode {
        /// Trade against the simulated venue, on real market data; keys are not needed.
        dry_run: bool = true, "";
        /// Send orders to the venue's test network. In a dry run it does nothing.
        testnet: bool = true, "";
    }

    /// Where to trade, and what it costs there.
    Exchange {
        /// The venue.
        name: ExchangeName = ExchangeName::binance(), "";
        /// What is traded there.
        market: Market = Market::Spot, "";
        /// Base of its REST addresses; null is the venue's own for the mode.
        rest_url: Option<Url> = None, "";
        /// Base of its stream addresses; null is the venue's own for the mode, or that of a
        /// `rest_url` on this machine.
        stream_url: Option<Url> = None, "";
        /// Fee of an order that takes liquidity, reckoned with in sizing and charged in a dry run.
        taker_fee: f64 = 0.001, "fraction of the notional", 0.0 ..= 0.1;
        /// Fee of an order that makes liquidity.
        maker_fee: f64 = 0.001, "fraction of the notional", 0.0 ..= 0.1;
        /// Slippage of market orders and stops.
        slippage: f64 = 0.0005, "fraction of the price", 0.0 ..= 0.1;
        /// Environment variable with the API key.
        api_key_env: Option<VariableName> = None, "";
        /// File with the API key.
        api_key_file: Option<PathBuf> = None, "";
        /// Environment variable with the API secret.
        api_secret_env: Option<VariableName> = None, "";
        /// File with the API secret.
        api_secret_file: Option<PathBuf> = None, "";
    }
    check Exchange::check;

    /// What trades, and how much.
    Trading {
        /// Capital of a dry run; otherwise the free balance counts.
        paper_capital: f64 = 10000.0, "quote currency", 1.0 ..= 1e12;
        /// How quantities are found.
        position_size_method: SizingMethod = SizingMethod::FixedRisk, "";
        /// What a loss at the stop costs (fixed_risk; kelly until it has 30 trades).
        risk_per_trade: f64 = 0.02, "fraction of equity", 0.0001 ..= 0.5;
        /// Size of a position (fixed_fraction).
        position_size_fraction: f64 = 0.1, "fraction of equity", 0.0001 ..= 100.0;
        /// Size of a position (fixed_amount).
        position_size_amount: Option<f64> = None, "quote currency", 0.01 ..= 1e12;
        /// Share of the Kelly fraction (kelly).
        kelly_fraction: f64 = 0.25, "fraction", 0.01 ..= 1.0;
        /// How much a position is to move in a day (volatility_target).
        target_daily_volatility: f64 = 0.01, "fraction of equity", 0.0001 ..= 1.0;
        /// Largest notional of a position.
        leverage: f64 = 1.0, "multiple of equity", 0.01 ..= 125.0;
        /// A target must be worth this many round-trip costs; 0 accepts any.
        min_edge: f64 = 2.0, "round trips", 0.0 ..= 100.0;
        /// Whether profit changes the size of later trades.
        compounding: bool = true, "";
        /// Distance at which the stop follows the best price since the entry; null is off.
        trailing_stop: Option<f64> = None, "fraction of the price", 0.0001 ..= 0.5;
        /// Profit at which the stop moves to the entry price and the costs; null is off.
        break_even: Option<f64> = None, "multiple of the initial risk", 0.1 ..= 100.0;
        /// Distance of the stop where neither strategy nor models name one.
        stop_loss_percent: f64 = 0.02, "fraction of the price", 0.002 ..= 0.2;
        /// Distance of the target where neither strategy nor models name one.
        take_profit_percent: f64 = 0.05, "fraction of the price", 0.002 ..= 0.5;
        /// Entries of a smaller notional are refused, besides the market's own minimum.
        min_notional: Option<f64> = None, "quote currency", 0.01 ..= 1e12;
        /// Largest notional of an entry.
        max_notional: Option<f64> = None, "quote currency", 0.01 ..= 1e12;
        /// Trade the active trained configurations of this exchange, these symbols and timeframes.
        from_store: bool = true, "";
        /// Configurations traded besides those.
        configurations: Vec<TradedConfiguration> = Vec::new(), "";
    }
    check Trading::check;

    /// A configuration given in the file.
    TradedConfiguration {
        /// Name of the strategy; see `tradepulse strategies`.
        strategy: String = String::new(), "";
        /// Values of its variables; those not named have their defaults.
        parameters: Assignments = Assignments::new(), "";
        /// The market; null is each of `symbols`.
        symbol: Option<Symbol> = None, "";
        /// Length of its candles; null is each of `data.timeframes`.
        timeframe: Option<Timeframe> = None, "";
        /// Regime in which it may enter.
        regime: RegimeScope = RegimeScope::Any, "";
        /// Share of the equity that its sizes are found from.
        allocation: f64 = 1.0, "fraction of equity", 0.0001 ..= 1.0;
    }
    check TradedConfiguration::check;
}

impl From<Market> for InstrumentKind {
    fn from(market: Market) -> Self {
        match market {
            Market::Spot => Self::Spot,
            Market::Perpetual => Self::Perpetual,
        }
    }
}

impl Exchange {
    /// Where its keys are.
    pub fn keys(&self) -> SecretKeys {
        let Self { api_key_env, api_key_file, api_secret_env, api_secret_file, .. } = self;
        SecretKeys::new(api_key_env, api_key_file, api_secret_env, api_secret_file)
    }

    /// Fees and slippage.
    pub const fn costs(&self) -> Costs {
        Costs {
            taker_fee: self.taker_fee,
            maker_fee: self.maker_fee,
            slippage: Slippage::Fixed { fraction: self.slippage },
        }
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        check_secret_keys(&self.keys(), node, reader);
    }
}

impl Trading {
    /// The sizing method with its numbers.
    pub fn sizing(&self) -> Sizing {
        let risk = self.risk_per_trade;
        match self.position_size_method {
            SizingMethod::FixedRisk => Sizing::FixedRisk { risk },
            SizingMethod::FixedFraction => {
                Sizing::FixedFraction { fraction: self.position_size_fraction }
            }
            // Without an amount nothing is bought; the check refuses that.
            SizingMethod::FixedAmount => {
                Sizing::FixedAmount { amount: self.position_size_amount.unwrap_or_default() }
            }
            SizingMethod::Kelly => Sizing::Kelly { share: self.kelly_fraction, risk },
            SizingMethod::VolatilityTarget => {
                Sizing::VolatilityTarget { daily_volatility: self.target_daily_volatility }
            }
            SizingMethod::AllIn => Sizing::AllIn,
        }
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        if let (Some(least), Some(most)) = (self.min_notional, self.max_notional)
            && least > most
        {
            let message = format!("must not be below min_notional ({least})");
            reader.refuse_entry(node, "max_notional", message);
        }
        let method = self.position_size_method;
        if method == SizingMethod::FixedAmount && self.position_size_amount.is_none() {
            let message = "fixed_amount needs position_size_amount";
            reader.refuse_entry(node, "position_size_method", message);
        }
        if !self.from_store && self.configurations.is_empty() {
            let message = "nothing would trade: set it true, or list configurations";
            reader.refuse_entry(node, "from_store", message);
        }
    }
}

impl TradedConfiguration {
    fn check(&self, node: &Node, reader: &mut Reader) {
        if self.strategy.is_empty() {
            reader.refuse_entry(node, "strategy", "name a strategy; see `tradepulse strategies`");
        }
    }
}
