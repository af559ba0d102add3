//! What Ctrl-C and a polite kill mean.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tradepulse_exec::coordinator::session::{StopSignal, Stopper};

use crate::output::note;

/// Exit code of a process that was told twice to stop.
const STOPPED_TWICE: i32 = 130;

/// How long an end in good order may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first SIGINT, SIGTERM or SIGHUP stops in good order; the second ends the process at once.
pub(crate) fn stop_signal() -> Result<StopSignal> {
    let (stopper, signal) = Stopper::new();
    let heard = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if heard.swap(true, Ordering::Relaxed) {
            std::process::exit(STOPPED_TWICE);
        }
        note("stopping; the next signal ends the process at once");
        stopper.stop();
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
            note("the end took too long; what was done is in the records");
            std::process::exit(1);
        });
    })
    .context("cannot listen for signals")?;
    Ok(signal)
}
