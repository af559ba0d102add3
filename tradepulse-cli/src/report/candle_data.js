// Candles and trades, decoded.
// Integers in groups of seven bits, least first; beyond 32 bits, so without bit operations.
function integers(text) {
  const source = bytes(text);
  let at = 0;
  const next = () => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = source[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  return {
    next,
    signed: () => {
      const value = next();
      return value % 2 ? -(value + 1) / 2 : value / 2;
    },
    more: () => at < source.length,
  };
}

function decodeCandles(columns) {
  const n = columns.candles;
  const [open, high, low, close, time] = Array.from({ length: 5 }, () => new Float64Array(n));
  const prices = integers(columns.prices);
  const scale = 10 ** Math.abs(columns.decimals);
  const price = columns.decimals < 0 ? (ticks) => ticks * scale : (ticks) => ticks / scale;
  let previous = 0;
  for (let i = 0; i < n; i++) {
    const first = previous + prices.signed();
    const last = first + prices.signed();
    open[i] = price(first);
    close[i] = price(last);
    high[i] = price(Math.max(first, last) + prices.next());
    low[i] = price(Math.min(first, last) - prices.next());
    previous = last;
  }
  const step = columns.timeframe_ms;
  for (let i = 0, t = columns.first_ms; i < n; i++, t += step) time[i] = t;
  const gaps = integers(columns.gaps);
  for (let row = 0, shift = 0; gaps.more();) {
    const until = row + gaps.next();
    for (let i = row; i < until; i++) time[i] += shift;
    row = until;
    shift += gaps.next() * step;
    if (!gaps.more()) for (let i = row; i < n; i++) time[i] += shift;
  }
  const volume = littleEndian(columns.volumes, 2, "getUint16").map((code) =>
    code ? columns.volume_min * 2 ** ((code - 1) * columns.volume_step) : 0,
  );
  return { n, open, high, low, close, time, volume, step, decimals: Math.max(0, columns.decimals) };
}

const candles = decodeCandles(data.candles);
const trades = data.trades.map((row, i) => {
  const [
    side,
    entryTime,
    entryPrice,
    exitTime,
    exitPrice,
    quantity,
    fees,
    slippage,
    profit,
    profitPct,
    reason,
    holding,
    ambiguous,
  ] = row;
  return {
    number: i + 1,
    long: side > 0,
    entryTime,
    entryPrice,
    exitTime,
    exitPrice,
    quantity,
    fees,
    slippage,
    profit,
    profitPct,
    reason: data.exit_reasons[reason],
    holding,
    ambiguous: ambiguous === 1,
    from: indexAt(candles.time, entryTime),
    to: indexAt(candles.time, exitTime),
  };
});
