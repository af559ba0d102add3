//! Messages to people: what was traded, what failed, what needs a look.
//!
//! [`Alerter`] is the port: whoever has something to say hands it an [`Alert`] and goes on. The
//! [`Dispatcher`] delivers in the background, to a [`Telegram`] chat or a [`Webhook`]; what comes
//! in quick succession it merges into one message. [`MemoryAlerter`] keeps what it is told.

#[cfg(feature = "alerts")]
mod delivery;
#[cfg(feature = "alerts")]
mod digest;
#[cfg(feature = "alerts")]
mod dispatcher;
mod level;
#[cfg(feature = "alerts")]
mod memory;
#[cfg(feature = "alerts")]
mod telegram;
#[cfg(feature = "alerts")]
mod webhook;

#[cfg(feature = "alerts")]
pub use delivery::{AlertTarget, DeliveryError};
#[cfg(feature = "alerts")]
pub use digest::{Digest, DigestEntry};
#[cfg(feature = "alerts")]
pub use dispatcher::{Dispatcher, DispatcherSettings, Subscription};
pub use level::{AlertLevel, UnknownLevel};
#[cfg(feature = "alerts")]
pub use memory::MemoryAlerter;
#[cfg(feature = "alerts")]
pub use telegram::{Telegram, escape};
#[cfg(feature = "alerts")]
pub use webhook::Webhook;

#[cfg(feature = "alerts")]
use tradepulse_core::time::Timestamp;

/// Something to tell people.
#[cfg(feature = "alerts")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub level: AlertLevel,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, in plain text.
    pub text: String,
}

/// Tells people.
///
/// The contract: [`alert`](Self::alert) returns at once and cannot fail; whether and when people
/// read it is nothing the caller waits for. Nothing that was told is dropped because there was much
/// of it.
#[cfg(feature = "alerts")]
pub trait Alerter: Send + Sync {
    /// Tells people of `alert`.
    fn alert(&self, alert: Alert);
}
