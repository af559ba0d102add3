use clap::{Args, ValueEnum};
use tradepulse_core::backtest::Settings;
use tradepulse_core::engine::Rules;
use tradepulse_core::market::{Instrument, InstrumentKind};
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::simulation::{Costs, Slippage};
use tradepulse_core::sizing::Sizing;

/// Money, costs and sizing of a backtest.
#[derive(Args, Clone, Debug)]
#[command(allow_negative_numbers = true)]
pub(crate) struct SettingsArguments {
    /// Starting capital, quote currency
    #[arg(long, default_value_t = 10_000.0)]
    capital: f64,
    /// Taker and maker fee, fraction of the notional
    #[arg(long, default_value_t = 0.001)]
    fee: f64,
    /// Maker fee [default: --fee]
    #[arg(long)]
    maker_fee: Option<f64>,
    /// Taker fee [default: --fee]
    #[arg(long)]
    taker_fee: Option<f64>,
    /// Slippage of market orders and stops, fraction of the price
    #[arg(long, default_value_t = 0.0005)]
    slippage: f64,
    /// Additional slippage of an order as large as the candle's volume (grows with the square of
    /// its share), fraction of the price
    #[arg(long, value_name = "FRACTION")]
    slippage_impact: Option<f64>,
    /// Fraction of equity lost at the stop (fixed-risk; kelly until it has 30 trades)
    #[arg(long, default_value_t = 0.02)]
    risk: f64,
    /// Largest notional, multiple of equity
    #[arg(long, default_value_t = 1.0)]
    max_leverage: f64,
    /// A target must be worth this many round-trip costs; 0 accepts any
    #[arg(long, default_value_t = 2.0)]
    min_edge: f64,
    /// How quantities are found
    #[arg(long, value_enum, default_value_t = SizingMethod::FixedRisk)]
    sizing: SizingMethod,
    /// Fraction of equity per trade (fixed-fraction), or of the Kelly fraction (kelly)
    /// [default: 0.1; kelly 0.25]
    #[arg(long)]
    fraction: Option<f64>,
    /// Quote currency per trade (fixed-amount)
    #[arg(long, required_if_eq("sizing", "fixed-amount"))]
    amount: Option<f64>,
    /// Fraction of equity that a position is to move in a day (volatility-target)
    #[arg(long, value_name = "FRACTION", required_if_eq("sizing", "volatility-target"))]
    daily_volatility: Option<f64>,
    /// Largest notional of a trade, quote currency
    #[arg(long, value_name = "AMOUNT")]
    max_notional: Option<f64>,
    /// Size every trade from the starting capital
    #[arg(long)]
    no_compounding: bool,
    /// Round quantities down to a multiple of this
    #[arg(long, value_name = "STEP")]
    quantity_step: Option<Quantity>,
    /// Refuse orders of a smaller quantity
    #[arg(long, value_name = "QUANTITY")]
    min_quantity: Option<Quantity>,
    /// Refuse orders of a smaller notional, quote currency
    #[arg(long, value_name = "AMOUNT")]
    min_notional: Option<Quantity>,
    /// Round stops and targets to a multiple of this, towards the entry
    #[arg(long, value_name = "TICK")]
    price_tick: Option<Price>,
    /// Let the stop follow the best price since the entry at this distance, fraction of the price
    #[arg(long, value_name = "FRACTION")]
    trailing_stop: Option<f64>,
    /// Move the stop to the entry price plus costs, once the price has come this multiple of the
    /// initial risk
    #[arg(long, value_name = "MULTIPLE")]
    break_even: Option<f64>,
    /// What is traded; decides what is said of shorts and funding
    #[arg(long, value_enum, default_value_t = Kind::Spot)]
    instrument: Kind,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum SizingMethod {
    /// Equity × risk / distance of the stop
    FixedRisk,
    /// As much as --max-leverage allows
    AllIn,
    /// A fraction of equity
    FixedFraction,
    /// An amount of quote currency
    FixedAmount,
    /// A share of the Kelly fraction of the trades so far
    Kelly,
    /// Equity × --daily-volatility / daily volatility by the ATR
    VolatilityTarget,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Kind {
    /// Coins
    Spot,
    /// A perpetual future
    Perpetual,
}

impl SettingsArguments {
    pub(crate) fn settings(&self) -> Settings {
        let fraction = self.slippage;
        let costs = Costs {
            taker_fee: self.taker_fee.unwrap_or(self.fee),
            maker_fee: self.maker_fee.unwrap_or(self.fee),
            slippage: match self.slippage_impact {
                None => Slippage::Fixed { fraction },
                Some(impact) => Slippage::VolumeShare { fraction, impact },
            },
        };
        let sizing = match self.sizing {
            SizingMethod::FixedRisk => Sizing::FixedRisk { risk: self.risk },
            SizingMethod::AllIn => Sizing::AllIn,
            SizingMethod::FixedFraction => {
                Sizing::FixedFraction { fraction: self.fraction.unwrap_or(0.1) }
            }
            SizingMethod::FixedAmount => {
                Sizing::FixedAmount { amount: self.amount.unwrap_or_default() }
            }
            SizingMethod::Kelly => {
                Sizing::Kelly { share: self.fraction.unwrap_or(0.25), risk: self.risk }
            }
            SizingMethod::VolatilityTarget => Sizing::VolatilityTarget {
                daily_volatility: self.daily_volatility.unwrap_or_default(),
            },
        };
        let instrument = Instrument {
            kind: match self.instrument {
                Kind::Spot => InstrumentKind::Spot,
                Kind::Perpetual => InstrumentKind::Perpetual,
            },
            quantity_step: self.quantity_step,
            min_quantity: self.min_quantity,
            min_notional: self.min_notional,
        };
        let rules = Rules {
            sizing,
            max_leverage: self.max_leverage,
            min_edge: self.min_edge,
            compounding: !self.no_compounding,
            costs,
            instrument,
            max_notional: self.max_notional,
            price_tick: self.price_tick,
            trailing_stop: self.trailing_stop,
            break_even: self.break_even,
            ..Rules::default()
        };
        let default = Settings::default();
        Settings { capital: self.capital, rules, venue_costs: costs, ..default }
    }
}
