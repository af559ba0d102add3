// Canvases: sharp at any pixel ratio, a base layer drawn when the view changes and a layer above
// it that follows the pointer.
function palette() {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const shade = (name, alpha) => `rgb(${value(name)} / ${alpha})`;
  return {
    bg: value("bg"),
    soft: value("soft"),
    line: value("line"),
    grid: value("grid"),
    ink: value("ink"),
    muted: value("muted"),
    faint: value("faint"),
    gain: value("gain"),
    loss: value("loss"),
    up: value("candle-up"),
    down: value("candle-down"),
    volume: value("volume"),
    gainShade: (alpha) => shade("gain-rgb", alpha),
    lossShade: (alpha) => shade("loss-rgb", alpha),
  };
}

function surface(canvas, drawBase, drawOver) {
  const base = document.createElement("canvas");
  let colors = palette();
  let stale = true;
  let frame = 0;
  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });

  function paint() {
    cancelAnimationFrame(frame);
    frame = 0;
    const { width, height } = size();
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    if (
      canvas.width !== Math.round(width * ratio) ||
      canvas.height !== Math.round(height * ratio)
    ) {
      canvas.width = base.width = Math.round(width * ratio);
      canvas.height = base.height = Math.round(height * ratio);
      stale = true;
    }
    if (stale) {
      stale = false;
      const context = base.getContext("2d");
      prepare(context, ratio, width, height);
      drawBase(context, width, height, colors);
    }
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(base, 0, 0);
    prepare(context, ratio);
    if (drawOver) drawOver(context, width, height, colors);
  }

  function prepare(context, ratio, width, height) {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (width) context.clearRect(0, 0, width, height);
    context.font =
      "12px ui-sans-serif, -apple-system, 'Segoe UI', Inter, Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";
    context.textBaseline = "middle";
    context.lineJoin = "round";
  }

  function request() {
    if (!frame) frame = requestAnimationFrame(paint);
  }
  const redraw = () => {
    stale = true;
    request();
  };
  redraws.push(() => {
    colors = palette();
    stale = true;
    paint(); // At once: paper does not wait for the next frame.
  });
  new ResizeObserver(redraw).observe(canvas);
  return { redraw, hover: request, size };
}

// Round numbers from `low` to `high`, about `count` of them.
function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  if (!(raw > 0) || !Number.isFinite(raw)) return { ticks: [low], decimals: 2 };
  const power = Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * 10 ** power).find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++)
    ticks.push(k * step);
  return { ticks, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// Round numbers for a logarithmic axis, unless it is too short for them.
function logTicks(low, high, count) {
  if (high / low < 4) return niceTicks(low, high, count);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const m of [1, 2, 5])
      if (m * 10 ** power >= low && m * 10 ** power <= high) ticks.push(m * 10 ** power);
  }
  const all = ticks.length <= 2 * count;
  return {
    ticks: all
      ? ticks
      : ticks.filter((t) => Number.isInteger(Math.round(Math.log10(t) * 1e9) / 1e9)),
    decimals: Math.max(0, -Math.floor(Math.log10(low))),
  };
}

const MINUTE = 60000;
const DAY = 1440 * MINUTE;
const STEPS = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720]
  .map((m) => m * MINUTE)
  .concat([1, 2, 4, 7, 14].map((d) => d * DAY));

// Round UTC times from `from` to `to`, at most `count`, with short labels.
function timeTicks(from, to, count) {
  const least = (to - from) / Math.max(1, count);
  const step = STEPS.find((s) => s >= least);
  const ticks = [];
  if (step) {
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const text = new Date(t).toISOString();
      ticks.push({
        time: t,
        label: t % DAY ? text.slice(11, 16) : text.slice(0, 10),
        strong: t % DAY === 0,
      });
    }
    return ticks;
  }
  const months = [1, 2, 3, 6, 12, 24, 60, 120].find((m) => m * 30.4 * DAY >= least) || 240;
  const start = new Date(from);
  let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
  for (; ; month += months) {
    const time = Date.UTC(Math.floor(month / 12), month % 12);
    if (time > to) return ticks;
    if (time >= from)
      ticks.push({
        time,
        label: new Date(time).toISOString().slice(0, months >= 12 ? 4 : 7),
        strong: month % 12 === 0,
      });
  }
}

// A label in a box on the right axis.
function axisTag(context, x, y, text, colors) {
  context.fillStyle = colors.ink;
  context.fillRect(x, y - 9, context.measureText(text).width + 10, 18);
  context.fillStyle = colors.bg;
  context.textAlign = "left";
  context.fillText(text, x + 5, y + 0.5);
}

// A label in a box under the plot, kept inside it.
function timeTag(context, x, y, text, width, colors) {
  const size = context.measureText(text).width + 12;
  const left = Math.min(Math.max(0, x - size / 2), width - size);
  context.fillStyle = colors.ink;
  context.fillRect(left, y - 9, size, 18);
  context.fillStyle = colors.bg;
  context.textAlign = "left";
  context.fillText(text, left + 6, y + 0.5);
}
