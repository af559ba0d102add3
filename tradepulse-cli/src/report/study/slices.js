// The objective against each variable.
{
  const [low, high] = extent(
    ranked.map((t) => t.objective),
    0.06,
  );
  const axis = 44;
  const foot = 20;

  function slice(variable, k) {
    const box = element("figure");
    const name = element("figcaption", `${variable.name} `);
    name.append(element("span", variable.unit));
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Objective against ${variable.name}`);
    box.append(name, canvas);
    document.getElementById("slice-charts").append(box);
    const shown = ranked.filter((t) => t.values[k] !== null);
    const range = extent(
      shown.map((t) => t.values[k]),
      0.04,
    );

    function layout(width, height) {
      const floor = height - foot;
      return {
        floor,
        x: (v) => axis + 4 + ((v - range[0]) / (range[1] - range[0])) * (width - axis - 8),
        y: (v) => 5 + (1 - (v - low) / (high - low)) * (floor - 10),
      };
    }
    const at = (t, l) => [l.x(t.values[k]), l.y(t.objective)];

    function drawBase(context, width, height, colors) {
      const l = layout(width, height);
      const values = niceTicks(low, high, 4);
      for (const v of values.ticks) {
        const y = Math.round(l.y(v));
        context.fillStyle = v === 0 ? colors.faint : colors.grid;
        context.fillRect(axis, y, width - axis, 1);
        context.fillStyle = colors.muted;
        context.textAlign = "right";
        context.fillText(fixed(v, values.decimals), axis - 7, y);
      }
      const marks = niceTicks(range[0], range[1], Math.max(2, width / 70));
      context.fillStyle = colors.muted;
      for (const v of marks.ticks) {
        const x = l.x(v);
        if (x < axis || x > width) continue;
        context.textAlign = x > width - 18 ? "right" : "center";
        context.fillText(fixed(v, marks.decimals), x, l.floor + 11);
      }
      const alpha = Math.max(0.12, Math.min(0.55, 60 / Math.max(1, shown.length)));
      for (const t of shown) dot(context, ...at(t, l), 2.5, colors.gainShade(alpha));
      if (bestTrial && bestTrial.values[k] !== null) {
        context.lineWidth = 2;
        dot(context, ...at(bestTrial, l), 5, colors.bg, colors.ink);
        dot(context, ...at(bestTrial, l), 2, colors.ink);
      }
    }

    function drawOver(context, width, height, colors) {
      if (!pointed || pointed.kind !== FEASIBLE || pointed.values[k] === null) return;
      context.lineWidth = 1.5;
      dot(context, ...at(pointed, layout(width, height)), 4.5, colors.loss, colors.bg);
    }

    const chart = surface(canvas, drawBase, drawOver);
    charts.push(chart);
    follow(canvas, () => {
      const { width, height } = chart.size();
      const l = layout(width, height);
      return shown.map((t) => [...at(t, l), t]);
    });
  }
  data.variables.forEach(slice);
}
