use tradepulse_strategies::LiquiditySweep;

use super::*;

#[test]
fn liquidity_sweep() {
    same::<LiquiditySweep>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let (open, high, low) = (series.open(), series.high(), series.low());
    let (close, volume) = (series.close(), series.volume());
    let (atr, sma) = (atr(series, 14), average_volume(series, 20));
    let lookback: usize = p.get("key_level_lookback").unwrap();
    let window: usize = p.get("rejection_candles").unwrap();
    let depth = get("pierce_depth");
    let price = if side == Side::Long { low } else { high };

    let sweep_at = |k: usize| -> Option<f64> {
        if k < 1 || atr[k - 1].is_nan() || sma[k - 1].is_nan() {
            return None;
        }
        let levels: Vec<f64> = (k.saturating_sub(lookback)..k)
            .filter(|&j| j + 2 < k && is_swing(price, j, 2, side))
            .map(|j| price[j])
            .collect();
        let mut swept: Vec<(f64, f64)> = Vec::new();
        for &level in &levels {
            let touches = levels.iter().filter(|x| (*x - level).abs() <= 0.25 * atr[k - 1]).count();
            let density = 1.0 - (-(touches as f64)).exp2();
            let pierced = match side {
                Side::Long => close[k - 1] > level && low[k] < level * (1.0 - depth / 100.0),
                Side::Short => close[k - 1] < level && high[k] > level * (1.0 + depth / 100.0),
            };
            if density >= get("min_stop_density_score")
                && pierced
                && volume[k] > get("volume_spike_threshold") * sma[k - 1]
            {
                swept.push((density, level));
            }
        }
        swept.sort_by(|a, b| {
            let by_level = a.1.total_cmp(&b.1);
            a.0.total_cmp(&b.0).then(if side == Side::Long { by_level } else { by_level.reverse() })
        });
        swept.last().map(|best| best.1)
    };
    let sweeps: Vec<Option<f64>> = (0..series.len()).map(sweep_at).collect();

    let mut confirmed = vec![None; series.len()];
    for k in 0..series.len() {
        let Some(level) = sweeps[k] else { continue };
        for i in k..(k + window).min(series.len()) {
            if i > k && sweeps[i].is_some() {
                break;
            }
            let big = high[i] - low[i] >= get("reversal_candle_size") * atr[i - 1];
            let rejects = match side {
                Side::Long => close[i] > level && close[i] > open[i],
                Side::Short => close[i] < level && close[i] < open[i],
            };
            if big && rejects {
                let (stop, target) = (get("stop_distance"), get("target_multiple"));
                confirmed[i] = Some(match side {
                    Side::Long => (close[i] - stop * atr[i], close[i] + target * stop * atr[i]),
                    Side::Short => (close[i] + stop * atr[i], close[i] - target * stop * atr[i]),
                });
                break;
            }
        }
    }
    confirmed
}
