// Choices on a run's page, and the cells that they select.

import { DATA, named, of } from "../../explore/data.js";
import { chosen, state } from "../../explore/state.js";
import { DRAW } from "./main.js";
import { COLUMNS } from "./table.js";

export const first = {
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
export const choices = () => ({
  view: Object.keys(DRAW),
  workload: DATA.dims.workload,
  clients: DATA.dims.clients.map(String),
  columns: Object.keys(COLUMNS),
  models: DATA.dims.model,
  interpreters: DATA.dims.interpreter,
});

export const inFocus = (cell) => chosen(cell) && named("workload", cell) === state.workload;
export const atClients = (cell) => inFocus(cell) && String(of("clients", cell)) === state.clients;
