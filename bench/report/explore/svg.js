// Drawing helpers: elements, marks, panels with axes.

import { DATA, named } from "./data.js";

export function h(name, attributes = {}, ...inside) {
  const html = { div: 1, table: 1, thead: 1, tbody: 1, tr: 1, th: 1, td: 1, button: 1, a: 1, small: 1, p: 1, span: 1 };
  const element =
    name in html ? document.createElement(name) : document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

export const model = (cell) => `var(--model-${named("model", cell)}, var(--model-other))`;
export const ink = (cell) => `var(--label-${named("model", cell)}, var(--label-other))`;
export const free = (cell) => DATA.free.includes(named("interpreter", cell));

// One drawing as wide as its host, with a label for screen readers.
export function sheet(host, height, label) {
  const width = Math.max(300, host.clientWidth);
  const svg = h("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "group",
    "aria-label": label,
    class: "chart",
  });
  host.append(svg);
  return [svg, width];
}

// Small multiples: a panel for each interpreter; x and y are {label, domain, ticks, scale, write}.
export function panels(host, interpreters, label, x, y, draw, marginRight = 12) {
  const wide = Math.max(300, host.clientWidth);
  const columns = Math.max(1, Math.min(interpreters.length, Math.floor(wide / 330)));
  const [left, top, bottom, gap] = [58, 30, 46, 16],
    height = 270;
  const [svg, width] = sheet(host, height * Math.ceil(interpreters.length / columns), label);
  const each = (width - gap * (columns - 1)) / columns;
  interpreters.forEach((interpreter, index) => {
    const x0 = (index % columns) * (each + gap) + left,
      y0 = Math.floor(index / columns) * height + top;
    const box = { left: x0, right: x0 + each - left - marginRight, top: y0, bottom: y0 + height - top - bottom };
    const at = { x: x.scale(x.domain, [box.left, box.right]), y: y.scale(y.domain, [box.bottom, box.top]) };
    svg.append(h("text", { x: box.left, y: y0 - 14, class: "panel" }, DATA.dims.interpreter[interpreter]));
    for (const tick of y.ticks) {
      svg.append(h("line", { x1: box.left, x2: box.right, y1: at.y(tick), y2: at.y(tick), class: "grid" }));
      svg.append(h("text", { x: box.left - 8, y: at.y(tick) + 4, class: "tick end" }, y.write(tick)));
    }
    for (const tick of x.ticks) {
      svg.append(h("line", { x1: at.x(tick), x2: at.x(tick), y1: box.top, y2: box.bottom, class: "grid" }));
      svg.append(h("text", { x: at.x(tick), y: box.bottom + 18, class: "tick middle" }, x.write(tick)));
    }
    svg.append(h("text", { x: (box.left + box.right) / 2, y: box.bottom + 37, class: "axis middle" }, x.label));
    if (index % columns === 0)
      svg.append(
        h(
          "text",
          { transform: `translate(${x0 - 46} ${(box.top + box.bottom) / 2}) rotate(-90)`, class: "axis middle" },
          y.label,
        ),
      );
    draw(interpreter, box, at, svg);
  });
}

// Names at the right ends of lines, pushed apart where they would touch.
export function endLabels(svg, box, ends) {
  const gap = 13;
  ends.sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].at = Math.max(ends[i].y, (ends[i - 1].at ?? ends[i - 1].y) + gap);
  const over = Math.max(0, (ends.at(-1)?.at ?? 0) - box.bottom);
  for (const end of ends) {
    const y = (end.at ?? end.y) - over;
    svg.append(
      h("line", { x1: end.x + 4, y1: end.y, x2: box.right + 8, y2: y, stroke: ink(end.cell), class: "leader" }),
    );
    svg.append(
      h("text", { x: box.right + 11, y: y + 4, fill: ink(end.cell), class: "name" }, named("model", end.cell)),
    );
  }
}

export function mark(element, lines) {
  element.classList.add("mark");
  element.setAttribute("role", "img");
  element.setAttribute("tabindex", "-1");
  element.setAttribute("aria-label", lines.join("; "));
  element.tip = lines;
  return element;
}

export function dot(cell, x, y, lines, radius = 4.5) {
  const shape = { cx: x, cy: y, r: radius, stroke: model(cell), fill: free(cell) ? "var(--card)" : model(cell) };
  return mark(h("circle", shape), lines);
}

// With a halo, so that it is visible on a bar of the same colour.
export const whisker = (x1, y1, x2, y2, stroke) =>
  h("g", {}, h("line", { x1, y1, x2, y2, class: "halo" }), h("line", { x1, y1, x2, y2, stroke, class: "whisker" }));

export const nothing = (host, why) => host.append(h("p", { class: "quiet" }, why));
export const figure = (host, caption) => {
  const box = h("div", { class: "drawing" });
  host.append(h("p", { class: "caption" }, caption), box);
  return box;
};

export function path(svg, points, cell, dashed = free(cell)) {
  const d = points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  svg.append(h("path", { d, stroke: model(cell), class: "line", "stroke-dasharray": dashed ? "5 3" : null }));
}
