use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use tradepulse_core::exchange::VenueEvent;
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::order::{ClientOrderId, Execution, Liquidity, OrderReport};
use tradepulse_core::time::Timestamp;

use super::client::{Call, Security};
use super::endpoints::UserStream;
use super::messages::{ListenKeyMessage, order_status};
use super::trading::Account;
use crate::exchange::parameters::Parameters;
use crate::exchange::reconnect::Backoff;
use crate::exchange::websocket::TextStream;

/// How long the stream may be silent: the venue pings every 20 seconds, futures every 3 minutes.
const PATIENCE: Duration = Duration::from_secs(60);
const FUTURES_PATIENCE: Duration = Duration::from_secs(400);
/// How often a listen key is kept alive; it lives for 60 minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(30 * 60);

/// Listens to what the venue says of an account.
pub(super) struct UserEvents {
    account: Arc<Account>,
    stream: TextStream,
    /// Until then nothing was lost.
    complete_until: Timestamp,
    /// The key that has to be kept alive, where there is one.
    listen_key: Option<String>,
}

impl UserEvents {
    pub(super) async fn subscribe(account: Arc<Account>) -> Result<Self, String> {
        let endpoints = &account.client.endpoints;
        let (stream, listen_key) = match endpoints.user_stream() {
            UserStream::Signature => (subscribe_with_signature(&account).await?, None),
            UserStream::ListenKey => {
                let call = listen_key(&account, Method::POST, Parameters::new());
                let key: Result<ListenKeyMessage, _> = account.client.call(&call).await;
                let key = key.map_err(|error| error.to_string())?.listen_key;
                let patience = if account.is_futures() { FUTURES_PATIENCE } else { PATIENCE };
                let connected = TextStream::connect(&endpoints.listen(&key), patience).await;
                (connected.map_err(|error| error.to_string())?, Some(key))
            }
        };
        let complete_until = account.client.clock.now();
        Ok(Self { account, stream, complete_until, listen_key })
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
        let mut keep_alive = Instant::now() + KEEP_ALIVE;
        loop {
            tokio::select! {
                text = self.stream.next() => match text {
                    Ok(text) => {
                        if take(&self.account, &text).await == Heard::Ended {
                            return;
                        }
                        self.complete_until = self.account.client.clock.now();
                    }
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(keep_alive), if self.listen_key.is_some() => {
                    keep_alive = Instant::now() + KEEP_ALIVE;
                    let mut parameters = Parameters::new();
                    if let Some(key) = &self.listen_key {
                        parameters = parameters.with("listenKey", key);
                    }
                    let call = listen_key(&self.account, Method::PUT, parameters);
                    if self.account.client.call::<Value>(&call).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn listen_key(account: &Account, method: Method, parameters: Parameters) -> Call {
    let path = account.client.endpoints.listen_key_path();
    let call = Call::ask(path, 2, parameters);
    Call { method, security: Security::Key, ..call }
}

async fn subscribe_with_signature(account: &Account) -> Result<TextStream, String> {
    let client = &account.client;
    let credentials = client.credentials.as_ref().ok_or("there is no API key")?;
    let parameters = Parameters::new()
        .with("apiKey", credentials.key().expose())
        .with("timestamp", client.clock.now().as_ms());
    let signature = credentials.sign(&parameters.sorted()).map_err(|error| error.to_string())?;
    let request = serde_json::json!({
        "id": "user-events",
        "method": "userDataStream.subscribe.signature",
        "params": parameters.with("signature", signature).json(),
    });
    let url = client.endpoints.websocket_api();
    let failed = |error: crate::exchange::websocket::StreamError| error.to_string();
    let mut stream = TextStream::connect(&url, PATIENCE).await.map_err(failed)?;
    stream.send(request.to_string()).await.map_err(failed)?;
    loop {
        let text = stream.next().await.map_err(failed)?;
        let Ok(answer) = serde_json::from_str::<Value>(&text) else { continue };
        if answer["id"] != "user-events" {
            continue;
        }
        if answer["status"] == 200 {
            return Ok(stream);
        }
        let error = &answer["error"];
        let message = error["msg"].as_str().unwrap_or_default();
        return Err(format!(
            "no subscription to the account's events: {}: {message}",
            error["code"]
        ));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Taken,
    /// The venue ends the stream.
    Ended,
}

/// Takes a message of the stream.
async fn take(account: &Account, text: &str) -> Heard {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else { return Heard::Taken };
    let event = match message.get_mut("event") {
        Some(event) => event.take(),
        None => message,
    };
    let (kind, at) = (event["e"].as_str().unwrap_or_default().to_owned(), &event["E"]);
    // Nothing is lost before the event that is not understood.
    let since = Timestamp::from_ms(at.as_i64().unwrap_or_default().saturating_sub(1));
    let understood = match kind.as_str() {
        "executionReport" => order_event(account, event).await,
        "ORDER_TRADE_UPDATE" => order_event(account, futures_order(event)).await,
        "ALGO_UPDATE" => algo_event(account, event).await,
        "eventStreamTerminated" | "listenKeyExpired" | "serverShutdown" => return Heard::Ended,
        _ => Some(()),
    };
    if understood.is_none() {
        account.events.push(VenueEvent::Gap { since });
    }
    Heard::Taken
}

fn futures_order(mut event: Value) -> Value {
    event["o"].take()
}

/// `None` if the event was not understood.
async fn order_event(account: &Account, event: Value) -> Option<()> {
    let event: OrderEvent = serde_json::from_value(event).ok()?;
    let Ok(id) = event.placed_as().parse::<ClientOrderId>() else {
        return Some(());
    };
    let symbol = account.symbols.resolve(&account.client, &event.symbol).await.ok()??;
    account.events.push(VenueEvent::Order(event.report(id, symbol)?));
    Some(())
}

/// An order of the algo service has changed: its executions are told as those of an order in the
/// book, or have to be asked for.
async fn algo_event(account: &Account, event: Value) -> Option<()> {
    let event: AlgoEvent = serde_json::from_value(futures_order(event)).ok()?;
    let Ok(id) = event.id.parse::<ClientOrderId>() else { return Some(()) };
    let symbol = account.symbols.resolve(&account.client, &event.symbol).await.ok()??;
    match event.status.as_str() {
        "NEW" | "TRIGGERING" | "TRIGGERED" => Some(()),
        _ => {
            // The whole of it, whatever became of it after it was triggered.
            let report = account.order(&symbol, id).await.ok()??;
            account.events.push(VenueEvent::Order(report));
            Some(())
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct AlgoEvent {
    #[serde(rename = "caid")]
    id: String,
    #[serde(rename = "s")]
    symbol: String,
    #[serde(rename = "X")]
    status: String,
}

/// `executionReport` of spot, `o` of `ORDER_TRADE_UPDATE` of futures.
#[derive(Debug, Deserialize)]
pub(super) struct OrderEvent {
    #[serde(rename = "s")]
    symbol: String,
    #[serde(rename = "c")]
    id: String,
    /// Spot: the order's id, where `c` is that of the cancel.
    #[serde(rename = "C", default)]
    original_id: String,
    #[serde(rename = "x")]
    happened: String,
    #[serde(rename = "X")]
    status: String,
    #[serde(rename = "r", default)]
    reason: String,
    #[serde(rename = "i")]
    order_id: i64,
    #[serde(rename = "l", default)]
    quantity: Quantity,
    #[serde(rename = "z")]
    filled: Quantity,
    #[serde(rename = "L", default)]
    price: Decimal,
    #[serde(rename = "n", default)]
    fee: Option<Amount>,
    #[serde(rename = "N", default)]
    fee_currency: Option<String>,
    #[serde(rename = "T")]
    at: i64,
    #[serde(rename = "t")]
    trade_id: i64,
    #[serde(rename = "m")]
    is_maker: bool,
}

impl OrderEvent {
    fn placed_as(&self) -> &str {
        if self.original_id.is_empty() { &self.id } else { &self.original_id }
    }

    /// What kind of event it is.
    #[cfg(test)]
    pub(super) fn happened(&self) -> &str {
        &self.happened
    }

    /// `None` if it cannot be: an unknown status, an execution without a price.
    pub(super) fn report(self, id: ClientOrderId, symbol: Symbol) -> Option<OrderReport> {
        let at = Timestamp::from_ms(self.at);
        let mut executions = Vec::new();
        if self.happened == "TRADE" {
            executions.push(Execution {
                id: self.trade_id.to_string(),
                quantity: self.quantity,
                price: Price::try_from(self.price).ok()?,
                fee: self.fee.unwrap_or_default(),
                fee_currency: self.fee_currency.unwrap_or_else(|| symbol.quote().to_owned()),
                liquidity: if self.is_maker { Liquidity::Maker } else { Liquidity::Taker },
                at,
                simulated: None,
            });
        }
        Some(OrderReport {
            id,
            symbol,
            venue_id: Some(self.order_id.to_string()),
            status: order_status(&self.status).ok()?,
            filled: self.filled,
            executions,
            reason: Some(self.reason).filter(|reason| !reason.is_empty() && reason != "NONE"),
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use tradepulse_core::order::OrderStatus;

    use super::*;

    #[test]
    fn an_execution_is_read_from_an_event() {
        let event: OrderEvent = serde_json::from_str(
            r#"{"e":"executionReport","E":1,"s":"ETHUSDT","c":"tp100000-1z","S":"BUY","o":"LIMIT",
                "q":"2","p":"2500","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":12,"l":"1.5",
                "z":"1.5","L":"2499.5","n":"0.001","N":"ETH","T":1709654401000,"t":98,"m":true,
                "C":""}"#,
        )
        .unwrap();
        let id: ClientOrderId = event.placed_as().parse().unwrap();
        let report = event.report(id, "ETH/USDT".parse().unwrap()).unwrap();
        assert_eq!((report.status, report.filled), (OrderStatus::Open, "1.5".parse().unwrap()));
        assert_eq!(report.reason, None);
        let execution = &report.executions[0];
        assert_eq!((execution.id.as_str(), execution.fee_currency.as_str()), ("98", "ETH"));
        assert_eq!(execution.price, "2499.5".parse().unwrap());
        assert_eq!(execution.liquidity, Liquidity::Maker);
    }

    #[test]
    fn a_cancel_speaks_of_the_order_it_cancelled() {
        let text = r#"{"s":"BTCUSDT","c":"cancel-77","C":"tp100000-1","x":"CANCELED","X":"CANCELED",
            "r":"NONE","i":12,"z":"0","T":5,"t":-1,"m":false,"l":"0","L":"0","n":"0","N":null}"#;
        let event: OrderEvent = serde_json::from_str(text).unwrap();
        assert_eq!(event.placed_as(), "tp100000-1");
    }
}
