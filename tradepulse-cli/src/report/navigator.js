// The whole period in a strip, with the window on it.
const strip = document.getElementById("navigator");
const periodStrip = surface(strip, (context, width, height, colors) => {
  const right = width - AXIS;
  const columns = Math.max(1, Math.ceil(right));
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < candles.n; i++) {
    const x = Math.floor(((i + 0.5) / candles.n) * columns);
    const close = candles.close[i];
    if (close < low[x]) low[x] = close;
    if (close > high[x]) high[x] = close;
    if (close < least) least = close;
    if (close > most) most = close;
  }
  const y = (price) => 4 + (1 - (price - least) / (most - least || 1)) * (height - 12);
  context.fillStyle = colors.soft;
  context.fillRect(0, 0, right, height);
  context.beginPath();
  for (let x = 0; x < columns; x++) {
    if (low[x] === Infinity) continue;
    context.lineTo(x + 0.5, y(high[x]));
    if (low[x] !== high[x]) context.lineTo(x + 0.5, y(low[x]));
  }
  context.strokeStyle = colors.faint;
  context.lineWidth = 1;
  context.stroke();
  for (const won of [true, false]) {
    context.fillStyle = won ? colors.gainShade(0.7) : colors.lossShade(0.7);
    context.beginPath();
    for (const t of trades) {
      if (t.profit > 0 === won)
        context.rect(((t.from + 0.5) / candles.n) * right, height - 5 + (won ? 0 : 2.5), 1, 2.5);
    }
    context.fill();
  }
  const [from, to] = [view.from, view.to].map(
    (i) => (Math.min(candles.n, Math.max(0, i)) / candles.n) * right,
  );
  const [left, size] = to - from < 6 ? [(from + to) / 2 - 3, 6] : [from, to - from];
  context.fillStyle = colors.gainShade(0.16);
  context.fillRect(left, 0, size, height);
  context.strokeStyle = colors.gain;
  context.strokeRect(left + 0.5, 0.5, size - 1, height - 1);
});

{
  let grip = null;
  const place = (event) => {
    const right = strip.clientWidth - AXIS;
    const width = view.to - view.from;
    show((event.offsetX / right) * candles.n - grip, width);
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    const at = (event.offsetX / (strip.clientWidth - AXIS)) * candles.n;
    const width = view.to - view.from;
    grip = at >= view.from && at <= view.to ? at - view.from : width / 2;
    place(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (grip !== null) place(event);
  });
  for (const name of ["pointerup", "pointercancel"])
    strip.addEventListener(name, () => (grip = null));
}
