//! Models: trained on candles, looked at, published.

mod convert;
mod evaluate;
mod inspect;
mod ls;
mod publish;
mod rollback;
mod train;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::arguments::DataDir;
use crate::output::Verdict;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Train boosted trees on candles, and say what they are worth on candles they never saw
    Train(train::Arguments),
    /// Show what a model is, and check it against its manifest
    Inspect(inspect::Arguments),
    /// Give a model that has none a manifest with a golden sample
    Convert(convert::Arguments),
    /// What a model is worth on candles: log loss, Brier score, accuracy, AUC, calibration
    Evaluate(Box<evaluate::Arguments>),
    /// Make a model the version of a folder that is served; servers of the folder take it at once
    Publish(publish::Arguments),
    /// Serve the version that was served before
    Rollback(rollback::Arguments),
    /// List the versions in a folder, each checked
    Ls(ls::Arguments),
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    match arguments.action {
        Action::Train(arguments) => train::run(arguments, place),
        Action::Inspect(arguments) => inspect::run(arguments),
        Action::Convert(arguments) => convert::run(arguments),
        Action::Evaluate(arguments) => evaluate::run(*arguments, place),
        Action::Publish(arguments) => publish::run(arguments),
        Action::Rollback(arguments) => rollback::run(arguments),
        Action::Ls(arguments) => ls::run(arguments),
    }
}
