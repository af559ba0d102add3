//! The model server under load: requests a second, latency, processor time and memory.
//!
//! `cargo bench -p tradepulse-benches --bench model_server` starts servers in another process, each
//! process on a processor of its own where `taskset` is found: LightGBM models with and without
//! features of their own, and an ONNX model where `ORT_DYLIB_PATH` names ONNX Runtime.
//!
//! A server that runs already is asked with its address (and its process id, for its processor
//! time), such as one of `tradepulse model-server`, or `model_server/reference_server.py`:
//!
//! ```sh
//! taskset -c 0 tradepulse model-server --model trees.txt --port 8001 &
//! taskset -c 1 cargo bench -p tradepulse-benches --bench model_server -- 127.0.0.1:8001 $!
//! ```

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "model_server/load.rs"]
mod load;
#[path = "model_server/process.rs"]
mod process;
#[path = "model_server/question.rs"]
mod question;

use std::net::SocketAddr;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => process::serve(),
        [] => {
            let server = process::Server::start();
            for address in server.addresses() {
                measure(*address, Some(server.id()));
            }
        }
        [address] => measure(address.parse().unwrap(), None),
        [address, id] => measure(address.parse().unwrap(), Some(id.parse().unwrap())),
        _ => println!("expected nothing, or ADDRESS:PORT and perhaps the process id"),
    }
}

/// Asks the server all that it can be asked.
fn measure(address: SocketAddr, process: Option<u32>) {
    let status = question::status(address);
    println!("\n{} ({}, {})", status["model_name"], status["model_type"], status["features"]);
    for question in question::questions(&status) {
        for connections in [1, 8] {
            println!("{}", load::run(address, &question, connections, process));
        }
    }
    let memory = question::status(address)["memory_bytes"].as_f64().unwrap_or(f64::NAN);
    println!("  resident memory of the server: {:.1} MB", memory / 1e6);
}
