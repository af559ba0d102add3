//! What an adapter does by itself: reading messages, signing requests, encoding orders.
//!
//! `cargo bench -p tradepulse-benches --bench exchange`

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradepulse_core::order::{ClientOrderId, OrderRequest, RequestKind, RunTag, Side};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::exchange::parameters::Parameters;
use tradepulse_exec::exchange::{binance, coinbase, kraken};
use tradepulse_exec::secret::Secret;

/// A message of a kline stream, as the venue's documentation shows it.
const KLINE: &str = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1704067200123,
"s":"BTCUSDT","k":{"t":1704067140000,"T":1704067199999,"s":"BTCUSDT","i":"1m","f":100,"L":200,
"o":"42283.58000000","c":"42397.23000000","h":"42397.23000000","l":"42261.02000000",
"v":"155.25731000","n":100,"x":true,"q":"6572139.12345678","V":"80.12345678",
"Q":"3391234.12345678","B":"0"}}}"#;

/// A message of Kraken's stream of candles.
const OHLC: &str = r#"{"channel":"ohlc","type":"update","timestamp":"2024-01-01T00:00:01.123456Z",
"data":[{"symbol":"BTC/USD","open":42283.5,"high":42397.2,"low":42261.0,"close":42397.2,
"trades":100,"volume":155.25731,"vwap":42331.4,"interval_begin":"2023-12-31T23:59:00.000000000Z",
"interval":1,"timestamp":"2024-01-01T00:00:00.000000Z"}]}"#;

/// A message of Coinbase's channel of candles.
const CANDLES: &str = r#"{"channel":"candles","client_id":"","timestamp":
"2024-01-01T00:00:00.123456Z","sequence_num":7,"events":[{"type":"update","candles":[{
"start":"1704067140","high":"42397.23","low":"42261.02","open":"42283.58","close":"42397.23",
"volume":"155.25731","product_id":"BTC-USD"}]}]}"#;

const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const P256: &str = "-----BEGIN EC PRIVATE KEY-----\n\
    MHcCAQEEIJWcJR30ToZwCaLcvvg9ezTJ46VdHxDXERbqfDXi1Kw6oAoGCCqGSM49\n\
    AwEHoUQDQgAEFoAkS4i0t4Mcsyt8drEMe/IFDEqVBUe4jPkWms5so9bFWi6wdSOr\n\
    PJMSrbZURU5tBksx3Ji1TQxBAWL4ZCmSaQ==\n\
    -----END EC PRIVATE KEY-----\n";

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

/// The same order before an adapter writes it.
fn request() -> OrderRequest {
    OrderRequest {
        id: ClientOrderId::new(RunTag::new(1), 2),
        symbol: "BTC/USDT".parse().unwrap(),
        side: Side::Long,
        quantity: "0.01343".parse().unwrap(),
        kind: RequestKind::Limit { price: "42283.58".parse().unwrap() },
        reduce_only: false,
    }
}

const NOW: Timestamp = Timestamp::from_ms(1_704_067_200_123);

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.bench_function("kline message", |b| {
        b.iter(|| binance::wire::closed_candle(black_box(KLINE)).unwrap());
    });
    group.bench_function("ohlc message of Kraken", |b| {
        b.iter(|| kraken::wire::told_candles(black_box(OHLC)).unwrap());
    });
    group.bench_function("candles message of Coinbase", |b| {
        b.iter(|| coinbase::wire::told_candles(black_box(CANDLES)).unwrap());
    });
    let body = rows(1_000);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("klines, 1,000 rows", |b| {
        b.iter(|| binance::wire::candles(black_box(&body)).unwrap());
    });
    group.finish();
}

fn signing(c: &mut Criterion) {
    let hmac = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    let query = order().encode();
    let mut group = c.benchmark_group("sign");
    for (name, secret) in [("HMAC-SHA256", hmac), ("Ed25519", ED25519)] {
        let credentials =
            binance::Credentials::new(Secret::new("key"), &Secret::new(secret)).unwrap();
        group.bench_function(name, |b| b.iter(|| credentials.sign(black_box(&query)).unwrap()));
    }
    let credentials = kraken::Credentials::new(Secret::new("key"), &Secret::new(hmac)).unwrap();
    let form = kraken::wire::order(&request(), NOW).unwrap();
    let body = format!("nonce=1704067200123000&{form}");
    group.bench_function("HMAC-SHA512 of Kraken", |b| {
        let path = "/0/private/AddOrder";
        b.iter(|| credentials.sign(path, 1_704_067_200_123_000, black_box(&body)));
    });
    let uri = Some("POST api.coinbase.com/api/v3/brokerage/orders");
    for (name, secret) in [("ES256", P256), ("EdDSA", ED25519)] {
        let credentials =
            coinbase::Credentials::new(Secret::new("key"), &Secret::new(secret)).unwrap();
        group.bench_function(format!("{name} token of Coinbase"), |b| {
            b.iter(|| credentials.token(black_box(uri), NOW).unwrap());
        });
    }
    group.finish();
}

fn encoding(c: &mut Criterion) {
    let (mut group, request) = (c.benchmark_group("encode"), request());
    group.bench_function("an order", |b| b.iter(|| black_box(order()).encode()));
    group.bench_function("an order for Kraken", |b| {
        b.iter(|| kraken::wire::order(black_box(&request), NOW).unwrap());
    });
    group.bench_function("an order for Coinbase", |b| {
        b.iter(|| coinbase::wire::order(black_box(&request), None));
    });
    group.finish();
}

criterion_group!(benches, reading, signing, encoding);
criterion_main!(benches);
