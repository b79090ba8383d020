// Controls: single and multiple choice, copying, status messages.

import { address, change, draw, read, reset, state } from "./state.js";
import { h } from "./svg.js";
import { tips } from "./tip.js";

export function control(name, values, several, shown = (value) => value) {
  const box = document.getElementById(`choose-${name}`);
  for (const value of values) {
    const input = document.createElement("input"),
      label = document.createElement("label");
    Object.assign(input, { type: several ? "checkbox" : "radio", name, value });
    input.addEventListener("change", () => change({ [name]: several ? picked(name, values, input) : value }));
    label.append(input, ...swatches(name, value), shown(value));
    box.append(label);
  }
}

// At least one of several stays selected: an empty page shows nothing.
export function picked(name, values, input) {
  const kept = values.filter((value) => (value === input.value ? input.checked : state[name].includes(value)));
  return kept.length ? kept : [...state[name]];
}

export function swatches(name, value) {
  return name === "models"
    ? [h("span", { class: "swatch", style: `background: var(--model-${value}, var(--model-other))` })]
    : [];
}

// Show the selection in the controls.
export function showChosen() {
  for (const input of document.querySelectorAll("#explore fieldset input")) {
    const value = state[input.name];
    input.checked = Array.isArray(value) ? value.includes(input.value) : value === input.value;
  }
}

// A box that scrolls can be reached by Tab, and has a label.
export function scrollable(box) {
  const scrolls = box.scrollWidth > box.clientWidth;
  const title =
    box.closest("section")?.querySelector("h2")?.textContent ?? document.getElementById("explore-title").textContent;
  for (const [name, value] of Object.entries({
    tabindex: "0",
    role: "region",
    "aria-label": `${title}, scrollable`,
  }))
    if (scrolls) box.setAttribute(name, value);
    else box.removeAttribute(name);
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

export async function copy(text, what) {
  const before = document.activeElement;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before.focus();
    if (!done) return say("The browser does not allow the page to copy.");
  }
  say(`Copied ${what}.`);
}

// Show the selection in the address, also when it changes, and redraw when the page's width changes.
export function begin(host) {
  tips(host);
  document
    .getElementById("copy-link")
    .addEventListener("click", () => copy(location.href.split("#")[0] + address(), "a link to this view"));
  document.getElementById("reset").addEventListener("click", reset);
  const title = document.getElementById("explore-title");
  addEventListener("hashchange", () => {
    if (read()) {
      draw();
      title.scrollIntoView();
    }
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) {
      width = innerWidth;
      draw();
    }
  });
  const linked = read();
  document.getElementById("explore").hidden = false;
  draw();
  if (linked) title.scrollIntoView();
}
