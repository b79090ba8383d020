// Controls: of which one, or several, are chosen; what is copied; what is said of it.

import { address, change, draw, read, reset, state } from "./state.js";
import { h } from "./svg.js";
import { tips } from "./tip.js";

export function control(name, values, several) {
  const box = document.getElementById(`choose-${name}`);
  for (const value of values) {
    const input = document.createElement("input"),
      label = document.createElement("label");
    Object.assign(input, { type: several ? "checkbox" : "radio", name, value });
    input.addEventListener("change", () => change({ [name]: several ? picked(name, values, input) : value }));
    label.append(input, ...swatches(name, value), value);
    box.append(label);
  }
}

// At least one of several stays chosen: an empty page answers nothing.
export function picked(name, values, input) {
  const kept = values.filter((value) => (value === input.value ? input.checked : state[name].includes(value)));
  return kept.length ? kept : [...state[name]];
}

export function swatches(name, value) {
  return name === "models"
    ? [h("span", { class: "swatch", style: `background: var(--model-${value}, var(--model-other))` })]
    : [];
}

// Show in the controls what is chosen.
export function showChosen() {
  for (const input of document.querySelectorAll("#explore fieldset input")) {
    const value = state[input.name];
    input.checked = Array.isArray(value) ? value.includes(input.value) : value === input.value;
  }
}

// What has to be scrolled can be reached by Tab, and says what it is.
export function scrollable(box) {
  const scrolls = box.scrollWidth > box.clientWidth;
  const title =
    box.closest("section")?.querySelector("h2")?.textContent ?? document.getElementById("explore-title").textContent;
  for (const [name, value] of Object.entries({
    tabindex: "0",
    role: "region",
    "aria-label": `${title}, can be scrolled`,
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
    if (!done) return say("The browser does not let the page copy.");
  }
  say(`Copied ${what}.`);
}

// What stands in the address is shown, also when it changes, and drawn anew when the page gets wider.
export function begin(host) {
  tips(host);
  document
    .getElementById("copy-link")
    .addEventListener("click", () => copy(location.href.split("#")[0] + address(), "a link to what is shown"));
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
