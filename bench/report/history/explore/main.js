// Page of a history: controls and rendering.

import { begin, control, copy, showChosen } from "../../explore/controls.js";
import { DATA } from "../../explore/data.js";
import { explore } from "../../explore/state.js";
import { reachable, tip } from "../../explore/tip.js";
import { choices, figures, first } from "./choices.js";
import { asCsv, drawRuns } from "./runs.js";

export const host = document.getElementById("view");

export function render() {
  showChosen();
  tip.hidden = true;
  host.replaceChildren();
  drawRuns(host);
  reachable(host);
}

control("figure", figures, false);
control("machine", DATA.machines, false);
control("workload", DATA.dims.workload, false);
control("clients", DATA.dims.clients.map(String), false);
control("models", DATA.dims.model, true);
control("interpreters", DATA.dims.interpreter, true);
document.getElementById("choose-machine").hidden = DATA.machines.length < 2;
document.getElementById("copy-csv").addEventListener("click", () => copy(asCsv(), "this view as CSV"));
explore({ first, choices, render });
begin(host);
