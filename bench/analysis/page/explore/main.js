// The controls, and what they change.

const host = document.getElementById("view");
const DRAW = { throughput: drawThroughput, latency: drawLatency, time: drawTime, interpreters: drawInterpreters, windows: drawWindows };

function control(name, values, several) {
  const box = document.getElementById(`choose-${name}`);
  for (const value of values) {
    const input = document.createElement("input"), label = document.createElement("label");
    Object.assign(input, { type: several ? "checkbox" : "radio", name, value });
    input.addEventListener("change", () => change({ [name]: several ? picked(name, values, input) : value }));
    label.append(input, ...swatches(name, value), value);
    box.append(label);
  }
}

// At least one of several stays chosen: an empty page answers nothing.
function picked(name, values, input) {
  const kept = values.filter((value) => (value === input.value ? input.checked : state[name].includes(value)));
  return kept.length ? kept : [...state[name]];
}

function swatches(name, value) {
  return name === "models" ? [h("span", { class: "swatch", style: `background: var(--model-${value}, var(--model-other))` })] : [];
}

function render() {
  for (const input of document.querySelectorAll("#explore fieldset input")) {
    const value = state[input.name];
    input.checked = Array.isArray(value) ? value.includes(input.value) : value === input.value;
  }
  for (const tab of document.querySelectorAll("#explore [role=tab]")) {
    const on = tab.dataset.view === state.view;
    tab.setAttribute("aria-selected", on);
    tab.setAttribute("tabindex", on ? 0 : -1);
    if (on) host.setAttribute("aria-labelledby", tab.id);
  }
  document.getElementById("find").value = state.find;
  document.getElementById("every").checked = state.every;
  document.getElementById("columns").value = state.columns;
  tip.hidden = true;
  host.replaceChildren();
  DRAW[state.view](host);
  reachable(host);
  drawTable();
  scrollable(tableHost);
}

// What has to be scrolled can be reached by Tab, and says what it is.
function scrollable(box) {
  const scrolls = box.scrollWidth > box.clientWidth;
  const title = box.closest("section")?.querySelector("h2")?.textContent ?? document.getElementById("explore-title").textContent;
  for (const [name, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": `${title}, can be scrolled` }))
    scrolls ? box.setAttribute(name, value) : box.removeAttribute(name);
}

function say(text) {
  document.getElementById("said").textContent = text;
}

async function copy(text, what) {
  const before = document.activeElement;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before.focus();
    if (!done) return say("The browser does not let the page copy.");
  }
  say(`Copied ${what}.`);
}

control("workload", DATA.dims.workload, false);
control("clients", DATA.dims.clients.map(String), false);
control("models", DATA.dims.model, true);
control("targets", DATA.dims.target, true);

const tabs = [...document.querySelectorAll("#explore [role=tab]")];
tabs.forEach((tab, index) => {
  tab.addEventListener("click", () => change({ view: tab.dataset.view }));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[to % tabs.length];
    change({ view: next.dataset.view });
    next.focus();
  });
});
document.getElementById("find").addEventListener("input", (event) => change({ find: event.target.value }, drawTable));
document.getElementById("every").addEventListener("change", (event) => change({ every: event.target.checked }));
document.getElementById("columns").addEventListener("change", (event) => change({ columns: event.target.value, sort: "" }));
document.getElementById("copy-markdown").addEventListener("click", () => copy(FORMATS.Markdown(), `${rows().length} rows as Markdown`));
document.getElementById("copy-csv").addEventListener("click", () => copy(FORMATS.CSV(), `${rows().length} rows as CSV`));
document.getElementById("copy-link").addEventListener("click", () => copy(location.href.split("#")[0] + address(), "a link to what is shown"));
document.getElementById("reset").addEventListener("click", () => change({ ...first }));
document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
  await copy(document.getElementById(button.dataset.copy).textContent, "the command");
  button.textContent = "Copied";
}));

tips(host);
addEventListener("hashchange", () => { if (read()) { render(); document.getElementById("explore-title").scrollIntoView(); } });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; render(); } });
const linked = read();
document.getElementById("explore").hidden = false;
render();
if (linked) document.getElementById("explore-title").scrollIntoView();

// The others one after another, when there is time: each has to be laid out for it.
const boxes = [...document.querySelectorAll(".scroll")];
const idle = window.requestIdleCallback ?? ((then) => setTimeout(then, 50));
const next = () => { if (boxes.length) { scrollable(boxes.shift()); idle(next); } };
idle(next);
