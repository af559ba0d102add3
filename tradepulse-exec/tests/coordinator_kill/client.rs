//! The venue as those see it that trade there: the port `Exchange` over a socket.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
};

use async_trait::async_trait;
use tradepulse_core::{
    exchange::{
        Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, FeedError, OpenOrders,
        VenueEvent, VenuePosition,
    },
    market::{Candle, Symbol},
    order::{ClientOrderId, OrderReport, OrderRequest},
    risk::Approved,
    strategy::Quote,
    time::{Timeframe, Timestamp},
};
use tradepulse_exec::coordinator::FollowsMarket;

use crate::{
    protocol::{Answer, Question},
    venue::capabilities,
};

pub(crate) struct Client {
    address: SocketAddr,
    capabilities: Capabilities,
    connection: Mutex<Option<BufReader<TcpStream>>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, capabilities: capabilities(), connection: Mutex::new(None) }
    }

    /// Asks, and waits for the answer. A connection that breaks is made anew by the next question.
    fn ask(&self, question: &Question) -> Result<Answer, ExchangeError> {
        let mut connection = self.connection.lock().unwrap();
        let mut open = match connection.take() {
            Some(open) => open,
            None => {
                let not_sent = |e: std::io::Error| ExchangeError::NotSent(e.to_string());
                let stream = TcpStream::connect(self.address).map_err(not_sent)?;
                stream.set_nodelay(true).map_err(not_sent)?;
                BufReader::new(stream)
            }
        };
        let lost = |reason: String| ExchangeError::OutcomeUnknown(reason);
        let mut line = serde_json::to_vec(question).map_err(|e| lost(e.to_string()))?;
        line.push(b'\n');
        open.get_mut().write_all(&line).map_err(|e| lost(e.to_string()))?;
        let mut line = String::new();
        open.read_line(&mut line).map_err(|e| lost(e.to_string()))?;
        let answer = serde_json::from_str(&line).map_err(|e| lost(e.to_string()))?;
        *connection = Some(open);
        match answer {
            Answer::Rejected { kind, code, reason } => {
                Err(ExchangeError::Rejected { kind, code, reason })
            }
            Answer::Failed(reason) => Err(ExchangeError::Unavailable(reason)),
            answer => Ok(answer),
        }
    }
}

/// An answer to another question than the one that was asked.
fn strange<T>(answer: &Answer) -> Result<T, ExchangeError> {
    Err(ExchangeError::OutcomeUnknown(format!("no answer to that: {answer:?}")))
}

#[async_trait]
impl Exchange for Client {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        match self.ask(&Question::Submit(order.get().clone()))? {
            Answer::Submitted(reports) => Ok(reports),
            other => strange(&other),
        }
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        match self.ask(&Question::Cancel { symbol: symbol.clone(), id })? {
            Answer::Cancelled(reports) => Ok(CancelOutcome::Cancelled(reports)),
            Answer::TooLate(reports) => Ok(CancelOutcome::TooLate(reports)),
            Answer::NotFound => Ok(CancelOutcome::NotFound),
            other => strange(&other),
        }
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        match self.ask(&Question::Order { symbol: symbol.clone(), id })? {
            Answer::Order(report) => Ok(report),
            other => strange(&other),
        }
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        match self.ask(&Question::OpenOrders { symbol: symbol.clone() })? {
            Answer::OpenOrders { ours, foreign } => Ok(OpenOrders { ours, foreign }),
            other => strange(&other),
        }
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        match self.ask(&Question::Balances)? {
            Answer::Balances(balances) => Ok(balances),
            other => strange(&other),
        }
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        match self.ask(&Question::Positions)? {
            Answer::Positions(positions) => Ok(positions),
            other => strange(&other),
        }
    }

    fn drain(&self) -> Vec<VenueEvent> {
        match self.ask(&Question::Drain) {
            Ok(Answer::Drained(reports)) => reports.into_iter().map(VenueEvent::Order).collect(),
            // What it told is lost.
            _ => vec![VenueEvent::Gap { since: Timestamp::EARLIEST }],
        }
    }

    /// Nothing happens at this venue without a question, and each turn of the loop drains it.
    async fn wait(&self) {
        std::future::pending().await
    }
}

impl FollowsMarket for Client {
    fn candle(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        candle: Candle,
    ) -> Result<(), FeedError> {
        let question = Question::Begin { symbol: symbol.clone(), timeframe, candle };
        // Telling it twice does no harm: where the answer is lost it is told again.
        let answer = self.ask(&question).or_else(|_| self.ask(&question));
        let failed = |e: ExchangeError| FeedError { feed: "replay".into(), reason: e.to_string() };
        answer.map(drop).map_err(failed)
    }

    fn quote(&self, symbol: &Symbol, _: Quote, _: Timestamp) -> Result<(), FeedError> {
        Err(FeedError { feed: "replay".into(), reason: format!("no quotes of {symbol}") })
    }

    fn fill_at_close(&self, symbol: &Symbol, _: Timestamp) -> Result<(), FeedError> {
        Err(FeedError { feed: "replay".into(), reason: format!("{symbol} trades to the end") })
    }
}
