//! What trading recorded in the data directory, opened to be read.
//!
//! A coordinator in another process may go on writing meanwhile.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use serde::Serialize;
use tradepulse_core::desk::{DeskEvent, DeskEventKind};
use tradepulse_core::market::Symbol;
use tradepulse_core::parameter::nearest;
use tradepulse_core::store::Page;
use tradepulse_core::store::trading::{
    EventLevel, PositionRecord, Record, RecordFilter, RunRecord, SystemEventRecord, TradingStore,
    TradingStoreExt,
};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::sqlite::{FILE_NAME, SqliteStore};

use crate::arguments::{DataDir, MarketSelection, Selection};
use crate::output::{self, Verdict};
use crate::records;

/// Records, the newest first.
pub(crate) struct Found<R> {
    pub(crate) records: Vec<R>,
    /// Whether there are more than were asked for.
    pub(crate) more: bool,
}

impl<R> Found<R> {
    pub(crate) const NONE: Self = Self { records: Vec::new(), more: false };

    /// The first `limit` of these.
    pub(crate) fn first(mut records: Vec<R>, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() > limit;
        records.truncate(limit);
        Self { records, more }
    }

    /// Shows them: as JSON, or in a table, or says that there are none of `what`. `narrow`: only
    /// some were asked for.
    pub(crate) fn show<T: Display>(
        &self,
        records: &TradingRecords,
        what: &str,
        (narrow, json): (bool, bool),
        table: impl FnOnce(&[R]) -> T,
    ) -> Result<Verdict>
    where
        R: Serialize,
    {
        if json {
            output::json(&self.records)?;
        } else if self.records.is_empty() {
            output::line(records.nothing(what, narrow))?;
        } else {
            output::line(table(&self.records))?;
            self.note_more();
        }
        Ok(Verdict::Good)
    }

    /// Says that the table above is not all.
    fn note_more(&self) {
        if self.more {
            output::note(format!("the newest {}; --limit shows more", self.records.len()));
        }
    }
}

/// The price of a market that a run was told last.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct LastPrice {
    /// In quote currency.
    pub(crate) price: f64,
    /// Close time of its candle.
    pub(crate) at: Timestamp,
}

/// A position and what it would earn.
#[derive(Serialize)]
pub(crate) struct MarkedPosition {
    #[serde(flatten)]
    pub(crate) position: PositionRecord,
    /// While it is open, where known.
    pub(crate) last_price: Option<LastPrice>,
    /// Profit if it were closed at the last price, before fees, in quote currency.
    pub(crate) unrealised: Option<f64>,
}

/// The records of a data directory.
pub(crate) struct TradingRecords {
    folder: PathBuf,
    /// `None` where nothing was ever stored.
    store: Option<SqliteStore>,
    /// The newest first.
    runs: Vec<RunRecord>,
}

impl TradingRecords {
    pub(crate) async fn open(place: &DataDir) -> Result<Self> {
        let folder = place.path()?;
        let (mut store, mut runs) = (None, Vec::new());
        if folder.join(FILE_NAME).exists() {
            let opened = records::open(place).await?;
            runs = opened.records(&RecordFilter::default(), Page::ALL).await?;
            store = Some(opened);
        }
        Ok(Self { folder, store, runs })
    }

    /// The store, if anything was ever stored.
    pub(crate) fn store(&self) -> Option<&SqliteStore> {
        self.store.as_ref()
    }

    /// The run of this id, of the only id that begins so, or the latest one.
    pub(crate) fn run(&self, id: &str) -> Result<&RunRecord> {
        let runs: Vec<_> = self.runs.iter().collect();
        match runs.is_empty() {
            true => Err(anyhow!(self.nothing("runs", false))),
            false => find(&runs, id),
        }
    }

    /// The runs selected, the newest first.
    pub(crate) fn runs(&self, selection: &Selection) -> Result<Vec<&RunRecord>> {
        if let Some(wallet) = &selection.wallet
            && !self.runs.is_empty()
            && !self.runs.iter().any(|run| run.wallet == *wallet)
        {
            let near = nearest(wallet, self.runs.iter().map(|run| run.wallet.as_str()));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            bail!("no run has traded a wallet {wallet:?}{near}");
        }
        let fits = |run: &&RunRecord| selection.wallet.as_ref().is_none_or(|w| run.wallet == *w);
        let runs: Vec<_> = self.runs.iter().filter(fits).collect();
        match selection.run.as_deref() {
            Some(id) if !runs.is_empty() => Ok(vec![find(&runs, id)?]),
            _ => Ok(runs),
        }
    }

    /// The filter of what is selected.
    pub(crate) fn filter(&self, selection: &Selection) -> Result<RecordFilter> {
        let runs = self.runs(selection)?;
        let named = selection.run.as_ref().and_then(|_| runs.first());
        Ok(RecordFilter {
            run: named.map(|run| run.id.clone()),
            wallet: selection.wallet.clone(),
            ..RecordFilter::default()
        })
    }

    /// The same, of a market.
    pub(crate) fn market_filter(&self, selection: &MarketSelection) -> Result<RecordFilter> {
        let symbol = selection.symbol.clone();
        Ok(RecordFilter { symbol, ..self.filter(&selection.records)? })
    }

    /// The newest records that pass.
    pub(crate) async fn list<R: Record>(
        &self,
        filter: &RecordFilter,
        limit: u64,
    ) -> Result<Found<R>> {
        let Some(store) = &self.store else { return Ok(Found::NONE) };
        let page = Page::first(limit.saturating_add(1));
        Ok(Found::first(store.records(filter, page).await?, limit))
    }

    /// The newest events of this level or a higher one.
    pub(crate) async fn events(
        &self,
        filter: &RecordFilter,
        least: EventLevel,
        limit: u64,
    ) -> Result<Found<SystemEventRecord>> {
        let mut all = Vec::new();
        for level in [EventLevel::Info, EventLevel::Warning, EventLevel::Error] {
            if level >= least {
                let filter = RecordFilter { level: Some(level), ..filter.clone() };
                all.extend(self.list(&filter, limit.saturating_add(1)).await?.records);
            }
        }
        all.sort_by(|a: &SystemEventRecord, b| {
            (b.at, &b.run, b.sequence).cmp(&(a.at, &a.run, a.sequence))
        });
        Ok(Found::first(all, limit))
    }

    /// These positions with what the open ones would earn.
    pub(crate) async fn marked(
        &self,
        positions: Vec<PositionRecord>,
    ) -> Result<Vec<MarkedPosition>> {
        let mut known = BTreeMap::new();
        let mut marked = Vec::with_capacity(positions.len());
        for position in positions {
            let mut last_price = None;
            if position.ended_at.is_none() {
                let key = (position.run.clone(), position.symbol.to_string());
                last_price = match known.get(&key) {
                    Some(found) => *found,
                    None => {
                        let found = self.last_price(&position.run, &position.symbol).await?;
                        known.insert(key, found);
                        found
                    }
                };
            }
            let sign = position.side.sign();
            let unrealised = last_price.map(|last| {
                sign * (last.price - position.entry_price) * position.quantity.to_f64()
            });
            marked.push(MarkedPosition { position, last_price, unrealised });
        }
        Ok(marked)
    }

    /// The close of the last candle of this market in the journal of a run, looked for in its last
    /// entries.
    async fn last_price(&self, run: &str, symbol: &Symbol) -> Result<Option<LastPrice>> {
        const PAGE: u64 = 500;
        const PAGES: u64 = 40;
        let Some(store) = &self.store else { return Ok(None) };
        let mut end = store.journal_end(run).await?;
        for _ in 0..PAGES {
            if end == 0 {
                break;
            }
            let from = end.saturating_sub(PAGE) + 1;
            for entry in store.journal(run, from, end + 1 - from).await?.iter().rev() {
                if !matches!(entry.kind.as_str(), "candle" | "warm_up") {
                    continue;
                }
                let Ok(event) = serde_json::from_str::<DeskEvent>(&entry.body) else { continue };
                let (DeskEventKind::Candle { symbol: of, timeframe, candle, .. }
                | DeskEventKind::WarmUp { symbol: of, timeframe, candle }) = event.kind
                else {
                    continue;
                };
                if of == *symbol {
                    let at = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
                    return Ok(Some(LastPrice { price: candle.close, at }));
                }
            }
            end = from - 1;
        }
        Ok(None)
    }

    /// What to say where there are none of `what`; `narrow`: only some were asked for.
    pub(crate) fn nothing(&self, what: &str, narrow: bool) -> String {
        match (self.runs.is_empty(), narrow) {
            (true, _) => format!(
                "Nothing has traded with {} yet: a run records itself there when it starts. If one \
                 did, name its folder with --data-dir.",
                self.folder.display()
            ),
            (false, true) => format!("No {what} fit: ask for less, or see all without filters."),
            (false, false) => format!("No {what} yet; `tradepulse status` tells what trades."),
        }
    }
}

/// The run of this id, of the only id that begins so, or the latest one.
fn find<'a>(runs: &[&'a RunRecord], id: &str) -> Result<&'a RunRecord> {
    let (Some(latest), false) = (runs.first(), id.is_empty()) else {
        bail!("--run needs an id, the beginning of one, or latest");
    };
    if id == "latest" {
        return Ok(latest);
    }
    if let Some(run) = runs.iter().find(|run| run.id == id) {
        return Ok(run);
    }
    let mut fitting = runs.iter().filter(|run| run.id.starts_with(id));
    match (fitting.next(), fitting.next()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => bail!("several runs have an id that begins with {id:?}: give more"),
        (None, _) => Err(match nearest(id, runs.iter().map(|run| run.id.as_str())) {
            Some(near) => anyhow!("there is no run {id:?}; did you mean {near}?"),
            None => anyhow!("there is no run {id:?}; the latest is {}", latest.id),
        }),
    }
}
