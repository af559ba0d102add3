//! What the simulator does that the adapter never asks for.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tradepulse_core::exchange::{Exchange, FeedEvent, MarketData};
use tradepulse_core::market::Candle;
use tradepulse_core::order::{OrderStatus, RequestKind, Side};
use tradepulse_core::time::Timeframe;
use tradepulse_exec::exchange::binance::Credentials;
use tradepulse_exec::exchange::parameters::Parameters;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, shifted};

use crate::scene::{
    KEY, SECRET, approved, candle, data, exchange, request, settings, start, symbol,
};

/// Sends a signed request with its parameters in the query or in the body.
async fn send(
    method: reqwest::Method,
    url: &str,
    parameters: Parameters,
    in_body: bool,
) -> (StatusCode, Value) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let payload = parameters.with("timestamp", now.as_millis()).encode();
    let credentials = Credentials::new(Secret::new(KEY), &Secret::new(SECRET)).unwrap();
    let signed = format!("{payload}&signature={}", credentials.sign(&payload).unwrap());
    let client = reqwest::Client::new();
    let request = if in_body {
        client.request(method, url).body(signed)
    } else {
        client.request(method, format!("{url}?{signed}"))
    };
    let response = request.header("X-MBX-APIKEY", KEY).send().await.unwrap();
    (response.status(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn parameters_may_be_in_the_query_or_in_the_body() {
    install_tls();
    let simulator = start(settings(Dialect::Binance, vec![candle(0, [100.0; 4])])).await;
    let url = format!("{}/api/v3/order", simulator.rest_url());
    for in_body in [false, true] {
        let parameters = Parameters::new()
            .with("symbol", "BTCUSDT")
            .with("side", "BUY")
            .with("type", "MARKET")
            .with("quoteOrderQty", "100");
        let (status, order) = send(reqwest::Method::POST, &url, parameters, in_body).await;
        assert_eq!(status, StatusCode::OK, "{order}");
        assert_eq!(order["status"], "FILLED");
        assert_eq!(order["executedQty"], "1.00000000");
        assert_eq!(order["fills"][0]["commissionAsset"], "BTC");
    }
}

#[tokio::test]
async fn orders_that_cannot_rest_expire() {
    install_tls();
    let simulator = start(settings(Dialect::Binance, vec![candle(0, [100.0; 4])])).await;
    let url = format!("{}/api/v3/order", simulator.rest_url());
    let order = |price: &str, kind: &str| {
        Parameters::new()
            .with("symbol", "BTCUSDT")
            .with("side", "BUY")
            .with("type", "LIMIT")
            .with("timeInForce", kind)
            .with("quantity", "1")
            .with("price", price)
    };
    for (price, kind, expected) in
        [("99", "IOC", "EXPIRED"), ("101", "FOK", "FILLED"), ("99", "GTC", "NEW")]
    {
        let (_, answer) = send(reqwest::Method::POST, &url, order(price, kind), false).await;
        assert_eq!(answer["status"], expected, "{answer}");
    }
}

#[tokio::test]
async fn what_is_gone_or_moved_is_refused_as_the_venue_does() {
    install_tls();
    let simulator = start(settings(Dialect::Binance, vec![candle(0, [100.0; 4])])).await;
    let url = format!("{}/api/v3/userDataStream", simulator.rest_url());
    let (status, answer) = send(reqwest::Method::POST, &url, Parameters::new(), false).await;
    assert_eq!(status, StatusCode::GONE, "{answer}");

    let futures = start(settings(Dialect::BinanceUsdM, vec![candle(0, [100.0; 4])])).await;
    let url = format!("{}/fapi/v1/order", futures.rest_url());
    let stop = Parameters::new()
        .with("symbol", "BTCUSDT")
        .with("side", "SELL")
        .with("type", "STOP_MARKET")
        .with("quantity", "1")
        .with("stopPrice", "95");
    let (status, answer) = send(reqwest::Method::POST, &url, stop, false).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(-4120)));
}

/// A market that trades by itself, faster than the clock: adapters keep up with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_a_market_that_goes_on() {
    let mut candles: Vec<Candle> =
        (0..20).map(|i| candle(i, [100.0, 102.0, 99.0, 101.0])).collect();
    let now = tradepulse_exec::exchange::clock_offset::ClockOffset::machine();
    shifted(&mut candles, 10, Timeframe::M1.floor(now));
    let replayed = candles.split_off(10);
    let simulator = start(settings(Dialect::Binance, candles)).await;
    let data = data(Dialect::Binance, &simulator).await;
    let exchange = exchange(Dialect::Binance, &simulator).await.unwrap();
    let mut stream = data.stream(&[(symbol(), Timeframe::M1)]).await.unwrap();
    let (market, expected) = (symbol(), replayed.clone());
    let (replay, ()) = tokio::join!(simulator.replay(&market, replayed, 600.0), async {
        for (at, expected) in expected.iter().enumerate() {
            let FeedEvent::Candle { candle, .. } = stream.next().await.unwrap() else {
                panic!("no candle")
            };
            assert_eq!(candle, *expected);
            let sequence = u32::try_from(at).unwrap();
            let order = approved(request(sequence, Side::Long, "0.1", RequestKind::Market));
            let reports = exchange.submit(&order).await.unwrap();
            assert_eq!(reports[0].status, OrderStatus::Filled);
        }
    });
    replay.unwrap();
    let first = expected[0].open_time;
    let all = data.candles(&symbol(), Timeframe::M1, first, 100).await.unwrap();
    assert_eq!(all[..9], expected[..9]);
}

/// An account in hedge mode is refused before anything is sent, with what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_in_hedge_mode_is_not_traded() {
    install_tls();
    let dialect = Dialect::BinanceUsdM;
    let simulator = start(settings(dialect, vec![candle(0, [100.0; 4])])).await;
    let exchange = exchange(dialect, &simulator).await.unwrap();
    assert_eq!(exchange.prepare(&symbol(), 5).await, Ok(()));
    let url = format!("{}/fapi/v1/positionSide/dual", simulator.rest_url());
    let hedge = Parameters::new().with("dualSidePosition", true);
    let (status, _) = send(reqwest::Method::POST, &url, hedge, false).await;
    assert_eq!(status, StatusCode::OK);
    let refused = exchange.prepare(&symbol(), 5).await.unwrap_err().to_string();
    assert!(refused.contains("one-way mode"), "{refused}");
    let order = approved(request(1, Side::Long, "1", RequestKind::Market));
    let refused = exchange.submit(&order).await.unwrap_err().to_string();
    assert!(refused.contains("-4061"), "{refused}");
}
