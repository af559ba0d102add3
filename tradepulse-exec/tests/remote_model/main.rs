//! Models behind HTTP: those that answer, and those that are dead, slow, confused or in trouble.

#![allow(clippy::unwrap_used)]

mod answers;
mod faults;
mod scene;
