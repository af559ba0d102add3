use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use tradepulse_core::ensemble::{Absence, Advice, Decision, Dropped, Panel, Question, Settled};
use tradepulse_core::market::Symbol;
use tradepulse_core::store::trading::{PredictionRecord, TradingRecord};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::round::{Answers, Round};
use super::{Advisors, Told};

/// A model that gave no usable answer so often in a row is taken for offline.
const SILENT_AFTER: u32 = 3;

/// Decisions that are remembered in each market, for those who come to a candle later.
pub(super) const DECISIONS: usize = 2_000;

/// What models came to in each market, and how right they were: one for all wallets of a session,
/// so that a candle is asked about once.
///
/// It goes by candles: what was said a horizon before is judged when a candle closes, whoever tells
/// of it first.
pub(in crate::coordinator) struct Council {
    advisors: Arc<Advisors>,
    pub(super) markets: BTreeMap<(Symbol, Timeframe), Bench>,
    silent: Vec<u32>,
}

/// What is known of a market.
pub(super) struct Bench {
    pub(super) panel: Panel,
    /// Predictions about candles of which it is not known yet what would have been right.
    open: VecDeque<PredictionRecord>,
    /// Those of an earlier process, oldest first, whose candle was not seen yet.
    pub(super) earlier: VecDeque<PredictionRecord>,
    /// What was decided, oldest first.
    pub(super) decided: VecDeque<(Timestamp, Option<Advice>)>,
    /// Questions under way.
    rounds: BTreeMap<Timestamp, Weak<Round>>,
    /// Close of the last candle.
    closed: Timestamp,
}

/// What is there about a candle.
pub(in crate::coordinator) enum Asked {
    /// The decision.
    Decided,
    /// A question that is under way.
    Round(Arc<Round>),
}

/// Whose records are made, where a decision is made by this call.
pub(in crate::coordinator) struct Asker<'a> {
    pub(in crate::coordinator) run: &'a str,
    pub(in crate::coordinator) wallet: &'a str,
}

/// What models came to about a candle.
#[derive(Debug, Default)]
pub(in crate::coordinator) struct Advised {
    pub(in crate::coordinator) advice: Option<Advice>,
    /// What is to be kept of it; nothing if it was decided before.
    pub(in crate::coordinator) records: Vec<TradingRecord>,
    /// Models that have fallen silent with this candle, why, and those that answer again.
    pub(in crate::coordinator) silent: Vec<(String, bool, Option<String>)>,
}

impl Council {
    pub(super) fn new(
        advisors: Arc<Advisors>,
        markets: impl IntoIterator<Item = (Symbol, Timeframe)>,
    ) -> Self {
        let market = |key: (Symbol, Timeframe)| {
            let models = advisors.members.iter().map(|member| (member.name.clone(), member.weight));
            let panel = Panel::new(advisors.ensemble, advisors.labelling, key.1, models);
            (key, Bench::new(panel))
        };
        let markets = markets.into_iter().map(market).collect();
        let silent = vec![0; advisors.members.len()];
        Self { advisors, markets, silent }
    }

    /// A candle closed at `at` with `price`. What it judges of earlier predictions, to be kept.
    pub(in crate::coordinator) fn close(
        &mut self,
        (symbol, timeframe): (&Symbol, Timeframe),
        (at, price): (Timestamp, f64),
    ) -> Vec<TradingRecord> {
        let bench = self.markets.get_mut(&(symbol.clone(), timeframe));
        bench.map(|bench| bench.close(at, price)).unwrap_or_default()
    }

    /// The decision about the candle that closed at `at`, or a question about it; `None` if the
    /// market is none of these.
    pub(in crate::coordinator) fn ask(
        &mut self,
        (symbol, timeframe): (&Symbol, Timeframe),
        at: Timestamp,
        told: &Arc<Told>,
    ) -> Option<Asked> {
        let bench = self.markets.get_mut(&(symbol.clone(), timeframe))?;
        if bench.decision(at).is_some() {
            return Some(Asked::Decided);
        }
        bench.rounds.retain(|_, round| round.strong_count() > 0);
        if let Some(round) = bench.rounds.get(&at).and_then(Weak::upgrade) {
            return Some(Asked::Round(round));
        }
        let round = Arc::new(Round::begin(&self.advisors, told));
        bench.rounds.insert(at, Arc::downgrade(&round));
        Some(Asked::Round(round))
    }

    /// What was decided about the candle that closed at `at` with `price`, or what the answers come
    /// to; `None` if there are neither.
    pub(in crate::coordinator) fn decide(
        &mut self,
        asker: &Asker<'_>,
        market: (&Symbol, Timeframe),
        (at, price): (Timestamp, f64),
        answers: Option<Answers>,
    ) -> Option<Advised> {
        let bench = self.markets.get_mut(&(market.0.clone(), market.1))?;
        if let Some(advice) = bench.decision(at) {
            let records = bench.close(at, price);
            return Some(Advised { advice, records, silent: Vec::new() });
        }
        let Answers { answers, latencies } = answers?;
        let question = Question { candle: at, price, ..self.advisors.terms };
        // Another wallet is further on: what is said now of the past is used, and not judged.
        let is_late = at < bench.closed;
        let mut records = bench.close(at, price);
        let decision = if is_late {
            bench.panel.clone().decide(&question, answers)
        } else {
            bench.panel.decide(&question, answers)
        };
        let advice = Advice::new(&decision);
        bench.remember(at, advice);
        let said = self.advisors.predictions(asker, market, at, &decision, &latencies);
        if !is_late {
            bench.open.extend(said.iter().filter(|said| said.dropped.is_none()).cloned());
        }
        records.extend(said.into_iter().map(TradingRecord::from));
        records.push(super::records::decision(asker, market, at, &decision).into());
        Some(Advised { advice, records, silent: self.silent(&decision) })
    }

    fn silent(&mut self, decision: &Decision) -> Vec<(String, bool, Option<String>)> {
        let mut silent = Vec::new();
        for (count, member) in self.silent.iter_mut().zip(&self.advisors.members) {
            let vote = decision.votes.iter().find(|vote| vote.model == member.name);
            let dropped = vote.and_then(|vote| vote.dropped.as_ref());
            if matches!(dropped, Some(Dropped::Absent(Absence::Hindsight { .. }))) {
                continue;
            }
            let why = vote.map(|vote| vote.dropped.as_ref().map(ToString::to_string));
            let answered = matches!(why, Some(None));
            let before = *count;
            *count = if answered { 0 } else { before.saturating_add(1) };
            if *count == SILENT_AFTER {
                silent.push((member.name.clone(), true, why.flatten()));
            } else if answered && before >= SILENT_AFTER {
                silent.push((member.name.clone(), false, None));
            }
        }
        silent
    }
}

impl Bench {
    fn new(panel: Panel) -> Self {
        Self {
            panel,
            open: VecDeque::new(),
            earlier: VecDeque::new(),
            decided: VecDeque::new(),
            rounds: BTreeMap::new(),
            closed: Timestamp::EARLIEST,
        }
    }

    fn decision(&self, at: Timestamp) -> Option<Option<Advice>> {
        // Nearly always one of the last.
        self.decided.iter().rev().find(|(of, _)| *of == at).map(|(_, advice)| *advice)
    }

    fn remember(&mut self, at: Timestamp, advice: Option<Advice>) {
        self.decided.push_back((at, advice));
        if self.decided.len() > DECISIONS {
            self.decided.pop_front();
        }
    }

    fn close(&mut self, at: Timestamp, price: f64) -> Vec<TradingRecord> {
        let mut records = Vec::new();
        if at <= self.closed {
            return records;
        }
        self.closed = at;
        for Settled { at, truth } in self.panel.close(at, price) {
            while let Some(said) = self.open.pop_front_if(|said| said.at <= at) {
                let truth = (said.at == at).then(|| truth.name().to_owned());
                records.push(PredictionRecord { truth, ..said }.into());
            }
        }
        // Where the candle of a prediction is not known, neither is its truth.
        while self.earlier.pop_front_if(|said| said.at < at).is_some() {}
        let first = self.open.len();
        while let Some(said) = self.earlier.pop_front_if(|said| said.at == at) {
            self.open.push_back(said);
        }
        let resumed = self.open.iter().skip(first);
        let said: Vec<_> =
            resumed.filter_map(|said| Some((&*said.model, said.action.parse().ok()?))).collect();
        if !said.is_empty() {
            self.panel.resume(at, price, said);
        }
        records
    }
}
