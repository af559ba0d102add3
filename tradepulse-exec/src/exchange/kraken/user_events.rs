use std::sync::Arc;

use serde_json::json;
use tradepulse_core::exchange::VenueEvent;
use tradepulse_core::market::Symbol;
use tradepulse_core::order::{ClientOrderId, OrderReport};
use tradepulse_core::time::Timestamp;

use super::client::{Call, PATIENCE};
use super::messages::{ExecutionMessage, MethodMessage, StreamMessage, TokenMessage, order_status};
use super::registry::Known;
use super::symbols::of_slashed;
use super::trading::Account;
use crate::exchange::parameters::Parameters;
use crate::exchange::reconnect::Backoff;
use crate::exchange::websocket::TextStream;

/// Listens to what the venue says of an account.
pub(super) struct UserEvents {
    account: Arc<Account>,
    stream: TextStream,
    /// Until then nothing was lost.
    complete_until: Timestamp,
    /// The number of the last message of the account.
    sequence: Option<u64>,
}

impl UserEvents {
    pub(super) async fn subscribe(account: Arc<Account>) -> Result<Self, String> {
        let call = Call::question("/0/private/GetWebSocketsToken", 1, Parameters::new());
        let token: Result<TokenMessage, _> = account.client.call(&call).await;
        let token = token.map_err(|error| error.to_string())?.token;
        let url = account.client.endpoints.account_stream();
        let failed = |error: crate::exchange::websocket::StreamError| error.to_string();
        let mut stream = TextStream::connect(&url, PATIENCE).await.map_err(failed)?;
        let request = json!({
            "method": "subscribe", "req_id": 1,
            "params": {
                "channel": "executions", "token": token, "snap_orders": true, "snap_trades": false,
            },
        });
        stream.send(request.to_string()).await.map_err(failed)?;
        let complete_until = account.client.clock.now();
        let mut events = Self { account, stream, complete_until, sequence: None };
        loop {
            let text = events.stream.next().await.map_err(failed)?;
            match serde_json::from_str::<MethodMessage>(&text) {
                Ok(answer) if answer.method == "subscribe" && answer.req_id == Some(1) => {
                    if answer.success {
                        return Ok(events);
                    }
                    let reason = answer.error.unwrap_or_default();
                    return Err(format!("no subscription to the account's events: {reason}"));
                }
                _ => events.take(&text),
            }
        }
    }

    /// Listens for good. Whenever the stream breaks it is made anew, and a gap is told of.
    pub(super) async fn listen(mut self) {
        loop {
            while let Ok(text) = self.stream.next().await {
                self.take(&text);
                self.complete_until = self.account.client.clock.now();
            }
            let since = self.complete_until;
            let mut backoff = Backoff::default();
            loop {
                tokio::time::sleep(backoff.failed()).await;
                if let Ok(events) = Self::subscribe(Arc::clone(&self.account)).await {
                    self = events;
                    break;
                }
            }
            self.account.events.push(VenueEvent::Gap { since });
        }
    }

    /// Takes a message of the stream.
    fn take(&mut self, text: &str) {
        let Ok(header) = serde_json::from_str::<StreamMessage<serde_json::Value>>(text) else {
            return;
        };
        if header.channel != "executions" {
            return;
        }
        let gap = VenueEvent::Gap { since: self.complete_until };
        let number = header.sequence;
        let expected = self.sequence.map(|last| last + 1);
        self.sequence = number.or(self.sequence);
        if header.kind == "snapshot" {
            // It says which orders there are, and not what happened.
            for order in header.data {
                if let Ok(order) = serde_json::from_value::<ExecutionMessage>(order) {
                    self.learn(&order);
                }
            }
            return;
        }
        if number.is_some() && expected.is_some() && number != expected {
            self.account.events.push(gap.clone());
        }
        for event in header.data {
            let event = serde_json::from_value::<ExecutionMessage>(event).ok();
            match event.map(|event| self.report(event)) {
                Some(Heard::Report(report)) => {
                    self.account.events.push(VenueEvent::Order(report));
                }
                Some(Heard::NotOurs) => {}
                Some(Heard::NotUnderstood) | None => self.account.events.push(gap.clone()),
            }
        }
    }

    /// Whose order it is: an event need not say it if an earlier one did.
    fn learn(&self, event: &ExecutionMessage) -> Option<Known> {
        let id = event.cl_ord_id.as_deref().and_then(|id| id.parse::<ClientOrderId>().ok());
        let symbol: Option<Symbol> = event.symbol.as_deref().and_then(of_slashed);
        if let (Some(id), Some(symbol)) = (id, symbol) {
            self.account.registry.learn(&event.order_id, id, &symbol);
        }
        self.account.registry.known(&event.order_id)
    }

    fn report(&self, event: ExecutionMessage) -> Heard {
        let Some(Known { id, symbol }) = self.learn(&event) else { return Heard::NotOurs };
        let at = event.at().unwrap_or_else(|| self.account.client.clock.now());
        let Some(status) = order_status(&event.order_status) else { return Heard::NotUnderstood };
        let mut executions = Vec::new();
        if event.exec_type == "trade" {
            let Some(execution) = event.execution(&symbol, at) else {
                return Heard::NotUnderstood;
            };
            executions.push(execution);
        }
        let execution = executions.first().map(|e| (e.id.as_str(), e.quantity));
        let told = self.account.registry.executed(&event.order_id, execution);
        Heard::Report(OrderReport {
            id,
            symbol,
            venue_id: Some(event.order_id),
            status,
            filled: event.cum_qty.map_or(told, |filled| filled.0.max(told)),
            executions,
            reason: event.reason,
            at,
        })
    }
}

/// What an event says.
enum Heard {
    Report(OrderReport),
    NotOurs,
    NotUnderstood,
}
