//! The desk against the simulated exchange, and against the backtest.

mod crash;
mod dice;
mod floor;
mod parity;

use dice::Dice;
use floor::Floor;
