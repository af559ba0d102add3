// Trades on the candles: an arrow at the entry, a line, a sign at the exit that tells its reason.
const SIGNS = {
  target: "●",
  stop: "✕",
  max_holding: "◆",
  signal: "■",
  end_of_data: "○",
  ruined: "○",
};
const firstTrade = (index) => {
  // Trades follow one another, so their ends are sorted like their starts.
  let [low, high] = [0, trades.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trades[middle].to < index) low = middle + 1;
    else high = middle;
  }
  return low;
};

function exitColor(trade, colors) {
  return { target: colors.gain, stop: colors.loss }[trade.reason] || colors.muted;
}

function visibleTrades(l) {
  const start = firstTrade(l.first);
  let end = start;
  while (end < trades.length && trades[end].from < l.end) end += 1;
  return [start, end];
}

const marksFit = (l, count) => count <= Math.max(12, l.right / 7);

function drawTrades(context, l, colors) {
  const [start, end] = visibleTrades(l);
  if (!marksFit(l, end - start)) {
    drawDense(context, l, start, end, colors);
    if (selected >= start && selected < end) drawTrade(context, l, trades[selected], colors, true);
    return;
  }
  for (let k = start; k < end; k++)
    if (k !== selected) drawTrade(context, l, trades[k], colors, false);
  if (selected >= start && selected < end) drawTrade(context, l, trades[selected], colors, true);
}

// Too many to tell apart: a stroke from entry to exit price each.
function drawDense(context, l, start, end, colors) {
  for (const won of [true, false]) {
    context.strokeStyle = won ? colors.gain : colors.loss;
    context.lineWidth = 1.25;
    context.beginPath();
    for (let k = start; k < end; k++) {
      const t = trades[k];
      if (t.profit > 0 !== won) continue;
      const x = l.x(t.from + 0.5);
      context.moveTo(x, l.y(t.entryPrice));
      context.lineTo(Math.max(x + 0.5, l.x(t.to + 0.5)), l.y(t.exitPrice));
    }
    context.stroke();
  }
}

function drawTrade(context, l, t, colors, strong) {
  const [x0, x1] = [l.x(t.from + 0.5), Math.max(l.x(t.to + 0.5), l.x(t.from + 0.5))];
  const [y0, y1] = [l.y(t.entryPrice), l.y(t.exitPrice)];
  const color = exitColor(t, colors);
  if (strong) {
    context.fillStyle = t.profit > 0 ? colors.gainShade(0.1) : colors.lossShade(0.1);
    context.fillRect(x0 - 4, 0, Math.max(8, x1 - x0 + 8), l.floor);
  }
  context.lineWidth = strong ? 2.25 : 1.5;
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  arrow(context, x0, y0, t.long, strong ? 8 : 6.5, colors);
  exitSign(context, x1, y1, t.reason, strong ? 5.5 : 4.5, color, colors);
}

// The tip touches the price: from below for a long, from above for a short.
function arrow(context, x, y, long, size, colors) {
  const away = long ? 1 : -1;
  context.beginPath();
  context.moveTo(x, y + away * 2);
  context.lineTo(x - size * 0.8, y + away * (2 + size * 1.5));
  context.lineTo(x + size * 0.8, y + away * (2 + size * 1.5));
  context.closePath();
  context.lineWidth = 2;
  context.strokeStyle = colors.bg;
  context.stroke();
  context.fillStyle = colors.ink;
  context.fill();
}

function exitSign(context, x, y, reason, r, color, colors) {
  context.beginPath();
  if (reason === "stop") {
    for (const [width, stroke] of [
      [5.5, colors.bg],
      [2.5, color],
    ]) {
      context.beginPath();
      context.moveTo(x - r, y - r);
      context.lineTo(x + r, y + r);
      context.moveTo(x + r, y - r);
      context.lineTo(x - r, y + r);
      context.lineWidth = width;
      context.strokeStyle = stroke;
      context.stroke();
    }
    return;
  }
  if (reason === "max_holding") {
    context.moveTo(x, y - r * 1.3);
    context.lineTo(x + r * 1.3, y);
    context.lineTo(x, y + r * 1.3);
    context.lineTo(x - r * 1.3, y);
    context.closePath();
  } else if (reason === "signal") {
    context.rect(x - r, y - r, 2 * r, 2 * r);
  } else {
    context.arc(x, y, r, 0, 7);
  }
  const open = reason === "end_of_data" || reason === "ruined";
  context.lineWidth = open ? 4 : 2;
  context.strokeStyle = colors.bg;
  context.stroke();
  context.fillStyle = open ? colors.bg : color;
  context.fill();
  if (open) {
    context.lineWidth = 2;
    context.strokeStyle = color;
    context.stroke();
  }
}

// The trade under the pointer: near its line, entry or exit.
function tradeAt(l, x, y) {
  const [start, end] = visibleTrades(l);
  let [best, distance] = [-1, 12];
  for (let k = start; k < end; k++) {
    const t = trades[k];
    const [x0, y0, x1, y1] = [
      l.x(t.from + 0.5),
      l.y(t.entryPrice),
      l.x(t.to + 0.5),
      l.y(t.exitPrice),
    ];
    const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const along = length
      ? Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length))
      : 0;
    const d = Math.hypot(x0 + along * (x1 - x0) - x, y0 + along * (y1 - y0) - y);
    if (d < distance) [best, distance] = [k, d];
  }
  return best;
}
