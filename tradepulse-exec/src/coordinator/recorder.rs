mod marks;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tradepulse_core::account::Trade;
use tradepulse_core::desk::{Desk, LaneId, Level, Notice, Record};
use tradepulse_core::market::{ExchangeName, Symbol};
use tradepulse_core::money::Quantity;
use tradepulse_core::order::{ClientOrderId, Leg, OrderRequest, OrderState, RequestKind};
use tradepulse_core::risk::RiskState;
use tradepulse_core::store::trading::{
    DecisionOutcome, DecisionRecord, EventLevel, FillRecord, OrderRecord, OrderType,
    PositionRecord, SystemEventRecord, TradeOwner, TradeRecord, TradingRecord, TradingStore,
};
use tradepulse_core::store::{RecordId, StoreError};
use tradepulse_core::time::{Timeframe, Timestamp};

/// Whose records a run makes.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The run.
    pub run: String,
    /// The wallet.
    pub wallet: String,
    /// Where it trades.
    pub exchange: ExchangeName,
    /// Configuration and strategy of each lane, by its number.
    pub lanes: Vec<LaneOwner>,
}

/// Whose records a lane makes.
#[derive(Clone, Debug)]
pub struct LaneOwner {
    /// The configuration.
    pub configuration_id: RecordId,
    /// Its strategy.
    pub strategy: String,
}

/// What a run has done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counters {
    /// Orders given to the venue, legs counted one by one.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Finished trades.
    pub trades: u64,
    /// Sum of their profit, quote currency.
    pub profit: f64,
    /// Entries that were not made.
    pub refusals: u64,
    /// Notices of level error.
    pub errors: u64,
    /// Notices of level warning.
    pub warnings: u64,
    /// Things that could not be explained.
    pub unexplained: u64,
}

/// Puts what a desk wants kept into the store's records. On a replayed journal it makes the same
/// records again: writing twice is writing once.
pub(super) struct Recorder {
    store: Arc<dyn TradingStore>,
    owner: Owner,
    lanes: Vec<LanePlace>,
    news: Vec<TradingRecord>,
    /// When each order was first told of, and whether it has ended.
    orders: HashMap<ClientOrderId, (Timestamp, bool)>,
    /// Those that have ended, in the order in which they did: executions may still come.
    ended: VecDeque<ClientOrderId>,
    trades: u64,
    positions: u64,
    events: u64,
    /// Number of the last event that did not come of the journal.
    last_outside: u64,
    hour: i64,
    /// Trades when equity was stored last, and when that was.
    marked: u64,
    marked_at: Option<Timestamp>,
    counters: Counters,
    /// When the wallet's risk state was stored first, if it is kept.
    risk_since: Option<Timestamp>,
    /// What of it was stored last, but for the peak of equity.
    risk: RiskState,
}

/// Records that may wait before they are stored, where they may.
const WAITING: usize = 512;

/// Orders that have ended and may be told of again: as many as a desk remembers.
const ENDED: usize = 4096;

struct LanePlace {
    symbol: Symbol,
    timeframe: Timeframe,
    /// The last record of its open position.
    open: Option<PositionRecord>,
    /// When the last decision was, as its record says.
    decided_at: Option<Timestamp>,
    stop: Option<tradepulse_core::money::Price>,
    target: Option<tradepulse_core::money::Price>,
}

impl Recorder {
    pub(super) fn new(store: Arc<dyn TradingStore>, owner: Owner, desk: &Desk) -> Self {
        let lanes = desk.lanes().map(|lane| LanePlace {
            symbol: lane.setup.symbol.clone(),
            timeframe: lane.setup.timeframe,
            open: None,
            decided_at: None,
            stop: None,
            target: None,
        });
        Self {
            store,
            owner,
            lanes: lanes.collect(),
            news: Vec::new(),
            orders: HashMap::new(),
            ended: VecDeque::new(),
            trades: 0,
            positions: 0,
            events: 0,
            last_outside: 0,
            hour: i64::MIN,
            marked: 0,
            marked_at: None,
            counters: Counters::default(),
            risk_since: None,
            risk: RiskState::default(),
        }
    }

    /// Stores the state of the risk gate as it changes, from now on.
    pub(super) fn keep_risk_state(&mut self, since: Timestamp) {
        self.risk_since = Some(since);
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn store(&self) -> &Arc<dyn TradingStore> {
        &self.store
    }

    /// Keeps records that do not come from the desk.
    pub(super) fn keep(&mut self, records: impl IntoIterator<Item = TradingRecord>) {
        self.news.extend(records);
    }

    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Whether enough waits to be worth storing.
    pub(super) fn is_full(&self) -> bool {
        self.news.len() >= WAITING
    }

    /// Stores what waits, and returns it.
    pub(super) async fn flush(&mut self) -> Result<Vec<TradingRecord>, StoreError> {
        if self.news.is_empty() {
            return Ok(Vec::new());
        }
        self.store.put(&self.news).await?;
        Ok(std::mem::take(&mut self.news))
    }

    pub(super) fn take(&mut self, at: Timestamp, record: Record) {
        match record {
            Record::Order { lane, request, id, state, filled, venue_id, reason } => {
                let told = Told { state, filled, venue_id, reason };
                self.order(at, lane, &request, id, told);
            }
            Record::Execution { lane, id, side, execution } => {
                self.counters.fills += 1;
                let simulated = execution.simulated;
                let Some(place) = self.place(lane) else { return };
                let symbol = place.symbol.clone();
                self.news.push(
                    FillRecord {
                        order_id: id,
                        execution_id: execution.id,
                        run: self.owner.run.clone(),
                        wallet: self.owner.wallet.clone(),
                        symbol,
                        side,
                        price: execution.price,
                        quantity: execution.quantity,
                        fee: execution.fee,
                        fee_currency: execution.fee_currency,
                        liquidity: execution.liquidity,
                        at: execution.at,
                        reference: simulated.map(|s| s.reference),
                        ambiguous: simulated.map(|s| s.ambiguous),
                        moment: simulated.map(|s| s.moment),
                    }
                    .into(),
                );
            }
            Record::Trade { lane, trade } => self.trade(lane, &trade),
            Record::Refusal { lane, refusal, text } => {
                self.counters.refusals += 1;
                let data = serde_json::to_value(refusal).ok();
                self.decision(at, lane, DecisionOutcome::Refused, &text);
                self.event(at, EventLevel::Info, "refusal", text, data);
            }
            Record::Notice(notice) => self.notice(at, notice),
            _ => {}
        }
    }

    /// After a step: positions and equity as they are now.
    pub(super) fn stepped(&mut self, at: Timestamp, desk: &Desk) {
        for lane in desk.lanes() {
            let Some(place) = self.lanes.get_mut(lane.id.0 as usize) else { continue };
            let held = lane.position.map(|p| (p.quantity, p.entry_price, p.side, p.entry_time_ms));
            let quantity = |q: f64| Quantity::from_f64(q).unwrap_or_default();
            let changed = match (&place.open, held) {
                (None, None) => continue,
                (Some(open), Some((q, price, ..))) => {
                    open.quantity != quantity(q)
                        || open.entry_price.to_bits() != price.to_bits()
                        || open.stop != place.stop
                        || open.target != place.target
                }
                _ => true,
            };
            if !changed {
                continue;
            }
            let record = match (place.open.take(), held) {
                (Some(open), None) => PositionRecord {
                    quantity: Quantity::ZERO,
                    updated_at: at,
                    ended_at: Some(at),
                    ..open
                },
                (open, Some((q, entry_price, side, entry_time_ms))) => {
                    let known = open.is_some();
                    let record = open.unwrap_or_else(|| PositionRecord {
                        run: self.owner.run.clone(),
                        sequence: self.positions + 1,
                        wallet: self.owner.wallet.clone(),
                        configuration_id: self.owner.lanes[lane.id.0 as usize]
                            .configuration_id
                            .clone(),
                        exchange: self.owner.exchange.clone(),
                        symbol: place.symbol.clone(),
                        side,
                        quantity: Quantity::ZERO,
                        entry_price,
                        stop: None,
                        target: None,
                        opened_at: Timestamp::from_ms(entry_time_ms),
                        updated_at: at,
                        ended_at: None,
                    });
                    if !known {
                        self.positions += 1;
                    }
                    let record = PositionRecord {
                        quantity: quantity(q),
                        entry_price,
                        stop: place.stop,
                        target: place.target,
                        updated_at: at,
                        ..record
                    };
                    place.open = Some(record.clone());
                    record
                }
                (None, None) => continue,
            };
            self.news.push(record.into());
        }
        self.marks(at, desk);
    }

    fn place(&mut self, lane: LaneId) -> Option<&mut LanePlace> {
        self.lanes.get_mut(lane.0 as usize)
    }

    fn order(
        &mut self,
        at: Timestamp,
        lane: LaneId,
        request: &OrderRequest,
        id: ClientOrderId,
        told: Told,
    ) {
        let (created_at, has_ended) = self.orders.entry(id).or_insert_with(|| {
            self.counters.orders += 1;
            (at, false)
        });
        let created_at = *created_at;
        if told.state.is_final() && !std::mem::replace(has_ended, true) {
            self.forget_after(id);
        }
        let (mut kind, mut price, mut trigger) = OrderType::of(&request.kind);
        if let RequestKind::Oco { stop, target } = request.kind {
            (kind, price, trigger) = match id.which_leg() {
                Some(Leg::Target) => (OrderType::Limit, Some(target), None),
                _ => (OrderType::Stop, None, Some(stop)),
            };
        }
        let Some(place) = self.lanes.get_mut(lane.0 as usize) else { return };
        if told.state == OrderState::Accepted {
            match kind {
                OrderType::Stop => place.stop = trigger,
                OrderType::Limit => place.target = price,
                _ => {}
            }
        }
        let Some(owner) = self.owner.lanes.get(lane.0 as usize) else { return };
        self.news.push(
            OrderRecord {
                id,
                run: self.owner.run.clone(),
                wallet: self.owner.wallet.clone(),
                configuration_id: owner.configuration_id.clone(),
                symbol: request.symbol.clone(),
                side: request.side,
                kind,
                price,
                trigger,
                quantity: request.quantity,
                reduce_only: request.reduce_only,
                venue_id: told.venue_id,
                state: told.state,
                filled: told.filled,
                reason: told.reason,
                created_at,
                updated_at: at,
                ended_at: told.state.is_final().then_some(at),
            }
            .into(),
        );
    }

    /// An order has ended: when it was made is forgotten once many others have ended too.
    fn forget_after(&mut self, id: ClientOrderId) {
        self.ended.push_back(id);
        if self.ended.len() > ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    fn trade(&mut self, lane: LaneId, trade: &Trade) {
        self.trades += 1;
        self.counters.trades += 1;
        self.counters.profit += trade.profit;
        let Some(place) = self.lanes.get_mut(lane.0 as usize) else { return };
        (place.stop, place.target) = (None, None);
        let (symbol, timeframe) = (place.symbol.clone(), place.timeframe);
        let Some(of) = self.owner.lanes.get(lane.0 as usize) else { return };
        let owner = TradeOwner {
            run: self.owner.run.clone(),
            wallet: self.owner.wallet.clone(),
            configuration_id: of.configuration_id.clone(),
            exchange: self.owner.exchange.clone(),
            symbol,
            timeframe,
            strategy: of.strategy.clone(),
        };
        self.news.push(TradeRecord::new(owner, self.trades, trade).into());
    }

    fn decision(&mut self, at: Timestamp, lane: LaneId, outcome: DecisionOutcome, reason: &str) {
        let i = lane.0 as usize;
        let (Some(place), Some(owner)) = (self.lanes.get_mut(i), self.owner.lanes.get(i)) else {
            return;
        };
        // Candles that are caught up with are decided on in the same instant; each decision has a
        // record of its own.
        let after = |last: Timestamp| at.max(Timestamp::from_ms(last.as_ms() + 1));
        let at = place.decided_at.map_or(at, after);
        place.decided_at = Some(at);
        self.news.push(
            DecisionRecord {
                run: self.owner.run.clone(),
                configuration_id: owner.configuration_id.clone(),
                at,
                wallet: self.owner.wallet.clone(),
                symbol: place.symbol.clone(),
                timeframe: place.timeframe,
                signal: None,
                votes: None,
                outcome,
                reason: reason.to_owned(),
            }
            .into(),
        );
    }

    fn notice(&mut self, at: Timestamp, notice: Notice) {
        match notice.level {
            Level::Error => self.counters.errors += 1,
            Level::Warning => self.counters.warnings += 1,
            Level::Info => {}
        }
        if notice.kind == tradepulse_core::desk::NoticeKind::Unexplained {
            self.counters.unexplained += 1;
        }
        self.event(at, notice.level, notice.kind.name(), notice.text, None);
    }

    /// An event that no journal tells of again: its number is its time, ms, beyond all that are
    /// counted, so that the numbers of the others are the same whenever they are told of.
    pub(super) fn outside_event(
        &mut self,
        at: Timestamp,
        level: EventLevel,
        kind: &str,
        text: String,
        data: Option<serde_json::Value>,
    ) {
        let time = u64::try_from(at.as_ms()).unwrap_or_default();
        self.last_outside = time.max(self.last_outside + 1);
        self.push_event(self.last_outside, at, level, kind, text, data);
    }

    fn event(
        &mut self,
        at: Timestamp,
        level: EventLevel,
        kind: &str,
        text: String,
        data: Option<serde_json::Value>,
    ) {
        self.events += 1;
        self.push_event(self.events, at, level, kind, text, data);
    }

    fn push_event(
        &mut self,
        sequence: u64,
        at: Timestamp,
        level: EventLevel,
        kind: &str,
        text: String,
        data: Option<serde_json::Value>,
    ) {
        self.news.push(
            SystemEventRecord {
                run: self.owner.run.clone(),
                sequence,
                wallet: Some(self.owner.wallet.clone()),
                at,
                level,
                kind: kind.to_owned(),
                text,
                data,
            }
            .into(),
        );
    }
}

/// What became of an order.
struct Told {
    state: OrderState,
    filled: Quantity,
    venue_id: Option<String>,
    reason: Option<String>,
}
