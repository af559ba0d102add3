use std::sync::Arc;

use tradepulse_core::desk::{Control, DeskEventKind, DeskSettings};
use tradepulse_core::market::{Series, Symbol};
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::store::trading::RunMode;
use tradepulse_core::time::Timestamp;

use super::{Session, SessionError, StopSignal, Venue, WalletOutcome, WalletPlan};
use crate::coordinator::{Clock, Ended, FollowsMarket, Pace, PaperFeed, ReplayFeed, ReplaySpeed};

/// Candles of the past, traded as if they came now.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a> {
    /// The candles of each market; those of markets that are not traded are passed over.
    pub series: &'a [(Symbol, Series)],
    /// Candles before this instant warm strategies up.
    pub from: Timestamp,
    /// Candles from this instant on are left out.
    pub until: Timestamp,
    /// How fast it goes.
    pub speed: ReplaySpeed,
}

impl<'a> Replay<'a> {
    /// All of the candles, as fast as it can.
    pub fn new(series: &'a [(Symbol, Series)]) -> Self {
        let (from, until) = (Timestamp::EARLIEST, Timestamp::LATEST);
        Self { series, from, until, speed: ReplaySpeed::Max }
    }
}

impl Session {
    /// Replays every wallet against a simulated account of its own, one after the other: they share
    /// nothing. What is held at the end, or when `stop` comes, is closed at the last close.
    ///
    /// # Errors
    /// If there are no candles where they are wanted, or the store fails.
    pub async fn replay(
        &self,
        replay: &Replay<'_>,
        stop: &StopSignal,
    ) -> Result<Vec<WalletOutcome>, SessionError> {
        let mut outcomes = Vec::new();
        for wallet in self.wallets()? {
            if stop.is_stopped() {
                break;
            }
            outcomes.push(self.replay_wallet(wallet, replay, stop).await?);
        }
        Ok(outcomes)
    }

    async fn replay_wallet(
        &self,
        wallet: WalletPlan,
        replay: &Replay<'_>,
        stop: &StopSignal,
    ) -> Result<WalletOutcome, SessionError> {
        let plan = wallet.plan.clone();
        let capital = self.config.trading.paper_capital * wallet.allocation;
        let account = plan.paper_account(&self.config, capital);
        let simulated = Arc::new(SimulatedExchange::new(account.clone())?);
        let longest = plan.lanes.iter().map(|lane| lane.timeframe.as_ms()).max().unwrap_or(0);
        let venue = Venue {
            exchange: simulated.clone(),
            rules: account.markets,
            capital,
            mode: RunMode::DryRun,
            replay: true,
            in_process: replay.speed == ReplaySpeed::Max,
            pace: Pace::Lockstep,
            clock: Clock::events(),
            settings: DeskSettings {
                // An order of a replay meets the next candle, however long that is.
                entry_patience_ms: 2 * longest,
                order_check_ms: 0,
                ..self.config.desk_settings()
            },
        };
        let _listening = self.listen(&[&wallet.name]).await?;
        let mut run = self.begin(wallet, venue).await?;
        let markets = plan.markets();
        let mut part = Vec::new();
        for (symbol, series) in replay.series {
            let timeframe = series.timeframe();
            if !markets.contains(&(symbol.clone(), timeframe)) {
                continue;
            }
            let before = series.between(Timestamp::EARLIEST, replay.from);
            run.warm_up(symbol, timeframe, before.candles()).await?;
            let traded = series.between(replay.from, replay.until);
            if traded.is_empty() {
                return Err(SessionError::NoCandles { symbol: symbol.clone(), timeframe });
            }
            part.push((symbol.clone(), traded));
        }
        let feed = ReplayFeed::new(part, replay.speed);
        let mut feed = PaperFeed::new(feed, simulated.clone(), markets.iter().cloned());
        let ended = run.trade(&mut feed, stop).await?;
        run.tell(DeskEventKind::Control(Control::EndOfData)).await?;
        let last = run.driver().now();
        for (symbol, _) in &markets {
            FollowsMarket::fill_at_close(&*simulated, symbol, last)?;
        }
        let ending = match ended {
            Ended::Stopped => "replay stopped",
            Ended::FeedEnded => "replay ended",
        };
        run.finish(ended, ending).await
    }
}
