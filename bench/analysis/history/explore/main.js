// A history's page: its controls, and what they change.

const host = document.getElementById("view");

function render() {
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
document.getElementById("copy-csv").addEventListener("click", () => copy(asCsv(), "what is shown as CSV"));
begin(host);
