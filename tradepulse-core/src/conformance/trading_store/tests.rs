use std::sync::{Mutex, PoisonError};

use super::*;
use crate::store::MemoryStore;

#[derive(Default)]
struct Factory(Mutex<Arc<MemoryStore>>);

#[async_trait]
impl TradingStoreFactory for Factory {
    async fn make(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        self.reopen().await
    }

    async fn reopen(&self) -> Result<Arc<dyn TradingStore>, StoreError> {
        let store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(&*store) as Arc<dyn TradingStore>)
    }
}

#[test]
fn the_memory_store_conforms() {
    let report = pollster::block_on(run(&Factory::default()));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = cases().iter().map(|c| c.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cases().len());
}
