//! What the simulator does that the adapter never asks for.

use serde_json::{Value, json};
use tradepulse_exec::exchange::kraken::Credentials;
use tradepulse_exec::exchange::parameters::Parameters;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::VenueSimulator;

use crate::scene::{KEY, SECRET, candle, settings, start, symbol};

/// Somebody else's client.
struct Client {
    url: String,
    nonce: u64,
    secret: &'static str,
}

impl Client {
    fn of(simulator: &VenueSimulator) -> Self {
        Self { url: simulator.rest_url(), nonce: 1, secret: SECRET }
    }

    /// The answer of a signed request: its result, or its first error.
    async fn call(&mut self, name: &str, form: Parameters) -> Result<Value, String> {
        self.nonce += 1;
        let path = format!("/0/private/{name}");
        let body = format!("nonce={}&{}", self.nonce, form.encode());
        let secret = Secret::new(self.secret);
        let credentials = Credentials::new(Secret::new(KEY), &secret).unwrap();
        let signature = credentials.sign(&path, self.nonce, &body);
        let request = reqwest::Client::new().post(format!("{}{path}", self.url));
        let request = request.header("API-Key", KEY).header("API-Sign", signature).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "refusals come with 200, too");
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        match answer["error"][0].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["result"].clone()),
        }
    }
}

fn order(kind: &'static str) -> Parameters {
    let form = Parameters::new().with("pair", "XBTUSDT").with("type", "sell").with("volume", 1);
    form.with("ordertype", kind)
}

#[tokio::test]
async fn refusals_are_in_the_venues_words() {
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let mut client = Client::of(&simulator);
    for (form, error) in [
        (order("limit").with("price", "105.005"), "EOrder:Tick size check failed"),
        (order("limit"), "EGeneral:Invalid arguments:price"),
        (order("spread").with("price", 105), "EGeneral:Invalid arguments:ordertype"),
        (order("limit").with("price", 95).with("oflags", "post"), "EOrder:Post only order"),
        (order("market").with("leverage", 5), "EGeneral:Invalid arguments:leverage"),
        (order("market").with("close[ordertype]", "limit"), "EGeneral:Invalid arguments:close"),
        (order("market").with("deadline", "2020-01-01T00:00:00Z"), "EService:Deadline elapsed"),
        (
            order("market").with("cl_ord_id", "an id that is much too long"),
            "EGeneral:Invalid arguments:cl_ord_id",
        ),
    ] {
        assert_eq!(client.call("AddOrder", form.clone()).await, Err(error.into()), "{form:?}");
    }
    let small =
        Parameters::new().with("pair", "XBTUSDT").with("type", "buy").with("ordertype", "market");
    for (volume, error) in [
        ("0.00001", "EOrder:Cost minimum not met"),
        ("0.000001", "EGeneral:Invalid arguments:volume"),
        ("1000", "EOrder:Insufficient funds"),
    ] {
        let refused = client.call("AddOrder", small.clone().with("volume", volume)).await;
        assert_eq!(refused, Err(error.into()), "{volume}");
    }
    let unknown = client.call("AddOrder", order("market").with("pair", "NOSUCH")).await;
    assert!(unknown.is_ok(), "the first of two is taken");
    let gone =
        client.call("CancelOrder", Parameters::new().with("txid", "OSIMUL-ORDER-000099")).await;
    assert_eq!(gone, Err("EOrder:Unknown order".into()));
    assert_eq!(
        client.call("Nothing", Parameters::new()).await,
        Err("EGeneral:Unknown method".into())
    );
    // Signatures and nonces.
    client.nonce = 0;
    assert_eq!(client.call("Balance", Parameters::new()).await, Err("EAPI:Invalid nonce".into()));
    client.nonce = 1_000;
    client.secret = "YW5vdGhlcg==";
    assert_eq!(
        client.call("Balance", Parameters::new()).await,
        Err("EAPI:Invalid signature".into())
    );
}

#[tokio::test]
async fn orders_are_found_by_every_name() {
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let mut client = Client::of(&simulator);
    let tested = client.call("AddOrder", order("market").with("validate", true)).await.unwrap();
    assert_eq!(tested, json!({ "descr": { "order": "sell 1.00000000 XBTUSDT @ market" } }));
    let form = order("limit").with("price", 105).with("cl_ord_id", "mine").with("userref", 7);
    let placed = client.call("AddOrder", form).await.unwrap();
    let id = placed["txid"][0].as_str().unwrap().to_owned();
    for form in [
        Parameters::new(),
        Parameters::new().with("cl_ord_id", "mine"),
        Parameters::new().with("userref", 7),
    ] {
        let open = client.call("OpenOrders", form).await.unwrap();
        assert_eq!(open["open"][&id]["cl_ord_id"], "mine");
    }
    let other = client.call("OpenOrders", Parameters::new().with("userref", 8)).await.unwrap();
    assert_eq!(other["open"], json!({}));
    let balances = client.call("BalanceEx", Parameters::new()).await.unwrap();
    assert_eq!(balances["XXBT"], json!({ "balance": "10", "hold_trade": "1" }));
    assert_eq!(client.call("Balance", Parameters::new()).await.unwrap()["XXBT"], "10");
    let cancelled = client.call("CancelOrder", Parameters::new().with("txid", 7)).await.unwrap();
    assert_eq!(cancelled["count"], 1);
    let query = client.call("QueryOrders", Parameters::new().with("txid", &id)).await.unwrap();
    assert_eq!(query[&id]["status"], "canceled");
    let closed = client.call("ClosedOrders", Parameters::new()).await.unwrap();
    assert_eq!((&closed["count"], &closed["closed"][&id]["userref"]), (&json!(1), &json!(7)));
}

#[tokio::test]
async fn targets_wait_for_their_trigger() {
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let mut client = Client::of(&simulator);
    let first = order("take-profit").with("price", 105);
    let second = order("take-profit-limit").with("price", 105).with("price2", 104);
    for form in [first, second] {
        let kind = form.encode();
        let placed = client.call("AddOrder", form).await.unwrap();
        assert_eq!(placed["txid"].as_array().unwrap().len(), 1, "{kind}");
    }
    simulator.trade(&symbol(), candle(1, [100.0, 104.0, 99.0, 100.0])).unwrap();
    let open = client.call("OpenOrders", Parameters::new()).await.unwrap();
    assert_eq!(open["open"].as_object().unwrap().len(), 2);
    simulator.trade(&symbol(), candle(2, [100.0, 106.0, 99.0, 105.5])).unwrap();
    let history = client.call("TradesHistory", Parameters::new()).await.unwrap();
    assert_eq!(history["count"], 2);
    for trade in history["trades"].as_object().unwrap().values() {
        assert_eq!((&trade["price"], &trade["vol"]), (&json!("105"), &json!("1.00000000")));
    }
}
