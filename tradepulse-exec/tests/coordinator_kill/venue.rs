//! The venue: it lives in the process of the test, and outlives those that trade there.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tradepulse_core::{
    engine::Rules,
    exchange::{
        CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, TradingRules, VenueEvent,
    },
    market::InstrumentKind,
    order::OrderRequest,
    risk::{RiskGate, RiskRules},
    simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings},
    time::Timestamp,
};

use crate::{
    market::symbol,
    protocol::{Answer, Question},
};

pub(crate) fn capabilities() -> Capabilities {
    let full = Capabilities::full("simulated".parse().unwrap(), InstrumentKind::Perpetual);
    Capabilities { arrival_window_ms: 5_000, ..full }
}

pub(crate) fn trading_rules() -> TradingRules {
    TradingRules { instrument: Rules::default().instrument, price_tick: None }
}

pub(crate) struct Venue {
    pub(crate) address: SocketAddr,
    floor: Arc<Floor>,
    serving: JoinHandle<()>,
}

struct Floor {
    exchange: SimulatedExchange,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Open time of the last candle that was begun.
    begun: Option<Timestamp>,
    /// Orders that were taken, in the order they came.
    taken: Vec<OrderRequest>,
    questions: u64,
    /// Numbers of the questions whose answers are lost.
    lost: BTreeSet<u64>,
}

impl Venue {
    /// Opens a venue that does what it is asked, and loses the answers to these questions, counted
    /// from 1.
    pub(crate) async fn open(lost: &[u64]) -> Self {
        let margin = AccountKind::Margin { leverage: 1e9 };
        let settings = SimulatedExchangeSettings::new(capabilities(), margin)
            .market(symbol(), trading_rules())
            .balance("USDT", "10000".parse().unwrap());
        let seen = Seen { lost: lost.iter().copied().collect(), ..Seen::default() };
        let exchange = SimulatedExchange::new(settings).unwrap();
        let floor = Arc::new(Floor { exchange, seen: Mutex::new(seen) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn({
            let floor = Arc::clone(&floor);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    // A caller that dies in the middle of a line is as good as one that hangs up.
                    let _ = floor.serve(stream).await;
                }
            }
        });
        Self { address, floor, serving }
    }

    pub(crate) fn exchange(&self) -> &SimulatedExchange {
        &self.floor.exchange
    }

    pub(crate) fn taken(&self) -> Vec<OrderRequest> {
        self.floor.seen.lock().unwrap().taken.clone()
    }

    pub(crate) fn questions(&self) -> u64 {
        self.floor.seen.lock().unwrap().questions
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Floor {
    /// Answers one caller until it hangs up.
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (from, mut to) = stream.into_split();
        let mut lines = BufReader::new(from).lines();
        while let Some(line) = lines.next_line().await? {
            let answer = self.answer(serde_json::from_str(&line)?).await;
            let is_lost = {
                let mut seen = self.seen.lock().unwrap();
                seen.questions += 1;
                let number = seen.questions;
                seen.lost.contains(&number)
            };
            if is_lost {
                return Ok(());
            }
            let mut line = serde_json::to_vec(&answer)?;
            line.push(b'\n');
            to.write_all(&line).await?;
        }
        Ok(())
    }

    async fn answer(&self, question: Question) -> Answer {
        let exchange = &self.exchange;
        let failed = |error: ExchangeError| match error {
            ExchangeError::Rejected { kind, code, reason } => {
                Answer::Rejected { kind, code, reason }
            }
            other => Answer::Failed(other.to_string()),
        };
        match question {
            Question::Begin { symbol, timeframe, candle } => {
                let begun = &mut self.seen.lock().unwrap().begun;
                // A feed that was started again tells of a candle that was met already.
                if begun.is_none_or(|begun| begun < candle.open_time) {
                    exchange.begin(&symbol, &candle, timeframe).unwrap();
                    *begun = Some(candle.open_time);
                }
                Answer::Begun
            }
            Question::Submit(request) => {
                let approved = RiskGate::new(RiskRules::none()).pass(request);
                match exchange.submit(&approved).await {
                    Ok(reports) => {
                        self.seen.lock().unwrap().taken.push(approved.into_inner());
                        Answer::Submitted(reports)
                    }
                    Err(error) => failed(error),
                }
            }
            Question::Cancel { symbol, id } => match exchange.cancel(&symbol, id).await {
                Ok(CancelOutcome::Cancelled(reports)) => Answer::Cancelled(reports),
                Ok(CancelOutcome::TooLate(reports)) => Answer::TooLate(reports),
                Ok(CancelOutcome::NotFound) => Answer::NotFound,
                Err(error) => failed(error),
            },
            Question::Order { symbol, id } => {
                exchange.order(&symbol, id).await.map_or_else(failed, Answer::Order)
            }
            Question::OpenOrders { symbol } => {
                let open = exchange.open_orders(&symbol).await;
                open.map_or_else(failed, |OpenOrders { ours, foreign }| Answer::OpenOrders {
                    ours,
                    foreign,
                })
            }
            Question::Balances => exchange.balances().await.map_or_else(failed, Answer::Balances),
            Question::Positions => {
                exchange.positions().await.map_or_else(failed, Answer::Positions)
            }
            Question::Drain => {
                let reports = exchange.drain().into_iter().map(|event| match event {
                    VenueEvent::Order(report) => report,
                    other => unreachable!("a simulated exchange tells of orders only: {other:?}"),
                });
                Answer::Drained(reports.collect())
            }
        }
    }
}
