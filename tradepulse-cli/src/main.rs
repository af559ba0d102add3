//! The `tradepulse` command.
fn main() {}
