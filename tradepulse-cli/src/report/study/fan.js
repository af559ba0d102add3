// What the same trades could have become: bands of the bootstrap runs after each trade.
{
  const fan = data.fan;
  const canvas = document.getElementById("fan-chart");
  const line = document.getElementById("fan-readout");
  const axis = 74;
  const foot = 24;
  const trades = [0, ...fan.trades];
  const [p5, p25, p50, p75, p95, came] = ["p5", "p25", "p50", "p75", "p95", "came"].map((name) => [
    data.capital,
    ...fan[name],
  ]);
  const last = trades.length - 1;
  let [low, high] = [Infinity, -Infinity];
  for (const column of [p5, p95, came])
    for (const v of column) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const margin = (high - low) * 0.05 || 1;
  [low, high] = [low - margin, high + margin];
  let at = -1;

  function layout(width, height) {
    const right = Math.max(40, width - axis);
    const floor = height - foot;
    return {
      right,
      floor,
      x: (n) => (n / trades[last]) * right,
      y: (v) => 4 + (1 - (v - low) / (high - low)) * (floor - 8),
    };
  }

  function trace(context, l, column) {
    context.beginPath();
    for (let i = 0; i <= last; i++) context.lineTo(l.x(trades[i]), l.y(column[i]));
    context.stroke();
  }

  function band(context, l, lower, upper, color) {
    context.beginPath();
    for (let i = 0; i <= last; i++) context.lineTo(l.x(trades[i]), l.y(upper[i]));
    for (let i = last; i >= 0; i--) context.lineTo(l.x(trades[i]), l.y(lower[i]));
    context.fillStyle = color;
    context.fill();
  }

  function drawBase(context, width, height, colors) {
    const l = layout(width, height);
    context.lineWidth = 1;
    const values = niceTicks(low, high, 6);
    for (const v of values.ticks) {
      const y = Math.round(l.y(v));
      context.fillStyle = colors.grid;
      context.fillRect(0, y, l.right, 1);
      context.textAlign = "left";
      context.fillStyle = colors.muted;
      context.fillText(fixed(v, values.decimals), l.right + 8, y);
    }
    const numbers = niceTicks(0, trades[last], Math.max(2, l.right / 110));
    context.fillStyle = colors.muted;
    for (const n of numbers.ticks) {
      if (!Number.isInteger(n)) continue;
      const x = l.x(n);
      context.textAlign = x < 20 ? "left" : x > l.right - 20 ? "right" : "center";
      context.fillText(fixed(n, 0), x, l.floor + 13);
    }
    band(context, l, p5, p95, colors.gainShade(0.14));
    band(context, l, p25, p75, colors.gainShade(0.2));
    context.strokeStyle = colors.faint;
    context.setLineDash([2, 3]);
    trace(context, l, trades.map(() => data.capital));
    context.setLineDash([]);
    context.strokeStyle = colors.gain;
    context.lineWidth = 1.75;
    trace(context, l, p50);
    context.strokeStyle = colors.ink;
    context.lineWidth = 1.5;
    trace(context, l, came);
  }

  function drawOver(context, width, height, colors) {
    const i = at < 0 ? last : at;
    readout(line, [
      ["", `after ${fixed(trades[i], 0)} trades`],
      ["came", money(came[i])],
      ["5\u202f%", money(p5[i])],
      ["median", money(p50[i])],
      ["95\u202f%", money(p95[i])],
    ]);
    if (at < 0) return;
    const l = layout(width, height);
    const x = l.x(trades[at]);
    context.strokeStyle = colors.muted;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, l.floor);
    context.stroke();
    context.setLineDash([]);
    dot(context, x, l.y(came[at]), 4, colors.ink, colors.bg);
    dot(context, x, l.y(p50[at]), 4, colors.gain, colors.bg);
  }

  const chart = surface(canvas, drawBase, drawOver);
  const point = (i) => {
    at = i;
    chart.hover();
  };
  canvas.addEventListener("pointermove", (event) => {
    const { width, height } = chart.size();
    point(indexAt(trades, (event.offsetX / layout(width, height).right) * trades[last] + 0.5));
  });
  canvas.addEventListener("pointerleave", () => point(-1));
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!move) return;
    event.preventDefault();
    point(Math.min(last, Math.max(0, (at < 0 ? last : at) + move)));
  });
}
