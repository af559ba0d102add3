//! What an adapter does by itself: reading messages, signing requests, encoding orders.
//!
//! `cargo bench -p tradepulse-benches --bench exchange`

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_exec::exchange::binance::{Credentials, wire};
use tradepulse_exec::exchange::parameters::Parameters;
use tradepulse_exec::secret::Secret;

/// A message of a kline stream, as the venue's documentation shows it.
const KLINE: &str = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1704067200123,
"s":"BTCUSDT","k":{"t":1704067140000,"T":1704067199999,"s":"BTCUSDT","i":"1m","f":100,"L":200,
"o":"42283.58000000","c":"42397.23000000","h":"42397.23000000","l":"42261.02000000",
"v":"155.25731000","n":100,"x":true,"q":"6572139.12345678","V":"80.12345678",
"Q":"3391234.12345678","B":"0"}}}"#;

fn rows(count: usize) -> String {
    let row = |i: usize| {
        let open = 1_704_067_200_000 + i as i64 * 60_000;
        format!(
            r#"[{open},"42283.58000000","42397.23000000","42261.02000000","42397.23000000",
            "155.25731000",{},"6572139.12345678",100,"80.12345678","3391234.12345678","0"]"#,
            open + 59_999
        )
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("[{}]", rows.join(","))
}

fn order() -> Parameters {
    Parameters::new()
        .with("symbol", "BTCUSDT")
        .with("side", "BUY")
        .with("type", "LIMIT")
        .with("timeInForce", "GTC")
        .with("quantity", "0.01343")
        .with("price", "42283.58")
        .with("newClientOrderId", "tpag998a-2.s")
        .with("newOrderRespType", "FULL")
        .with("recvWindow", 5000)
        .with("timestamp", 1_704_067_200_123_i64)
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.bench_function("kline message", |b| {
        b.iter(|| wire::closed_candle(black_box(KLINE)).unwrap());
    });
    let body = rows(1_000);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("klines, 1,000 rows", |b| {
        b.iter(|| wire::candles(black_box(&body)).unwrap());
    });
    group.finish();
}

fn signing(c: &mut Criterion) {
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let hmac = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    let query = order().encode();
    let mut group = c.benchmark_group("sign");
    for (name, secret) in [("HMAC", hmac), ("Ed25519", ED25519)] {
        let credentials = Credentials::new(Secret::new("key"), &Secret::new(secret)).unwrap();
        group.bench_function(name, |b| b.iter(|| credentials.sign(black_box(&query)).unwrap()));
    }
    group.finish();
}

fn encoding(c: &mut Criterion) {
    c.bench_function("encode/an order", |b| b.iter(|| black_box(order()).encode()));
}

criterion_group!(benches, reading, signing, encoding);
criterion_main!(benches);
