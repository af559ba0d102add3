// Parallel coordinates, an axis a row: a line for each feasible trial, the better the stronger.
// Dragging along an axis keeps the trials that lie in what was drawn over.
{
  const canvas = document.getElementById("parallel-chart");
  const clear = document.getElementById("parallel-clear");
  const caption = document.getElementById("parallel-caption");
  const ROW_HEIGHT = 46;
  const top = 30;
  const edge = 14;
  const axes = [
    { name: data.objective, of: (t) => t.objective, decimals: 3 },
    ...data.variables.map((variable, k) => ({
      name: variable.name,
      unit: variable.unit,
      of: (t) => t.values[k],
    })),
  ];
  for (const a of axes) {
    [a.low, a.high] = extent(ranked.map(a.of), 0);
    if (a.low === a.high) [a.low, a.high] = [a.low - 1, a.high + 1];
    a.kept = null;
  }
  canvas.style.height = `${top + (axes.length - 1) * ROW_HEIGHT + 30}px`;

  const place = (a, value, width) =>
    edge + ((value - a.low) / (a.high - a.low)) * (width - 2 * edge);
  const valueAt = (a, x, width) =>
    a.low + ((x - edge) / Math.max(1, width - 2 * edge)) * (a.high - a.low);
  const rowOf = (k) => top + k * ROW_HEIGHT;
  const isKept = (t) =>
    axes.every((a) => {
      const v = a.of(t);
      return !a.kept || (v !== null && v >= a.kept[0] && v <= a.kept[1]);
    });
  const write = (a, v) => (a.decimals ? figure(v) : parameter(Number(v.toPrecision(6))));

  function trace(context, t, width) {
    context.beginPath();
    axes.forEach((a, k) => {
      const v = a.of(t);
      if (v !== null) context.lineTo(place(a, v, width), rowOf(k));
    });
    context.stroke();
  }

  function drawBase(context, width, height, colors) {
    const selecting = axes.some((a) => a.kept);
    const kept = ranked.filter(isKept);
    context.lineWidth = 1;
    if (selecting) {
      context.strokeStyle = colors.grid;
      for (const t of ranked) trace(context, t, width);
    }
    // Ranks among those kept, so that a selection shows its own best.
    kept.forEach((t, k) => {
      const rank = kept.length > 1 ? k / (kept.length - 1) : 1;
      context.strokeStyle = colors.gainShade((0.06 + 0.8 * rank ** 4).toFixed(3));
      context.lineWidth = 0.8 + rank ** 4;
      trace(context, t, width);
    });
    axes.forEach((a, k) => {
      const y = rowOf(k);
      context.fillStyle = colors.faint;
      context.fillRect(edge, y, width - 2 * edge, 1);
      if (a.kept) {
        const [from, to] = a.kept.map((v) => place(a, v, width));
        context.fillStyle = colors.lossShade(0.4);
        context.fillRect(from - 2, y - 5, Math.max(4, to - from + 4), 11);
      }
      tag(context, a.unit ? `${a.name}, ${a.unit}` : a.name, edge, y - 13, "left", colors.ink, colors);
      tag(context, write(a, a.low), edge, y + 12, "left", colors.muted, colors);
      tag(context, write(a, a.high), width - edge, y + 12, "right", colors.muted, colors);
    });
    const best = kept[kept.length - 1];
    if (best) {
      context.strokeStyle = colors.ink;
      context.lineWidth = 1.75;
      trace(context, best, width);
    }
    clear.disabled = !selecting;
    caption.textContent =
      `${selecting ? `${fixed(kept.length, 0)} of ` : ""}${fixed(ranked.length, 0)} feasible trials` +
      `${data.trials_made > trials.length ? ` (${fixed(data.trials_made, 0)} were made)` : ""}; the ` +
      "better the objective, the stronger the line, the best in black or white. Drag along an axis " +
      "to keep what lies there; click it to let go.";
  }

  // Text with the ground behind it, so that lines do not cross it out.
  function tag(context, text, x, y, align, color, colors) {
    const width = context.measureText(text).width;
    context.globalAlpha = 0.8;
    context.fillStyle = colors.bg;
    context.fillRect(align === "left" ? x - 2 : x - width - 2, y - 8, width + 4, 16);
    context.globalAlpha = 1;
    context.fillStyle = color;
    context.textAlign = align;
    context.fillText(text, x, y);
  }

  function drawOver(context, width, height, colors) {
    if (!pointed || pointed.kind !== FEASIBLE) return;
    context.strokeStyle = colors.loss;
    context.lineWidth = 2;
    trace(context, pointed, width);
    axes.forEach((a, k) => {
      const v = a.of(pointed);
      if (v !== null) dot(context, place(a, v, width), rowOf(k), 3.5, colors.loss, colors.bg);
    });
  }

  const chart = surface(canvas, drawBase, drawOver);
  charts.push(chart);
  let drag = null;
  const axisAt = (y) => axes[Math.min(axes.length - 1, Math.max(0, Math.round((y - top) / ROW_HEIGHT)))];
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { axis: axisAt(event.offsetY), x: event.offsetX, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const { width } = chart.size();
    if (!drag) {
      const k = axes.indexOf(axisAt(event.offsetY));
      const kept = ranked.filter((t) => axes[k].of(t) !== null && isKept(t));
      pointAt(
        nearest(
          kept.map((t) => [place(axes[k], axes[k].of(t), width), event.offsetY, t]),
          event.offsetX,
          event.offsetY,
        ),
      );
      return;
    }
    if (Math.abs(event.offsetX - drag.x) < 4 && !drag.moved) return;
    drag.moved = true;
    const ends = [drag.x, event.offsetX].map((x) => valueAt(drag.axis, x, width));
    drag.axis.kept = [Math.min(...ends), Math.max(...ends)];
    chart.redraw();
  });
  const release = () => {
    if (drag && !drag.moved && drag.axis.kept) {
      drag.axis.kept = null;
      chart.redraw();
    }
    drag = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", () => (drag = null));
  canvas.addEventListener("pointerleave", () => pointAt(null));
  clear.addEventListener("click", () => {
    for (const a of axes) a.kept = null;
    chart.redraw();
  });
}
