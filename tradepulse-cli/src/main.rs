//! `tradepulse`: backtests, candle data and strategies from the command line.

mod advising;
mod arguments;
mod checks;
mod clock;
mod command;
mod models;
mod output;
mod records;
mod report;
mod signals;
mod trading_records;
mod venues;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tradepulse_core::store::trading::ControlKind;

/// Precision trading: strategies with evidence.
#[derive(Parser)]
#[command(name = "tradepulse", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    place: arguments::DataDir,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// See it work: a synthetic market, every strategy, a report (no data, no keys, no network)
    Demo(command::demo::Arguments),
    /// Run a strategy on candles
    Backtest(Box<command::backtest::Arguments>),
    /// Show the strategies and their variables
    Strategies(command::strategies::Arguments),
    /// Search parameters, validate the best, and keep what has evidence
    Train(Box<command::train::Arguments>),
    /// List, explain and activate trained configurations
    Configurations(command::configurations::Arguments),
    /// List training studies and their trials
    Studies(command::studies::Arguments),
    /// Test a strategy on windows that its parameters were not searched on; stores nothing
    WalkForward(Box<command::walk_forward::Arguments>),
    /// How much of a study's best result is the search that found it
    Overfitting(command::overfitting::Arguments),
    /// Prove that a strategy does not look ahead
    Lookahead(command::lookahead::Arguments),
    /// Where trading stands: runs, equity, profit, open positions, orders, what went wrong
    Status(command::status::Arguments),
    /// List the orders of trading
    Orders(command::orders::Arguments),
    /// List finished trades, or export them
    Trades(command::trades::Arguments),
    /// List positions, and what the open ones would earn
    Positions(command::positions::Arguments),
    /// List what trading had to tell: refusals, warnings, errors
    Events(command::events::Arguments),
    /// Stop taking entries until `resume`, also after a restart; exits go on
    Pause(command::control::Arguments),
    /// Take entries again after `pause`
    Resume(command::control::Arguments),
    /// Close positions at market
    Close(command::control::CloseArguments),
    /// Cancel orders, close positions, take no entries until a reset, also after a restart
    EmergencyStop(command::control::Arguments),
    /// Close the circuit breaker, or reset an emergency stop
    ResetBreaker(command::control::ResetArguments),
    /// Why a run earned other than a backtest says: the difference, in parts that add up
    Parity(command::parity::Arguments),
    /// Compute an indicator for every candle
    Indicators(command::indicators::Arguments),
    /// Check, explain and write the configuration file
    Config(command::config::Arguments),
    /// What must be in order before orders leave: each check with its evidence
    Preflight(command::preflight::Arguments),
    /// The machine and the installation: what was found, and what to do about it
    Doctor(command::doctor::Arguments),
    /// Trade what the configuration names
    Trade(command::trade::Arguments),
    /// List the exchanges that can be traded at and what they can do, or test one
    #[cfg(feature = "venues")]
    #[command(visible_alias = "exchange")]
    Exchanges(command::exchanges::Arguments),
    /// Fetch the candles of an exchange that the store does not have
    #[cfg(feature = "venues")]
    Fetch(command::fetch::Arguments),
    /// Serve a simulated exchange on this machine, for trials and other programs
    #[cfg(feature = "simulator")]
    Simulator(command::simulator::Arguments),
    /// Train models on candles, and look at them
    Model(command::model::Arguments),
    /// Serve a model over HTTP
    ModelServer(command::model_server::Arguments),
    /// Take candles from files into the store
    Import(command::import::Arguments),
    /// List, check and export stored candles
    Data(command::data::Arguments),
    /// Copy the database, also while it is in use, and try the copy
    Backup(command::backup::Arguments),
    /// Put a backup in the place of the database
    Restore(command::restore::Arguments),
    /// Look after the database: status, migrate, vacuum
    Db(command::db::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(arguments) => command::demo::run(arguments),
        Command::Backtest(arguments) => command::backtest::run(*arguments, &cli.place),
        Command::Strategies(arguments) => command::strategies::run(arguments),
        Command::Train(arguments) => command::train::run(*arguments, &cli.place),
        Command::Configurations(arguments) => command::configurations::run(arguments, &cli.place),
        Command::Studies(arguments) => command::studies::run(arguments, &cli.place),
        Command::WalkForward(arguments) => command::walk_forward::run(*arguments, &cli.place),
        Command::Overfitting(arguments) => command::overfitting::run(arguments, &cli.place),
        Command::Lookahead(arguments) => command::lookahead::run(arguments, &cli.place),
        Command::Status(arguments) => command::status::run(arguments, &cli.place),
        Command::Orders(arguments) => command::orders::run(arguments, &cli.place),
        Command::Trades(arguments) => command::trades::run(arguments, &cli.place),
        Command::Positions(arguments) => command::positions::run(arguments, &cli.place),
        Command::Events(arguments) => command::events::run(arguments, &cli.place),
        Command::Pause(arguments) => {
            command::control::run(ControlKind::Pause, arguments, &cli.place)
        }
        Command::Resume(arguments) => {
            command::control::run(ControlKind::Resume, arguments, &cli.place)
        }
        Command::Close(arguments) => command::control::close(arguments, &cli.place),
        Command::EmergencyStop(arguments) => {
            command::control::run(ControlKind::EmergencyStop, arguments, &cli.place)
        }
        Command::ResetBreaker(arguments) => command::control::reset(arguments, &cli.place),
        Command::Parity(arguments) => command::parity::run(arguments, &cli.place),
        Command::Indicators(arguments) => command::indicators::run(arguments, &cli.place),
        Command::Config(arguments) => command::config::run(arguments),
        Command::Preflight(arguments) => command::preflight::run(arguments, &cli.place),
        Command::Doctor(arguments) => command::doctor::run(arguments, &cli.place),
        Command::Trade(arguments) => command::trade::run(arguments, &cli.place),
        #[cfg(feature = "venues")]
        Command::Exchanges(arguments) => command::exchanges::run(arguments),
        #[cfg(feature = "venues")]
        Command::Fetch(arguments) => command::fetch::run(arguments, &cli.place),
        #[cfg(feature = "simulator")]
        Command::Simulator(arguments) => command::simulator::run(arguments),
        Command::Model(arguments) => command::model::run(arguments, &cli.place),
        Command::ModelServer(arguments) => command::model_server::run(arguments),
        Command::Import(arguments) => command::import::run(arguments, &cli.place),
        Command::Data(arguments) => command::data::run(arguments, &cli.place),
        Command::Backup(arguments) => command::backup::run(arguments, &cli.place),
        Command::Restore(arguments) => command::restore::run(arguments, &cli.place),
        Command::Db(arguments) => command::db::run(arguments, &cli.place),
    };
    output::exit_code(result)
}
