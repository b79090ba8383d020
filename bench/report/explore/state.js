// The selection, and its encoding in the page's address: a link to it shows the same to others.
// A page starts with `explore`: the initial selection (a list for several; true or false; a text), the choices, and how
// to draw them.

import { say } from "./controls.js";
import { named, of } from "./data.js";

export const KEY = "explore";
export let page = null;
export let state = {};

export function explore(given) {
  page = given;
  state = { ...page.first };
}

export const reset = () => change({ ...page.first });
export const draw = () => page.render();

export function read() {
  const [key, ...rest] = location.hash.slice(1).split("&");
  if (key !== KEY) return false;
  const typed = new URLSearchParams(rest.join("&")),
    found = { ...page.first },
    all = page.choices();
  for (const [name, before] of Object.entries(page.first)) {
    const said = typed.get(name);
    if (said === null) continue;
    if (Array.isArray(before)) {
      const several = all[name].filter((one) => said.split(",").includes(one));
      if (several.length) found[name] = several;
    } else if (typeof before === "boolean") found[name] = said === "yes";
    else if (!(name in all) || all[name].includes(said)) found[name] = said;
  }
  state = found;
  return true;
}

export function address() {
  const said = new URLSearchParams();
  for (const [name, before] of Object.entries(page.first)) {
    const now = state[name];
    if (Array.isArray(before) ? now.length === before.length : now === before) continue;
    said.set(name, Array.isArray(now) ? now.join(",") : now === true ? "yes" : now);
  }
  const text = said.toString();
  return `#${KEY}${text && "&" + text}`;
}

export function change(changes, redraw = draw) {
  state = { ...state, ...changes };
  history.replaceState(null, "", address());
  say("");
  redraw();
}

export const chosen = (cell) =>
  state.models.includes(named("model", cell)) && state.interpreters.includes(named("interpreter", cell));
export const shownInterpreters = (cells) =>
  [...new Set(cells.map((cell) => of("interpreter", cell)))].sort((a, b) => a - b);
