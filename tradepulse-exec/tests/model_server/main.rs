//! The model server over HTTP: what it answers, and what it refuses.

#![allow(clippy::unwrap_used)]

mod asked;
mod batching;
mod description;
mod faults;
mod learning;
mod malformed;
mod online;
mod scene;
mod v2;
mod versions;
