use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};
use tradepulse_core::inference::{PredictorError, Rows};

use crate::inference::bundle::Bundle;

/// Questions to a model. Those that have to wait for others are asked together, as rows of one
/// question; who need not wait is not held up.
pub(super) struct Batches {
    /// How many questions may be under way.
    turns: Semaphore,
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    bundle: Arc<Bundle>,
    rows: Arc<[f64]>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<f64>, PredictorError>;

/// Most values that are put together.
const MOST_VALUES: usize = 1 << 16;

impl Batches {
    pub(super) fn new(at_once: usize) -> Self {
        Self { turns: Semaphore::new(at_once.max(1)), waiting: Mutex::default() }
    }

    /// The outputs for `rows` of as many values as the model takes.
    pub(super) async fn predict(&self, bundle: &Arc<Bundle>, rows: Vec<f64>) -> Answer {
        if let Ok(_turn) = self.turns.try_acquire() {
            return ask(bundle, &rows).await;
        }
        let rows: Arc<[f64]> = rows.into();
        let (answer, mut answered) = oneshot::channel();
        let asked = Waiting { bundle: Arc::clone(bundle), rows: Arc::clone(&rows), answer };
        self.waiting().push(asked);
        {
            let _turn = self.turns.acquire().await;
            let batch = self.take_with(&rows);
            if !batch.is_empty() {
                ask_together(batch).await;
                // This question was among them.
                if let Ok(answer) = answered.try_recv() {
                    return answer;
                }
            }
        }
        match answered.await {
            Ok(answer) => answer,
            // Whoever asked for it was dropped.
            Err(_) => ask(bundle, &rows).await,
        }
    }

    /// Takes the question with `rows`, if it still waits, and others to the same model.
    fn take_with(&self, rows: &Arc<[f64]>) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        waiting.retain(|asked| !asked.answer.is_closed());
        let Some(own) = waiting.iter().position(|asked| Arc::ptr_eq(&asked.rows, rows)) else {
            return Vec::new();
        };
        let own = waiting.remove(own);
        let mut values = rows.len();
        let others = waiting.extract_if(.., |asked| {
            let more = values.saturating_add(asked.rows.len());
            let fits = Arc::ptr_eq(&asked.bundle, &own.bundle) && more <= MOST_VALUES;
            values = if fits { more } else { values };
            fits
        });
        let mut batch: Vec<Waiting> = others.collect();
        batch.push(own);
        batch
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(bundle: &Bundle, rows: &[f64]) -> Answer {
    let model = bundle.model();
    model.predict(Rows::new(rows, model.signature().inputs)?).await
}

/// Asks for all of them, and gives each its own answer.
async fn ask_together(batch: Vec<Waiting>) {
    let rows: Vec<f64> = batch.iter().flat_map(|asked| asked.rows.iter().copied()).collect();
    let Some(bundle) = batch.first().map(|asked| Arc::clone(&asked.bundle)) else { return };
    let signature = bundle.model().signature();
    match ask(&bundle, &rows).await {
        Ok(outputs) => {
            let mut rest = outputs.as_slice();
            for asked in batch {
                let count = asked.rows.len() / signature.inputs.max(1) * signature.outputs;
                let (own, others) = rest.split_at(count.min(rest.len()));
                rest = others;
                // Who has gone needs no answer.
                let _ = asked.answer.send(Ok(own.to_vec()));
            }
        }
        // One of them may be wrong: the others are not to suffer for it.
        Err(_) => {
            for asked in batch {
                let answer = ask(&bundle, &asked.rows).await;
                let _ = asked.answer.send(answer);
            }
        }
    }
}
