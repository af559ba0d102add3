use tradepulse_strategies::FailedBreakdown;

use super::*;

#[test]
fn failed_breakdown() {
    same::<FailedBreakdown>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let whole = |name: &str| p.get::<usize>(name).unwrap();
    let (high, low) = (series.high(), series.low());
    let (close, volume) = (series.close(), series.volume());
    let atr = atr(series, 14);
    let (n, lookback) = (series.len(), whole("range_lookback"));
    let mut confirmed = vec![None; n];
    let mut b = lookback;
    while b < n {
        let range = b - lookback..b;
        let support = range.clone().map(|j| low[j]).fold(f64::MAX, f64::min);
        let resistance = range.clone().map(|j| high[j]).fold(f64::MIN, f64::max);
        let height = resistance - support;
        let at_support = range.clone().filter(|&j| low[j] <= support + 0.1 * height).count();
        let at_resistance = range.clone().filter(|&j| high[j] >= resistance - 0.1 * height).count();
        let mean_volume = range.map(|j| volume[j]).sum::<f64>() / lookback as f64;
        let depth = get("breakdown_depth");
        let breaks = match side {
            Side::Long => low[b] < support * (1.0 - depth / 100.0),
            Side::Short => high[b] > resistance * (1.0 + depth / 100.0),
        };
        let is_breakdown = height / support * 100.0 <= get("range_tightness")
            && at_support >= whole("min_touches")
            && at_resistance >= whole("min_touches")
            && breaks
            && volume[b] > 0.0
            && volume[b] <= get("breakdown_volume_max") * mean_volume
            && !atr[b].is_nan();
        if !is_breakdown {
            b += 1;
            continue;
        }
        let last = b + whole("spring_max_duration");
        let recovery = (b + 1..=last.min(n - 1)).find(|&i| match side {
            Side::Long => close[i] > support,
            Side::Short => close[i] < resistance,
        });
        if let Some(i) = recovery
            && volume[i] > 0.0
            && volume[i] >= get("recovery_volume") * mean_volume
        {
            let (buffer, reward) = (get("stop_buffer_atr") * atr[i], get("risk_reward"));
            confirmed[i] = Some(match side {
                Side::Long => {
                    let stop = (b..=i).map(|j| low[j]).fold(f64::MAX, f64::min) - buffer;
                    (stop, close[i] + reward * (close[i] - stop))
                }
                Side::Short => {
                    let stop = (b..=i).map(|j| high[j]).fold(f64::MIN, f64::max) + buffer;
                    (stop, close[i] - reward * (stop - close[i]))
                }
            });
        }
        b = recovery.unwrap_or(last) + 1;
    }
    confirmed
}
