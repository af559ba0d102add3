// The objective of every trial in the order they were made, and the best so far. Trials without an
// objective stand on the ground line.
{
  const canvas = document.getElementById("history-chart");
  const axis = 64;
  const foot = 24;
  const [low, high] = extent(
    ranked.map((t) => t.objective),
    0.06,
  );
  const last = trials.length ? trials[trials.length - 1].number : 1;
  const bare = trials.some((t) => t.objective === null) ? 26 : 0;

  function layout(width, height) {
    const right = Math.max(40, width - axis);
    const floor = height - foot;
    return {
      right,
      floor,
      x: (number) => 6 + (number / Math.max(1, last)) * (right - 12),
      y: (v) => 6 + (1 - (v - low) / (high - low)) * (floor - bare - 12),
      ground: floor - 10,
    };
  }
  const at = (t, l) => [l.x(t.number), t.objective === null ? l.ground : l.y(t.objective)];
  const places = () => {
    const { width, height } = chart.size();
    const l = layout(width, height);
    return trials.map((t) => [...at(t, l), t]);
  };

  function drawBase(context, width, height, colors) {
    const l = layout(width, height);
    context.lineWidth = 1;
    const values = niceTicks(low, high, 6);
    for (const v of values.ticks) {
      const y = Math.round(l.y(v)) + 0.5;
      if (y > l.floor - bare) continue;
      context.fillStyle = v === 0 ? colors.faint : colors.grid;
      context.fillRect(0, y - 0.5, l.right, 1);
      context.textAlign = "left";
      context.fillStyle = colors.muted;
      context.fillText(fixed(v, values.decimals), l.right + 8, y);
    }
    context.fillStyle = colors.line;
    context.fillRect(0, l.floor - bare, l.right, 1);
    const numbers = niceTicks(0, last, Math.max(2, l.right / 110));
    context.fillStyle = colors.muted;
    for (const n of numbers.ticks) {
      if (!Number.isInteger(n)) continue;
      const x = l.x(n);
      context.textAlign = x < 20 ? "left" : x > l.right - 20 ? "right" : "center";
      context.fillText(fixed(n, 0), x, l.floor + 13);
    }
    for (const t of trials) {
      const [x, y] = at(t, l);
      if (t.kind === FEASIBLE) dot(context, x, y, 2.5, colors.gainShade(0.55));
      else mark(context, x, y, t.kind, colors.muted);
    }
    // The best so far steps up.
    context.strokeStyle = colors.gain;
    context.lineWidth = 1.75;
    context.beginPath();
    let best = null;
    for (const t of trials) {
      if (t.kind !== FEASIBLE || t.objective === null) continue;
      if (best === null) context.moveTo(l.x(t.number), l.y(t.objective));
      else if (t.objective > best) {
        context.lineTo(l.x(t.number), l.y(best));
        context.lineTo(l.x(t.number), l.y(t.objective));
      } else continue;
      best = t.objective;
    }
    if (best !== null) context.lineTo(l.x(last), l.y(best));
    context.stroke();
    if (bestTrial) {
      context.lineWidth = 2;
      dot(context, ...at(bestTrial, l), 5, colors.bg, colors.ink);
      dot(context, ...at(bestTrial, l), 2, colors.ink);
    }
  }

  function mark(context, x, y, kind, color) {
    context.strokeStyle = color;
    context.beginPath();
    if (kind === PRUNED) {
      context.moveTo(x - 3, y + 2.5);
      context.lineTo(x, y - 3);
      context.lineTo(x + 3, y + 2.5);
      context.closePath();
    } else {
      context.moveTo(x - 2.5, y - 2.5);
      context.lineTo(x + 2.5, y + 2.5);
      context.moveTo(x - 2.5, y + 2.5);
      context.lineTo(x + 2.5, y - 2.5);
    }
    context.stroke();
  }

  function drawOver(context, width, height, colors) {
    if (!pointed) return;
    const l = layout(width, height);
    const [x, y] = at(pointed, l);
    context.strokeStyle = colors.muted;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, l.floor);
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1.5;
    dot(context, x, y, 5, colors.gain, colors.bg);
    timeTag(context, x, l.floor + 13, `trial ${pointed.number}`, l.right, colors);
  }

  const chart = surface(canvas, drawBase, drawOver);
  charts.push(chart);
  // Along the trials: the nearest in the order they were made.
  canvas.addEventListener("pointermove", (event) => {
    const close = nearest(places(), event.offsetX, event.offsetY);
    const { width, height } = chart.size();
    const l = layout(width, height);
    const number = ((event.offsetX - 6) / (l.right - 12)) * last;
    const next = trials.reduce(
      (found, t) =>
        !found || Math.abs(t.number - number) < Math.abs(found.number - number) ? t : found,
      null,
    );
    pointAt(close || next);
  });
  canvas.addEventListener("pointerleave", () => pointAt(null));
  canvas.addEventListener("blur", () => pointAt(null));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (!move || !trials.length) return;
    event.preventDefault();
    const from = pointed ? trials.indexOf(pointed) : trials.indexOf(bestTrial);
    pointAt(trials[Math.min(trials.length - 1, Math.max(0, from + move))]);
  });
}
