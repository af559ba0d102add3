use proptest::prelude::*;

use super::*;
use crate::random::Seed;

fn configuration(strategy: &str, pair: &str, n: u64) -> TrainedConfiguration {
    let cell = Cell {
        strategy: strategy.into(),
        exchange: "binance".parse().unwrap(),
        pair: pair.parse().unwrap(),
        timeframe: Timeframe::M5,
        regime: RegimeScope::ALL[n as usize % 4],
    };
    let id = RecordId::derive(&[strategy, pair, &n.to_string()]);
    let parameters = serde_json::json!({"fast": n, "depth": 0.1 + 0.2});
    TrainedConfiguration::new(id, cell, 3, parameters, Timestamp::from_ms(n as i64))
}

#[test]
fn documents_are_by_strategy_and_pair() {
    let all = [
        configuration("b", "ETH/USDT", 1),
        configuration("a", "ETH/USDT", 2),
        configuration("b", "ETH/USDT", 0),
        configuration("b", "BTC/USDT", 3),
    ];
    let documents = export(&all);
    let names: Vec<_> = documents.iter().map(|d| (&d.strategy[..], d.pair.as_str())).collect();
    assert_eq!(names, [("a", "ETH/USDT"), ("b", "BTC/USDT"), ("b", "ETH/USDT")]);
    let mut back = from_json(&to_json(&all).unwrap()).unwrap();
    back.sort_by_key(|c| c.created_at);
    assert_eq!(back, [&all[2], &all[0], &all[1], &all[3]].map(Clone::clone));
    assert_eq!(from_json(&to_json(&[]).unwrap()).unwrap(), []);
}

#[test]
fn what_is_wrong_is_named() {
    let text = to_json(&[configuration("a", "BTC/USDT", 1)]).unwrap();
    let error = |text: &str| from_json(text).unwrap_err().to_string();
    assert!(error("{").starts_with("not a discovery document"));
    assert!(error("{}").contains("missing field"));
    assert_eq!(
        error(&text.replace("sharpe_ratio", "sharp_ratio")),
        "there is no entry configurations.0.statistical_validation.sharp_ratio in a discovery \
         document"
    );
    assert_eq!(
        error(&text.replace("\"version\": 1", "\"version\": 7")),
        "the document is of version 7, this program reads versions up to 1"
    );
    assert!(error(&text.replace("universal_discovery", "other")).contains("\"other\""));
    assert!(error(&text.replace("BTC/USDT", "BTC")).contains("there is no slash"));
    let mut broken = configuration("a", "BTC/USDT", 1);
    broken.performance.net_profit = Some(f64::INFINITY);
    assert!(to_json(&[broken]).unwrap_err().to_string().contains("net_profit: inf"));
}

#[test]
fn what_is_left_out_is_absent() {
    let text = r#"{"format": "universal_discovery", "version": 1, "pair": "BTC/USDT",
        "strategy": "a", "configurations": [{
            "id": "67e55044-10b1-826f-9247-bb680e5fe0c8",
            "context": {"exchange": "kraken", "timeframe": "1h", "regime": "any",
                "strategy_version": 1, "status": "paper", "created_at": 1, "updated_at": 2},
            "parameters": {"fast": 20}, "performance": {"net_profit": 5}}]}"#;
    let [configuration] = &from_json(text).unwrap()[..] else { panic!() };
    assert_eq!(configuration.performance.net_profit, Some(5.0));
    assert_eq!(configuration.statistics, StatisticalFigures::default());
    assert_eq!(configuration.activation_date, None);
}

fn figure() -> impl Strategy<Value = Option<f64>> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    proptest::option::of(POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO)
}

proptest! {
    #[test]
    fn every_figure_comes_back(
        net_profit in figure(),
        sharpe_ratio in figure(),
        fill_rate in figure(),
        var_95 in figure(),
        maker_fee in figure(),
        seed in proptest::option::of(any::<u64>()),
        objective in proptest::option::of(".*"),
    ) {
        let mut c = configuration("a", "BTC/USDT", 1);
        c.performance.net_profit = net_profit;
        c.statistics.sharpe_ratio = sharpe_ratio;
        c.execution.fill_rate = fill_rate;
        c.risk.var_95 = var_95;
        c.microstructure.maker_fee = maker_fee;
        c.provenance.seed = seed.map(Seed);
        c.provenance.objective = objective;
        c.is_active = true;
        c.activation_date = Some(Timestamp::EARLIEST);
        prop_assert_eq!(from_json(&to_json(&[c.clone()]).unwrap()).unwrap(), [c.clone()]);
        let flat = serde_json::to_string(&c).unwrap();
        prop_assert_eq!(serde_json::from_str::<TrainedConfiguration>(&flat).unwrap(), c);
    }
}
