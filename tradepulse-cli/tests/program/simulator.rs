//! A simulated exchange as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tradepulse");

/// The secrets of the keys of simulated accounts.
pub(crate) const HMAC_SECRET: &str = "simulated-secret";
pub(crate) const ED25519_SECRET: &str =
    "1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEIZv0QJaYTN/oVBusFn3DuWyFCGqjC2tssMXDitcDFm4Q==";
/// A P-256 key made for tests.
pub(crate) const P256_SECRET: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIJWcJR30ToZwCaLcvvg9ezTJ46VdHxDXERbqfDXi1Kw6oAoGCCqGSM49
AwEHoUQDQgAEFoAkS4i0t4Mcsyt8drEMe/IFDEqVBUe4jPkWms5so9bFWi6wdSOr
PJMSrbZURU5tBksx3Ji1TQxBAWL4ZCmSaQ==
-----END EC PRIVATE KEY-----";
/// The secret of a simulated Kraken, base64.
pub(crate) const KRAKEN_SECRET: &str = "c2ltdWxhdGVkLXNlY3JldA==";

/// A simulator that ends with the test.
pub(crate) struct Simulator {
    process: Child,
    pub(crate) url: String,
}

impl Simulator {
    pub(crate) fn start(venue: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["simulator", "--venue", venue, "--balance", "USDT=10000,BTC=1"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.unwrap_or_else(|| panic!("{line:?} names no address")).to_owned();
        let told = [HMAC_SECRET, ED25519_SECRET].iter().any(|secret| line.contains(secret));
        assert!(line.contains(venue) && !told, "{line}");
        Self { process, url }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The secret that the simulator's account has at this venue where none is given.
pub(crate) fn secret(venue: &str) -> &'static str {
    match venue {
        "coinbase" => ED25519_SECRET,
        "kraken" => KRAKEN_SECRET,
        _ => HMAC_SECRET,
    }
}
