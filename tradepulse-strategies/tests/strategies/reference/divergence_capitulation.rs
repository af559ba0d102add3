use tradepulse_strategies::DivergenceCapitulation;

use super::*;

#[test]
fn divergence_capitulation() {
    same::<DivergenceCapitulation>(rules);
}

fn rules(series: &Series, p: &Parameters, side: Side) -> Confirmed {
    let get = |name: &str| p.get::<f64>(name).unwrap();
    let (open, high, low) = (series.open(), series.high(), series.low());
    let (close, volume) = (series.close(), series.volume());
    let rsi = rsi(series, p.get("rsi_period").unwrap());
    let fast = ema(series, p.get("ema_fast").unwrap());
    let slow = ema(series, p.get("ema_slow").unwrap());
    let sma = average_volume(series, p.get("volume_sma_period").unwrap());
    let lookback: usize = p.get("divergence_lookback").unwrap();
    let price = if side == Side::Long { low } else { high };
    let turns = |i: usize| match side {
        Side::Long => close[i] > open[i],
        Side::Short => close[i] < open[i],
    };
    (0..series.len())
        .map(|i| {
            let window = (i + 1).saturating_sub(lookback)..i;
            let swings: Vec<usize> =
                window.filter(|&j| is_swing(&price[..=i], j, 1, side)).collect();
            let [.., a, b] = swings[..] else { return None };
            let first_turn = turns(i) && (b + 1..i).all(|j| !turns(j));
            let loud = volume[b] > 0.0 && volume[b] >= get("volume_spike_multiplier") * sma[b - 1];
            let (trend, diverges) = match side {
                Side::Long => (fast[i] < slow[i], low[b] < low[a] && rsi[b] > rsi[a] + 1e-9),
                Side::Short => (fast[i] > slow[i], high[b] > high[a] && rsi[b] < rsi[a] - 1e-9),
            };
            if !(first_turn && loud && trend && diverges) {
                return None;
            }
            let (buffer, target) = (get("stop_buffer"), fast[i]);
            let (stop, reward, risk) = match side {
                Side::Long => {
                    let stop = low[b] * (1.0 - buffer / 100.0);
                    (stop, target - close[i], close[i] - stop)
                }
                Side::Short => {
                    let stop = high[b] * (1.0 + buffer / 100.0);
                    (stop, close[i] - target, stop - close[i])
                }
            };
            (reward > 0.0 && reward / risk >= get("min_reward_risk")).then_some((stop, target))
        })
        .collect()
}
