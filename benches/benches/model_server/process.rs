use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tradepulse_core::inference::{Basic10, FeatureRegistry, FeatureSet, Labelling, batch};
use tradepulse_core::market::Candle;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::inference::boosting::{BoostingSettings, Objective, Table, boost};
use tradepulse_exec::inference::bundle::{self, Bundle, Flags};
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};

/// A process that serves, ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Starts it on the first processor and moves this process to the second.
    pub(crate) fn start() -> Self {
        let itself = std::env::current_exe().unwrap();
        let id = std::process::id().to_string();
        let moved = Command::new("taskset").args(["-a", "-cp", "1", &id]).output();
        let pinned = moved.is_ok_and(|output| output.status.success());
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(itself);
            command
        } else {
            println!("taskset is not found, or there is one processor: server and client share it");
            Command::new(itself)
        };
        let command = command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addresses = lines.map_while(|line| line.unwrap().parse().ok()).collect();
        Self { child, addresses }
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Seconds that a process has computed; unknown on some systems.
pub(crate) fn processor_seconds(id: u32) -> f64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{id}/schedstat")) else { return f64::NAN };
    let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let of = |text: &str| text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    let threads = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        of(&text)
    });
    threads.sum::<f64>().max(of(&text).unwrap_or(f64::NAN)) / 1e9
}

/// Serves models until the input ends; prints an address for each, and an empty line.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(async {
        for bundle in bundles().await {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("{}", listener.local_addr().unwrap());
            let server = ModelServer::new(bundle, ModelServerSettings::default(), now);
            tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
        }
        println!();
        std::future::pending().await
    })
}

async fn bundles() -> Vec<Bundle> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trees.txt");
    fs::write(&file, trees()).unwrap();
    let mut models = vec![(file.clone(), "basic10", "binary"), (file, "raw", "binary")];
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let network = root.join("tradepulse-exec/tests/onnx/models/classifier.onnx");
        models.push((network, "basic10", "probs3"));
    }
    let mut bundles = Vec::new();
    for (file, features, output) in models {
        let output = output.parse().unwrap();
        let flags = Flags { name: None, features: features.to_owned(), output };
        let registry = FeatureRegistry::default();
        bundles.push(bundle::load(&file, Some(&flags), &registry).await.unwrap());
    }
    bundles
}

/// 200 trees of 31 leaves that say whether the price is higher twelve candles later.
fn trees() -> String {
    let series = tradepulse_benches::market(20_000).unwrap();
    let candles: Vec<Candle> = series.candles().collect();
    let (rows, width) = (batch(&Basic10, &candles).unwrap(), Basic10.names().len());
    let labelling = Labelling { horizon: 12, long_above: 0.0, short_below: 0.0 };
    let labels: Vec<f64> = labelling.labels(series.close())[Basic10.window() - 1..]
        .iter()
        .map_while(|label| label.map(|action| f64::from(u8::from(action.sign() > 0.0))))
        .collect();
    let column = |i: usize| rows.iter().skip(i).step_by(width).take(labels.len()).copied();
    let columns: Vec<Vec<f64>> = (0..width).map(|i| column(i).collect()).collect();
    let names: Vec<String> = Basic10.names().iter().map(|&name| name.to_owned()).collect();
    let table = Table { names: &names, columns: &columns, labels: &labels };
    let settings = BoostingSettings { rounds: 200, ..BoostingSettings::new(Objective::Binary) };
    boost(&settings, &table, None).unwrap().text
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
