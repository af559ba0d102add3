use std::time::Instant;

use tokio::time::timeout;
use tradepulse_core::time::Timestamp;

use super::Preflight;
use crate::check::{Check, with_causes};
use crate::coordinator::advisor::Member;
use crate::inference::MarketSnapshot;

const ADVICE: &str = "start its server (`tradepulse model-server`), look at what it says at /ready, \
                      or set enabled: false";

impl Preflight<'_> {
    /// Whether every model says something usable about the last candle, in time.
    pub(super) async fn models(&self) -> Check {
        if self.models.is_empty() {
            return Check::skipped("models", "the configuration names no model endpoints");
        }
        let market_data = match &self.market_data {
            Ok(market_data) => market_data,
            Err(why) => return Check::skipped("models", format!("no candles to ask about: {why}")),
        };
        let timeframe = self.config.data.timeframes.first();
        let (Some(symbol), Some(&timeframe)) = (self.config.symbols.first(), timeframe) else {
            return Check::skipped("models", "name a symbol to ask models about");
        };
        let count = self.config.data.candles_count as usize;
        let span = (i64::from(self.config.data.candles_count) + 2) * timeframe.as_ms();
        let from = Timestamp::from_ms(self.now.as_ms() - span);
        let mut candles = match market_data.candles(symbol, timeframe, from, count + 2).await {
            Ok(candles) => candles,
            Err(error) => {
                let advice = "can the exchange be reached from here?";
                return Check::fail("models", with_causes(&error), advice);
            }
        };
        candles.retain(|c| c.open_time.as_ms() + timeframe.as_ms() <= self.now.as_ms());
        let candles = &candles[candles.len().saturating_sub(count)..];
        let snapshot = MarketSnapshot::new(symbol, timeframe, candles);
        let mut said = Vec::new();
        for member in &self.models {
            match ask(member, &snapshot).await {
                Ok(answer) => said.push(format!("{}: {answer}", member.name)),
                Err(why) => {
                    return Check::fail("models", format!("{}: {why}", member.name), ADVICE);
                }
            }
        }
        Check::pass("models", said.join("; "))
    }
}

async fn ask(member: &Member, snapshot: &MarketSnapshot<'_>) -> Result<String, String> {
    let began = Instant::now();
    let answer = timeout(member.deadline, member.model.ask(snapshot)).await;
    let answer = answer.map_err(|_| format!("no answer within {:?}", member.deadline))?;
    let prediction = answer.map_err(|absence| absence.to_string())?;
    match prediction.flaw(snapshot.close_time()) {
        Some(flaw) => Err(flaw.to_string()),
        None => {
            let (action, confidence) = (prediction.action, prediction.confidence);
            Ok(format!("{action} {confidence:.2} in {} ms", began.elapsed().as_millis()))
        }
    }
}
