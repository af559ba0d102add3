// Candles: what part of them is seen, and how they are drawn.
const AXIS = 74;
const FOOT = 24;
const LEAST_WIDTH = 12;
const view = { from: 0, to: candles.n };
let pointer = null;
let selected = -1;

// Shows `width` candles from `from` on, kept within the data and a little beyond.
function show(from, width) {
  const most = Math.max(LEAST_WIDTH, candles.n * 1.02 + 2);
  const w = Math.min(most, Math.max(LEAST_WIDTH, width));
  const slack = Math.min(w * 0.5, 60);
  const low = Math.min(-1, w >= candles.n ? (candles.n - w) / 2 : -slack);
  const high = Math.max(candles.n + 1, w >= candles.n ? (candles.n + w) / 2 : candles.n + slack);
  view.from = Math.max(low, Math.min(from, high - w));
  view.to = view.from + w;
  candleChart.redraw();
  periodStrip.redraw();
}

function centreOn(index) {
  const width = Math.min(view.to - view.from, 600);
  show(index + 0.5 - width / 2, width);
}

function zoom(factor, anchor) {
  const width = view.to - view.from;
  const centre = anchor === undefined ? (view.from + view.to) / 2 : anchor;
  const most = candles.n * 1.02 + 2;
  const to = Math.min(most, Math.max(LEAST_WIDTH, width * factor));
  show(centre - ((centre - view.from) * to) / width, to);
  return to !== width;
}

// Extremes of the candles on screen and the mapping to pixels.
function candleLayout(width, height) {
  const right = Math.max(40, width - AXIS);
  const floor = height - FOOT;
  const first = Math.max(0, Math.floor(view.from));
  const end = Math.min(candles.n, Math.ceil(view.to));
  let [low, high, volume] = [Infinity, -Infinity, 0];
  for (let i = first; i < end; i++) {
    if (candles.low[i] < low) low = candles.low[i];
    if (candles.high[i] > high) high = candles.high[i];
    if (candles.volume[i] > volume) volume = candles.volume[i];
  }
  const [start, stop] = visibleTrades({ first, end });
  for (let k = start; k < stop && stop - start < 400; k++) {
    for (const price of [trades[k].entryPrice, trades[k].exitPrice]) {
      if (price < low) low = price;
      if (price > high) high = price;
    }
  }
  if (!(high >= low)) [low, high] = [0, 1];
  const margin = (high - low) * 0.07 || high * 0.01;
  [low, high] = [low - margin, high + margin];
  const top = 6;
  const bottom = floor - Math.round((floor - top) * 0.16);
  const scale = right / (view.to - view.from);
  return {
    right,
    floor,
    top,
    bottom,
    first,
    end,
    low,
    high,
    volume,
    scale,
    x: (i) => (i - view.from) * scale,
    index: (x) => view.from + x / scale,
    y: (price) => top + (1 - (price - low) / (high - low)) * (bottom - top),
    price: (y) => low + (1 - (y - top) / (bottom - top)) * (high - low),
  };
}

function drawCandleBase(context, width, height, colors) {
  const l = candleLayout(width, height);
  drawCandleGrid(context, l, colors);
  context.save();
  context.beginPath();
  context.rect(0, 0, l.right, l.floor);
  context.clip();
  const columns = l.scale < 1.5 ? pixelColumns(l) : null;
  drawVolume(context, l, columns, colors);
  if (columns) drawColumns(context, l, columns, colors);
  else drawBodies(context, l, colors);
  drawTrades(context, l, colors);
  context.restore();
}

function drawCandleGrid(context, l, colors) {
  const prices = niceTicks(l.low, l.high, (l.bottom - l.top) / 56);
  context.textAlign = "left";
  for (const price of prices.ticks) {
    const y = Math.round(l.y(price));
    if (y < 8 || y > l.bottom) continue;
    context.fillStyle = colors.grid;
    context.fillRect(0, y, l.right, 1);
    context.fillStyle = colors.muted;
    context.fillText(fixed(price, prices.decimals), l.right + 8, y);
  }
  if (l.end <= l.first) return;
  const ticks = timeTicks(candles.time[l.first], candles.time[l.end - 1], l.right / 110);
  let taken = -Infinity;
  for (const tick of ticks) {
    let i = indexAt(candles.time, tick.time);
    if (candles.time[i] < tick.time) i += 1; // The time itself is missing: the next candle.
    const x = Math.round(l.x(i + 0.5));
    if (x - taken < 56 || x > l.right - 10) continue;
    taken = x;
    context.fillStyle = colors.grid;
    context.fillRect(x, 0, 1, l.floor);
    context.textAlign = x < 34 ? "left" : "center";
    context.fillStyle = tick.strong ? colors.ink : colors.muted;
    context.fillText(tick.label, x, l.floor + 13);
  }
  context.fillStyle = colors.line;
  context.fillRect(0, l.floor, l.right, 1);
}

// One candle a pixel column, made of all candles that fall into it.
function pixelColumns(l) {
  const n = Math.ceil(l.right);
  const [open, high, low, close, volume] = Array.from({ length: 5 }, () => new Float64Array(n));
  high.fill(-Infinity);
  low.fill(Infinity);
  const used = new Uint8Array(n);
  for (let i = l.first; i < l.end; i++) {
    const x = Math.floor((i + 0.5 - view.from) * l.scale);
    if (x < 0 || x >= n) continue;
    if (!used[x]) {
      used[x] = 1;
      open[x] = candles.open[i];
    }
    if (candles.high[i] > high[x]) high[x] = candles.high[i];
    if (candles.low[i] < low[x]) low[x] = candles.low[i];
    close[x] = candles.close[i];
    volume[x] += candles.volume[i];
  }
  return { n, open, high, low, close, volume, used };
}

function drawColumns(context, l, c, colors) {
  for (const up of [true, false]) {
    context.fillStyle = up ? colors.up : colors.down;
    context.beginPath();
    for (let x = 0; x < c.n; x++) {
      if (!c.used[x] || c.close[x] >= c.open[x] !== up) continue;
      const y = l.y(c.high[x]);
      context.rect(x, y, 1, Math.max(1, l.y(c.low[x]) - y));
    }
    context.fill();
  }
}

function drawBodies(context, l, colors) {
  const body = Math.max(1, Math.min(Math.floor(l.scale * 0.72), 40));
  const hollow = body >= 5;
  for (const up of [true, false]) {
    const color = up && !hollow ? colors.up : colors.down;
    context.fillStyle = color;
    context.beginPath();
    for (let i = l.first; i < l.end; i++) {
      if (candles.close[i] >= candles.open[i] !== up) continue;
      const x = Math.round(l.x(i + 0.5) - 0.5);
      const [high, low] = [l.y(candles.high[i]), l.y(candles.low[i])];
      context.rect(x, high, 1, Math.max(1, low - high));
    }
    context.fill();
    context.beginPath();
    for (let i = l.first; i < l.end; i++) {
      if (candles.close[i] >= candles.open[i] !== up) continue;
      const x = Math.round(l.x(i + 0.5) - body / 2);
      const [a, b] = [l.y(candles.open[i]), l.y(candles.close[i])];
      context.rect(x, Math.round(Math.min(a, b)), body, Math.max(1, Math.round(Math.abs(a - b))));
    }
    context.fill();
    if (!up || !hollow) continue;
    context.fillStyle = colors.bg;
    for (let i = l.first; i < l.end; i++) {
      if (candles.close[i] < candles.open[i]) continue;
      const x = Math.round(l.x(i + 0.5) - body / 2);
      const [a, b] = [l.y(candles.open[i]), l.y(candles.close[i])];
      const height = Math.round(Math.abs(a - b)) - 2;
      if (height > 0) context.fillRect(x + 1, Math.round(Math.min(a, b)) + 1, body - 2, height);
    }
  }
}

function drawVolume(context, l, c, colors) {
  const most = c ? c.volume.reduce((a, b) => Math.max(a, b), 0) : l.volume;
  if (!(most > 0)) return;
  const room = l.floor - l.bottom - 6;
  const width = c ? 1 : Math.max(1, Math.floor(l.scale * 0.72));
  context.fillStyle = colors.volume;
  context.beginPath();
  const [first, end] = c ? [0, c.n] : [l.first, l.end];
  for (let i = first; i < end; i++) {
    const height = ((c ? c.volume[i] : candles.volume[i]) / most) * room;
    context.rect(c ? i : Math.round(l.x(i + 0.5) - width / 2), l.floor - height, width, height);
  }
  context.fill();
}
