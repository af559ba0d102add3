//! What the simulator does that the adapter never asks for.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::exchange::clock_offset::ClockOffset;
use tradepulse_exec::exchange::coinbase::Credentials;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, SimulatorKey, VenueSimulator};

use crate::scene::{candle, settings, start, symbol};

const PREFIX: &str = "/api/v3/brokerage/";

struct Client {
    credentials: Credentials,
    simulator: VenueSimulator,
}

impl Client {
    async fn new() -> Self {
        let key = SimulatorKey::known(Dialect::Coinbase);
        let credentials = Credentials::new(Secret::new(key.key), &key.secret).unwrap();
        let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
        Self { credentials, simulator }
    }

    /// Sends a request with a token for this address and time.
    async fn send_as(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        uri: &str,
        at: Timestamp,
    ) -> (StatusCode, String) {
        let token = self.credentials.token(Some(uri), at).unwrap();
        let url = format!("{}{PREFIX}{path}", self.simulator.rest_url());
        let request = reqwest::Client::new().request(method, url);
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let response = request.bearer_auth(token.expose()).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let name = path.split('?').next().unwrap();
        let uri = format!("{method} api.coinbase.com{PREFIX}{name}");
        let (status, text) = self.send_as(method, path, body, &uri, ClockOffset::machine()).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn order(&self, id: &str, side: &str, configuration: Value) -> Value {
        let body = json!({
            "client_order_id": id, "product_id": "BTC-USDT", "side": side,
            "order_configuration": configuration,
        });
        let (status, answer) = self.send(Method::POST, "orders", Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

#[tokio::test]
async fn a_token_is_for_one_address_and_two_minutes() {
    let client = Client::new().await;
    let now = ClockOffset::machine();
    let own = format!("GET api.coinbase.com{PREFIX}accounts");
    let other = format!("POST api.coinbase.com{PREFIX}accounts");
    let elsewhere = format!("GET example.com{PREFIX}accounts");
    let near = format!("GET {}{PREFIX}accounts", client.simulator.address());
    let at = |seconds: i64| Timestamp::from_ms(now.as_ms() + seconds * 1_000);
    for (uri, at, expected) in [
        (&own, now, StatusCode::OK),
        (&near, now, StatusCode::OK),
        (&own, at(-100), StatusCode::OK),
        (&own, at(-130), StatusCode::UNAUTHORIZED),
        (&own, at(30), StatusCode::UNAUTHORIZED),
        (&other, now, StatusCode::UNAUTHORIZED),
        (&elsewhere, now, StatusCode::UNAUTHORIZED),
    ] {
        let (status, text) = client.send_as(Method::GET, "accounts", None, uri, at).await;
        assert_eq!(status, expected, "{uri} at {at}: {text}");
        if expected == StatusCode::UNAUTHORIZED {
            assert_eq!(text, "Unauthorized\n");
        }
    }
}

#[tokio::test]
async fn orders_for_money_and_those_that_do_not_wait() {
    let client = Client::new().await;
    let bought = json!({ "market_market_ioc": { "quote_size": "500" } });
    let answer = client.order("a", "BUY", bought).await;
    assert_eq!(answer["success"], true, "{answer}");
    let id = answer["success_response"]["order_id"].as_str().unwrap();
    let path = format!("orders/historical/{id}");
    let (_, answer) = client.send(Method::GET, &path, None).await;
    let order = &answer["order"];
    assert_eq!((&order["status"], &order["filled_size"]), (&json!("FILLED"), &json!("5")));
    assert_eq!(order["filled_value"], "500");
    let patient = json!({ "sor_limit_ioc": { "base_size": "1", "limit_price": "90" } });
    let answer = client.order("b", "BUY", patient).await;
    assert_eq!(answer["success"], true, "{answer}");
    let (_, answer) = client.send(Method::GET, "orders/historical/batch", None).await;
    let orders = answer["orders"].as_array().unwrap();
    let told: Vec<_> = orders.iter().map(|o| (&o["client_order_id"], &o["status"])).collect();
    assert_eq!(told, [(&json!("b"), &json!("EXPIRED")), (&json!("a"), &json!("FILLED"))]);
    let maker = json!({ "limit_limit_gtc": {
        "base_size": "1", "limit_price": "101", "post_only": true,
    } });
    let answer = client.order("c", "BUY", maker).await;
    assert_eq!(answer["error_response"]["error"], "INVALID_LIMIT_PRICE_POST_ONLY");
    let unknown = json!({ "twap_limit_gtd": { "base_size": "1" } });
    let answer = client.order("d", "BUY", unknown).await;
    assert_eq!(answer["error_response"]["error"], "UNSUPPORTED_ORDER_CONFIGURATION");
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let client = Client::new().await;
    for number in 0..5 {
        let limit = json!({ "limit_limit_gtc": {
            "base_size": "1", "limit_price": (90 - number).to_string(),
        } });
        client.order(&format!("n{number}"), "BUY", limit).await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("orders/historical/batch?limit=2&order_status=OPEN&cursor={cursor}");
        let (_, page) = client.send(Method::GET, &path, None).await;
        for order in page["orders"].as_array().unwrap() {
            names.push(order["client_order_id"].as_str().unwrap().to_owned());
        }
        if page["has_next"] == false {
            break;
        }
        cursor = page["cursor"].as_str().unwrap().to_owned();
    }
    assert_eq!(names, ["n4", "n3", "n2", "n1", "n0"]);
    let both = "orders/historical/batch?order_status=OPEN&order_status=PENDING";
    let (status, _) = client.send(Method::GET, both, None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let client = Client::new().await;
    let missing = "orders/historical/00000000-0000-4000-8000-000000000077";
    let (status, answer) = client.send(Method::GET, missing, None).await;
    assert_eq!((status, &answer["error"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
    let body = json!({ "order_ids": ["nothing"] });
    let (_, answer) = client.send(Method::POST, "orders/batch_cancel", Some(body)).await;
    assert_eq!(answer["results"][0]["failure_reason"], "UNKNOWN_CANCEL_ORDER");
    let candles = "products/BTC-USDT/candles?start=0&end=21000&granularity=ONE_MINUTE";
    let (status, answer) = client.send(Method::GET, candles, None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let (_, answer) = client.send(Method::GET, "best_bid_ask?product_ids=BTC-USDT", None).await;
    assert_eq!(answer["pricebooks"][0]["product_id"], symbol().dashed());
    let (_, answer) = client.send(Method::GET, "key_permissions", None).await;
    assert_eq!(answer["can_trade"], true);
}
