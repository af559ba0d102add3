use std::collections::VecDeque;

use crate::time::{DAY_MS, Timestamp};

/// The closes of one market over the last 30 days: what the correlation of two markets is made of.
///
/// ```
/// use tradepulse_core::{risk::ReturnWindow, time::Timestamp};
/// let (mut one, mut other) = (ReturnWindow::default(), ReturnWindow::default());
/// for hour in 0..100_i64 {
///     let (at, wave) = (Timestamp::from_ms(hour * 3_600_000), (hour as f64).sin());
///     one.push(at, 100.0 + wave);
///     other.push(at, 7.0 - 0.01 * wave);
/// }
/// assert!(one.correlation(&other).is_some_and(|c| c < -0.99));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReturnWindow {
    closes: VecDeque<(Timestamp, f64)>,
}

impl ReturnWindow {
    /// Length of the window, days.
    pub const DAYS: i64 = 30;
    /// Fewer common returns tell nothing.
    pub const MIN_RETURNS: usize = 30;

    /// Adds a close, which must be later than those before it, and forgets what has left the
    /// window. A close that is not later, or no price, is left out.
    pub fn push(&mut self, closed_at: Timestamp, close: f64) {
        let late = self.closes.back().is_some_and(|(last, _)| closed_at <= *last);
        if late || !(close > 0.0 && close.is_finite()) {
            return;
        }
        self.closes.push_back((closed_at, close));
        let first = closed_at.as_ms().saturating_sub(Self::DAYS * DAY_MS);
        while self.closes.front().is_some_and(|(at, _)| at.as_ms() < first) {
            self.closes.pop_front();
        }
    }

    /// Pearson's correlation of the logarithmic returns of both markets, −1..=1: of their returns
    /// from each instant at which both have a close to the next such instant. Only the 30 days
    /// before the later of both last closes count.
    ///
    /// `None` with fewer than [`MIN_RETURNS`](Self::MIN_RETURNS), or where a price does not move.
    pub fn correlation(&self, other: &Self) -> Option<f64> {
        let newest = self.closes.back()?.0.max(other.closes.back()?.0);
        let first = newest.as_ms().saturating_sub(Self::DAYS * DAY_MS);
        let mut pairs = Vec::new();
        let (mut last, mut theirs) = (None, other.closes.iter().peekable());
        for (at, a) in self.closes.iter().filter(|(at, _)| at.as_ms() >= first) {
            while theirs.next_if(|(t, _)| t < at).is_some() {}
            let Some((_, b)) = theirs.next_if(|(t, _)| t == at) else { continue };
            if let Some((last_a, last_b)) = last.replace((*a, *b)) {
                pairs.push(((a / last_a).ln(), (b / last_b).ln()));
            }
        }
        if pairs.len() < Self::MIN_RETURNS {
            return None;
        }
        pearson(&pairs)
    }
}

fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean_a = pairs.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_b = pairs.iter().map(|p| p.1).sum::<f64>() / n;
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let correlation = ab / (aa.sqrt() * bb.sqrt());
    correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(hours: impl Iterator<Item = i64>, price: impl Fn(f64) -> f64) -> ReturnWindow {
        let mut window = ReturnWindow::default();
        hours.for_each(|h| window.push(Timestamp::from_ms(h * 3_600_000), price(h as f64)));
        window
    }

    #[test]
    fn returns_are_aligned_by_time() {
        let wave = |h: f64| (h * 0.7).sin().exp();
        let all = window(0..200, wave);
        let some = window((0..200).filter(|h| h % 3 != 1), |h| wave(h).powi(2));
        assert!((all.correlation(&some).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(all.correlation(&some), some.correlation(&all));
        let apart = window((0..200).map(|h| h + 1000), wave);
        assert_eq!(all.correlation(&apart), None, "no time in common");
        assert_eq!(all.correlation(&window(0..200, |_| 5.0)), None, "a price that does not move");
        assert_eq!(all.correlation(&window(0..30, wave)), None, "29 returns");
    }

    #[test]
    fn the_window_rolls() {
        let (days, noise) = (60 * 24, |h: f64| (h * h * 0.37).sin().exp());
        let turned = |h: f64| if h < 700.0 { 1.0 / noise(h) } else { noise(h) };
        let (a, b) = (window(0..days, noise), window(0..days, turned));
        assert!((a.correlation(&b).unwrap() - 1.0).abs() < 1e-12, "what lies 30 days back is gone");
        assert_eq!(a.closes.len(), 30 * 24 + 1);
    }

    #[test]
    fn what_is_no_close_is_left_out() {
        let mut window = window(0..5, |h| h + 1.0);
        for close in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            window.push(Timestamp::from_ms(i64::MAX), close);
        }
        window.push(Timestamp::from_ms(3_600_000), 9.0);
        assert_eq!(window.closes.len(), 5);
    }
}
