//! Tests of significance: could it have been luck?

mod two_sample;

pub use two_sample::TwoSample;
