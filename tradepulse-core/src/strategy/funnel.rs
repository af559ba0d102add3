use serde::Serialize;

/// One condition of a strategy, and how many candles passed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunnelStep {
    /// The condition in a few words.
    pub condition: &'static str,
    /// Candles that passed it and all conditions before it.
    pub candles: u64,
}

/// The conditions of a strategy in the order it tests them, one list a side, so that "no trades"
/// explains itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// Conditions of a long entry.
    pub long: Vec<FunnelStep>,
    /// Conditions of a short entry.
    pub short: Vec<FunnelStep>,
}

impl Funnel {
    /// A funnel from counters: `long[k]` and `short[k]` are the candles that passed
    /// `conditions[k]`.
    pub fn new<const N: usize>(
        conditions: [&'static str; N],
        long: [u64; N],
        short: Option<[u64; N]>,
    ) -> Self {
        let steps = |counts: [u64; N]| {
            let pairs = conditions.into_iter().zip(counts);
            pairs.map(|(condition, candles)| FunnelStep { condition, candles }).collect()
        };
        Self { long: steps(long), short: short.map(steps).unwrap_or_default() }
    }
}
