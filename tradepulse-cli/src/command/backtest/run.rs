use std::collections::BTreeMap;

use anyhow::Result;
use tradepulse_core::backtest::{Backtest, CostSurvival, Outcome, fingerprint, trades_hash};
use tradepulse_core::ensemble::Advice;
use tradepulse_core::market::{FundingSeries, InstrumentKind, Series};
use tradepulse_core::order::Side;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::performance::MonteCarlo;
use tradepulse_core::random::Seed;
use tradepulse_core::strategy::Registered;

use crate::arguments::LoadedMarket;
use crate::report::{self, Report};

/// A backtest to be run, and what is wanted of it beyond the trades.
pub(crate) struct Request<'a> {
    pub(crate) strategy: &'a Registered,
    pub(crate) parameters: Parameters,
    pub(crate) market: &'a LoadedMarket,
    pub(crate) backtest: &'a Backtest<'a>,
    pub(crate) detail: Option<&'a Series>,
    pub(crate) monte_carlo_runs: usize,
    pub(crate) seed: Seed,
    pub(crate) for_report: bool,
}

/// A backtest that was run, and what is said about it.
pub(crate) struct Finished<'a> {
    pub(crate) market: &'a LoadedMarket,
    pub(crate) backtest: &'a Backtest<'a>,
    pub(crate) outcome: Outcome,
    pub(crate) fingerprint: String,
    pub(crate) trades_hash: String,
    pub(crate) monte_carlo: Option<MonteCarlo>,
    pub(crate) cost_survival: Option<CostSurvival>,
    pub(crate) notes: Vec<String>,
}

/// Bootstrap runs of a report for which no number was asked.
const REPORT_MONTE_CARLO_RUNS: usize = 1000;

impl<'a> Finished<'a> {
    pub(crate) fn new(request: Request<'a>) -> Result<Self> {
        let Request { strategy, parameters, market, backtest, .. } = request;
        let outcome = if request.for_report {
            strategy.backtest(&backtest.clone().keep_equity(), &parameters)?
        } else {
            strategy.backtest(backtest, &parameters)?
        };
        let runs = match request.monte_carlo_runs {
            0 if request.for_report => REPORT_MONTE_CARLO_RUNS,
            runs => runs,
        };
        let capital = backtest.settings().capital;
        let monte_carlo = MonteCarlo::new(capital, &outcome.trades, runs, request.seed);
        let cost_survival = if request.for_report && !outcome.trades.is_empty() {
            Some(CostSurvival::new(backtest, |b| strategy.backtest(b, &parameters))?)
        } else {
            None
        };
        let mut data = vec![market.series.sha256()];
        data.extend(request.detail.map(Series::sha256));
        data.extend(backtest.funding().map(FundingSeries::sha256));
        if !backtest.advice().is_empty() {
            data.push(Advice::sha256(backtest.advice()));
        }
        Ok(Self {
            market,
            backtest,
            fingerprint: fingerprint(strategy.about(), &parameters, backtest.settings(), &data),
            trades_hash: trades_hash(&outcome.trades),
            notes: notes(&outcome, market, backtest),
            outcome,
            monte_carlo,
            cost_survival,
        })
    }

    /// Refused entries by reason.
    pub(crate) fn refusals(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for refusal in &self.outcome.refusals {
            *counts.entry(refusal.reason.name()).or_default() += 1;
        }
        counts
    }

    /// The report. The request must have been `for_report`.
    pub(crate) fn html(&self) -> Result<String> {
        let symbol = self.market.symbol.as_ref().map_or("", |s| s.as_str());
        Ok(report::render(&Report {
            title: self.outcome.about.name,
            symbol,
            exchange: self.market.exchange.as_ref().map(|e| e.as_str()),
            series: &self.market.series,
            outcome: &self.outcome,
            settings: self.backtest.settings(),
            fingerprint: &self.fingerprint,
            trades_hash: &self.trades_hash,
            monte_carlo: self.monte_carlo.as_ref(),
            cost_survival: self.cost_survival.as_ref(),
            notes: self.notes.clone(),
        })?)
    }
}

/// What of the candles' time no funding is known for.
fn funding_note(market: &LoadedMarket, funding: Option<&FundingSeries>) -> Option<String> {
    let Some(funding) = funding else {
        return Some(
            "No funding series was given: profits are without funding payments.".to_owned(),
        );
    };
    let ((first, last), (from, to)) = (funding.span()?, market.series.span()?);
    let longest = funding.time().windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let covered = first.as_ms() - from.as_ms() <= longest && to.as_ms() - last.as_ms() <= longest;
    (!covered).then(|| {
        format!(
            "Funding is known from {first} to {last} only: profits of the time before and after \
             are without funding payments."
        )
    })
}

/// What a reader of the figures must know besides.
fn notes(outcome: &Outcome, market: &LoadedMarket, backtest: &Backtest<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let candles = market.series.len();
    if candles < outcome.warm_up {
        notes.push(format!(
            "There are {candles} candles; the strategy's state depends on where the data begins \
             until {} have passed.",
            outcome.warm_up
        ));
    }
    let gaps = market.series.gaps();
    if gaps.count > 0 {
        notes.push(format!(
            "The data has {} gaps ({} candles missing, {} in the longest).",
            gaps.count, gaps.missing, gaps.longest
        ));
    }
    match backtest.settings().rules.instrument.kind {
        InstrumentKind::Spot => {
            if outcome.trades.iter().any(|t| t.side == Side::Short) {
                notes.push("Short trades on a spot market need margin.".to_owned());
            }
        }
        InstrumentKind::Perpetual => notes.extend(funding_note(market, backtest.funding())),
    }
    notes.extend(outcome.about.optional_inputs.iter().map(|input| format!("Not known: {input}.")));
    notes
}
