// Equity, the market beside it, drawdown beneath, one time axis. `visit` is told the time of a
// double click.
let visit = () => {};
const curve = {
  time: littleEndian(data.equity.time, 8, "getFloat64"),
  equity: littleEndian(data.equity.equity, 4, "getFloat32"),
  low: littleEndian(data.equity.low, 4, "getFloat32"),
  high: littleEndian(data.equity.high, 4, "getFloat32"),
  drawdown: littleEndian(data.equity.drawdown_pct, 4, "getFloat32"),
  close: littleEndian(data.equity.market, 4, "getFloat32"),
};
curve.market = curve.close.map((close) => (close / curve.close[0]) * data.capital);

{
  const canvas = document.getElementById("equity-chart");
  const log = document.getElementById("equity-log");
  const market = document.getElementById("equity-market");
  const line = document.getElementById("equity-readout");
  const last = curve.time.length - 1;
  const axis = 74;
  const foot = 24;
  const range = (columns) => {
    let [low, high] = [Infinity, -Infinity];
    for (const column of columns)
      for (const v of column) [low, high] = [Math.min(low, v), Math.max(high, v)];
    return [low, high];
  };
  const [lowestEquity, highestEquity] = range([curve.low, curve.high]);
  const [lowestMarket, highestMarket] = range([curve.market]);
  const deepest = range([curve.drawdown])[1] || 1;
  const worst = curve.drawdown.indexOf(deepest);
  if (lowestEquity <= 0) log.disabled = true;
  let at = -1;

  function layout(width, height) {
    const right = Math.max(40, width - axis);
    const split = Math.round((height - foot) * 0.7);
    const f = log.checked ? Math.log : (v) => v;
    const lowest = market.checked ? Math.min(lowestEquity, lowestMarket) : lowestEquity;
    const highest = market.checked ? Math.max(highestEquity, highestMarket) : highestEquity;
    const margin = (f(highest) - f(lowest)) * 0.05 || Math.abs(f(highest)) * 0.01 || 1;
    const [bottom, top] = [f(lowest) - margin, f(highest) + margin];
    const [from, to] = [curve.time[0], curve.time[last]];
    const floor = height - foot;
    return {
      right,
      split,
      floor,
      x: (t) => ((t - from) / (to - from || 1)) * right,
      time: (x) => from + (x / right) * (to - from),
      y: (v) => 8 + (1 - (f(v) - bottom) / (top - bottom)) * (split - 16),
      below: (d) => split + 14 + (d / deepest) * (floor - split - 20),
      low: log.checked ? Math.exp(bottom) : bottom,
      high: log.checked ? Math.exp(top) : top,
    };
  }

  function trace(context, l, column) {
    context.beginPath();
    for (let i = 0; i <= last; i++) context.lineTo(l.x(curve.time[i]), l.y(column[i]));
  }

  function drawBase(context, width, height, colors) {
    const l = layout(width, height);
    context.lineWidth = 1;
    const values = (log.checked ? logTicks : niceTicks)(l.low, l.high, 6);
    for (const v of values.ticks) {
      const y = Math.round(l.y(v)) + 0.5;
      if (!(y > 4 && y < l.split)) continue;
      rule(context, 0, y, l.right, colors.grid);
      label(
        context,
        l.right + 8,
        y,
        fixed(v, log.checked && v >= 1 ? 0 : values.decimals),
        colors.muted,
      );
    }
    for (const tick of timeTicks(curve.time[0], curve.time[last], l.right / 100)) {
      const x = Math.round(l.x(tick.time)) + 0.5;
      context.fillStyle = colors.grid;
      context.fillRect(x - 0.5, 0, 1, l.floor);
      context.textAlign = x < 30 ? "left" : x > l.right - 30 ? "right" : "center";
      context.fillStyle = colors.muted;
      context.fillText(tick.label, x, l.floor + 13);
    }
    const depths = niceTicks(0, deepest, 3);
    for (const d of depths.ticks) {
      const y = Math.round(l.below(d)) + 0.5;
      rule(context, 0, y, l.right, d === 0 ? colors.line : colors.grid);
      label(context, l.right + 8, y, `${fixed(-d, depths.decimals)}\u202f%`, colors.muted);
    }

    context.setLineDash([2, 3]);
    rule(context, 0, Math.round(l.y(data.capital)) + 0.5, l.right, colors.faint);
    context.setLineDash([]);

    if (market.checked) {
      context.strokeStyle = colors.faint;
      trace(context, l, curve.market);
      context.stroke();
    }

    context.beginPath();
    for (let i = 0; i <= last; i++) context.lineTo(l.x(curve.time[i]), l.y(curve.high[i]));
    for (let i = last; i >= 0; i--) context.lineTo(l.x(curve.time[i]), l.y(curve.low[i]));
    context.fillStyle = colors.gainShade(0.25);
    context.fill();
    context.strokeStyle = colors.gain;
    context.lineWidth = 1.75;
    trace(context, l, curve.equity);
    context.stroke();

    context.beginPath();
    context.moveTo(0, l.below(0));
    for (let i = 0; i <= last; i++) context.lineTo(l.x(curve.time[i]), l.below(curve.drawdown[i]));
    context.lineTo(l.x(curve.time[last]), l.below(0));
    context.fillStyle = colors.lossShade(0.4);
    context.fill();
    context.beginPath();
    for (let i = 0; i <= last; i++) context.lineTo(l.x(curve.time[i]), l.below(curve.drawdown[i]));
    context.strokeStyle = colors.loss;
    context.lineWidth = 1;
    context.stroke();
    if (worst >= 0) {
      const [x, y] = [l.x(curve.time[worst]), l.below(curve.drawdown[worst])];
      context.beginPath();
      context.arc(x, y, 3, 0, 7);
      context.fillStyle = colors.loss;
      context.fill();
    }
  }

  function rule(context, from, y, to, color) {
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    context.stroke();
  }

  function label(context, x, y, text, color) {
    context.textAlign = "left";
    context.fillStyle = color;
    context.fillText(text, x, y);
  }

  function drawOver(context, width, height, colors) {
    tell(at < 0 ? last : at);
    if (at < 0) return;
    const l = layout(width, height);
    const x = l.x(curve.time[at]);
    context.strokeStyle = colors.muted;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, l.floor);
    context.stroke();
    context.setLineDash([]);
    const dots = [
      [l.y(curve.equity[at]), colors.gain],
      [l.below(curve.drawdown[at]), colors.loss],
    ];
    if (market.checked) dots.unshift([l.y(curve.market[at]), colors.faint]);
    for (const [y, color] of dots) {
      context.beginPath();
      context.arc(x, y, 4, 0, 7);
      context.fillStyle = color;
      context.fill();
      context.strokeStyle = colors.bg;
      context.stroke();
    }
    axisTag(context, l.right + 3, l.y(curve.equity[at]), money(curve.equity[at]), colors);
    timeTag(context, x, l.floor + 13, moment(curve.time[at]), l.right, colors);
  }

  function tell(i) {
    const change = (v) => percent((v / data.capital - 1) * 100);
    readout(line, [
      ["", moment(curve.time[i])],
      ["equity", `${money(curve.equity[i])} (${change(curve.equity[i])})`],
      ["market", change(curve.market[i])],
      ["drawdown", `${fixed(-curve.drawdown[i], 2)}\u202f%`],
    ]);
  }

  const chart = surface(canvas, drawBase, drawOver);
  const point = (i) => {
    at = i;
    chart.hover();
  };
  canvas.addEventListener("pointermove", (event) => {
    const { width, height } = chart.size();
    const t = layout(width, height).time(event.offsetX);
    const i = indexAt(curve.time, t);
    point(i < last && curve.time[i + 1] - t < t - curve.time[i] ? i + 1 : i);
  });
  canvas.addEventListener("pointerleave", () => point(-1));
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50 }[event.key];
    if (!move) return;
    event.preventDefault();
    point(Math.min(last, Math.max(0, (at < 0 ? last : at) + move)));
  });
  canvas.addEventListener("dblclick", (event) => {
    const { width, height } = chart.size();
    visit(layout(width, height).time(event.offsetX));
  });
  for (const box of [log, market]) box.addEventListener("change", chart.redraw);
}
