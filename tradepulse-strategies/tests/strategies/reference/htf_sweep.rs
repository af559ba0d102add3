use std::collections::BTreeMap;

use tradepulse_strategies::HtfSweep;

use super::*;

#[test]
fn htf_sweep() {
    same::<HtfSweep>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let whole = |name: &str| p.get::<usize>(name).unwrap();
    let (high, low, close) = (series.high(), series.low(), series.close());
    let (multiple, strength) = (whole("higher_timeframe_multiple"), whole("swing_strength"));

    // Rows of each higher candle that has all of them.
    let span = series.timeframe().as_ms() * multiple as i64;
    let mut rows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (i, time) in series.time().iter().enumerate() {
        rows.entry(time.div_euclid(span)).or_default().push(i);
    }
    let higher: Vec<Vec<usize>> = rows.into_values().filter(|r| r.len() == multiple).collect();
    let lowest = |rows: &Vec<usize>| rows.iter().map(|&i| low[i]).fold(f64::MAX, f64::min);
    let highest = |rows: &Vec<usize>| rows.iter().map(|&i| high[i]).fold(f64::MIN, f64::max);
    let lows: Vec<f64> = higher.iter().map(lowest).collect();
    let highs: Vec<f64> = higher.iter().map(highest).collect();
    let extremes = if side == Side::Long { &lows } else { &highs };

    let sweeps: Vec<usize> = (1..higher.len())
        .filter(|&s| {
            let oldest = (s - 1).saturating_sub(whole("swing_lookback"));
            let Some(j) = (oldest..s)
                .rev()
                .find(|&j| j + strength < s && is_swing(&extremes[..s], j, strength, side))
            else {
                return false;
            };
            let (swing, close) = (extremes[j], close[higher[s][multiple - 1]]);
            match side {
                Side::Long => lows[s] < swing * (1.0 - get("min_sweep") / 100.0) && close > swing,
                Side::Short => highs[s] > swing * (1.0 + get("min_sweep") / 100.0) && close < swing,
            }
        })
        .collect();

    let mut confirmed = vec![None; series.len()];
    for (n, &s) in sweeps.iter().enumerate() {
        let end = higher[s][multiple - 1];
        let replaced_at = sweeps.get(n + 1).map_or(usize::MAX, |&next| higher[next][multiple - 1]);
        let m = higher[s].iter().copied().find(|&i| match side {
            Side::Long => low[i] == lows[s],
            Side::Short => high[i] == highs[s],
        });
        let m = m.unwrap();
        let after = if m == end { m..=end } else { m + 1..=end };
        let minor_high = after.clone().map(|i| high[i]).fold(f64::MIN, f64::max);
        let minor_low = after.map(|i| low[i]).fold(f64::MAX, f64::min);
        let at = if p.get::<bool>("structure_shift").unwrap() {
            let mut found = None;
            for i in end + 1..=end + whole("confirmation_window") {
                if i >= series.len() || i >= replaced_at {
                    break;
                }
                let (cancelled, shifts) = match side {
                    Side::Long => (low[i] < lows[s], close[i] > minor_high),
                    Side::Short => (high[i] > highs[s], close[i] < minor_low),
                };
                if cancelled {
                    break;
                }
                if shifts {
                    found = Some(i);
                    break;
                }
            }
            found
        } else {
            Some(end)
        };
        if let Some(i) = at {
            let (c, buffer) = (close[i], get("stop_buffer"));
            confirmed[i] = Some(match side {
                Side::Long => {
                    let stop = lows[s] * (1.0 - buffer / 100.0);
                    (stop, c + get("risk_reward") * (c - stop))
                }
                Side::Short => {
                    let stop = highs[s] * (1.0 + buffer / 100.0);
                    (stop, c - get("risk_reward") * (stop - c))
                }
            });
        }
    }
    confirmed
}
