use tradepulse_core::desk::Desk;
use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::store::trading::{EventLevel, TradingRecord};

/// Looks on while a run goes on: logs, figures, alerts, a progress bar.
///
/// It is told after the fact and returns at once; nothing it does changes what is traded.
pub trait Observer: Send {
    /// These records are in the store now. What a restart finds in the journal and stores again is
    /// not told again.
    fn stored(&mut self, records: &[TradingRecord]);

    /// The feed told this, and the desk is as it is after it.
    fn fed(&mut self, event: &FeedEvent, desk: &Desk);

    /// The session says this of itself: that it began, what it lacks, how it ends.
    fn noted(&mut self, level: EventLevel, text: &str);
}
