use tradepulse_core::exchange::{Exchange, KeyPermissions, MarketData};
use tradepulse_core::market::Symbol;
use tradepulse_core::store::Page;
use tradepulse_core::store::trading::{OrderRecord, PositionRecord, RecordFilter, TradingStoreExt};

use super::Preflight;
use crate::check::{Check, Standing, with_causes};
use crate::coordinator::Clock;
use crate::store::sqlite::SqliteStore;

/// How far the machine's clock may be from the venue's, milliseconds.
const MAX_OFFSET_MS: i64 = 500;

impl Preflight<'_> {
    pub(super) async fn venue(&self, store: Option<&SqliteStore>) -> Vec<Check> {
        let mut checks = Vec::new();
        match &self.market_data {
            Err(reason) => checks.push(Check::skipped("clock", reason)),
            Ok(market_data) => checks.push(clock(&**market_data).await),
        }
        let [signed_call, permissions, orders, positions] = self.accounts(store).await;
        checks.extend([signed_call, permissions]);
        match &self.market_data {
            Err(reason) => checks.push(Check::skipped("trading rules", reason)),
            Ok(market_data) => checks.push(self.trading_rules(&**market_data).await),
        }
        checks.extend([orders, positions]);
        checks
    }

    /// What is found in the accounts of all wallets.
    async fn accounts(&self, store: Option<&SqliteStore>) -> [Check; 4] {
        const NAMES: [&str; 4] = ["signed call", "permissions", "orders", "positions"];
        let skipped = |reason: &str| NAMES.map(|name| Check::skipped(name, reason));
        let accounts = match &self.accounts {
            Ok(accounts) => accounts,
            Err(reason) => return skipped(reason),
        };
        let mut all: Option<[Check; 4]> = None;
        for (wallet, exchange) in accounts {
            let exchange = &**exchange;
            let mut found = [
                signed_call(exchange).await,
                permissions(exchange).await,
                self.orders(exchange, store).await,
                positions(exchange, store).await,
            ];
            if accounts.len() > 1 {
                for check in &mut found {
                    check.evidence = format!("{wallet}: {}", check.evidence);
                }
            }
            all = Some(match all {
                None => found,
                Some([a, b, c, d]) => {
                    let [e, f, g, h] = found;
                    [both(a, e), both(b, f), both(c, g), both(d, h)]
                }
            });
        }
        all.unwrap_or_else(|| skipped("there are no accounts"))
    }

    /// The markets that the configuration names.
    fn symbols(&self) -> Vec<Symbol> {
        let own = self.config.trading.configurations.iter().filter_map(|c| c.symbol.clone());
        let mut symbols: Vec<_> = self.config.symbols.iter().cloned().chain(own).collect();
        symbols.sort();
        symbols.dedup();
        symbols
    }

    async fn trading_rules(&self, market_data: &dyn MarketData) -> Check {
        let mut found = Vec::new();
        for symbol in self.symbols() {
            match market_data.trading_rules(&symbol).await {
                Ok(_) => found.push(symbol.to_string()),
                Err(error) => {
                    let text = format!("{symbol}: {}", with_causes(&error));
                    return Check::fail("trading rules", text, "is the symbol traded there?");
                }
            }
        }
        Check::pass("trading rules", format!("loaded for {}", found.join(", ")))
    }

    /// Whether every order that rests there is one of ours that we know of.
    async fn orders(&self, exchange: &dyn Exchange, store: Option<&SqliteStore>) -> Check {
        const ADVICE: &str = "cancel them at the venue, or find out who placed them";
        let known = match records::<OrderRecord>(store).await {
            Ok(known) => known,
            Err(error) => return Check::fail("orders", error, "see the check of the database"),
        };
        let (mut unexpected, mut ours) = (Vec::new(), 0);
        for symbol in self.symbols() {
            let open = match exchange.open_orders(&symbol).await {
                Ok(open) => open,
                Err(error) => {
                    let text = format!("{symbol}: {}", with_causes(&error));
                    return Check::fail("orders", text, "is the venue up, and are the keys right?");
                }
            };
            for report in open.ours {
                match known.iter().any(|order| order.id == report.id) {
                    true => ours += 1,
                    false => unexpected.push(format!("{symbol} {}", report.id)),
                }
            }
            unexpected.extend(open.foreign.into_iter().map(|id| format!("{symbol} {id}")));
        }
        match unexpected.is_empty() {
            true => Check::pass("orders", format!("{ours} rest at the venue, all known")),
            false => Check::fail("orders", format!("not ours: {}", unexpected.join(", ")), ADVICE),
        }
    }
}

/// The same check of two accounts as one, which fails if either does.
fn both(one: Check, other: Check) -> Check {
    let evidence = format!("{}; {}", one.evidence, other.evidence);
    let worse = if one.standing == Standing::Fail { one } else { other };
    Check { evidence, ..worse }
}

async fn clock(market_data: &dyn MarketData) -> Check {
    let clock = Clock::system();
    let before = clock.now().as_ms();
    let venue = match market_data.time().await {
        Ok(venue) => venue.as_ms(),
        Err(error) => {
            return Check::fail("clock", with_causes(&error), "is the venue reachable?");
        }
    };
    let after = clock.now().as_ms();
    let offset = venue - (before + after) / 2;
    let text = format!("{offset} ms from the venue's, give or take {} ms", (after - before) / 2);
    // A venue that tells whole seconds is half a second off where both clocks are right.
    match offset.abs() <= MAX_OFFSET_MS {
        true => Check::pass("clock", format!("{text}; at most {MAX_OFFSET_MS} ms wanted")),
        false => Check::fail("clock", text, "set the clock: switch time synchronisation on"),
    }
}

async fn signed_call(exchange: &dyn Exchange) -> Check {
    let balances = exchange.balances().await;
    let found = balances.map(|held| format!("the venue tells {} balances", held.len()));
    Check::of("signed call", found, "are key and secret right, and of this network?")
}

/// Whether the key may trade, and may not withdraw, where the venue tells.
async fn permissions(exchange: &dyn Exchange) -> Check {
    const ADVICE: &str = "give the key the right to trade, and no right to withdraw";
    let KeyPermissions { trade, withdraw } = match exchange.permissions().await {
        Ok(told) => told,
        Err(error) => return Check::fail("permissions", with_causes(&error), ADVICE),
    };
    let says = |may: Option<bool>, what: &str| match may {
        Some(true) => format!("it may {what}"),
        Some(false) => format!("it may not {what}"),
        None => format!("the venue does not tell whether it may {what}"),
    };
    let text = format!("{}; {}", says(trade, "trade"), says(withdraw, "withdraw"));
    match trade != Some(false) && withdraw != Some(true) {
        true => Check::pass("permissions", text),
        false => Check::fail("permissions", text, ADVICE),
    }
}

/// Whether every position there is one that we know of.
async fn positions(exchange: &dyn Exchange, store: Option<&SqliteStore>) -> Check {
    let known = match records::<PositionRecord>(store).await {
        Ok(known) => known,
        Err(error) => return Check::fail("positions", error, "see the check of the database"),
    };
    let held = match exchange.positions().await {
        Ok(held) => held,
        Err(error) => {
            return Check::fail("positions", with_causes(&error), "is the venue up?");
        }
    };
    let unknown = held.iter().filter(|position| {
        !known.iter().any(|own| own.symbol == position.symbol && own.side == position.side)
    });
    let unknown: Vec<_> =
        unknown.map(|p| format!("{} {} {}", p.symbol, p.side.name(), p.quantity)).collect();
    match unknown.is_empty() {
        true => Check::pass("positions", format!("{} held at the venue, all known", held.len())),
        false => Check::fail(
            "positions",
            format!("not ours: {}", unknown.join(", ")),
            "close them at the venue, or trade another account",
        ),
    }
}

/// Those of our records that are not at their end.
async fn records<R>(store: Option<&SqliteStore>) -> Result<Vec<R>, String>
where
    R: tradepulse_core::store::trading::Record,
{
    let Some(store) = store else { return Ok(Vec::new()) };
    let open = RecordFilter { open: Some(true), ..RecordFilter::default() };
    store.records(&open, Page::ALL).await.map_err(|error| with_causes(&error))
}
