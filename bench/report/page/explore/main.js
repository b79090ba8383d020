// Page of a run: controls and rendering.

import { begin, control, copy, scrollable, showChosen } from "../../explore/controls.js";
import { DATA } from "../../explore/data.js";
import { change, explore, state } from "../../explore/state.js";
import { reachable, tip } from "../../explore/tip.js";
import { choices, first } from "./choices.js";
import { drawInterpreters } from "./interpreters.js";
import { drawLatency } from "./latency.js";
import { FORMATS, drawTable, rows, tableHost } from "./table.js";
import { drawThroughput } from "./throughput.js";
import { drawTime } from "./time.js";
import { drawWindows } from "./windows.js";

export const host = document.getElementById("view");
export const DRAW = {
  throughput: drawThroughput,
  latency: drawLatency,
  time: drawTime,
  interpreters: drawInterpreters,
  windows: drawWindows,
};

export function render() {
  showChosen();
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

control("workload", DATA.dims.workload, false);
control("clients", DATA.dims.clients.map(String), false);
control("models", DATA.dims.model, true, (model) => DATA.pools[model] ?? model);
control("interpreters", DATA.dims.interpreter, true);

// The table follows the view, until its columns are chosen.
export const show = (view) => change({ view, columns: view === "time" ? "time" : "figures", sort: "" });
export const tabs = [...document.querySelectorAll("#explore [role=tab]")];
tabs.forEach((tab, index) => {
  tab.addEventListener("click", () => show(tab.dataset.view));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[to % tabs.length];
    show(next.dataset.view);
    next.focus();
  });
});
document.getElementById("find").addEventListener("input", (event) => change({ find: event.target.value }, drawTable));
document.getElementById("every").addEventListener("change", (event) => change({ every: event.target.checked }));
document
  .getElementById("columns")
  .addEventListener("change", (event) => change({ columns: event.target.value, sort: "" }));
document
  .getElementById("copy-markdown")
  .addEventListener("click", () => copy(FORMATS.Markdown(), `${rows().length} rows as Markdown`));
document
  .getElementById("copy-csv")
  .addEventListener("click", () => copy(FORMATS.CSV(), `${rows().length} rows as CSV`));
document.querySelectorAll("[data-copy]").forEach((button) =>
  button.addEventListener("click", async () => {
    await copy(document.getElementById(button.dataset.copy).textContent, "the command");
    button.textContent = "Copied";
  }),
);

explore({ first, choices, render });
begin(host);

// The other boxes one by one, when the browser is idle: each needs a layout.
export const boxes = [...document.querySelectorAll(".scroll")];
export const idle = window.requestIdleCallback ?? ((then) => setTimeout(then, 50));
export const next = () => {
  if (boxes.length) {
    scrollable(boxes.shift());
    idle(next);
  }
};
idle(next);
