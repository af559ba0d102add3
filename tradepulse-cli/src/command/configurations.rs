use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::market::{ExchangeName, Symbol};
use tradepulse_core::store::{
    CellFilter, ConfigurationChange, ConfigurationFilter, Json, Page, RegimeScope, Stage,
    TrainedConfiguration, TrainingStore, discovery,
};
use tradepulse_core::time::Timeframe;

use super::train::stored;
use crate::arguments::DataDir;
use crate::clock::now;
use crate::output::{self, Verdict, maybe};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List trained configurations
    Ls {
        #[command(flatten)]
        filter: Filter,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// All that is stored of one
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Why it may or may not trade, in words
    Explain {
        /// Its id, or the beginning of it
        id: String,
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Make it the one that trades its strategy, market and regime
    Activate {
        /// Its id, or the beginning of it
        id: String,
        /// Why
        #[arg(long)]
        note: Option<String>,
    },
    /// Let it trade no more
    Deactivate {
        /// Its id, or the beginning of it
        id: String,
        /// Why
        #[arg(long)]
        note: Option<String>,
    },
    /// Remove one that is not active; its trials stay in the ledger
    Delete {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Write configurations as JSON
    Export {
        #[command(flatten)]
        filter: Filter,
        /// The file [default: stdout]
        file: Option<PathBuf>,
    },
    /// Take in what `export` wrote; they come in inactive
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Which configurations; all without it.
#[derive(Args)]
struct Filter {
    /// Of this strategy
    #[arg(long)]
    strategy: Option<String>,
    /// On this exchange
    #[arg(long)]
    exchange: Option<ExchangeName>,
    /// On this market
    #[arg(long, value_name = "BASE/QUOTE")]
    symbol: Option<Symbol>,
    /// Of this timeframe
    #[arg(long)]
    timeframe: Option<Timeframe>,
    /// For this regime
    #[arg(long)]
    regime: Option<RegimeScope>,
    /// In this stage
    #[arg(long)]
    stage: Option<Stage>,
    /// Only active ones
    #[arg(long)]
    active: bool,
}

impl Filter {
    fn of_store(&self) -> ConfigurationFilter {
        ConfigurationFilter {
            cell: CellFilter {
                strategy: self.strategy.clone(),
                exchange: self.exchange.clone(),
                pair: self.symbol.clone(),
                timeframe: self.timeframe,
                regime: self.regime,
            },
            status: self.stage,
            is_active: self.active.then_some(true),
            study_id: None,
        }
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let runtime = records::runtime()?;
    runtime.block_on(async {
        let store = records::open(place).await?;
        act(arguments.action, &store).await
    })
}

async fn act(action: Action, store: &dyn TrainingStore) -> Result<Verdict> {
    match action {
        Action::Ls { filter, json } => {
            let found = store.configurations(&filter.of_store(), Page::ALL).await?;
            if json { output::json(&found)? } else { list(&found)? }
        }
        Action::Show { id, json } => {
            let configuration = find(store, &id).await?;
            let events = store.events(&configuration.id, Page::ALL).await?;
            if json {
                output::json(&json!({ "configuration": configuration, "events": events }))?;
            } else {
                show(&configuration)?;
                for event in events {
                    let note = event.note.map_or_else(String::new, |n| format!(" ({n})"));
                    let (kind, stage) = (event.kind.as_str(), event.to_stage.as_str());
                    output::line(format!("{} {kind}, {stage}{note}", event.at))?;
                }
            }
        }
        Action::Explain { id, json } => explain(store, &id, json).await?,
        Action::Activate { id, note } => {
            let configuration = find(store, &id).await?;
            if configuration.status == Stage::Paper {
                output::note("it is in PAPER: active, it trades on paper only");
            }
            let change = ConfigurationChange::Activate {
                id: configuration.id,
                at: now(),
                causes: json!({ "by": "command line" }),
                note,
            };
            changed(store, &change).await?;
        }
        Action::Deactivate { id, note } => {
            let id = find(store, &id).await?.id;
            let causes = json!({ "by": "command line" });
            changed(store, &ConfigurationChange::Deactivate { id, at: now(), causes, note })
                .await?;
        }
        Action::Delete { id } => {
            let id = find(store, &id).await?.id;
            store.delete_configuration(&id).await?;
            output::line(format!("{id}: deleted"))?;
        }
        Action::Export { filter, file } => {
            let found = store.configurations(&filter.of_store(), Page::ALL).await?;
            let text = discovery::to_json(&found)?;
            match file {
                None => output::line(text)?,
                Some(file) => {
                    super::backtest::write(&file, |out| writeln!(out, "{text}"))?;
                    let count = found.len();
                    output::line(format!("{count} configurations written to {}", file.display()))?;
                }
            }
        }
        Action::Import { file } => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let read = discovery::from_json(&text)
                .with_context(|| format!("{} holds no configurations", file.display()))?;
            for configuration in &read {
                let causes = json!({ "imported": file.display().to_string() });
                store.put_configuration(configuration, &causes).await?;
            }
            output::line(format!("{} configurations taken in, inactive", read.len()))?;
        }
    }
    Ok(Verdict::Good)
}

async fn changed(store: &dyn TrainingStore, change: &ConfigurationChange) -> Result<()> {
    let events = store.change(change).await?;
    if events.is_empty() {
        output::line(format!("{}: already so", change.id()))?;
    }
    for event in events {
        output::line(format!("{}: {}", event.configuration_id, event.kind.as_str()))?;
    }
    Ok(())
}

/// The configuration whose id begins with `id`.
async fn find(store: &dyn TrainingStore, id: &str) -> Result<TrainedConfiguration> {
    let all = store.configurations(&ConfigurationFilter::default(), Page::ALL).await?;
    let mut fitting = all.into_iter().filter(|c| c.id.as_str().starts_with(id));
    match (fitting.next(), fitting.next()) {
        (None, _) => bail!("no configuration has an id that begins with {id:?}"),
        (Some(_), Some(_)) => bail!("several ids begin with {id:?}: give more of it"),
        (Some(found), None) => Ok(found),
    }
}

fn list(found: &[TrainedConfiguration]) -> Result<()> {
    if found.is_empty() {
        return output::line("No configurations fit. Make some with: tradepulse train");
    }
    let header = [
        "id", "strategy", "market", "regime", "stage", "active", "trades", "Sharpe", "p",
        "deflated", "overfit",
    ];
    let mut table = output::table(&header, &[6, 7, 8, 9, 10]);
    for c in found {
        let s = &c.statistics;
        table.add_row([
            c.id.as_str()[..8].to_owned(),
            c.cell.strategy.clone(),
            format!("{} {} {}", c.cell.exchange, c.cell.pair, c.cell.timeframe),
            c.cell.regime.to_string(),
            c.status.name().to_owned(),
            if c.is_active { "yes" } else { "" }.to_owned(),
            c.performance.sample_size.map_or_else(|| "–".to_owned(), |n| n.to_string()),
            maybe(s.out_of_sample_sharpe, 2),
            maybe(s.p_value, 3),
            maybe(s.deflated_sharpe, 2),
            maybe(s.probability_of_overfitting, 2),
        ]);
    }
    output::line(table)
}

/// Every column that has a value.
fn show(configuration: &TrainedConfiguration) -> Result<()> {
    let mut table = output::table(&["column", "value"], &[]);
    if let Json::Object(columns) = serde_json::to_value(configuration)? {
        for (name, value) in columns.into_iter().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            table.add_row([name, text]);
        }
    }
    output::line(table)
}

async fn explain(store: &dyn TrainingStore, id: &str, json: bool) -> Result<()> {
    let configuration = find(store, id).await?;
    let judged = stored::judgement(store, &configuration).await?;
    let Some((judgement, evidence)) = judged else {
        bail!("{}: nothing is known of how it was judged; it was imported", configuration.id);
    };
    let said = judgement.explain(&evidence);
    if json {
        let (id, active) = (&configuration.id, configuration.is_active);
        return output::json(&json!({
            "id": id, "stage": judgement.standing.stage, "is_active": active,
            "explanation": said, "evidence": evidence,
        }));
    }
    let cell = &configuration.cell;
    output::line(format!(
        "{} on {} {} {}, {}: configuration {}",
        cell.strategy, cell.exchange, cell.pair, cell.timeframe, cell.regime, configuration.id
    ))?;
    for sentence in said {
        output::line(sentence)?;
    }
    if let Some(models) = &configuration.provenance.model_version {
        output::line(format!(
            "Its entries needed the word of models, {models}: it trades only where models are asked."
        ))?;
    }
    output::line(if configuration.is_active {
        "It is active."
    } else {
        "It is not active: tradepulse configurations activate ID would make it so."
    })
}
