use tradepulse_core::exchange::Capabilities;
use tradepulse_core::market::InstrumentKind;
use tradepulse_core::order::RunTag;
use tradepulse_core::store::{ConfigurationFilter, Page, TrainingStore};

use super::Preflight;
use crate::check::{Check, with_causes};
use crate::coordinator::{DeskAccount, Plan};
use crate::store::sqlite::SqliteStore;

/// Words by which the addresses of test networks are known.
const TEST_WORDS: [&str; 3] = ["testnet", "sandbox", "demo"];

impl Preflight<'_> {
    /// Whether the addresses are of the network that the mode says.
    pub(super) fn mode(&self) -> Check {
        let (mode, exchange) = (&self.config.mode, &self.config.exchange);
        let network = match (mode.dry_run, mode.testnet) {
            (true, _) => "dry run: orders go to the simulated venue",
            (false, true) => "test network",
            (false, false) => "live: orders move real money",
        };
        let urls = [("rest_url", &exchange.rest_url), ("stream_url", &exchange.stream_url)];
        let mut given = Vec::new();
        for (key, url) in urls {
            let Some(url) = url else { continue };
            let lower = url.as_str().to_lowercase();
            let is_test = url.is_local() || TEST_WORDS.iter().any(|word| lower.contains(word));
            if !mode.dry_run && is_test != mode.testnet {
                let (is, wanted) = match is_test {
                    true => ("a test network", "live"),
                    false => ("no test network", "the test network"),
                };
                return Check::fail(
                    "mode",
                    format!("mode is {wanted}, and exchange.{key} {url} is {is} by its name"),
                    "correct mode.testnet or the address, or leave the address to the venue (null)",
                );
            }
            given.push(format!("{key} {url}"));
        }
        let addresses = match given.is_empty() {
            true => "addresses are the venue's own".to_owned(),
            false => given.join(", "),
        };
        Check::pass("mode", format!("{network}; {addresses}"))
    }

    /// Whether the keys are where the configuration says. They are never printed.
    pub(super) fn keys(&self) -> Check {
        if self.config.mode.dry_run {
            return Check::skipped("keys", "a dry run needs none");
        }
        let mut found = Vec::new();
        for wallet in self.config.wallet_names() {
            let keys = self.config.keys(wallet);
            for (what, source) in [("API key", keys.key()), ("API secret", keys.secret())] {
                let Some(source) = source else {
                    return Check::fail(
                        "keys",
                        format!("wallet {wallet}: no {what} is named"),
                        "name it in the configuration: api_key_env and api_secret_env, or files",
                    );
                };
                if let Err(error) = source.read(|name| (self.environment)(name)) {
                    let text = format!("wallet {wallet}, {what}: {}", with_causes(&error));
                    return Check::fail("keys", text, "put the key where the configuration says");
                }
                found.push(format!("{what} of {wallet} in {source}"));
            }
        }
        Check::pass("keys", found.join(", "))
    }

    /// Whether engines can be made of what is to be traded.
    pub(super) async fn plan(&self, store: Option<&SqliteStore>) -> Check {
        let active = ConfigurationFilter { is_active: Some(true), ..Default::default() };
        let trained = match store {
            None => Vec::new(),
            Some(store) => match store.configurations(&active, Page::ALL).await {
                Ok(trained) => trained,
                Err(error) => {
                    let text = format!("trained configurations: {}", with_causes(&error));
                    return Check::fail("plan", text, "see the check of the database");
                }
            },
        };
        let kind = InstrumentKind::from(self.config.exchange.market);
        let account = DeskAccount {
            tag: RunTag::new(0),
            capital: self.config.trading.paper_capital,
            capabilities: Capabilities::full(self.config.exchange.name.clone(), kind),
            rules: Box::new(|_| Default::default()),
            settings: self.config.desk_settings(),
        };
        let plan = Plan::new(self.config, self.registry, &trained)
            .and_then(|plan| plan.desk(self.config, self.registry, &account).map(|_| plan));
        let found = plan.map(|plan| {
            let markets: Vec<_> =
                plan.markets().iter().map(|(s, timeframe)| format!("{s} {timeframe}")).collect();
            let count = match plan.lanes.len() {
                1 => "1 configuration".to_owned(),
                count => format!("{count} configurations"),
            };
            format!("{count} in {}", markets.join(", "))
        });
        Check::of("plan", found, "correct trading.configurations, or activate trained ones")
    }
}
