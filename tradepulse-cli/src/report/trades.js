// The list of trades: only the rows in sight exist.
const ROW = 44;
const rows = document.getElementById("list");
const space = document.getElementById("list-space");
const filter = document.getElementById("list-filter");
const order = document.getElementById("list-order");
let listed = trades.map((_, i) => i);

const kept = {
  all: () => true,
  wins: (t) => t.profit > 0,
  losses: (t) => t.profit < 0,
  long: (t) => t.long,
  short: (t) => !t.long,
  ambiguous: (t) => t.ambiguous,
};

function arrange() {
  listed = trades.map((_, i) => i).filter((i) => kept[filter.value](trades[i]));
  const way = { best: -1, worst: 1 }[order.value];
  if (way) listed.sort((a, b) => way * (trades[a].profitPct - trades[b].profitPct) || a - b);
  document.getElementById("list-count").textContent =
    `${fixed(listed.length, 0)} ${listed.length === 1 ? "trade" : "trades"}`;
  space.style.height = `${listed.length * ROW}px`;
  rows.scrollTop = 0;
  drawRows();
}

function drawRows() {
  const first = Math.max(0, Math.floor(rows.scrollTop / ROW) - 3);
  const end = Math.min(listed.length, Math.ceil((rows.scrollTop + rows.clientHeight) / ROW) + 3);
  const nodes = [];
  for (let k = first; k < end; k++) nodes.push(tradeRow(trades[listed[k]], k));
  if (!listed.length)
    nodes.push(element("p", trades.length ? "No trade of this kind." : "No trades.", "nothing"));
  space.replaceChildren(...nodes);
  const shown = listed.indexOf(selected);
  if (shown >= first && shown < end)
    rows.setAttribute("aria-activedescendant", `trade-${selected}`);
  else rows.removeAttribute("aria-activedescendant");
}

function tradeRow(t, place) {
  const node = element("div");
  node.id = `trade-${t.number - 1}`;
  node.style.top = `${place * ROW}px`;
  node.setAttribute("role", "option");
  node.setAttribute("aria-selected", String(t.number - 1 === selected));
  node.setAttribute("aria-setsize", String(listed.length));
  node.setAttribute("aria-posinset", String(place + 1));
  const arrowSign = element("span", t.long ? "▲ " : "▼ ");
  arrowSign.setAttribute("aria-label", t.long ? "long" : "short");
  const entry = element("span");
  entry.append(arrowSign, moment(t.entryTime));
  node.append(
    entry,
    element("span", percent(t.profitPct), tone(t.profitPct)),
    element(
      "span",
      `${SIGNS[t.reason] || "○"} ${t.reason}${t.ambiguous ? "?" : ""} · ${t.holding} × ${data.timeframe}`,
      "minor",
    ),
    element("span", signed(t.profit, data.money_decimals), "minor"),
  );
  return node;
}

// Scrolls the selected row into sight.
function reveal() {
  const place = listed.indexOf(selected);
  if (place < 0) return;
  const top = place * ROW;
  if (top < rows.scrollTop) rows.scrollTop = top - ROW;
  else if (top + ROW > rows.scrollTop + rows.clientHeight)
    rows.scrollTop = top - rows.clientHeight + 2 * ROW;
}

function select(k, centre) {
  selected = k;
  const t = trades[k];
  const holding = t.to - t.from + 1;
  const width = Math.min(
    Math.max(view.to - view.from, holding * 1.6, 60),
    Math.max(400, holding * 4),
  );
  if (centre) show((t.from + t.to + 1) / 2 - width / 2, width);
  reveal();
  drawRows();
  candleChart.redraw();
}

// The next or previous trade of those listed.
function step(by) {
  if (!listed.length) return;
  const place = listed.indexOf(selected);
  const from = place < 0 && by === -1 ? listed.length : place;
  select(listed[Math.min(listed.length - 1, Math.max(0, from + by))], true);
}

rows.addEventListener("scroll", drawRows, { passive: true });
rows.addEventListener("click", (event) => {
  const node = event.target.closest("[role=option]");
  if (node) select(Number(node.id.slice(6)), true);
});
rows.addEventListener("keydown", (event) => {
  const by = {
    ArrowUp: -1,
    ArrowLeft: -1,
    ArrowDown: 1,
    ArrowRight: 1,
    PageUp: -8,
    PageDown: 8,
    Home: -Infinity,
    End: Infinity,
  }[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  step(by);
});
for (const control of [filter, order]) control.addEventListener("change", arrange);
visit = (time) => {
  centreOn(indexAt(candles.time, time));
  document.getElementById("trades").scrollIntoView();
};
new ResizeObserver(drawRows).observe(rows);

{
  const caption = document.getElementById("candle-caption");
  const coarser =
    data.candles.timeframe !== data.timeframe
      ? `The ${fixed(data.series_candles, 0)} candles of ${data.timeframe} are drawn as ${fixed(candles.n, 0)} of ${data.candles.timeframe} to keep this file small. `
      : `${fixed(candles.n, 0)} candles of ${data.timeframe}. `;
  const used = ["target", "stop", "max_holding", "signal", "end_of_data", "ruined"].filter((r) =>
    data.exit_reasons.includes(r),
  );
  const signs = trades.length
    ? ` Entries: ▲ long, ▼ short. Exits: ${used.map((r) => `${SIGNS[r]} ${r}`).join(", ")}.`
    : "";
  const keys = trades.length ? ", ← and → to go from trade to trade" : "";
  caption.textContent = `${coarser}Filled or darker candles fell, hollow or lighter ones rose.${signs} Drag to move, wheel or pinch to zoom${keys}.`;
  arrange();
  rows.scrollTop = listed.length * ROW;
  // First sight: the last few trades, or the last candles.
  const last = trades[trades.length - 1];
  const third = trades[Math.max(0, trades.length - 3)];
  const width = Math.min(
    candles.n + 2,
    Math.max(
      100,
      Math.min(420, candleCanvas.clientWidth / 2.2, last ? (last.to - third.from) * 1.15 : 200),
    ),
  );
  show(last ? (last.from + last.to + 1) / 2 - width * 0.82 : candles.n - width + 2, width);
}
