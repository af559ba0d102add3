use tokio::sync::watch;

/// The side that stops a session. Dropping it stops nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// The side that is stopped. Clones are stopped together.
#[derive(Clone, Debug)]
pub struct StopSignal(Option<watch::Receiver<bool>>);

impl Stopper {
    /// Both sides.
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), StopSignal(Some(receiver)))
    }

    /// Stops: no more entries, and an end in good order. Once more does nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// One that never comes.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Whether it has come.
    pub fn is_stopped(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow())
    }

    /// Resolves once it has come.
    pub async fn stopped(&self) {
        if let Some(mut receiver) = self.0.clone()
            && receiver.wait_for(|stopped| *stopped).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}
