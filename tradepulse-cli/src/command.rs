//! One file a command: parse, call the library, print.

pub(crate) mod backtest;
pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod configurations;
pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod import;
pub(crate) mod indicators;
pub(crate) mod lookahead;
pub(crate) mod orders;
pub(crate) mod overfitting;
pub(crate) mod parity;
pub(crate) mod positions;
pub(crate) mod preflight;
pub(crate) mod restore;
pub(crate) mod status;
pub(crate) mod strategies;
pub(crate) mod studies;
pub(crate) mod trade;
pub(crate) mod trades;
pub(crate) mod train;
pub(crate) mod walk_forward;
