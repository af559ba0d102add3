use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Map, Value, json};
use tradepulse_core::market::Candle;

/// What a server is asked.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    path: String,
    pub(crate) body: String,
}

impl Question {
    /// The bytes of the request.
    pub(crate) fn request(&self, address: SocketAddr) -> Vec<u8> {
        let Self { path, body, .. } = self;
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len(),
        )
        .into_bytes()
    }
}

/// What a server says about itself.
pub(crate) fn status(address: SocketAddr) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET /status HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// What a server can be asked, by what it says about itself.
pub(crate) fn questions(status: &Value) -> Vec<Question> {
    let names = status["feature_names"].as_array().unwrap();
    let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
    let row: Vec<f64> = (0..names.len()).map(|i| (i as f64 * 0.37).sin() / 8.0).collect();
    let tensor = json!({ "inputs": [
        { "name": "input", "shape": [1, names.len()], "datatype": "FP64", "data": row },
    ] });
    let model = status["model_name"].as_str().unwrap();
    let predict = |name, body| Question { name, path: "/predict".to_owned(), body };
    let asked = if status["features"] == "raw" {
        predict("raw sample", sample(&names, &row))
    } else {
        predict("full snapshot", snapshot())
    };
    let path = format!("/v2/models/{model}/infer");
    vec![asked, Question { name: "a row by /v2", path, body: tensor.to_string() }]
}

fn sent(candles: &[Candle]) -> Vec<Value> {
    let cents = |value: f64| (value * 100.0).round() / 100.0;
    let candle = |candle: &Candle| {
        let (open, close) = (cents(candle.open), cents(candle.close));
        json!({
            "timestamp": candle.open_time, "open": open, "high": cents(candle.high).max(open).max(close),
            "low": cents(candle.low).min(open).min(close), "close": close,
            "volume": cents(candle.volume),
        })
    };
    candles.iter().map(candle).collect()
}

/// 100 candles, 100 candles of one hour, and indicators: 25 kB.
fn snapshot() -> String {
    let candles: Vec<Candle> = tradepulse_benches::market(1_300).unwrap().candles().collect();
    let indicators: Map<String, Value> =
        (0..120).map(|i| (format!("indicator_{i}"), json!((f64::from(i) * 0.7).cos()))).collect();
    let hours: Vec<Candle> = candles.iter().step_by(12).take(100).copied().collect();
    json!({
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "candles": sent(&candles[1_200..]),
        "indicators": indicators,
        "meta": { "utc": "2024-01-01T00:00:00Z", "candles_1h": sent(&hours) },
    })
    .to_string()
}

/// Two candles and the features as indicators, 922 bytes.
fn sample(names: &[&str], row: &[f64]) -> String {
    let candles: Vec<Candle> = tradepulse_benches::market(2).unwrap().candles().collect();
    let mut indicators: Map<String, Value> =
        names.iter().zip(row).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut write = |note: &str| {
        indicators.insert("note".to_owned(), json!(note));
        json!({
            "symbol": "BTC/USDT",
            "timeframe": "5m",
            "candles": sent(&candles),
            "indicators": indicators,
        })
        .to_string()
    };
    let length = write("").len();
    write(&"x".repeat(922_usize.saturating_sub(length)))
}
