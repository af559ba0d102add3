//! Figures and health over HTTP.

#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::metrics::{Metrics, MetricsServer};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn figures_and_health_are_served() {
    let metrics = Metrics::new();
    let now = || Timestamp::from_ms(10_000);
    let server = MetricsServer::start(LOOPBACK, 0, metrics.clone(), now).await.unwrap();
    let address = server.address();
    metrics.cycle();
    metrics.candle("BTC/USDT", Timeframe::M5, Timestamp::from_ms(4_000));
    let answer = get(address, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("application/openmetrics-text"), "{answer}");
    assert!(answer.contains("tradepulse_cycles_total 1"), "{answer}");
    assert!(answer.contains("timeframe=\"5m\"} 6.0"), "{answer}");

    assert!(get(address, "/health").await.contains("\"healthy\":true"));
    metrics.health().well("store");
    metrics.health().unwell("feed", "no candle for 700 s");
    let answer = get(address, "/health").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\"feed\":\"no candle for 700 s\",\"store\":null"), "{answer}");
    metrics.health().well("feed");
    assert!(get(address, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(get(address, "/else").await.starts_with("HTTP/1.1 404"));

    let taken = MetricsServer::start(LOOPBACK, address.port(), metrics, now).await;
    let error = taken.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("choose another"), "{error}");
}
