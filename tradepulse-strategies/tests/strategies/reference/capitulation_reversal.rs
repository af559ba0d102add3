use tradepulse_strategies::CapitulationReversal;

use super::*;

#[test]
fn capitulation_reversal() {
    same::<CapitulationReversal>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let (open, high, low) = (series.open(), series.high(), series.low());
    let (close, volume) = (series.close(), series.volume());
    let (atr, rsi, sma) = (atr(series, 14), rsi(series, 14), average_volume(series, 20));
    let n = series.len();

    let is_panic = |q: usize| {
        if q < 20 {
            return false;
        }
        let extreme = (q - 19..=q).all(|j| match side {
            Side::Long => low[q] <= low[j],
            Side::Short => high[q] >= high[j],
        });
        let true_range = (high[q] - low[q])
            .max((high[q] - close[q - 1]).abs())
            .max((low[q] - close[q - 1]).abs());
        let (body, wick, exhausted) = match side {
            Side::Long => {
                (open[q] - close[q], open[q].min(close[q]) - low[q], rsi[q] <= get("rsi_extreme"))
            }
            Side::Short => (
                close[q] - open[q],
                high[q] - open[q].max(close[q]),
                rsi[q] >= 100.0 - get("rsi_extreme"),
            ),
        };
        let least_wick =
            get("exhaustion_wick_ratio") * (close[q] - open[q]).abs().max(0.1 * (high[q] - low[q]));
        let mut points = 0;
        if volume[q] > 0.0 && volume[q] >= get("volume_explosion") * sma[q - 1] {
            points += 30;
        }
        if body > 0.0 && body >= get("price_velocity") * atr[q - 1] {
            points += 25;
        }
        if true_range >= get("range_explosion") * atr[q - 1] {
            points += 20;
        }
        if high[q] > low[q] && wick >= least_wick {
            points += 15;
        }
        if exhausted {
            points += 10;
        }
        extreme && points >= (100.0 * get("panic_score_min")).round() as i32
    };
    let panics: Vec<bool> = (0..n).map(is_panic).collect();

    let mut gone = vec![false; n];
    let mut confirmed = vec![None; n];
    for i in 0..n {
        let from = i.saturating_sub(p.get("panic_window").unwrap());
        let Some(q) = (from..i).rev().find(|&q| panics[q] && !gone[q]) else { continue };
        let undercut = (q + 1..=i).any(|j| match side {
            Side::Long => low[j] < low[q],
            Side::Short => high[j] > high[q],
        });
        if undercut {
            gone[q] = true;
            continue;
        }
        let midpoint = (high[q] + low[q]) / 2.0;
        let (buffer, reward) = (get("stop_buffer_atr") * atr[i], get("risk_reward"));
        match side {
            Side::Long if close[i] > open[i] && close[i] > midpoint => {
                let stop = low[q] - buffer;
                gone[q] = true;
                confirmed[i] = Some((stop, close[i] + reward * (close[i] - stop)));
            }
            Side::Short if close[i] < open[i] && close[i] < midpoint => {
                let stop = high[q] + buffer;
                gone[q] = true;
                confirmed[i] = Some((stop, close[i] - reward * (stop - close[i])));
            }
            _ => {}
        }
    }
    confirmed
}
