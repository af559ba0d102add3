use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tradepulse_core::exchange::VenueEvent;
use tradepulse_core::order::ClientOrderId;
use tradepulse_core::time::Timestamp;

use super::account::Account;
use super::messages::{OrderEvent, StreamMessage, symbol_of};
use crate::exchange::reconnect::Backoff;
use crate::exchange::websocket::{StreamError, TextStream};

/// How long the stream may be silent: heartbeats come every second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens to what the venue says of an account.
pub(super) struct UserEvents {
    account: Arc<Account>,
    stream: TextStream,
    /// Until then nothing was lost.
    complete_until: Timestamp,
    /// The highest number of a message so far.
    number: Option<u64>,
}

/// An event of the channel of an account.
#[derive(Deserialize)]
pub(super) struct UserEvent {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    pub(super) orders: Vec<Value>,
}

impl UserEvents {
    pub(super) async fn subscribe(account: Arc<Account>) -> Result<Self, String> {
        let client = &account.client;
        let credentials = client.credentials.as_ref().ok_or("there is no API key")?;
        let failed = |error: StreamError| error.to_string();
        let url = client.endpoints.user_stream();
        let mut stream = TextStream::connect(url, PATIENCE).await.map_err(failed)?;
        for channel in ["user", "heartbeats"] {
            let token = credentials.token(None, client.clock.now());
            let token = token.map_err(|error| error.to_string())?;
            let request = json!({ "type": "subscribe", "channel": channel, "jwt": token.expose() });
            stream.send(request.to_string()).await.map_err(failed)?;
        }
        let complete_until = client.clock.now();
        let mut events =
            Self { account: Arc::clone(&account), stream, complete_until, number: None };
        loop {
            let text = events.stream.next().await.map_err(failed)?;
            let Ok(message) = serde_json::from_str::<StreamMessage>(&text) else { continue };
            if let Some(error) = message.error() {
                return Err(format!("no subscription to the account's events: {error}"));
            }
            let is_confirmed = message.confirms("user");
            events.take(message).await;
            if is_confirmed {
                return Ok(events);
            }
        }
    }

    /// Listens for good. Whenever the stream breaks it is made anew, and a gap is told of.
    pub(super) async fn listen(mut self) {
        loop {
            self.hear().await;
            let since = self.complete_until;
            let mut backoff = Backoff::default();
            loop {
                tokio::time::sleep(backoff.failed()).await;
                match Self::subscribe(Arc::clone(&self.account)).await {
                    Ok(events) => {
                        self = events;
                        break;
                    }
                    // Until it succeeds nothing can be told. The clock may be what is wrong.
                    Err(_) => drop(self.account.client.synchronise().await),
                }
            }
            self.account.events.push(VenueEvent::Gap { since });
        }
    }

    /// Hears until the stream breaks.
    async fn hear(&mut self) {
        while let Ok(text) = self.stream.next().await {
            let Ok(message) = serde_json::from_str::<StreamMessage>(&text) else { continue };
            if message.error().is_some() {
                return;
            }
            self.take(message).await;
        }
    }

    /// Takes a message of the stream.
    async fn take(&mut self, message: StreamMessage) {
        let since = self.complete_until;
        let mut complete = !self.skips(message.sequence_num);
        if message.channel == "user" {
            for event in message.events {
                complete &= self.take_event(event).await.is_some();
            }
        }
        if !complete {
            self.account.events.push(VenueEvent::Gap { since });
        }
        self.complete_until = self.account.client.clock.now();
    }

    /// Whether a number was left out. Messages count up by one.
    fn skips(&mut self, number: Option<u64>) -> bool {
        let before = self.number;
        self.number = before.max(number);
        matches!((before, number), (Some(before), Some(number)) if number > before + 1)
    }

    /// `None` if something of it was not understood, or could not be asked for.
    async fn take_event(&self, event: Value) -> Option<()> {
        let event: UserEvent = serde_json::from_value(event).ok()?;
        // What rests already is known, or is asked for after a gap.
        if event.kind == "snapshot" {
            return Some(());
        }
        let mut understood = Some(());
        for order in event.orders {
            if self.take_order(order).await.is_none() {
                understood = None;
            }
        }
        understood
    }

    async fn take_order(&self, order: Value) -> Option<()> {
        let event: OrderEvent = serde_json::from_value(order).ok()?;
        let Ok(id) = event.client_order_id.parse::<ClientOrderId>() else { return Some(()) };
        let symbol = symbol_of(&event.product_id)?;
        let account = &self.account;
        account.book().note(id, &event.order_id);
        let reports = match event.report(id, &symbol, account.client.clock.now()) {
            Some(report) => vec![report],
            None => account.reports(&symbol, id).await.ok().filter(|all| !all.is_empty())?,
        };
        for report in reports {
            account.events.push(VenueEvent::Order(report));
        }
        Some(())
    }
}
