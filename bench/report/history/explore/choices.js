// Choices on a history's page: one figure of one workload, models and interpreters.

import { DATA, named, of, write } from "../../explore/data.js";
import { chosen, state } from "../../explore/state.js";
import { digits } from "../../explore/write.js";

export const FIGURES = {
  throughput: { title: "Throughput", unit: () => "requests/s", write: write.rate },
  ratio: {
    title: "Throughput relative to the baseline",
    unit: (cell) => `× ${of("baseline", cell)}`,
    write: (value) => digits(value, 3),
  },
};
export const figures = Object.keys(FIGURES).filter((name) => DATA.cells.figure.includes(name));
export const first = {
  figure: figures[0],
  machine: DATA.machines.at(-1),
  workload: DATA.dims.workload[0],
  clients: String(DATA.dims.clients.at(-1)),
  models: DATA.dims.model,
  interpreters: DATA.dims.interpreter,
};
export const choices = () => ({
  figure: figures,
  machine: DATA.machines,
  workload: DATA.dims.workload,
  clients: DATA.dims.clients.map(String),
  models: DATA.dims.model,
  interpreters: DATA.dims.interpreter,
});
export const inFocus = (cell) =>
  chosen(cell) &&
  named("workload", cell) === state.workload &&
  String(of("clients", cell)) === state.clients &&
  of("figure", cell) === state.figure &&
  DATA.machines[of("machine", cell)] === state.machine;
