// What is chosen, and its writing in the page's address: a link to it shows the same to somebody else.

const KEY = "explore";
const first = {
  view: "throughput",
  workload: DATA.dims.workload.includes("cpu") ? "cpu" : DATA.dims.workload[0],
  clients: String(DATA.dims.clients.at(-1)),
  models: DATA.dims.model,
  targets: DATA.dims.target,
  columns: "figures",
  sort: "",
  find: "",
  every: false,
};
let state = { ...first };

function read() {
  const [key, ...rest] = location.hash.slice(1).split("&");
  if (key !== KEY) return false;
  const typed = new URLSearchParams(rest.join("&")), found = { ...first };
  const among = (name, all) => { if (all.includes(typed.get(name))) found[name] = typed.get(name); };
  const several = (name, all) => {
    const chosen = (typed.get(name) ?? "").split(",").filter((one) => all.includes(one));
    if (chosen.length) found[name] = all.filter((one) => chosen.includes(one));
  };
  among("view", Object.keys(DRAW));
  among("workload", DATA.dims.workload);
  among("clients", DATA.dims.clients.map(String));
  among("columns", Object.keys(COLUMNS));
  several("models", DATA.dims.model);
  several("targets", DATA.dims.target);
  found.sort = typed.get("sort") ?? "";
  found.find = typed.get("find") ?? "";
  found.every = typed.get("every") === "yes";
  state = found;
  return true;
}

function address() {
  const said = new URLSearchParams();
  for (const name of ["view", "workload", "clients", "columns", "sort", "find"]) if (state[name] !== first[name]) said.set(name, state[name]);
  for (const name of ["models", "targets"]) if (state[name].length !== first[name].length) said.set(name, state[name].join(","));
  if (state.every) said.set("every", "yes");
  const text = said.toString();
  return `#${KEY}${text && "&" + text}`;
}

function change(changes, draw = render) {
  state = { ...state, ...changes };
  history.replaceState(null, "", address());
  say("");
  draw();
}

const chosen = (cell) => state.models.includes(named("model", cell)) && state.targets.includes(named("target", cell));
const inFocus = (cell) => chosen(cell) && named("workload", cell) === state.workload;
const atClients = (cell) => inFocus(cell) && String(of("clients", cell)) === state.clients;
const shownTargets = (cells) => [...new Set(cells.map((cell) => of("target", cell)))].sort((a, b) => a - b);
