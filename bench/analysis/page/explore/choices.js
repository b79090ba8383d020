// What can be chosen on a run's page, and which cells that leaves.

const first = {
  view: "throughput",
  workload: DATA.dims.workload.includes("cpu") ? "cpu" : DATA.dims.workload[0],
  clients: String(DATA.dims.clients.at(-1)),
  columns: "figures",
  sort: "",
  find: "",
  models: DATA.dims.model,
  interpreters: DATA.dims.interpreter,
  every: false,
};
const choices = () => ({
  view: Object.keys(DRAW),
  workload: DATA.dims.workload,
  clients: DATA.dims.clients.map(String),
  columns: Object.keys(COLUMNS),
  models: DATA.dims.model,
  interpreters: DATA.dims.interpreter,
});

const inFocus = (cell) => chosen(cell) && named("workload", cell) === state.workload;
const atClients = (cell) => inFocus(cell) && String(of("clients", cell)) === state.clients;
