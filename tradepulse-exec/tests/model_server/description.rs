use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::{Scene, candles, distance, snapshot};

/// What a path is called where a model is named.
fn named(path: &str) -> String {
    path.replace("{name}", "distance").replace("{version}", "3")
}

#[tokio::test]
async fn the_description_is_that_of_the_router() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let (status, description) = scene.get_json("/openapi.json").await;
    assert_eq!((status, &description["openapi"]), (200, &json!("3.1.0")));
    let mut described = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            described.push(format!("{} {path}", method.to_uppercase()));
            let answered = match method.as_str() {
                "get" => scene.get(&named(path)).await.0,
                "post" => scene.post(&named(path), "").await.0,
                other => panic!("{other}"),
            };
            let known = operation["responses"].as_object().unwrap();
            assert!(known.contains_key(&answered.to_string()), "{method} {path}: {answered}");
            assert_ne!(answered, 404, "{path}");
            // Nothing else is there.
            let other = if method == "get" {
                scene.post(&named(path), "").await.0
            } else {
                scene.get(&named(path)).await.0
            };
            assert_eq!(other, 405, "{path}");
        }
    }
    let (_, status) = scene.get_json("/status").await;
    let mut told: Vec<&str> =
        status["endpoints"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    described.retain(|one| !one.contains("{version}"));
    described.sort_unstable();
    told.sort_unstable();
    assert_eq!(described, told);
}

#[tokio::test]
async fn references_lead_somewhere() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let (_, description) = scene.get_json("/openapi.json").await;
    let mut places = vec![&description];
    while let Some(place) = places.pop() {
        match place {
            Value::Array(items) => places.extend(items),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(description.pointer(pointer).is_some(), "{reference}");
                }
                places.extend(members.values());
            }
            _ => {}
        }
    }
}

/// How many requests a run of schemathesis makes up for each operation. Its time grows with the
/// square of this number: more requests are had by more runs, each with a seed of its own.
const MADE_UP: &str = "100";

/// A run of schemathesis against `url`; the first looks at the borders of all values, too.
fn schemathesis(python: &str, url: &str, folder: &Path, seed: u64) -> Output {
    let script = "import sys, schemathesis.cli; schemathesis.cli.schemathesis(sys.argv[1:])";
    let phases = if seed == 1 { "coverage,fuzzing" } else { "fuzzing" };
    let run = ["-c", script, "run", url, "--seed", &seed.to_string(), "--max-examples", MADE_UP];
    Command::new(python)
        .args(run)
        .args(["--checks", "not_a_server_error,status_code_conformance"])
        .args(["--checks", "content_type_conformance,response_schema_conformance"])
        .args(["--phases", phases, "--mode", "all", "--no-color", "--no-shrink"])
        .args(["--generation-database", "none"])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Requests, right and wrong, that schemathesis makes of the description, by two runs at a time:
/// `TRADEPULSE_REQUESTS` at least of those that have a body.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing() {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import schemathesis"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no schemathesis (pip install schemathesis)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let samples = Some(folder.path().join("samples.jsonl"));
    let settings = ModelServerSettings { samples, ..ModelServerSettings::default() };
    let scene = Scene::start(distance().await, settings).await;
    let asked = snapshot(&candles(100)).to_string();
    let mut before = scene.post("/predict", asked.clone()).await.1;
    let wanted = std::env::var("TRADEPULSE_REQUESTS").map_or(500, |text| text.parse().unwrap());
    let mut asked_for = 0;
    for seed in (1..).step_by(2) {
        let runs = [seed, seed + 1].map(|seed| {
            let (python, url) = (python.clone(), scene.url("/openapi.json"));
            let folder = folder.path().to_owned();
            tokio::task::spawn_blocking(move || schemathesis(&python, &url, &folder, seed))
        });
        for run in runs {
            let output = run.await.unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        }
        asked_for = scene.get_json("/status").await.1["requests"].as_u64().unwrap();
        if asked_for >= wanted {
            break;
        }
    }
    eprintln!("{asked_for} requests with a body");
    // The model is the one it was.
    let mut after = scene.post("/predict", asked).await.1;
    for answer in [&mut before, &mut after] {
        answer["latency_ms"] = json!(null);
    }
    assert_eq!(after, before);
    assert_eq!(scene.get_json("/ready").await.0, 200);
}
