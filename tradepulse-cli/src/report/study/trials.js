// Trials of the study, and the one that is pointed at in any of the charts.
const FEASIBLE = 0;
const PRUNED = 2;
const trials = data.trials.map(([number, kind, objective, sharpe, reason], i) => ({
  number,
  kind,
  objective,
  sharpe,
  reason: reason === null ? "" : data.reasons[reason],
  values: data.variables.map((variable) => variable.values[i]),
}));
// Feasible ones by their objective, the worst first: what is drawn last lies on top.
const ranked = trials
  .filter((t) => t.kind === FEASIBLE && t.objective !== null)
  .sort((a, b) => a.objective - b.objective || b.number - a.number);
ranked.forEach((t, k) => (t.rank = ranked.length > 1 ? k / (ranked.length - 1) : 1));
const bestTrial = ranked[ranked.length - 1];
const charts = [];
let pointed = null;

function figure(value) {
  return fixed(value, Math.abs(value) < 100 ? 3 : 0);
}

// A parameter with no more digits than it has.
function parameter(value) {
  return value === null ? "–" : fixed(value, (String(value).split(".")[1] || "").length);
}

function tellTrial() {
  const t = pointed || bestTrial;
  if (!t) return;
  const parts = [
    ["", `${pointed ? "trial" : "best: trial"} ${t.number}`],
    [data.objective, t.objective === null ? t.reason || "–" : figure(t.objective)],
  ];
  if (t.sharpe !== null && data.objective !== "sharpe")
    parts.push(["Sharpe", fixed(t.sharpe, 2)]);
  data.variables.forEach((variable, k) => parts.push([variable.name, parameter(t.values[k])]));
  for (const node of document.querySelectorAll(".trial-readout")) readout(node, parts);
}

function pointAt(trial) {
  if (trial === pointed) return;
  pointed = trial;
  for (const chart of charts) chart.hover();
  tellTrial();
}

function dot(context, x, y, radius, fill, stroke) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  if (fill) {
    context.fillStyle = fill;
    context.fill();
  }
  if (stroke) {
    context.strokeStyle = stroke;
    context.stroke();
  }
}

// Lowest and highest of the numbers in `values`, with a margin.
function extent(values, margin) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) if (v !== null) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (low > high) return [0, 1];
  const more = (high - low) * margin || Math.abs(high) * margin || margin;
  return [low - more, high + more];
}

// The nearest of `points` (x, y, trial) within reach of a pointer.
function nearest(points, x, y) {
  let [found, least] = [null, 24 * 24];
  for (const [px, py, trial] of points) {
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [found, least] = [trial, distance];
  }
  return found;
}

function follow(canvas, points) {
  canvas.addEventListener("pointermove", (event) =>
    pointAt(nearest(points(), event.offsetX, event.offsetY)),
  );
  canvas.addEventListener("pointerleave", () => pointAt(null));
}
tellTrial();
