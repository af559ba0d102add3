//! Models: trained on candles, looked at.

mod inspect;
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
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    match arguments.action {
        Action::Train(arguments) => train::run(arguments, place),
        Action::Inspect(arguments) => inspect::run(arguments),
    }
}
