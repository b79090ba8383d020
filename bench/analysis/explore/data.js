// What the page knows: columns with a value for each cell, and how its figures are written.

const DATA = JSON.parse(document.getElementById("data").textContent);
const CELLS = DATA.cells.model.map((_, index) => index);
const THREAD_STATES = DATA.thread_states;

const of = (column, cell) => DATA.cells[column][cell];
const named = (dim, cell) => (dim === "clients" ? of(dim, cell) : DATA.dims[dim][of(dim, cell)]);
const known = (value) => value !== null && value !== undefined;
const UNKNOWN = "–";

const digits = (value, decimals) =>
  value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const write = {
  rate: (value) => (value >= 100 ? digits(value, 0) : String(Number(value.toPrecision(3)))),
  ratio: (value) => digits(value, value < 2 ? 2 : value < 20 ? 1 : 0),
  ms: (ns) => {
    const ms = ns / 1e6;
    return digits(ms, ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 0.1 ? 2 : 3);
  },
  share: (value) => (value < 0.0005 ? "0%" : digits(value * 100, value < 0.0995 ? 1 : 0) + "%"),
  us: (s) => digits(s * 1e6, s * 1e6 >= 100 ? 0 : 1),
  mib: (bytes) => digits(bytes / 2 ** 20, 1),
  count: (value) => digits(value, 0),
};
const csv = (rows) => {
  const safe = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map((one) => safe(String(one))).join(",")).join("\n") + "\n";
};

// A figure with its range over passes, as "1,234 (1,200–1,260)".
function ranged(column, cell, how) {
  const value = of(column, cell);
  if (!known(value)) return UNKNOWN;
  const low = of(column + "_low", cell);
  return how(value) + (known(low) ? ` (${how(low)}–${how(of(column + "_high", cell))})` : "");
}

const title = (cell) => `${named("model", cell)} on ${named("interpreter", cell)}`;
const clientsOf = (n) => `${n} client${Number(n) === 1 ? "" : "s"}`;
const whole = (cell) => `${named("workload", cell)}, ${title(cell)}, ${clientsOf(of("clients", cell))}`;
const warned = (cell) => of("warnings", cell).map((index) => DATA.codes[index]);
const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);
