//! Risk: what must be true before an entry reaches a venue.

mod approved;

pub use approved::Approved;
