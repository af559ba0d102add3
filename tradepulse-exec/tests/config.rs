//! What `config.yaml` may say, and what is told to who gets it wrong.

#![cfg(feature = "config")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use tradepulse_core::desk::DeskSettings;
use tradepulse_core::engine::Rules;
use tradepulse_core::risk::RiskRules;
use tradepulse_core::sizing::Sizing;
use tradepulse_exec::config::{Config, ConfigError, Key, Origin, Problem, all_keys, example};

fn read(text: &str) -> Config {
    Config::parse(text, []).unwrap_or_else(|error| panic!("{text}\n{error}")).config
}

fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<Problem> {
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    match Config::parse(text, variables) {
        Err(ConfigError::Invalid(problems)) => problems,
        other => panic!("accepted: {other:?}"),
    }
}

/// The one problem of `text`, as it is shown.
fn problem(text: &str) -> String {
    let problems = problems(text, &[]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

#[test]
fn nothing_written_is_the_default() {
    for text in ["", "\n# nothing\n", "---\n", "trading:\nsafety:\n", "null", "\u{feff}"] {
        assert_eq!(read(text), Config::default(), "{text:?}");
    }
    let config = Config::default();
    assert!(config.mode.dry_run && config.mode.testnet);
    assert_eq!(config.trading.sizing(), Sizing::FixedRisk { risk: 0.02 });
}

/// The defaults of the file are those of the gate and the engine, and every limit is one it can keep.
#[test]
fn limits_are_those_of_the_gate() {
    let config = Config::default();
    assert_eq!(RiskRules::from(&config.safety), RiskRules::default());
    assert_eq!(config.desk_settings(), DeskSettings::default());
    let hours = Some(72 * 3_600_000);
    assert_eq!(config.rules(), Rules { max_duration_ms: hours, ..Rules::default() });
    let serde_json::Value::Object(limits) = serde_json::to_value(RiskRules::none()).unwrap() else {
        panic!("no object");
    };
    let off: String = limits.keys().map(|name| format!("  {name}: null\n")).collect();
    let config = read(&format!("safety:\n{off}trading: {{trailing_stop: 0.01, break_even: 1}}\n"));
    assert_eq!(RiskRules::from(&config.safety), RiskRules::none());
    let rules = config.rules();
    assert_eq!((rules.trailing_stop, rules.break_even), (Some(0.01), Some(1.0)));
    assert_eq!(rules.max_duration_ms, None);
    // The ends of every range pass the gate's own check.
    let safety = |key: &&(String, &Key)| key.0.starts_with("safety.") && key.1.range.is_some();
    for (path, key) in all_keys().iter().filter(safety) {
        let (least, most) = key.range.unwrap();
        for end in [least, most] {
            let steps: Vec<_> = path.split('.').collect();
            let text =
                steps.iter().rev().fold(end.to_string(), |t, step| format!("{{{step}: {t}}}"));
            let rules = RiskRules::from(&read(&text).safety);
            assert_eq!(rules.check(), Ok(()), "{text}");
        }
    }
}

#[test]
fn the_example_is_the_default_and_has_every_key() {
    let text = example();
    assert_eq!(read(&text), Config::default());
    assert_eq!(read(&text.replace('\n', "\r\n")), Config::default());
    for (path, key) in all_keys() {
        let line = text.lines().any(|line| {
            let line = line.trim_start_matches([' ', '#', '-']);
            line.starts_with(&format!("{}:", key.name))
        });
        assert!(line, "{path}");
        assert!(!key.doc.trim().is_empty(), "{path}");
    }
    assert!(text.lines().all(|line| line.trim_start().starts_with('#') || line.len() <= 100));
}

/// The commented elements of lists are right as they stand, once what must be given is given.
#[test]
fn the_elements_of_the_example_can_be_used() {
    let mut lines = Vec::new();
    for line in example().lines() {
        let indent = line.len() - line.trim_start().len();
        let inner = line.trim_start();
        if let Some(element) = inner.strip_prefix("#   ") {
            let last = lines.iter().rposition(|line: &String| !line.trim().is_empty()).unwrap();
            if element.starts_with('-') {
                lines[last] = lines[last].replace(": []", ":");
            }
            lines.push(format!("{}{element}", " ".repeat(indent + 2)));
        } else {
            lines.push(line.to_owned());
        }
    }
    let text = lines.join("\n");
    let text = text
        .replace("strategy: \"\"", "strategy: ema_cross")
        .replace("symbol: null", "symbol: BTC/USDT")
        .replace("bot_token_env: null", "bot_token_env: TOKEN")
        .replace("chat_id: \"\"", "chat_id: \"@channel\"")
        .replace("url: null", "url: https://example.com/hook");
    let config = read(&text);
    assert_eq!(config.trading.configurations.len(), 1);
    assert_eq!((config.alerts.telegram.len(), config.alerts.webhooks.len()), (1, 1));
    assert_eq!(config.wallets[0].name, "main");
}

#[test]
fn values_are_read_as_what_they_are() {
    let config = read(
        "
exchange: {name: Kraken, api_key_env: KRAKEN_KEY, api_secret_file: /run/secrets/kraken}
symbols: [btc/usdt, ETH/USDT]
data:
  timeframes:
    - 5m
    - 1h
trading:
  position_size_method: kelly
  kelly_fraction: 0.5
  trailing_stop: 0.01
  configurations:
    - strategy: ema_cross
      parameters: {fast: 5, slow: 20, allow_short: true}
      timeframe: 15m
      regime: bull
safety: {max_daily_loss: null, circuit_breaker: null, max_correlation: -1}
on_shutdown: close
alerts:
  telegram:
    - {bot_token_env: BOT, chat_id: -100123, levels: [TRADE, error]}
",
    );
    assert_eq!(config.exchange.name.as_str(), "kraken");
    let keys = config.exchange.keys();
    assert_eq!(keys.key().unwrap().to_string(), "environment variable KRAKEN_KEY");
    assert_eq!(keys.secret().unwrap().to_string(), "file /run/secrets/kraken");
    assert_eq!(config.symbols[0].as_str(), "BTC/USDT");
    assert_eq!(config.trading.sizing(), Sizing::Kelly { share: 0.5, risk: 0.02 });
    let configuration = &config.trading.configurations[0];
    assert_eq!(configuration.parameters["allow_short"], "true");
    assert_eq!(configuration.timeframe.unwrap().to_string(), "15m");
    assert_eq!((config.safety.max_daily_loss, config.safety.circuit_breaker), (None, None));
    assert_eq!(config.alerts.telegram[0].chat_id, "-100123");
    assert_eq!(config.alerts.telegram[0].levels.len(), 2);
}

#[test]
fn what_is_wrong_is_named_with_line_path_and_remedy() {
    let mut lacking = Vec::new();
    for (text, parts) in [
        ("trading:\n  levrage: 2\n", &["line 2, column 3", "trading.levrage", "leverage?"][..]),
        ("tradng: {}\n", &["line 1", "tradng", "did you mean trading?"]),
        ("trading:\n  max_open_positions: 2\n", &["did you mean safety.max_open_positions?"]),
        ("xyzzy: 1\n", &["no such key (known: mode, exchange"]),
        ("dashboard: []\n", &["dashboard", "not in this version"]),
        ("retraining: {retrain_schedule: nightly}\n", &["retraining.retrain_schedule", "schedule"]),
        ("model_endpoints: [{name: a}, {name: a, port: 2}]\n", &["two models are called \"a\""]),
        ("model_endpoints: [{name: a b}]\n", &["letters, digits"]),
        ("decision: {mode: models_only}\n", &["models_only needs model_endpoints"]),
        ("trading:\n  leverage: 1000\n", &["line 2", "found 1000", "0.01 to 125", "equity"]),
        ("trading:\n  leverage: much\n", &["expected number", "found much"]),
        ("trading:\n  leverage: .nan\n", &["expected number"]),
        ("trading:\n  leverage: NaN\n", &["expected number"]),
        ("trading:\n  leverage: \"2\"\n", &["a number in quotes is a text"]),
        ("trading:\n  leverage:\n", &["found nothing"]),
        ("safety: {max_daily_trades: 2.5}\n", &["whole number, or null", "found 2.5"]),
        ("safety: {max_daily_trades: -1}\n", &["1 to 100000"]),
        ("mode: {dry_run: yes}\n", &["true or false", "found yes"]),
        ("mode: {dry_run: null}\n", &["true or false"]),
        ("mode: paper\n", &["expected a section with the keys dry_run, testnet"]),
        ("symbols: BTC/USDT\n", &["list: symbol", "write [ ] around it"]),
        ("symbols:\n  - BTCUSDT\n", &["line 2", "symbols[0]", "BTCUSDT"]),
        ("data: {timeframes: []}\n", &["data.timeframes", "at least one"]),
        ("on_shutdown: clsoe\n", &["keep | close", "did you mean close?"]),
        ("trading: {position_size_method: fixed_amount}\n", &["needs position_size_amount"]),
        ("trading: {from_store: false}\n", &["nothing would trade"]),
        ("trading:\n  configurations:\n    - {regime: any, symbol: A/B}\n", &["name a strategy"]),
        ("trading: {configurations: [{strategy: x}]}\n", &["symbols", "has no symbol"]),
        ("wallets:\n- name: a\n- name: a\n", &["two are called a"]),
        ("wallets:\n- name: a b\n", &["wallets[0].name", "letters"]),
        ("exchange:\n  api_key_env: KEY\n", &["needs api_secret_env or api_secret_file"]),
        (
            "exchange: {api_key_env: A, api_key_file: b, api_secret_env: C}\n",
            &["given twice: remove api_key_env or api_key_file"],
        ),
        ("timing: {retry_pause: 9}\n", &["max_retry_pause", "not be below"]),
        ("alerts: {telegram: [{chat_id: x}]}\n", &["alerts.telegram[0].bot_token_env", "missing"]),
        ("alerts: {webhooks: [{levels: [TRADE]}]}\n", &["exactly one of url"]),
        ("alerts: {webhooks: [{url: 'ws://x'}]}\n", &["begins with https://"]),
        ("alerts: {webhooks: [{url_env: X, levels: []}]}\n", &["never be told"]),
        ("alerts: {webhooks: [{url_env: X, levels: [LOUD]}]}\n", &["levels[0]", "TRADE | ERROR"]),
        ("monitoring: {host: localhost}\n", &["IP address", "found localhost"]),
        ("monitoring: {port: 70000}\n", &["0 to 65535"]),
        ("a: [\n", &["no YAML", "line"]),
        ("mode: {dry_run: true}\nmode: {}\n", &["line 2", "given twice", "line 1"]),
        ("mode: &x {}\nsafety: *x\n", &["alias"]),
        ("mode: !!str x\n", &["tag"]),
        ("mode: {}\n---\nmode: {}\n", &["second document"]),
        ("? [a]\n: b\n", &["a key must be a word"]),
        ("- a\n", &["expected a section"]),
    ] {
        let shown = problem(text);
        let missing = parts.iter().filter(|part| !shown.contains(**part));
        lacking.extend(missing.map(|part| format!("{text}\n{shown}\nlacks {part}\n")));
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    let deep = format!("mode: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(problem(&deep).contains("levels deep"));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "mode:\n  dry_run: maybe\ntrading:\n  leverage: -1\n  levrage: 2\nsymbols: [x]\n";
    let variables = [("TRADEPULSE__SAFETY__MAX_LEVERAGE", "high")];
    let problems = problems(text, &variables);
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "mode.dry_run",
        "trading.leverage",
        "trading.levrage",
        "symbols[0]",
        "safety.max_leverage",
    ];
    assert_eq!(paths, expected);
    assert!(problems[4].to_string().contains("environment TRADEPULSE__SAFETY__MAX_LEVERAGE"));
}

#[test]
fn the_environment_comes_first() {
    let text = "trading: {leverage: 2}\nsymbols: [A/B]\n";
    let variables = [
        ("TRADEPULSE__TRADING__LEVERAGE", "3"),
        ("TRADEPULSE__SYMBOLS", "[BTC/USDT, ETH/USDT]"),
        ("TRADEPULSE__SAFETY__CIRCUIT_BREAKER__CONSECUTIVE_LOSSES", "7"),
        ("TRADEPULSE__SAFETY__MAX_TOTAL_EXPOSURE", ""),
        ("TRADEPULSE_LOG", "debug"),
        ("PATH", "/bin"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let loaded = Config::parse(text, variables).unwrap();
    assert_eq!(loaded.config.trading.leverage, 3.0);
    assert_eq!(loaded.config.symbols.len(), 2);
    assert_eq!(loaded.config.safety.circuit_breaker.as_ref().unwrap().consecutive_losses, 7);
    assert_eq!(loaded.config.safety.max_total_exposure, None);
    let explained = loaded.explain();
    let row = |path: &str| explained.iter().find(|row| row.path == path).unwrap();
    assert_eq!(row("trading.leverage").value.as_deref(), Some("3"));
    let variable = "TRADEPULSE__TRADING__LEVERAGE".to_owned();
    assert_eq!(row("trading.leverage").origin, Origin::Environment { variable });
    assert_eq!(row("trading.min_edge").origin, Origin::Default);
    assert_eq!(row("wallets[].name").value, None);

    for (name, value, part) in [
        ("TRADEPULSE__TRADING__LEVRAGE", "3", "did you mean leverage?"),
        ("TRADEPULSE____X", "3", "expected a name such as"),
        ("TRADEPULSE__TRADING__LEVERAGE", "[", "put it in quotes"),
        ("TRADEPULSE__TRADING", "3", "expected a section"),
    ] {
        let found = problems("", &[(name, value)]);
        assert!(found[0].to_string().contains(part), "{found:?}");
        assert!(found[0].to_string().contains(name), "{found:?}");
    }
}

#[test]
fn secrets_are_refused_and_never_shown() {
    let secret = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
    for (text, part) in [
        (format!("exchange: {{api_key: {secret}}}"), "name that in api_key_env or api_key_file"),
        (format!("exchange: {{api_secret: {secret}}}"), "api_secret_env or api_secret_file"),
        (format!("alerts: {{telegram: [{{bot_token: '1:{secret}'}}]}}"), "bot_token_env"),
        (format!("database: {{password: {secret}}}"), "secrets do not belong here"),
        (format!("exchange: {{api_key_env: {secret}}}"), "environment variable"),
        (format!("exchange: {{rest_url: 'https://me:{secret}@x.y'}}"), "password"),
        (format!("alerts: {{webhooks: [{{url: {secret}}}]}}"), "no scheme"),
    ] {
        let shown = format!("{:?}", problems(&text, &[]));
        assert!(shown.contains(part), "{shown}");
        assert!(!shown.contains(secret), "{shown}");
    }
    let found = problems("", &[("TRADEPULSE__EXCHANGE__API_SECRET", secret)]);
    assert!(!format!("{found:?}").contains(secret), "{found:?}");
    assert!(found[0].to_string().contains("api_secret_env"));
}

#[cfg(feature = "alerts")]
#[test]
fn alerts_find_their_secrets() {
    let text = "
alerts:
  merge_interval: 2.5
  telegram: [{bot_token_env: BOT, chat_id: 7, levels: [TRADE]}]
  webhooks: [{url: 'http://127.0.0.1:1/x', token_env: HOOK}, {url_env: ADDRESS}]
";
    let alerts = read(text).alerts;
    assert_eq!(alerts.dispatcher_settings().merge_interval.as_millis(), 2500);
    let environment = |name: &str| match name {
        "BOT" | "HOOK" => Some("hush".to_owned()),
        "ADDRESS" => Some("https://example.com/hush".to_owned()),
        _ => None,
    };
    let subscriptions = alerts.subscriptions(environment).unwrap();
    let names: Vec<_> = subscriptions.iter().map(|s| s.target.name()).collect();
    assert_eq!(names, ["telegram 7", "webhook 127.0.0.1", "webhook example.com"]);
    assert_eq!((subscriptions[0].levels.len(), subscriptions[1].levels.len()), (1, 6));
    let missing = |gone: &'static str| {
        let environment = |name: &str| environment(name).filter(|_| name != gone);
        alerts.subscriptions(environment).map(|_| ()).unwrap_err().to_string()
    };
    assert!(missing("BOT").starts_with("alerts.telegram[0]: environment variable BOT is not set"));
    assert!(missing("ADDRESS").starts_with("alerts.webhooks[1]: environment variable ADDRESS"));
}

#[cfg(feature = "logging")]
#[test]
fn logs_are_written_as_the_file_says() {
    use tradepulse_exec::logging::LogSettings;
    let text = "logging: {level: warn, format: json, folder: /var/log/x, keep_files: 3}";
    let settings = LogSettings::from(&read(text).logging);
    assert_eq!((settings.filter.as_str(), settings.json, settings.keep_files), ("warn", true, 3));
    assert_eq!(LogSettings::from(&Config::default().logging), LogSettings::default());
}

#[test]
fn keys_are_told_once() {
    let paths: Vec<_> = all_keys().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len());
    for (path, key) in all_keys() {
        let number = key.domain().contains("number");
        assert!(!number || key.range.is_some(), "{path} needs a range");
    }
}

#[test]
fn a_file_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let error = Config::load(Some(&path), []).unwrap_err().to_string();
    assert!(error.contains("config.yaml"), "{error}");
    std::fs::write(&path, "# x\n".repeat(400_000)).unwrap();
    assert!(Config::load(Some(&path), []).unwrap_err().to_string().contains("1 MiB"));
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    assert!(matches!(Config::load(Some(&path), []), Err(ConfigError::Unreadable { .. })));
}

proptest! {
    /// No text does anything but be read or refused.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:\\[\\]{}\\-#&*!|>'\"%@,? \n\t0-9\u{e9}]{0,200}") {
        let _ = Config::parse(&text, []);
        let _ = Config::parse("", [("TRADEPULSE__TRADING__LEVERAGE".to_owned(), text)]);
    }

    /// The example with a line cut out, doubled or cut short does not do anything else either.
    #[test]
    fn a_damaged_file_is_read_or_refused(line in 0_usize..250, cut in 0_usize..60, double: bool) {
        let text = example();
        let mut lines: Vec<&str> = text.lines().collect();
        let line = line % lines.len();
        let short: String = lines[line].chars().take(cut).collect();
        if double { lines.insert(line, lines[line]) } else { lines[line] = &short }
        let _ = Config::parse(&lines.join("\n"), []);
    }

    #[test]
    fn numbers_out_of_range_are_refused(value in prop_oneof![125.01..1e300_f64, -1e300..0.0099_f64]) {
        let text = format!("trading: {{leverage: {value}}}");
        prop_assert!(Config::parse(&text, []).is_err());
    }
}
