use std::process::Command;

use serde_json::{Value, json};
use tradepulse_core::inference::Rows;
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::{Scene, trees};

const INFER: &str = "/v2/models/trees/infer";

const ROWS: [f64; 12] = [0.5, 1.0, -0.5, 0.25, 3.0, 7.0, -1.5, 0.0, 2.0, 0.125, -2.0, 30.0];

async fn scene() -> Scene {
    Scene::start(trees().await, ModelServerSettings::default()).await
}

async fn expected(scene: &Scene) -> Vec<f64> {
    let bundle = scene.server.served();
    bundle.model().predict(Rows::new(&ROWS, 6).unwrap()).await.unwrap()
}

fn input(datatype: &str, data: &Value) -> Value {
    json!({ "name": "input", "shape": [2, 6], "datatype": datatype, "data": data })
}

#[tokio::test]
async fn metadata_is_told() {
    let scene = scene().await;
    assert_eq!(scene.get_json("/v2").await.1["extensions"], json!(["binary_tensor_data"]));
    assert_eq!(scene.get_json("/v2/health/live").await, (200, json!({ "live": true })));
    assert_eq!(scene.get_json("/v2/health/ready").await, (200, json!({ "ready": true })));
    for path in ["/v2/models/trees", "/v2/models/trees/versions/1"] {
        let (status, about) = scene.get_json(path).await;
        assert_eq!((status, &about["platform"]), (200, &json!("lightgbm")));
        assert_eq!(about["inputs"][0]["shape"], json!([-1, 6]));
        assert_eq!(about["outputs"][0]["shape"], json!([-1, 3]));
        assert_eq!(scene.get_json(&format!("{path}/ready")).await.0, 200);
    }
    for path in ["/v2/models/bushes", "/v2/models/trees/versions/2", "/v2/models/bushes/ready"] {
        let (status, about) = scene.get_json(path).await;
        assert_eq!(status, 404);
        assert!(about["error"].is_string());
    }
}

#[tokio::test]
async fn tensors_as_json() {
    let scene = scene().await;
    let expected = json!(expected(&scene).await);
    let nested = json!([ROWS[..6], ROWS[6..]]);
    for data in [json!(ROWS), nested] {
        let body = json!({ "id": "a7", "inputs": [input("FP64", &data)] });
        let (status, answer) = scene.post(INFER, body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["id"], "a7");
        assert_eq!(answer["model_version"], "1");
        assert_eq!(answer["outputs"][0]["shape"], json!([2, 3]));
        assert_eq!(answer["outputs"][0]["data"], expected);
    }
}

#[tokio::test]
async fn tensors_as_bytes() {
    let scene = scene().await;
    let expected = expected(&scene).await;
    let fours: Vec<u8> = ROWS.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
    let eights: Vec<u8> = ROWS.iter().flat_map(|value| value.to_le_bytes()).collect();
    for (datatype, bytes) in [("FP32", fours), ("FP64", eights)] {
        let head = json!({
            "parameters": { "binary_data_output": true },
            "inputs": [{ "name": "x", "shape": [2, 6], "datatype": datatype,
                         "parameters": { "binary_data_size": bytes.len() } }],
        });
        let head = head.to_string();
        let length = head.len().to_string();
        let body = [head.into_bytes(), bytes].concat();
        let request = scene.client().post(scene.url(INFER)).body(body);
        let request = request.header("Inference-Header-Content-Length", length);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let length: usize =
            answer.headers()["inference-header-content-length"].to_str().unwrap().parse().unwrap();
        let body = answer.bytes().await.unwrap();
        let about: Value = serde_json::from_slice(&body[..length]).unwrap();
        assert_eq!(about["outputs"][0]["parameters"]["binary_data_size"], 48);
        let outputs: Vec<f64> =
            body[length..].as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        assert_eq!(outputs, expected);
    }
}

#[tokio::test]
async fn what_is_no_tensor_is_refused() {
    let scene = scene().await;
    let row = json!(ROWS);
    let with = |change: fn(&mut Value)| {
        let mut body = json!({ "inputs": [input("FP64", &row)] });
        change(&mut body);
        body
    };
    let cases: Vec<(Value, &str)> = vec![
        (with(|b| b["inputs"] = json!([])), "0 inputs, expected 1"),
        (with(|b| b["inputs"][0]["shape"] = json!([2, 5])), "shape [2, 5] is not [rows, 6]"),
        (with(|b| b["inputs"][0]["shape"] = json!([3, 6])), "12 elements, the shape has 18"),
        (with(|b| b["inputs"][0]["shape"] = json!([u64::MAX, 6])), "the shape is too large"),
        (with(|b| b["inputs"][0]["datatype"] = json!("BYTES")), "\"BYTES\" is not taken"),
        (with(|b| b["inputs"][0]["data"][3] = json!("x")), "\"x\" is no number"),
        (with(|b| b["inputs"][0]["data"] = json!(null)), "neither data nor binary_data_size"),
        (
            with(|b| b["inputs"][0]["parameters"] = json!({ "binary_data_size": 96 })),
            "both data and binary_data_size",
        ),
        (with(|b| b["outputs"] = json!([{ "name": "probability" }])), "no output \"probability\""),
        (json!({}), "missing field `inputs`"),
    ];
    for (body, expected) in cases {
        let (status, answer) = scene.post(INFER, body.to_string()).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(expected), "{answer}");
    }
    // Bytes that are promised and not there.
    let mut body = with(|b| b["inputs"][0]["parameters"] = json!({ "binary_data_size": 96 }));
    body["inputs"][0].as_object_mut().unwrap().remove("data");
    let (status, answer) = scene.post(INFER, body.to_string()).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("96 bytes are promised, 0 are there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn triton_clients_are_served() {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import tritonclient.http, numpy"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no tritonclient (pip install 'tritonclient[http]')");
        return;
    }
    let scene = scene().await;
    let script = "
import sys, numpy, tritonclient.http as http
client = http.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready('trees')
assert client.get_model_metadata('trees')['outputs'][0]['name'] == 'output'
rows = numpy.array(eval(sys.argv[2]), dtype=numpy.float32).reshape(2, 6)
for binary_in in (True, False):
    for binary_out in (True, False):
        tensor = http.InferInput('input', rows.shape, 'FP32')
        tensor.set_data_from_numpy(rows, binary_data=binary_in)
        asked = [http.InferRequestedOutput('output', binary_data=binary_out)]
        for outputs in (asked, None):
            answer = client.infer('trees', [tensor], outputs=outputs).as_numpy('output')
            assert answer.shape == (2, 3), answer
            assert numpy.abs(answer.ravel() - numpy.array(eval(sys.argv[3]))).max() < 1e-15, answer
";
    let expected = format!("{:?}", expected(&scene).await);
    let address = scene.url("").replace("http://", "");
    let asked = tokio::task::spawn_blocking(move || {
        Command::new(&python)
            .args(["-c", script, &address, &format!("{ROWS:?}"), &expected])
            .output()
    });
    let output = asked.await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
