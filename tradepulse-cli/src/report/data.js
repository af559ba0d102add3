// The embedded data, decoded, and how figures are written.
const data = JSON.parse(document.getElementById("report-data").textContent);

function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

const littleEndian = (text, size, read) => {
  const view = new DataView(bytes(text).buffer);
  return Float64Array.from({ length: view.byteLength / size }, (_, i) =>
    view[read](i * size, true),
  );
};

// The last index whose value is not above `value`; 0 if all are.
function indexAt(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

const formats = new Map();
function fixed(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  if (!formats.has(decimals)) {
    formats.set(
      decimals,
      new Intl.NumberFormat("en-US", {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
      }),
    );
  }
  const text = formats.get(decimals).format(Math.abs(value));
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}
const signed = (value, decimals) =>
  (value > 0 && /[1-9]/.test(fixed(value, decimals)) ? "+" : "") + fixed(value, decimals);
const percent = (value) => `${signed(value, 2)}\u202f%`;
const money = (value) => fixed(value, data.money_decimals);
const tone = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "");
const moment = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

// Four significant digits, which is what the embedded volume has.
function brief(value) {
  const units = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  const [size, unit] = units.find(([least]) => value >= least) || [1, ""];
  return `${Number((value / size).toPrecision(4))}${unit}`;
}

function span(ms) {
  const minutes = Math.round(ms / 60000);
  const [days, hours, rest] = [
    Math.floor(minutes / 1440),
    Math.floor(minutes / 60) % 24,
    minutes % 60,
  ];
  if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
  if (hours) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  return `${rest} min`;
}

// An element with text in it; nothing from outside is ever parsed as HTML.
function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

// Pairs of label and value as one line.
function readout(node, parts) {
  node.replaceChildren(
    ...parts.map(([label, value, className]) => {
      const part = element("span", label ? `${label} ` : "");
      part.append(element("b", value, className));
      return part;
    }),
  );
}
