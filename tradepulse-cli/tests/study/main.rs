//! Studies as their users meet them: resumed, reported, questioned, and kept in a database that is
//! looked after.

#![allow(clippy::unwrap_used)]

mod database;
mod folder;
mod overfitting;
#[path = "../program/mod.rs"]
mod program;
mod report;
mod restricted;
mod resume;
mod walk_forward;
