//! The coordinator: candles in, orders out, everything recorded.
//!
//! A [`Driver`] is the loop around a [`Desk`](tradepulse_core::desk::Desk): it hands it what a
//! [`Feed`](tradepulse_core::exchange::Feed) and an
//! [`Exchange`](tradepulse_core::exchange::Exchange) tell, writes each event into the journal before
//! anything that comes of it leaves the process, carries out the desk's commands and keeps its
//! records. A start is a recovery: the journal is replayed, the venue is asked, and only then does
//! anything new begin.
//!
//! A [`session`] puts the parts together by a configuration; [`live_feed`] brings candles as they
//! close.
//!
//! Paper, testnet and live differ in what stands behind the ports and in the [`Pace`]; the loop is
//! the same.

pub mod advisor;
mod back_off;
mod clock;
mod control;
mod driver;
mod journal;
pub mod live_feed;
mod observer;
mod paper_feed;
#[cfg(feature = "config")]
mod plan;
mod recorder;
mod replay_feed;
#[cfg(feature = "config")]
mod run_settings;
#[cfg(feature = "services")]
pub mod services;
#[cfg(feature = "config")]
pub mod session;

pub use clock::Clock;
pub use control::{ControlDoor, ControlHook, ControlMailbox};
pub use driver::{CrashHook, CrashPoint, Driver, DriverError, DriverSetup, Ended, Pace};
pub use journal::JournalError;
pub use observer::Observer;
pub use paper_feed::{FollowsMarket, PaperFeed};
#[cfg(feature = "config")]
pub use plan::{DeskAccount, LanePlan, Plan, PlanError};
pub use recorder::{Counters, LaneOwner, Owner};
pub use replay_feed::{ReplayFeed, ReplaySpeed};
#[cfg(feature = "config")]
pub use run_settings::{LaneSettings, RunSettings};
