use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A stream of text messages that is alive as long as something comes: a socket that stays open
/// and says nothing, not even a ping, has failed.
pub(super) struct TextStream {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    patience: Duration,
}

/// Why a stream has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("nothing has come for {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error("the venue closed the stream")]
    Closed,
    #[error("{0}")]
    Failed(String),
}

impl TextStream {
    pub(super) async fn connect(url: &str, patience: Duration) -> Result<Self, StreamError> {
        super::http::install_tls();
        let connected = tokio::time::timeout(patience, connect_async(url)).await;
        let connected = connected.map_err(|_| StreamError::Silent(patience))?;
        // The error of a refused handshake has no URL in it.
        let (inner, _) = connected.map_err(|error| StreamError::Failed(error.to_string()))?;
        Ok(Self { inner, patience })
    }

    pub(super) async fn send(&mut self, text: String) -> Result<(), StreamError> {
        let sent = self.inner.send(Message::text(text)).await;
        sent.map_err(|error| StreamError::Failed(error.to_string()))
    }

    /// The next text. Pings are answered on the way. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<String, StreamError> {
        loop {
            let next = tokio::time::timeout(self.patience, self.inner.next()).await;
            match next.map_err(|_| StreamError::Silent(self.patience))? {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(_))) | None => return Err(StreamError::Closed),
                Some(Ok(Message::Ping(_))) => {
                    // The answer has been queued; this sends it.
                    let sent = self.inner.flush().await;
                    sent.map_err(|error| StreamError::Failed(error.to_string()))?;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(StreamError::Failed(error.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that is open and says nothing has failed; pings are signs of life.
    #[tokio::test]
    async fn silence_ends_a_stream_though_its_socket_is_open() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
            socket.send(Message::text("hello")).await.unwrap();
            socket.send(Message::Ping("?".into())).await.unwrap();
            // It reads what comes, stays open, and says nothing more.
            let mut pongs = 0;
            while let Some(Ok(message)) = socket.next().await {
                pongs += u32::from(message.is_pong());
            }
            pongs
        });
        let patience = Duration::from_millis(300);
        let mut stream = TextStream::connect(&url, patience).await.unwrap();
        assert_eq!(stream.next().await.unwrap(), "hello");
        assert!(matches!(stream.next().await, Err(StreamError::Silent(_))));
        drop(stream);
        assert_eq!(server.await.unwrap(), 1, "the ping was answered");
    }
}
