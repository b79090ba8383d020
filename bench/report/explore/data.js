// Data of the page: columns with a value for each cell, and the formatting of figures.

import { UNKNOWN, clientsOf, formatters, known } from "./write.js";

export const DATA = JSON.parse(document.getElementById("data").textContent);
export const CELLS = DATA.cells.model.map((_, index) => index);
export const THREAD_STATES = DATA.thread_states;

export const of = (column, cell) => DATA.cells[column][cell];
export const named = (dim, cell) => (dim === "clients" ? of(dim, cell) : DATA.dims[dim][of(dim, cell)]);
export const write = formatters(DATA.decimals);

// A figure with its range over passes, as "1,234 (1,200–1,260)".
export function ranged(column, cell, how) {
  const value = of(column, cell);
  if (!known(value)) return UNKNOWN;
  const low = of(column + "_low", cell);
  return how(value) + (known(low) ? ` (${how(low)}–${how(of(column + "_high", cell))})` : "");
}

export const title = (cell) => `${named("model", cell)} on ${named("interpreter", cell)}`;
export const whole = (cell) => `${named("workload", cell)}, ${title(cell)}, ${clientsOf(of("clients", cell))}`;
export const warned = (cell) => of("warnings", cell).map((index) => DATA.codes[index]);
