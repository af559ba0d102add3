use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tradepulse_core::inference::FeatureRegistry;
use tradepulse_core::market::{Candle, Symbol, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::inference::bundle::{self, Bundle, Flags};
use tradepulse_exec::inference::remote::RemoteSettings;
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};

/// A task that ends with the test.
pub(crate) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves a committed model; raw features.
pub(crate) async fn served(model: &str, output: &str) -> (String, Task) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models");
    let flags = Flags {
        name: Some("trees".to_owned()),
        features: bundle::RAW.to_owned(),
        output: output.parse().unwrap(),
    };
    let registry = FeatureRegistry::default();
    let file = folder.join(format!("{model}.txt"));
    let bundle: Bundle = bundle::load(&file, Some(&flags), &registry).await.unwrap();
    let now = || Timestamp::from_ms(0);
    let server = ModelServer::new(bundle, ModelServerSettings::default(), now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let _ = server.serve(listener, std::future::pending()).await;
    });
    (url, Task(task))
}

/// A status and a body; `None` hangs up.
type Scripted = Option<(u16, String)>;

/// A server that answers each request with the next of `answers`, and again with the last: a status
/// and a body. It hears what is said, counts connections, and hangs up on `None`.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) answers: Arc<Mutex<Vec<Scripted>>>,
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) delay: Duration,
}

impl Script {
    pub(crate) fn new(answers: &[Option<(u16, &str)>]) -> Self {
        let owned = |answer: &Option<(u16, &str)>| answer.map(|(s, body)| (s, body.to_owned()));
        let mut answers: Vec<_> = answers.iter().map(owned).collect();
        answers.reverse();
        Self { answers: Arc::new(Mutex::new(answers)), ..Self::default() }
    }

    pub(crate) async fn start(&self) -> (String, Task) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = self.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                script.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script.clone().talk(stream));
            }
        });
        (url, Task(task))
    }

    pub(crate) fn asked(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    async fn talk(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let mut block = [0; 4096];
        loop {
            let Some(end) = request_end(&bytes) else {
                match stream.read(&mut block).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => bytes.extend_from_slice(&block[..count]),
                }
                continue;
            };
            let request: Vec<u8> = bytes.drain(..end).collect();
            self.heard.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            tokio::time::sleep(self.delay).await;
            let answer = {
                let mut answers = self.answers.lock().unwrap();
                if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() }
            };
            let Some((status, body)) = answer else { return };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            if stream.write_all((head + &body).as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Where the first request ends, if it is whole.
fn request_end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let end = head + length.map_or(0, |length| length.trim().parse().unwrap());
    (bytes.len() >= end).then_some(end)
}

pub(crate) fn settings(url: &str) -> RemoteSettings {
    RemoteSettings { deadline: Duration::from_secs(20), ..RemoteSettings::new(url) }
}

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn candles(count: usize) -> Vec<Candle> {
    let market = SyntheticMarket::new(Seed(4), Timeframe::H1);
    SyntheticMarket { candles: count, ..market }.generate().unwrap().candles().collect()
}
