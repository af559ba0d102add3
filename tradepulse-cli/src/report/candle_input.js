// The crosshair and what the reader does to the candles.
const candleCanvas = document.getElementById("candle-chart");
const candleLine = document.getElementById("candle-readout");
const tip = document.getElementById("tip");
const candleChart = surface(candleCanvas, drawCandleBase, drawCandleOver);
const layoutNow = () => {
  const { width, height } = candleChart.size();
  return candleLayout(width, height);
};

function drawCandleOver(context, width, height, colors) {
  const l = candleLayout(width, height);
  const inside = pointer && pointer.x >= 0 && pointer.x < l.right;
  const i = inside
    ? Math.floor(l.index(pointer.x))
    : selected >= 0
      ? trades[selected].to
      : candles.n - 1;
  tellCandle(Math.min(candles.n - 1, Math.max(0, i)));
  if (!inside || pointer.dragging) return hideTip();
  const x = l.scale >= 1.5 ? Math.round(l.x(i + 0.5)) : Math.round(pointer.x);
  context.strokeStyle = colors.muted;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(x + 0.5, 0);
  context.lineTo(x + 0.5, l.floor);
  if (pointer.y < l.bottom) {
    context.moveTo(0, Math.round(pointer.y) + 0.5);
    context.lineTo(l.right, Math.round(pointer.y) + 0.5);
  }
  context.stroke();
  context.setLineDash([]);
  if (pointer.y < l.bottom)
    axisTag(
      context,
      l.right + 3,
      pointer.y,
      fixed(l.price(pointer.y), Math.min(candles.decimals, 8)),
      colors,
    );
  if (i >= 0 && i < candles.n)
    timeTag(context, x, l.floor + 13, moment(candles.time[i]), l.right, colors);
  const k = tradeAt(l, pointer.x, pointer.y);
  if (k >= 0) showTip(trades[k], width);
  else hideTip();
}

function tellCandle(i) {
  const price = (v) => fixed(v, candles.decimals);
  const change = (candles.close[i] / candles.open[i] - 1) * 100;
  readout(candleLine, [
    ["", moment(candles.time[i])],
    ["O", price(candles.open[i])],
    ["H", price(candles.high[i])],
    ["L", price(candles.low[i])],
    ["C", price(candles.close[i])],
    ["", percent(change), tone(change)],
    ["V", brief(candles.volume[i])],
  ]);
}

function showTip(t, width) {
  const head = element("h4", `${t.long ? "▲ Long" : "▼ Short"} ${t.number}`);
  head.append(element("span", percent(t.profitPct), tone(t.profitPct)));
  const list = element("dl");
  const price = (v) => fixed(v, Math.min(8, candles.decimals));
  const rows = [
    ["Entry", `${moment(t.entryTime)} at ${price(t.entryPrice)}`],
    ["Exit", `${moment(t.exitTime)} at ${price(t.exitPrice)}`],
    ["Reason", t.reason + (t.ambiguous ? ", ambiguous" : "")],
    ["Profit", `${signed(t.profit, data.money_decimals)} ${data.currency}`],
    ["Fees, slippage", `${money(t.fees)}, ${money(t.slippage)}`],
    ["Quantity", String(Number(t.quantity.toPrecision(7)))],
    ["Holding", `${t.holding} ${t.holding === 1 ? "candle" : "candles"}`],
  ];
  for (const [name, value] of rows) list.append(element("dt", name), element("dd", value));
  tip.replaceChildren(head, list);
  tip.hidden = false;
  const left =
    pointer.x + 18 + tip.offsetWidth > width ? pointer.x - tip.offsetWidth - 18 : pointer.x + 18;
  const top = candleCanvas.offsetTop + Math.max(4, pointer.y - tip.offsetHeight - 10);
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${top}px`;
}

function hideTip() {
  tip.hidden = true;
}

// Drag pans, two fingers zoom.
const fingers = new Map();
let moved = 0;
candleCanvas.addEventListener("pointerdown", (event) => {
  if (event.button > 0) return;
  candleCanvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event.offsetX);
  moved = 0;
});
candleCanvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  pointer = { x: event.offsetX, y: event.offsetY, dragging: before !== undefined && moved > 3 };
  if (before === undefined) return candleChart.hover();
  const l = layoutNow();
  fingers.set(event.pointerId, event.offsetX);
  moved += Math.abs(event.offsetX - before);
  if (fingers.size === 1) {
    if (moved > 3) candleCanvas.classList.add("dragging");
    show(view.from - (event.offsetX - before) / l.scale, view.to - view.from);
  } else if (fingers.size === 2) {
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    const [old, now] = [Math.abs(before - other), Math.abs(event.offsetX - other)];
    if (old > 4 && now > 4) zoom(old / now, l.index((event.offsetX + other) / 2));
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  candleCanvas.addEventListener(name, (event) => {
    const pressed = fingers.delete(event.pointerId);
    candleCanvas.classList.remove("dragging");
    if (pointer) pointer.dragging = false;
    if (pressed && name === "pointerup" && moved <= 3) {
      const k = tradeAt(layoutNow(), event.offsetX, event.offsetY);
      if (k >= 0) select(k, false);
    }
    candleChart.hover();
  });
}
candleCanvas.addEventListener("pointerleave", () => {
  pointer = null;
  hideTip();
  candleChart.hover();
});

// A wheel that was scrolling the page goes on doing so as the chart passes under the pointer, and
// one that was zooming does not begin to scroll where the zoom ends.
let pageScrolled = -Infinity;
let zoomed = -Infinity;
addEventListener(
  "wheel",
  (event) => {
    if (event.target !== candleCanvas) pageScrolled = event.timeStamp;
  },
  { passive: true },
);
candleCanvas.addEventListener(
  "wheel",
  (event) => {
    if (event.timeStamp - pageScrolled < 250) {
      pageScrolled = event.timeStamp;
      return;
    }
    const l = layoutNow();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      show(view.from + (event.deltaX * unit) / l.scale, view.to - view.from);
      return;
    }
    const changed = zoom(
      Math.exp(Math.max(-1, Math.min(1, event.deltaY * unit * 0.0022))),
      l.index(event.offsetX),
    );
    if (changed || event.ctrlKey || event.timeStamp - zoomed < 400) {
      event.preventDefault();
      zoomed = event.timeStamp;
    }
  },
  { passive: false },
);

const acts = {
  previous: () => step(-1),
  next: () => step(1),
  in: () => zoom(0.6),
  out: () => zoom(1 / 0.6),
  all: () => show(-1, candles.n + 2),
};
for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", acts[button.dataset.act]);
  if (!trades.length && /previous|next/.test(button.dataset.act)) button.disabled = true;
}

const onScreen = () => {
  const box = candleCanvas.getBoundingClientRect();
  return box.bottom > 80 && box.top < innerHeight - 80;
};
addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  const free = event.target === document.body && onScreen();
  if (!free && event.target !== candleCanvas) return;
  const act = {
    ArrowLeft: "previous",
    ArrowRight: "next",
    "+": "in",
    "=": "in",
    "-": "out",
    0: "all",
  }[event.key];
  if (!act) return;
  event.preventDefault();
  acts[act]();
});
