//! Nanoseconds per candle of each indicator on 1,000,000 candles, beside other crates:
//! `cargo bench -p tradepulse-benches --bench indicators [-- NAME]`.
//!
//! `ta` smooths RSI, ATR and the stochastic otherwise than Wilder and Lane; `yata` takes the sample
//! deviation in its Bollinger bands. They stand here for their speed alone.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use kand::ohlcv as kand_price;
use kand::stats as kand_stats;
use ta_lib::{Core, MAType};
use tradepulse_core::indicator::*;
use tradepulse_core::market::{Candle, Columns};
use tradepulse_core::time::Timestamp;
use yata::core::{IndicatorConfig, IndicatorInstance, Method};

const ROWS: usize = 1_000_000;

/// A seeded random walk.
fn market() -> Columns {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut columns = Columns::with_capacity(ROWS);
    let mut price = 30_000.0;
    for i in 0..ROWS as i64 {
        let open = price;
        price = (open * (1.0 + 0.004 * (uniform() - 0.5))).clamp(1_000.0, 1_000_000.0);
        columns.push(Candle {
            open_time: Timestamp::from_ms(i * 300_000),
            open,
            high: f64::max(open, price) * (1.0 + 0.002 * uniform()),
            low: f64::min(open, price) * (1.0 - 0.002 * uniform()),
            close: price,
            volume: 100.0 * uniform(),
        });
    }
    columns
}

/// One indicator: what is measured of it is named `crate mode`.
struct Group<'a>(BenchmarkGroup<'a, WallTime>);

impl Group<'_> {
    /// Whole columns into preallocated ones.
    fn batch<R, const N: usize>(
        &mut self,
        name: &str,
        outs: &mut [Vec<f64>; 11],
        mut run: impl FnMut([&mut [f64]; N]) -> R,
    ) -> &mut Self {
        self.0.bench_function(format!("{name} batch"), |b| {
            b.iter(|| {
                let mut outs = outs.iter_mut();
                run(std::array::from_fn(|_| outs.next().unwrap().as_mut_slice()));
                black_box(&outs);
            });
        });
        self
    }

    /// One input after another, from a fresh state.
    fn stream<T: Copy, S, R>(
        &mut self,
        name: &str,
        inputs: &[T],
        mut fresh: impl FnMut() -> S,
        next: impl Fn(&mut S, T) -> R,
    ) -> &mut Self {
        self.0.bench_function(format!("{name} stream"), |b| {
            b.iter(|| {
                let mut state = fresh();
                for &input in inputs {
                    black_box(next(&mut state, input));
                }
            });
        });
        self
    }

    /// Ours, both ways.
    fn ours<I: Indicator + Clone, const N: usize>(
        &mut self,
        indicator: Result<I, PeriodError>,
        inputs: &[I::Input],
        outs: &mut [Vec<f64>; 11],
        batch: impl Fn([&mut [f64]; N]) -> Result<(), BatchError>,
    ) -> &mut Self {
        let indicator = indicator.unwrap();
        self.batch("ours", outs, |o| batch(o).unwrap());
        self.stream(
            "ours",
            inputs,
            || indicator.clone(),
            |i, input| {
                if let Some(value) = i.next(input) {
                    black_box(value);
                }
            },
        )
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let columns = market();
    let mut group = |name: &str, run: &mut dyn FnMut(&mut Group)| {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(ROWS as u64)).sampling_mode(SamplingMode::Flat);
        run(&mut Group(group));
    };
    averages(&columns, &mut group);
    windows(&columns, &mut group);
    oscillators(&columns, &mut group);
    ranges(&columns, &mut group);
    volumes(&columns, &mut group);
    criterion.final_summary();
}

type Run<'a> = &'a mut dyn FnMut(&str, &mut dyn FnMut(&mut Group));

fn outs() -> [Vec<f64>; 11] {
    std::array::from_fn(|_| vec![0.0; ROWS])
}

fn averages(c: &Columns, group: Run) {
    let (core, close, e, o) = (Core::new(), &c.close[..], ROWS - 1, &mut outs());
    let first = yata_candle(&c.candle(0));
    group("sma 20", &mut |g| {
        g.ours(Sma::new(20), close, o, |[a]| Sma::batch(20, close, a))
            .batch("ta-lib", o, |[a]| core.sma(0, e, close, 20, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.sma_open(&close[..99], 20).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::sma::sma(close, 20, a).unwrap())
            .stream(
                "yata",
                close,
                || yata::methods::SMA::new(20, &close[0]).unwrap(),
                |s, x| s.next(&x),
            )
            .stream("ta", close, || ta::indicators::SimpleMovingAverage::new(20).unwrap(), ta_next);
    });
    group("ema 20", &mut |g| {
        g.ours(Ema::new(20), close, o, |[a]| Ema::batch(20, close, a))
            .batch("ta-lib", o, |[a]| core.ema(0, e, close, 20, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.ema_open(&close[..99], 20).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::ema::ema(close, 20, None, a).unwrap())
            .stream(
                "yata",
                close,
                || yata::methods::EMA::new(20, &close[0]).unwrap(),
                |s, x| s.next(&x),
            )
            .stream(
                "ta",
                close,
                || ta::indicators::ExponentialMovingAverage::new(20).unwrap(),
                ta_next,
            );
    });
    group("wma 20", &mut |g| {
        g.ours(Wma::new(20), close, o, |[a]| Wma::batch(20, close, a))
            .batch("ta-lib", o, |[a]| core.wma(0, e, close, 20, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.wma_open(&close[..99], 20).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::wma::wma(close, 20, a).unwrap())
            .stream(
                "yata",
                close,
                || yata::methods::WMA::new(20, &close[0]).unwrap(),
                |s, x| s.next(&x),
            );
    });
    group("macd 12 26 9", &mut |g| {
        g.ours(Macd::new(12, 26, 9), close, o, |[l, s, h]| {
            Macd::batch([12, 26, 9], close, l, s, h)
        })
        .batch("ta-lib", o, |[l, s, h]| {
            core.macd(0, e, close, 12, 26, 9, l, s, h).unwrap();
        })
        .stream(
            "ta-lib",
            close,
            || core.macd_open(&close[..99], 12, 26, 9).unwrap().0,
            |s, x| s.update(x).unwrap(),
        )
        .batch("kand", o, |[a, b, c, d, e]| {
            kand_price::macd::macd(close, 12, 26, 9, a, b, c, d, e).unwrap();
        })
        .stream(
            "yata",
            &yata_candles(c),
            || yata::indicators::MACD::<yata::helpers::MA>::default().init(&first).unwrap(),
            |s, x| s.next(&x),
        )
        .stream(
            "ta",
            close,
            || ta::indicators::MovingAverageConvergenceDivergence::new(12, 26, 9).unwrap(),
            ta_next,
        );
    });
}

fn windows(c: &Columns, group: Run) {
    let (core, close, e, o) = (Core::new(), &c.close[..], ROWS - 1, &mut outs());
    let first = yata_candle(&c.candle(0));
    group("bollinger 20", &mut |g| {
        g.ours(Bollinger::new(20, 2.0), close, o, |[u, m, l]| {
            Bollinger::batch(20, 2.0, close, u, m, l)
        })
        .batch("ta-lib", o, |[u, m, l]| {
            core.bbands(0, e, close, 20, 2.0, 2.0, MAType::SMA, u, m, l).unwrap();
        })
        .stream(
            "ta-lib",
            close,
            || core.bbands_open(&close[..99], 20, 2.0, 2.0, MAType::SMA).unwrap().0,
            |s, x| s.update(x).unwrap(),
        )
        .batch("kand", o, |[a, b, c, d, e, f, g]| {
            kand_price::bbands::bbands(close, 20, 2.0, 2.0, a, b, c, d, e, f, g).unwrap();
        })
        .stream(
            "yata",
            &yata_candles(c),
            || yata::indicators::BollingerBands::default().init(&first).unwrap(),
            |s, x| s.next(&x),
        )
        .stream(
            "ta",
            close,
            || ta::indicators::BollingerBands::new(20, 2.0).unwrap(),
            ta_next,
        );
    });
    group("standard deviation 20", &mut |g| {
        g.ours(StandardDeviation::new(20, 1.0), close, o, |[a]| {
            StandardDeviation::batch(20, 1.0, close, a)
        })
        .batch("ta-lib", o, |[a]| core.stddev(0, e, close, 20, 1.0, a).unwrap())
        .stream(
            "ta-lib",
            close,
            || core.stddev_open(&close[..99], 20, 1.0).unwrap().0,
            |s, x| s.update(x).unwrap(),
        )
        .batch("kand", o, |[a, b, c]| kand_stats::stddev::stddev(close, 20, a, b, c).unwrap())
        .stream(
            "yata",
            close,
            || yata::methods::StDev::new(20, &close[0]).unwrap(),
            |s, x| s.next(&x),
        )
        .stream(
            "ta",
            close,
            || ta::indicators::StandardDeviation::new(20).unwrap(),
            ta_next,
        );
    });
    for n in [14, 100] {
        group(&format!("rolling max {n}"), &mut |g| {
            g.ours(RollingMax::new(n), close, o, |[a]| RollingMax::batch(n, close, a))
                .batch("ta-lib", o, |[a]| core.max(0, e, close, n as i32, a).unwrap())
                .stream(
                    "ta-lib",
                    close,
                    || core.max_open(&close[..199], n as i32).unwrap().0,
                    |s, x| s.update(x).unwrap(),
                )
                .batch("kand", o, |[a]| kand_stats::max::max(close, n, a).unwrap())
                .stream(
                    "yata",
                    close,
                    || yata::methods::Highest::new(n as u8, &close[0]).unwrap(),
                    |s, x| s.next(&x),
                )
                .stream("ta", close, || ta::indicators::Maximum::new(n).unwrap(), ta_next);
        });
    }
    group("rolling min 100", &mut |g| {
        g.ours(RollingMin::new(100), close, o, |[a]| RollingMin::batch(100, close, a))
            .batch("ta-lib", o, |[a]| core.min(0, e, close, 100, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.min_open(&close[..199], 100).unwrap().0,
                |s, x| s.update(x).unwrap(),
            );
    });
    group("linear regression slope 14", &mut |g| {
        g.ours(LinearRegressionSlope::new(14), close, o, |[a]| {
            LinearRegressionSlope::batch(14, close, a)
        })
        .batch("ta-lib", o, |[a]| core.linearreg_slope(0, e, close, 14, a).unwrap())
        .stream(
            "ta-lib",
            close,
            || core.linearreg_slope_open(&close[..99], 14).unwrap().0,
            |s, x| s.update(x).unwrap(),
        );
    });
    group("swing low 2", &mut |g| {
        g.ours(SwingLow::new(2), &c.low, o, |[a]| SwingLow::batch(2, &c.low, a));
    });
}

fn oscillators(c: &Columns, group: Run) {
    let (core, close, e, o) = (Core::new(), &c.close[..], ROWS - 1, &mut outs());
    let first = yata_candle(&c.candle(0));
    group("rsi 14", &mut |g| {
        g.ours(Rsi::new(14), close, o, |[a]| Rsi::batch(14, close, a))
            .batch("ta-lib", o, |[a]| core.rsi(0, e, close, 14, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.rsi_open(&close[..99], 14).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a, b, c]| kand_price::rsi::rsi(close, 14, a, b, c).unwrap())
            .stream(
                "yata",
                &yata_candles(c),
                || yata::indicators::RSI::<yata::helpers::MA>::default().init(&first).unwrap(),
                |s, x| s.next(&x),
            )
            .stream(
                "ta",
                close,
                || ta::indicators::RelativeStrengthIndex::new(14).unwrap(),
                ta_next,
            );
    });
    group("momentum 10", &mut |g| {
        g.ours(Momentum::new(10), close, o, |[a]| Momentum::batch(10, close, a))
            .batch("ta-lib", o, |[a]| core.mom(0, e, close, 10, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.mom_open(&close[..99], 10).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::mom::mom(close, 10, a).unwrap());
    });
    group("rate of change 10", &mut |g| {
        g.ours(RateOfChange::new(10), close, o, |[a]| RateOfChange::batch(10, close, a))
            .batch("ta-lib", o, |[a]| core.roc(0, e, close, 10, a).unwrap())
            .stream(
                "ta-lib",
                close,
                || core.roc_open(&close[..99], 10).unwrap().0,
                |s, x| s.update(x).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::roc::roc(close, 10, a).unwrap());
    });
}

fn ranges(c: &Columns, group: Run) {
    let (core, e, o, rows) = (Core::new(), ROWS - 1, &mut outs(), &candles(c)[..]);
    let first = yata_candle(&c.candle(0));
    let (h, l, x) = (&c.high[..], &c.low[..], &c.close[..]);
    group("true range", &mut |g| {
        g.ours(Ok(TrueRange::new()), rows, o, |[a]| TrueRange::batch(c, a))
            .batch("ta-lib", o, |[a]| core.trange(0, e, h, l, x, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.trange_open(&h[..99], &l[..99], &x[..99]).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::trange::trange(h, l, x, a).unwrap());
    });
    group("atr 14", &mut |g| {
        g.ours(Atr::new(14), rows, o, |[a]| Atr::batch(14, c, a))
            .batch("ta-lib", o, |[a]| core.atr(0, e, h, l, x, 14, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.atr_open(&h[..99], &l[..99], &x[..99], 14).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::atr::atr(h, l, x, 14, a).unwrap());
    });
    group("natr 14", &mut |g| {
        g.ours(Natr::new(14), rows, o, |[a]| Natr::batch(14, c, a))
            .batch("ta-lib", o, |[a]| core.natr(0, e, h, l, x, 14, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.natr_open(&h[..99], &l[..99], &x[..99], 14).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            );
    });
    group("adx 14", &mut |g| {
        g.ours(Adx::new(14), rows, o, |[a, p, m]| Adx::batch(14, c, a, p, m))
            .batch("ta-lib", o, |[a]| core.adx(0, e, h, l, x, 14, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.adx_open(&h[..99], &l[..99], &x[..99], 14).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a, b, c, d]| {
                kand_price::adx::adx(h, l, x, 14, a, b, c, d).unwrap();
            })
            .stream(
                "yata",
                &yata_candles(c),
                || {
                    yata::indicators::AverageDirectionalIndex::<yata::helpers::MA>::default()
                        .init(&first)
                        .unwrap()
                },
                |s, x| s.next(&x),
            );
    });
    group("stochastic 14 3 3", &mut |g| {
        let sma = MAType::SMA;
        g.ours(Stochastic::new(14, 3, 3), rows, o, |[k, d]| Stochastic::batch([14, 3, 3], c, k, d))
            .batch("ta-lib", o, |[k, d]| {
                core.stoch(0, e, h, l, x, 14, 3, sma, 3, sma, k, d).unwrap();
            })
            .stream(
                "ta-lib",
                rows,
                || core.stoch_open(&h[..99], &l[..99], &x[..99], 14, 3, sma, 3, sma).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a, b, c]| {
                kand_price::stoch::stoch(h, l, x, 14, 3, 3, a, b, c).unwrap();
            });
    });
    group("cci 20", &mut |g| {
        g.ours(Cci::new(20), rows, o, |[a]| Cci::batch(20, c, a))
            .batch("ta-lib", o, |[a]| core.cci(0, e, h, l, x, 20, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.cci_open(&h[..99], &l[..99], &x[..99], 20).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a, b, c, d]| {
                kand_price::cci::cci(h, l, x, 20, a, b, c, d).unwrap();
            });
    });
    group("williams r 14", &mut |g| {
        g.ours(WilliamsR::new(14), rows, o, |[a]| WilliamsR::batch(14, c, a))
            .batch("ta-lib", o, |[a]| core.willr(0, e, h, l, x, 14, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.willr_open(&h[..99], &l[..99], &x[..99], 14).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close).unwrap(),
            )
            .batch("kand", o, |[a, b, c]| {
                kand_price::willr::willr(h, l, x, 14, a, b, c).unwrap();
            });
    });
}

fn volumes(c: &Columns, group: Run) {
    let (core, e, o, rows) = (Core::new(), ROWS - 1, &mut outs(), &candles(c)[..]);
    let (h, l, x, v) = (&c.high[..], &c.low[..], &c.close[..], &c.volume[..]);
    group("obv", &mut |g| {
        g.ours(Ok(Obv::new()), rows, o, |[a]| Obv::batch(c, a))
            .batch("ta-lib", o, |[a]| core.obv(0, e, x, v, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.obv_open(&x[..99], &v[..99]).unwrap().0,
                |s, c| s.update(c.close, c.volume).unwrap(),
            )
            .batch("kand", o, |[a]| kand_price::obv::obv(x, v, a).unwrap());
    });
    group("mfi 14", &mut |g| {
        g.ours(Mfi::new(14), rows, o, |[a]| Mfi::batch(14, c, a))
            .batch("ta-lib", o, |[a]| core.mfi(0, e, h, l, x, v, 14, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.mfi_open(&h[..99], &l[..99], &x[..99], &v[..99], 14).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close, c.volume).unwrap(),
            )
            .batch("kand", o, |[a, b, c, d, e]| {
                kand_price::mfi::mfi(h, l, x, v, 14, a, b, c, d, e).unwrap();
            });
    });
    group("vwap", &mut |g| {
        // The others never start anew.
        g.ours(Ok(Vwap::new()), rows, o, |[a]| Vwap::batch(c, a))
            .batch("ta-lib", o, |[a]| core.vwap(0, e, h, l, x, v, a).unwrap())
            .stream(
                "ta-lib",
                rows,
                || core.vwap_open(&h[..99], &l[..99], &x[..99], &v[..99]).unwrap().0,
                |s, c| s.update(c.high, c.low, c.close, c.volume).unwrap(),
            )
            .batch("kand", o, |[a, b, d]| kand_price::vwap::vwap(h, l, x, v, a, b, d).unwrap());
    });
}

fn candles(c: &Columns) -> Vec<Candle> {
    (0..c.len()).map(|i| c.candle(i)).collect()
}

fn yata_candle(c: &Candle) -> yata::core::Candle {
    let Candle { open, high, low, close, volume, .. } = *c;
    yata::core::Candle { open, high, low, close, volume }
}

fn yata_candles(c: &Columns) -> Vec<yata::core::Candle> {
    candles(c).iter().map(yata_candle).collect()
}

fn ta_next<S: ta::Next<f64>>(state: &mut S, value: f64) -> S::Output {
    state.next(value)
}
