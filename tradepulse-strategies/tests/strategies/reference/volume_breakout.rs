use tradepulse_strategies::VolumeBreakout;

use super::*;

#[test]
fn volume_breakout() {
    same::<VolumeBreakout>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let (high, low) = (series.high(), series.low());
    let (close, volume) = (series.close(), series.volume());
    let period: usize = p.get("consolidation_period").unwrap();
    let atr = atr(series, p.get("atr_period").unwrap());
    let sma = average_volume(series, p.get("volume_sma_period").unwrap());
    (0..series.len())
        .map(|i| {
            let range = i.checked_sub(period)?..i;
            if !range.clone().all(|j| high[j] - low[j] < get("atr_multiplier") * atr[j]) {
                return None;
            }
            let range_high = range.clone().map(|j| high[j]).fold(f64::MIN, f64::max);
            let range_low = range.map(|j| low[j]).fold(f64::MAX, f64::min);
            let tight = range_high - range_low <= get("max_range") * atr[i - 1];
            let loud = volume[i] > 0.0 && volume[i] >= get("volume_multiplier") * sma[i - 1];
            if !(tight && loud) {
                return None;
            }
            let (stop, reward) = ((range_high + range_low) / 2.0, get("risk_reward"));
            match side {
                Side::Long if close[i] > range_high => {
                    Some((stop, close[i] + reward * (close[i] - stop)))
                }
                Side::Short if close[i] < range_low => {
                    Some((stop, close[i] - reward * (stop - close[i])))
                }
                _ => None,
            }
        })
        .collect()
}
