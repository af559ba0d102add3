use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use tradepulse_exec::check::Check;
use tradepulse_exec::{config::Config, doctor, inference::onnx};

use super::config::{self, File};
use crate::arguments::DataDir;
use crate::checks;
use crate::clock::now;
use crate::output::Verdict;
use crate::records;

#[derive(Args)]
#[command(after_help = checks::EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    file: File,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let data_dir = place.path()?;
    let named = arguments.file.config.as_deref();
    let default = Path::new(config::DEFAULT);
    // A file that is named has to be there; the default one need not.
    let path = named.or_else(|| default.exists().then_some(default));
    let config = path.map(|path| (path, Config::load(Some(path), config::environment()).map(drop)));
    let mut found = vec![Check::pass("version", env!("CARGO_PKG_VERSION"))];
    found.extend(records::runtime()?.block_on(doctor::examine(&data_dir, config, now())));
    found.push(onnx_runtime());
    found.push(terminal());
    checks::show(&found, arguments.json)
}

/// It is needed for ONNX models only.
fn onnx_runtime() -> Check {
    const NAME: &str = "ONNX Runtime";
    match onnx::find_library() {
        Ok(place) => Check::pass(NAME, format!("found {place}")),
        Err(error) => Check::skipped(NAME, format!("ONNX models cannot be asked: {error}")),
    }
}

fn terminal() -> Check {
    const NAME: &str = "terminal";
    if !std::io::stdout().is_terminal() {
        return Check::skipped(NAME, "output goes to a file or a program");
    }
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale =
        variables.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let locale = locale.unwrap_or_default();
    match locale.to_lowercase().replace('-', "").contains("utf8") {
        true => Check::pass(NAME, format!("a terminal, {locale}")),
        false => Check::warning(
            NAME,
            format!("a terminal whose locale ({locale:?}) is not UTF-8"),
            "lines of tables may look odd: set LANG to one that ends in UTF-8",
        ),
    }
}
