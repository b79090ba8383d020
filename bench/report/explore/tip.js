// Tooltips of marks: for a pointer over one, for a tap, and for a keyboard that moves from mark to mark.

import { h } from "./svg.js";

export const tip = document.getElementById("tip");

export function showTip(mark) {
  if (!mark.tip) return;
  tip.replaceChildren(...mark.tip.map((line, index) => h(index ? "div" : "p", {}, line)));
  tip.hidden = false;
  const place = mark.getBoundingClientRect(),
    size = tip.getBoundingClientRect();
  const left = place.left + place.width / 2 - size.width / 2,
    above = place.top - size.height - 10;
  tip.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - size.width - 8))}px`;
  tip.style.top = `${above < 8 ? place.bottom + 10 : above}px`;
}

export function tips(host) {
  const near = (event) => event.target.closest?.(".mark");
  for (const kind of ["pointerover", "focusin", "click"])
    host.addEventListener(kind, (event) => {
      const found = near(event);
      if (found) showTip(found);
      else tip.hidden = true;
    });
  for (const kind of ["pointerleave", "focusout"])
    host.addEventListener(kind, () => {
      tip.hidden = true;
    });
  host.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") tip.hidden = true;
    const found = near(event);
    if (!step || !found) return;
    event.preventDefault();
    const marks = [...found.closest("svg").querySelectorAll(".mark")];
    const next = marks[(marks.indexOf(found) + step + marks.length) % marks.length];
    found.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
  // Moving the focus may scroll: the tip then moves along. A pointer that scrolls has left the mark.
  addEventListener(
    "scroll",
    () => {
      const focused = document.activeElement?.closest?.(".mark");
      if (!tip.hidden && focused?.matches(":focus-visible")) showTip(focused);
      else tip.hidden = true;
    },
    { passive: true },
  );
}

// The first mark of each drawing can be reached by Tab, the others from there by the arrow keys.
export const reachable = (host) =>
  host.querySelectorAll("svg").forEach((svg) => svg.querySelector(".mark")?.setAttribute("tabindex", "0"));
