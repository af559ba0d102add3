use std::collections::VecDeque;

use super::{Call, Fault, FaultPlan};
use crate::exchange::VenueEvent;
use crate::time::Timestamp;

/// Events on their way from the venue to whoever drains.
#[derive(Debug, Default)]
pub(super) struct Stream {
    events: u64,
    drains: u64,
    /// The venue's time, by the newest event.
    pub(super) now: Timestamp,
    /// Ready to be handed out.
    ready: VecDeque<VenueEvent>,
    /// Handed out after the next event.
    after_next: Vec<VenueEvent>,
    /// Handed out from this drain on.
    delayed: Vec<(u64, VenueEvent)>,
    /// The time until which all is known to have arrived, if something was lost since.
    gap: Option<Timestamp>,
    /// Until this drain the stream is cut.
    cut_until: u64,
    /// The newest time of an event that went through.
    complete_until: Timestamp,
}

impl Stream {
    pub(super) fn is_cut(&self) -> bool {
        self.drains < self.cut_until
    }

    /// Whether something is held that a drain will tell sooner or later.
    pub(super) fn holds_something(&self) -> bool {
        !self.ready.is_empty()
            || !self.after_next.is_empty()
            || !self.delayed.is_empty()
            || self.gap.is_some()
    }

    /// Takes what the venue tells.
    pub(super) fn take(&mut self, events: Vec<VenueEvent>, plan: &FaultPlan) {
        for event in events {
            self.events += 1;
            if let VenueEvent::Order(report) = &event {
                self.now = self.now.max(report.at);
            }
            if self.is_cut() {
                self.lose();
                continue;
            }
            let fault = plan.fault(Call::Event, self.events, self.now, false);
            match fault {
                Some(Fault::Lost) => self.lose(),
                Some(Fault::Disconnected { drains }) => {
                    self.cut_until = self.drains + u64::from(drains);
                    self.lose();
                }
                Some(Fault::Reordered) => {
                    self.after_next.push(event);
                    continue;
                }
                Some(Fault::Delayed { drains }) => {
                    self.delayed.push((self.drains + u64::from(drains), event));
                }
                other => {
                    if other == Some(Fault::Duplicated) {
                        self.ready.push_back(event.clone());
                    }
                    self.ready.push_back(event);
                }
            }
            self.ready.extend(self.after_next.drain(..));
            if self.gap.is_none() {
                self.complete_until = self.now;
            }
        }
    }

    /// Whatever came before this event's time has arrived, unless something was lost already.
    fn lose(&mut self) {
        let before = Timestamp::from_ms(self.now.as_ms().saturating_sub(1));
        self.gap = self.gap.or(Some(self.complete_until.min(before)));
    }

    /// Hands out what has arrived. `ended` says that the venue has nothing more to tell now.
    pub(super) fn hand_out(&mut self, ended: bool) -> Vec<VenueEvent> {
        self.drains += 1;
        if self.is_cut() {
            return Vec::new();
        }
        let mut events = Vec::new();
        if let Some(since) = self.gap.take() {
            events.push(VenueEvent::Gap { since });
            self.complete_until = self.now;
        }
        let due = |(from, _): &mut (u64, VenueEvent)| *from < self.drains;
        events.extend(self.delayed.extract_if(.., due).map(|(_, event)| event));
        events.extend(self.ready.drain(..));
        if ended {
            events.append(&mut self.after_next);
        }
        events
    }

    /// Whether a drain would find something ready.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_cut() && (!self.ready.is_empty() || self.gap.is_some())
    }
}
