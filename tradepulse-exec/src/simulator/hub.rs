use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

/// What is sent to a connection.
#[derive(Clone, Debug)]
pub(super) enum Outgoing {
    Text(String),
    /// It is answered when all that was sent before has been read.
    Ping(u64),
    Close,
}

/// The far end of a connection, as far as it has answered.
#[derive(Debug, Default)]
pub(super) struct Answered {
    number: AtomicU64,
    changed: Notify,
}

impl Answered {
    pub(super) fn up_to(&self, number: u64) {
        self.number.fetch_max(number, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    async fn wait_for(&self, number: u64) {
        while self.number.load(Ordering::Relaxed) < number {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.number.load(Ordering::Relaxed) < number {
                changed.await;
            }
        }
    }
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) to: UnboundedSender<Outgoing>,
    pub(super) answered: Arc<Answered>,
    /// Market streams that it has subscribed to.
    pub(super) streams: BTreeSet<String>,
    /// Whether messages name their stream.
    pub(super) combined: bool,
    /// The number of the next message, where they are numbered.
    pub(super) sequence: Option<u64>,
    /// The subscription to user events, if it has one, and whether events are wrapped in it.
    pub(super) user: Option<UserSubscription>,
}

impl Connection {
    /// Sends a message. A connection that has gone is removed by its task.
    fn send(&mut self, message: &serde_json::Value) {
        let text = match &mut self.sequence {
            None => message.to_string(),
            Some(number) => {
                let mut message = message.clone();
                message["sequence_num"] = (*number).into();
                *number += 1;
                message.to_string()
            }
        };
        let _ = self.to.send(Outgoing::Text(text));
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct UserSubscription {
    pub(super) wrapped: bool,
    /// The number of the next event, where they are numbered.
    pub(super) sequence: Option<u64>,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Hub {
    connections: Vec<Connection>,
    pings: u64,
    /// User events are not sent: the socket stays open and says nothing.
    pub(super) silent: bool,
}

impl Hub {
    pub(super) fn add(&mut self, connection: Connection) {
        self.connections.push(connection);
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.connections.retain(|connection| connection.id != id);
    }

    pub(super) fn get(&mut self, id: u64) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    /// Tells one connection.
    pub(super) fn tell(&mut self, id: u64, message: &serde_json::Value) {
        if let Some(connection) = self.get(id) {
            connection.send(message);
        }
    }

    /// Tells everybody who listens to the account.
    pub(super) fn tell_users(&mut self, event: &serde_json::Value) {
        if self.silent {
            return;
        }
        for connection in &mut self.connections {
            if let Some(user) = &mut connection.user {
                if let Some(number) = &mut user.sequence {
                    let mut event = event.clone();
                    event["sequence"] = (*number).into();
                    *number += 1;
                    connection.send(&event);
                } else if user.wrapped {
                    let wrapped = serde_json::json!({ "subscriptionId": 0, "event": event });
                    connection.send(&wrapped);
                } else {
                    connection.send(event);
                }
            }
        }
    }

    /// Tells everybody who has subscribed to this stream of a market.
    pub(super) fn tell_market(&mut self, stream: &str, event: &serde_json::Value) {
        for connection in &mut self.connections {
            if connection.streams.contains(stream) {
                if connection.combined {
                    connection.send(&serde_json::json!({ "stream": stream, "data": event }));
                } else {
                    connection.send(event);
                }
            }
        }
    }

    /// Ends all connections.
    pub(super) fn close_all(&self) {
        for connection in &self.connections {
            let _ = connection.to.send(Outgoing::Close);
        }
    }

    /// Pings everybody; what has to be waited for.
    pub(super) fn ping(&mut self) -> Vec<(Arc<Answered>, u64)> {
        self.pings += 1;
        let number = self.pings;
        let ping = |connection: &Connection| {
            connection.to.send(Outgoing::Ping(number)).ok()?;
            Some((Arc::clone(&connection.answered), number))
        };
        self.connections.iter().filter_map(ping).collect()
    }
}

/// Waits for the answers to pings, but not for ever: a connection may go.
pub(super) async fn wait_for(pings: Vec<(Arc<Answered>, u64)>) {
    for (answered, number) in pings {
        let _ = tokio::time::timeout(Duration::from_secs(2), answered.wait_for(number)).await;
    }
}
