use std::future::{Future, poll_fn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use super::stream::Stream;
use super::{Call, Fault, FaultPlan};
use crate::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, RejectKind,
    VenueEvent, VenuePosition,
};
use crate::market::Symbol;
use crate::order::{ClientOrderId, OrderReport, OrderRequest, RequestKind};
use crate::risk::Approved;

/// A venue behind which calls and events go wrong as a [`FaultPlan`] says.
///
/// It keeps the contract of the port: every fault is told as what the caller may conclude from it,
/// and lost events are followed by a [`VenueEvent::Gap`].
#[derive(Debug)]
pub struct FaultyExchange<E> {
    inner: E,
    plan: FaultPlan,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: [u64; 3],
    stream: Stream,
    late: Vec<Late>,
}

/// A request that is still on its way.
#[derive(Debug)]
struct Late {
    calls: u32,
    request: Request,
}

#[derive(Debug)]
enum Request {
    Submit(Approved<OrderRequest>),
    Cancel(Symbol, ClientOrderId),
}

impl<E: Exchange> FaultyExchange<E> {
    /// Puts `plan` in front of `inner`.
    pub fn new(inner: E, plan: FaultPlan) -> Self {
        Self { inner, plan, state: Mutex::default() }
    }

    /// The venue behind the faults.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, lets late requests arrive that are due, and says what goes wrong.
    async fn begin(&self, call: Call, pair: bool) -> Option<Fault> {
        let (due, fault) = {
            let mut state = self.lock();
            let (mut due, mut waiting) = (Vec::new(), Vec::new());
            for late in state.late.drain(..) {
                match late.calls {
                    0 => due.push(late.request),
                    calls => waiting.push(Late { calls: calls - 1, ..late }),
                }
            }
            state.late = waiting;
            let slot = match call {
                Call::Submit => 0,
                Call::Cancel => 1,
                Call::Query | Call::Event => 2,
            };
            state.calls[slot] += 1;
            let (number, now) = (state.calls[slot], state.stream.now);
            let fault = if state.stream.is_cut() {
                Some(Fault::NotSent)
            } else {
                self.plan.fault(call, number, now, pair)
            };
            (due, fault)
        };
        for request in due {
            // Nobody is there any more to hear the answer.
            match request {
                Request::Submit(order) => drop(self.inner.submit(&order).await),
                Request::Cancel(symbol, id) => drop(self.inner.cancel(&symbol, id).await),
            }
        }
        fault
    }

    /// Calls the venue as `fault` lets it. `late` makes the request that arrives late.
    async fn call<T>(
        &self,
        fault: Option<Fault>,
        late: impl FnOnce() -> Option<Request> + Send,
        call: impl Future<Output = Result<T, ExchangeError>> + Send,
    ) -> Result<T, ExchangeError> {
        let refused = |kind, reason: &str| {
            Err(ExchangeError::Rejected { kind, code: None, reason: reason.to_owned() })
        };
        let unknown = |text: &str| Err(ExchangeError::OutcomeUnknown(text.to_owned()));
        match fault {
            Some(Fault::NotSent) => Err(ExchangeError::NotSent("no connection".to_owned())),
            Some(Fault::RateLimited { until }) => Err(ExchangeError::RateLimited { until }),
            Some(Fault::ClockSkew) => {
                refused(RejectKind::Clock, "the time is outside the venue's window")
            }
            Some(Fault::LegRefused) => refused(RejectKind::Other, "a leg of the pair is refused"),
            Some(Fault::ErrorBefore) => unknown("the venue failed"),
            Some(Fault::ErrorAfter) => {
                drop(call.await);
                unknown("the venue failed")
            }
            Some(Fault::AnswerLost) => {
                drop(call.await);
                unknown("the answer was lost")
            }
            Some(Fault::Late { calls }) => {
                if let Some(request) = late() {
                    self.lock().late.push(Late { calls, request });
                }
                unknown("no answer came in time")
            }
            Some(Fault::Slow { polls }) => {
                let answer = call.await;
                let mut left = polls;
                poll_fn(|context| {
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    left -= 1;
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                answer
            }
            Some(Fault::Crossing) => {
                let told = self.inner.drain();
                self.lock().stream.take(told, &self.plan);
                call.await
            }
            _ => call.await,
        }
    }

    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, ExchangeError>> + Send,
    ) -> Result<T, ExchangeError> {
        let fault = self.begin(Call::Query, false).await;
        match self.call(fault, || None, call).await {
            // A question has no outcome.
            Err(ExchangeError::OutcomeUnknown(text) | ExchangeError::NotSent(text)) => {
                Err(ExchangeError::Unavailable(text))
            }
            other => other,
        }
    }
}

#[async_trait]
impl<E: Exchange> Exchange for FaultyExchange<E> {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let pair = matches!(order.get().kind, RequestKind::Oco { .. });
        let fault = self.begin(Call::Submit, pair).await;
        let late = || Some(Request::Submit(order.clone()));
        self.call(fault, late, self.inner.submit(order)).await
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        let fault = self.begin(Call::Cancel, false).await;
        let late = || Some(Request::Cancel(symbol.clone(), id));
        self.call(fault, late, self.inner.cancel(symbol, id)).await
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.ask(self.inner.order(symbol, id)).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.ask(self.inner.open_orders(symbol)).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.ask(self.inner.balances()).await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.ask(self.inner.positions()).await
    }

    /// Says nothing only if the venue behind says nothing more: what ends a candle there.
    fn drain(&self) -> Vec<VenueEvent> {
        let mut state = self.lock();
        loop {
            if state.stream.is_ready() {
                return state.stream.hand_out(false);
            }
            let told = self.inner.drain();
            if told.is_empty() {
                return state.stream.hand_out(true);
            }
            state.stream.take(told, &self.plan);
        }
    }

    /// May end early while events are held back.
    async fn wait(&self) {
        if self.lock().stream.holds_something() {
            return;
        }
        self.inner.wait().await;
    }
}
