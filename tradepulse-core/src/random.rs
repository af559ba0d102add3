//! Randomness that is handed in: a seed, and independent streams named by a label.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The seed of everything random in a run. The same seed gives the same results on every machine
/// and with any number of threads.
///
/// ```
/// use rand::Rng;
/// use tradepulse_core::random::Seed;
/// let seed = Seed(42);
/// assert_eq!(seed.stream("monte carlo").next_u64(), seed.stream("monte carlo").next_u64());
/// assert_ne!(seed.stream("monte carlo").next_u64(), seed.stream("market").next_u64());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The generator of everything that goes by `label`, independent of all other labels.
    pub fn stream(self, label: &str) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(label.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}
