// Theme: the reader's choice, else what the system prefers. `#theme=dark` forces one.
const root = document.documentElement;
const redraws = [];
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function currentTheme() {
  return root.dataset.theme || (prefersDark.matches ? "dark" : "light");
}

function stored(value) {
  try {
    if (value) localStorage.setItem("tradepulse-theme", value);
    return localStorage.getItem("tradepulse-theme");
  } catch {
    return null; // A file opened from disk may have no storage.
  }
}

function showTheme(name) {
  if (name) root.dataset.theme = name;
  const other = currentTheme() === "dark" ? "Light" : "Dark";
  const button = document.getElementById("theme");
  button.hidden = false;
  button.textContent = other;
  button.setAttribute("aria-label", `${other} theme`);
  for (const redraw of redraws) redraw();
}

const forced = /[?&#]theme=(light|dark)\b/.exec(location.search + location.hash);
showTheme(forced ? forced[1] : stored());
prefersDark.addEventListener("change", () => showTheme());
document.getElementById("theme").addEventListener("click", () => {
  const name = currentTheme() === "dark" ? "light" : "dark";
  stored(name);
  showTheme(name);
});

// Paper is white.
let beforePrint;
addEventListener("beforeprint", () => {
  beforePrint = root.dataset.theme;
  showTheme("light");
});
addEventListener("afterprint", () => {
  if (beforePrint) root.dataset.theme = beforePrint;
  else delete root.dataset.theme;
  showTheme();
});
