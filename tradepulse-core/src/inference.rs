//! Models: what they are asked, what they answer, and the port behind which they stand.

mod action;
mod prediction;

pub use action::{Action, UnknownAction};
pub use prediction::{Flaw, Prediction};
