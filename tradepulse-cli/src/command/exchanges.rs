use anyhow::Result;
use clap::{Args, Subcommand};
use tradepulse_core::exchange::Protection;
use tradepulse_core::market::{ExchangeName, InstrumentKind, Symbol};
use tradepulse_exec::exchange::venue::{Venue, VenueAccess};

use crate::arguments::VenueArguments;
use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Connect to one: its clock, the rules of a market, and, with a key, the account
    Test {
        /// The exchange, such as binance
        name: ExchangeName,
        /// Market whose rules are asked for
        #[arg(long, value_name = "BASE/QUOTE", default_value = "BTC/USDT")]
        symbol: Symbol,
        #[command(flatten)]
        venue: Box<VenueArguments>,
    },
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    match arguments.action {
        None => list(arguments.json),
        Some(Action::Test { name, symbol, venue }) => {
            let adapter = Venue::of_name(&name)?;
            crate::records::runtime()?.block_on(test(adapter, &symbol, venue.access()?))
        }
    }
}

fn list(json: bool) -> Result<Verdict> {
    let venues = Venue::all();
    if json {
        output::json(&venues.iter().map(|v| v.capabilities()).collect::<Vec<_>>())?;
        return Ok(Verdict::Good);
    }
    let header =
        ["exchange", "trades", "stop and target", "limit", "stop-limit", "reduce-only", "testnet"];
    let mut table = output::table(&header, &[]);
    let yes = |can: bool| if can { "yes" } else { "no" };
    for venue in venues {
        let can = venue.capabilities();
        let kind = match can.kind {
            InstrumentKind::Spot => "spot",
            InstrumentKind::Perpetual => "perpetuals",
        };
        let protection = match can.protection {
            Protection::NativeOco => "a pair of the exchange (OCO)",
            Protection::TwoOrders => "two reduce-only orders",
            Protection::StopOnly => "a stop; the target is watched",
            Protection::Watched => "both are watched",
        };
        table.add_row([
            venue.name(),
            kind,
            protection,
            yes(can.limit),
            yes(can.stop_limit),
            yes(can.reduce_only),
            yes(can.testnet),
        ]);
    }
    output::line(table)?;
    Ok(Verdict::Good)
}

async fn test(venue: Venue, symbol: &Symbol, access: VenueAccess) -> Result<Verdict> {
    let data = venue.market_data(access.clone()).await?;
    let asked = crate::clock::now();
    let time = data.time().await?;
    let answered = crate::clock::now();
    let middle = i64::midpoint(asked.as_ms(), answered.as_ms());
    output::line(format!(
        "{venue}: answers in {} ms; its clock is {} ms ahead of this machine's",
        answered.as_ms() - asked.as_ms(),
        time.as_ms() - middle
    ))?;
    let rules = data.trading_rules(symbol).await?;
    let quote = data.quote(symbol).await?;
    let text = |value: Option<String>| value.unwrap_or_else(|| "any".to_owned());
    let instrument = rules.instrument;
    output::line(format!(
        "{symbol}: bid {}, ask {}; price step {}, quantity step {}, at least {} worth {}",
        quote.bid,
        quote.ask,
        text(rules.price_tick.map(|v| v.to_string())),
        text(instrument.quantity_step.map(|v| v.to_string())),
        text(instrument.min_quantity.map(|v| v.to_string())),
        text(instrument.min_notional.map(|v| v.to_string())),
    ))?;
    if access.key.is_none() {
        output::line("No key was given: the account was not asked for")?;
        return Ok(Verdict::Good);
    }
    let exchange = venue.exchange(access).await?;
    let balances = exchange.balances().await?;
    let positions = exchange.positions().await?;
    let open = exchange.open_orders(symbol).await?;
    output::line(format!(
        "The key is accepted, its events are heard: {} currencies held, {} positions, {} orders \
         open in {symbol}",
        balances.len(),
        positions.len(),
        open.ours.len() + open.foreign.len()
    ))?;
    let may = exchange.permissions().await?;
    let says = |may: Option<bool>| {
        may.map_or("is not told by the exchange", |may| match may {
            true => "yes",
            false => "no",
        })
    };
    output::line(format!(
        "May the key trade: {}; may it withdraw, which nothing here needs: {}",
        says(may.trade),
        says(may.withdraw)
    ))?;
    Ok(Verdict::Good)
}
