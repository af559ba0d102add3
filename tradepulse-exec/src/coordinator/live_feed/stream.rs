use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};
use tradepulse_core::exchange::{FeedEvent, MarketData, MarketDataError};
use tradepulse_core::market::Symbol;
use tradepulse_core::time::Timeframe;

use crate::coordinator::back_off::BackOff;

/// What a connection to a stream tells.
pub(super) enum StreamNews {
    /// It stands: what was missed before is to be asked for.
    Opened,
    /// The venue said this.
    Event(FeedEvent),
    /// It does not stand any more; it is tried again.
    Lost(String),
    /// The venue has no stream. It is not tried again.
    None,
}

/// Keeps a connection open until nobody listens. `silent` says that it stands but tells nothing,
/// and is to be made anew.
pub(super) async fn keep_open(
    data: Arc<dyn MarketData>,
    markets: Vec<(Symbol, Timeframe)>,
    news: mpsc::Sender<StreamNews>,
    silent: Arc<Notify>,
    mut back_off: BackOff,
    patience: Duration,
) {
    loop {
        let connected = timeout(patience, data.stream(&markets)).await;
        let connected = connected
            .unwrap_or_else(|_| Err(MarketDataError::Unavailable("no connection in time".into())));
        let lost = match connected {
            Err(MarketDataError::Unsupported(_)) => {
                let _ = news.send(StreamNews::None).await;
                return;
            }
            Err(error) => error.to_string(),
            Ok(mut stream) => {
                if news.send(StreamNews::Opened).await.is_err() {
                    return;
                }
                loop {
                    let event = tokio::select! {
                        biased;
                        () = silent.notified() => break "it stands and tells nothing".to_owned(),
                        event = stream.next() => event,
                    };
                    match event {
                        Err(error) => break error.to_string(),
                        Ok(event) => {
                            back_off.reset();
                            if news.send(StreamNews::Event(event)).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        };
        if news.send(StreamNews::Lost(lost)).await.is_err() {
            return;
        }
        sleep(back_off.next()).await;
    }
}
