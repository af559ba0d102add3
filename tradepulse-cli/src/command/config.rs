use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::parameter::{Parameters, nearest};
use tradepulse_exec::config::{self, Config, ConfigError, Explained, Loaded, Problem};
use tradepulse_strategies::registry_with_models;

use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Read it, and say everything that is wrong with it
    Check {
        #[command(flatten)]
        file: File,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Every key: what it means, the value it has, and where that comes from
    Explain {
        /// Only this key or section, such as safety or trading.leverage
        key: Option<String>,
        #[command(flatten)]
        file: File,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Print a whole file with every key at its default
    Example,
}

#[derive(Args)]
pub(crate) struct File {
    /// The file [default: config.yaml]
    #[arg(long, env = "TRADEPULSE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where the file is if nobody says so.
pub(crate) const DEFAULT: &str = "config.yaml";

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    match arguments.action {
        Action::Check { file, json } => check(&file, json),
        Action::Explain { key, file, json } => explain(key.as_deref(), &file, json),
        Action::Example => {
            output::text(config::example())?;
            Ok(Verdict::Good)
        }
    }
}

/// The environment, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn check(file: &File, json: bool) -> Result<Verdict> {
    let path = file.config.as_deref().unwrap_or(Path::new(DEFAULT));
    let (mode, problems) = match Config::load(Some(path), environment()) {
        Ok(loaded) => (Some(mode(&loaded.config)), strategy_problems(&loaded)),
        Err(ConfigError::Invalid(problems)) => (None, problems),
        Err(error) => return Err(error.into()),
    };
    if json {
        let file = path.display().to_string();
        output::json(&json!({"file": file, "valid": problems.is_empty(), "problems": problems}))?;
    } else {
        for problem in &problems {
            output::line(format!("{}: {problem}", path.display()))?;
        }
        match (problems.len(), mode) {
            (0, Some(mode)) => output::line(format!("{}: valid; mode {mode}", path.display()))?,
            (1, _) => output::line("1 problem")?,
            (n, _) => output::line(format!("{n} problems"))?,
        }
    }
    Ok(if problems.is_empty() { Verdict::Good } else { Verdict::Bad })
}

const fn mode(config: &Config) -> &'static str {
    match (config.mode.dry_run, config.mode.testnet) {
        (true, _) => "dry run",
        (false, true) => "testnet",
        (false, false) => "live",
    }
}

/// What is wrong with the configurations of the file that only strategies know.
fn strategy_problems(loaded: &Loaded) -> Vec<Problem> {
    let registry = registry_with_models();
    let mut problems = Vec::new();
    for (i, traded) in loaded.config.trading.configurations.iter().enumerate() {
        let path = format!("trading.configurations[{i}]");
        let about = match registry.get(&traded.strategy) {
            Ok(registered) => registered.about(),
            Err(error) => {
                problems.push(loaded.problem(&format!("{path}.strategy"), error.to_string()));
                continue;
            }
        };
        for (name, value) in &traded.parameters {
            if let Err(error) = Parameters::defaults(about.variables).with_text(name, value) {
                let path = format!("{path}.parameters.{name}");
                problems.push(loaded.problem(&path, error.to_string()));
            }
        }
    }
    problems
}

fn explain(key: Option<&str>, file: &File, json: bool) -> Result<Verdict> {
    let path =
        file.config.clone().or_else(|| Some(DEFAULT.into()).filter(|path: &PathBuf| path.exists()));
    let loaded = match Config::load(path.as_deref(), environment()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid(problems)) => {
            let place = path.as_deref().unwrap_or(Path::new("environment")).display();
            let problems = problems.iter().map(|problem| format!("\n  {problem}"));
            bail!("{place} is not valid:{}", problems.collect::<String>());
        }
        Err(error) => return Err(error.into()),
    };
    let all = loaded.explain();
    let rows: Vec<&Explained> = match key {
        None => all.iter().collect(),
        Some(key) => all.iter().filter(|row| is_within(&row.path, key)).collect(),
    };
    if let (Some(key), true) = (key, rows.is_empty()) {
        let near = nearest(key, all.iter().map(|row| row.path.as_str()));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        bail!("there is no key {key}{near}");
    }
    if json {
        output::json(&rows)?;
        return Ok(Verdict::Good);
    }
    let mut table = output::table(&["key", "value", "from", "default", "can be", "what"], &[]);
    for row in &rows {
        table.add_row([
            row.path.clone(),
            row.value.clone().unwrap_or_else(|| "–".to_owned()),
            if row.value.is_some() { row.origin.to_string() } else { String::new() },
            row.default.clone(),
            row.domain.clone(),
            row.doc.trim().to_owned(),
        ]);
    }
    output::line(table)?;
    match &path {
        Some(path) => output::line(format!("File: {}", path.display()))?,
        None => output::line("No file; tradepulse config example prints one.")?,
    }
    Ok(Verdict::Good)
}

/// Whether `path` is `key`, or in the section or list of that name.
fn is_within(path: &str, key: &str) -> bool {
    path.strip_prefix(key)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}
