//! `model-server`, as its users meet it: what it refuses to serve, and how it ends.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use program::Folder;
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tradepulse-exec/tests").join(name)
}

/// A process that serves, killed when this is dropped.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    /// Starts it by a command whose output tells the address.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap().1.to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    fn head(&self, path: &str, length: usize) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
            self.address,
        )
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connect();
        stream.write_all((self.head(path, body.len()) + body).as_bytes()).unwrap();
        answer(stream)
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// A folder with a model of raw features, and the command that serves it.
fn trees() -> (Folder, &'static str) {
    let folder = Folder::new();
    fs::copy(fixture("lightgbm/models/multiclass.txt"), folder.path("trees.txt")).unwrap();
    (folder, "model-server --model trees.txt --features raw --output probs3")
}

fn snapshot() -> Value {
    let row = [0.5, 1.0, -0.5, 0.25, 3.0, 7.0];
    let indicators: serde_json::Map<String, Value> =
        row.iter().enumerate().map(|(i, value)| (format!("Column_{i}"), json!(value))).collect();
    let candle = json!({ "timestamp": 1_704_067_200_000_i64, "open": 1.0, "high": 2.0,
                         "low": 0.5, "close": 1.5, "volume": 3.0 });
    json!({ "symbol": "BTC/USDT", "timeframe": "1h", "candles": [candle],
            "indicators": indicators })
}

#[test]
fn a_damaged_model_is_not_served() {
    let (folder, serve) = trees();
    let whole = fs::read(folder.path("trees.txt")).unwrap();
    let mut torn = whole.clone();
    torn[whole.len() / 2] = b'~';
    for bytes in [&[][..], &whole[..whole.len() / 2], &torn, b"\0\0\0\0"] {
        folder.write("trees.txt", bytes);
        let out = folder.run(serve);
        assert_eq!(out.status.code(), Some(2));
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(told.contains("trees.txt is no model that can be used"), "{told}");
    }
    fs::remove_file(folder.path("trees.txt")).unwrap();
    let told = String::from_utf8_lossy(&folder.run(serve).stderr).into_owned();
    assert!(told.contains("cannot read trees.txt"), "{told}");
}

#[test]
#[cfg(unix)]
fn a_polite_end_answers_what_is_under_way() {
    let (folder, serve) = trees();
    let mut served = Served::start(folder.command(serve));
    let body = snapshot().to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut running = served.connect();
    running.write_all((served.head("/predict", body.len()) + first).as_bytes()).unwrap();
    // It has taken the connection before this one.
    assert_eq!(served.post("/predict", &body).0, 200);
    served.terminate();
    running.write_all(rest.as_bytes()).unwrap();
    let (status, told) = answer(running);
    assert_eq!((status, &told["model_name"]), (200, &json!("trees")));
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
#[cfg(unix)]
fn a_full_disk_loses_a_sample_and_nothing_else() {
    let (folder, serve) = trees();
    // No file of it may become longer than a few kilobytes.
    let mut limited = Command::new("bash");
    let tradepulse = env!("CARGO_BIN_EXE_tradepulse");
    let script = format!("trap '' XFSZ; ulimit -f 4 && exec {tradepulse} {serve}");
    limited.args(["-c", &script]).current_dir(folder.path(""));
    if !Command::new("bash").args(["-c", "ulimit -f 4"]).status().is_ok_and(|s| s.success()) {
        eprintln!("skipped: no bash, or no limits of file sizes");
        return;
    }
    let served = Served::start(limited);
    let outcome = json!({ "pnl": 1.0, "pnl_percent": 0.1, "success": true });
    let sample = json!({ "decision": "long", "outcome": outcome, "snapshot": snapshot() });
    let sample = sample.to_string();
    let mut kept = 0;
    let refused = loop {
        let (status, told) = served.post("/retrain", &sample);
        if status != 200 {
            break (status, told);
        }
        kept += 1;
        assert_eq!(told["samples"], kept);
    };
    assert_eq!(refused.0, 507, "{}", refused.1);
    assert!(refused.1["detail"].as_str().unwrap().contains("the sample is not kept"));
    assert!(kept > 0);
    let text = fs::read_to_string(folder.path("trees.samples.jsonl")).unwrap();
    assert_eq!(text.lines().count(), kept);
    for line in text.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert!(text.ends_with('\n'));
    assert_eq!(served.post("/predict", &snapshot().to_string()).0, 200);
}

/// Where ONNX Runtime is, if it is.
fn onnx_runtime() -> Option<String> {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let find = "import glob, os, onnxruntime\n\
        print(glob.glob(os.path.dirname(onnxruntime.__file__) + '/capi/libonnxruntime.so*')[0])";
    std::env::var("ORT_DYLIB_PATH").ok().or_else(|| {
        let found = Command::new(python).args(["-c", find]).output().ok()?;
        let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        found.status.success().then_some(path)
    })
}

#[test]
fn a_torchscript_model_is_served_by_a_build_with_libtorch() {
    let folder = Folder::new();
    fs::copy(fixture("torch/models/classifier.pt"), folder.path("network.pt")).unwrap();
    let about = "network.pt --features raw --output probs3";
    let out = folder.run(&format!("model-server --model {about}"));
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{told}");
    if !cfg!(feature = "torch") {
        let expected = "convert_to_onnx.py --input network.pt --output network.onnx";
        assert!(told.contains(expected) && told.contains("cargo build --features torch"), "{told}");
        return;
    }
    let convert = format!("model convert {about}");
    assert!(told.contains("--sample NUMBERS") && told.contains("model convert"), "{told}");
    assert_eq!(folder.run(&convert).status.code(), Some(2));
    let sample = " --sample 0,1,2,3,4,5,6,7,8,9";
    assert_eq!(folder.run(&(convert + sample)).status.code(), Some(0));
    assert_eq!(folder.run("model inspect network.pt").status.code(), Some(0));
    let served = Served::start(folder.command("model-server --model network.pt"));
    let input = json!({ "name": "input", "shape": [1, 10], "datatype": "FP32",
                        "data": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] });
    let asked = json!({ "inputs": [input] }).to_string();
    let (status, told) = served.post("/v2/models/network/infer", &asked);
    assert_eq!(status, 200, "{told}");
    let sum: f64 =
        told["outputs"][0]["data"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{told}");
}

#[test]
fn an_onnx_model_is_served_where_its_library_is() {
    let folder = Folder::new();
    fs::copy(fixture("onnx/models/classifier.onnx"), folder.path("network.onnx")).unwrap();
    let serve = "model-server --model network.onnx --features raw --output probs3";
    let mut without = folder.command(serve);
    let out = without.env("ORT_DYLIB_PATH", folder.path("nothing.so")).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && told.contains("pip download onnxruntime"), "{told}");
    let Some(library) = onnx_runtime() else {
        eprintln!("skipped: no ONNX Runtime (ORT_DYLIB_PATH, or pip install onnxruntime)");
        return;
    };
    let mut with = folder.command(serve);
    with.env("ORT_DYLIB_PATH", &library);
    let served = Served::start(with);
    let input = json!({ "name": "input", "shape": [1, 10], "datatype": "FP32",
                        "data": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] });
    let asked = json!({ "inputs": [input] }).to_string();
    let (status, told) = served.post("/v2/models/network/infer", &asked);
    assert_eq!(status, 200, "{told}");
    let sum: f64 =
        told["outputs"][0]["data"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{told}");
    let mut doctor = folder.command("doctor --json");
    let report = doctor.env("ORT_DYLIB_PATH", &library).output().unwrap();
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("ONNX Runtime") && report.contains(&library), "{report}");
}

#[test]
fn the_demo_asks_a_third_model_where_its_library_is() {
    let folder = Folder::new();
    let library = onnx_runtime();
    let mut demo = folder.command("demo --candles 5000 --seed 7");
    let nothing = folder.path("nothing.so").display().to_string();
    let out = demo.env("ORT_DYLIB_PATH", library.as_ref().unwrap_or(&nothing)).output().unwrap();
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    let words = match library {
        Some(_) => {
            ["  network looks 6 candles ahead; on", " rows it never saw ", "network: 1,000 answers"]
        }
        None => ["the demo goes on with two", "near: 1,000 answers", "far: 1,000 answers"],
    };
    for words in words {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
}

#[test]
fn an_onnx_file_gets_a_manifest_where_its_library_is() {
    let folder = Folder::new();
    fs::copy(fixture("onnx/models/classifier.onnx"), folder.path("network.onnx")).unwrap();
    let convert = "model convert network.onnx --features raw --output";
    let run = |arguments: &str, library: &Path| {
        folder.command(arguments).env("ORT_DYLIB_PATH", library).output().unwrap()
    };
    let out = run(&format!("{convert} probs3"), &folder.path("nothing.so"));
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && told.contains("pip download onnxruntime"), "{told}");
    let Some(library) = onnx_runtime() else {
        eprintln!("skipped: no ONNX Runtime (ORT_DYLIB_PATH, or pip install onnxruntime)");
        return;
    };
    let library = Path::new(&library);
    let out = run(&format!("{convert} binary"), library);
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && told.contains("3 outputs"), "{told}");
    let out = run(&format!("{convert} probs3"), library);
    let told = program::success(convert, out);
    assert!(told.contains("network.onnx is network: raw (feature_0, feature_1"), "{told}");
    let seen = program::success("inspect", run("model inspect network.onnx --json", library));
    let manifest: Value = serde_json::from_str(&seen).unwrap();
    let golden = &manifest["golden_sample"];
    assert_eq!(golden["input"].as_array().unwrap().len(), 10);
    let said = golden["output"].as_array().unwrap().iter().filter_map(Value::as_f64);
    assert!((said.sum::<f64>() - 1.0).abs() < 1e-6, "{manifest}");
    // The manifest says all that the server has to know, and publishing too.
    let publish = "model publish network.onnx models";
    assert!(program::success(publish, run(publish, library)).contains("version 1"));
    fs::write(folder.path("network.onnx"), b"torn").unwrap();
    assert_eq!(run("model inspect network.onnx", library).status.code(), Some(2));
}

/// An outcome that the first feature tells.
fn outcome(i: i64) -> String {
    let up = i.wrapping_mul(2_654_435_761) >> 7 & 1 == 1;
    let percent = if up { 2.0 } else { -2.0 };
    let mut snapshot = snapshot();
    snapshot["indicators"]["Column_0"] = json!(percent);
    let opened = 1_704_067_200_000 + i * 3_600_000;
    snapshot["candles"][0]["timestamp"] = json!(opened);
    json!({
        "decision": "long", "snapshot": snapshot,
        "outcome": { "pnl": percent, "pnl_percent": percent, "success": up,
                     "closed_at": opened + 7_200_000 },
    })
    .to_string()
}

#[test]
fn the_learner_of_a_server_is_chosen() {
    let (folder, _) = trees();
    let publish = "model publish trees.txt models --features raw --output probs3";
    program::success(publish, folder.run(publish));
    let serve = "model-server --model models --retrain-schedule never";
    let refusal = |arguments: &str| {
        let mut command = folder.command(&format!("{serve} {arguments}"));
        let out = command.env("LIGHTGBM_DYLIB_PATH", "nothing.so").output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    assert!(refusal("--learner lightgbm").contains("pip install lightgbm"));
    assert!(refusal("--learner online --labels forward:6").contains("forward returns"));
    assert!(refusal("--labels sideways").contains("forward:CANDLES"));
    let file = "model-server --model trees.txt --features raw --output probs3 --learner online";
    let told = String::from_utf8_lossy(&folder.run(file).stderr).into_owned();
    assert!(told.contains("model publish"), "{told}");

    let online = "--learner online --retrain-after 20 --retrain-fewest 40";
    let served = Served::start(folder.command(&format!("{serve} {online}")));
    for i in 0..80 {
        let (status, told) = served.post("/retrain", &outcome(i));
        assert_eq!((status, &told["samples"]), (200, &json!(i + 1)), "{told}");
    }
    // Whoever asks waits until all of them are learnt from.
    let (status, told) = served.post("/retrain/trigger", "");
    assert_eq!((status, &told["samples"]), (200, &json!(80)), "{told}");
    assert!(told["model_version"].as_u64().unwrap() >= 2, "{told}");
    let listed = program::success("ls", folder.run("model ls models --json"));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed[0]["serving"], &listed[0]["version"]),
        (&json!(true), &told["model_version"])
    );
    drop(served);
    // With labels by what came after it, trees are trained on the same samples.
    let forward = format!("{serve} --learner built-in --labels forward:3 --retrain-fewest 40");
    let served = Served::start(folder.command(&forward));
    let (status, told) = served.post("/retrain/trigger", "");
    assert_eq!((status, &told["left_out"]["future_unknown"]), (200, &json!(3)), "{told}");
}
