// Drawing helpers of a run's views; each view draws the selection into its host.

import { DATA, of, ranged, title, whole, write, warned } from "../../explore/data.js";
import { scale } from "../../explore/scale.js";
import { h, mark, sheet } from "../../explore/svg.js";
import { short } from "../../explore/write.js";

export const lines = (cell, ...more) => [whole(cell), ...more, ...warned(cell).map(({ code }) => `warning: ${code}`)];
export const figures = {
  rate: (cell) => `${ranged("throughput_rps", cell, write.rate)} requests/s`,
  p99: (cell) => `p99 ${ranged("latency_p99_ns", cell, write.ms)} ms`,
  cores: (cell) => `${ranged("effective_cores", cell, write.ratio)} effective cores`,
};
export const CLIENTS_AXIS = () => {
  const all = DATA.dims.clients;
  return {
    label: "clients (log)",
    domain: [all[0] / 1.15, all.at(-1) * 1.15],
    ticks: all,
    scale: scale.log,
    write: String,
  };
};
export function series(cells) {
  const found = new Map();
  for (const cell of cells) found.set(of("model", cell), [...(found.get(of("model", cell)) ?? []), cell]);
  return [...found.values()].map((each) => each.sort((a, b) => of("clients", a) - of("clients", b)));
}

export function cores(svg, box, at) {
  const [low, high] = [DATA.dims.clients[0], DATA.dims.clients.at(-1)];
  if (!DATA.cpus || DATA.cpus <= low || DATA.cpus >= high) return;
  const x = at.x(DATA.cpus);
  svg.append(h("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "cpus" }));
  svg.append(h("text", { x: x + 4, y: box.top + 11, class: "tick" }, `${DATA.cpus} CPUs`));
}

// Named rows of a drawing, with room for the longest name.
export const ROW = 24,
  LONGEST = 30;
export const namesWidth = (cells) =>
  Math.min(230, 20 + 6.9 * Math.max(...cells.map((cell) => short(title(cell), LONGEST).length)));
export const rowName = (cell, x, y) =>
  h("text", { x: x - 8, y: y + 16, class: "label end" }, short(title(cell), LONGEST));

// Bars divided into parts, {label, fill, opacity, share, tip}, with a text to the right of each bar.
export function stacked(host, cells, label, parts, text = null) {
  const swatch = ({ fill, opacity }) =>
    h("span", { class: "swatch", style: `background: ${fill}; opacity: ${opacity}` });
  host.append(h("p", { class: "key" }, ...parts.map((part) => h("span", {}, swatch(part), part.label))));
  const left = namesWidth(cells),
    [svg, width] = sheet(host, cells.length * ROW + 30, label),
    narrow = width < 560;
  const right = text ? (narrow ? 64 : 150) : 26,
    x = scale.linear([0, 1], [left, width - right]);
  for (const tick of [0, 0.25, 0.5, 0.75, 1])
    svg.append(h("text", { x: x(tick), y: cells.length * ROW + 18, class: "tick middle" }, `${tick * 100}%`));
  cells.forEach((cell, index) => {
    const y = index * ROW,
      sum = parts.reduce((all, part) => all + part.share(cell), 0) || 1; // medians need not sum to 1
    let at = 0;
    svg.append(rowName(cell, left, y));
    for (const part of parts) {
      const share = part.share(cell) / sum,
        from = x(at);
      at += share;
      if (share < 0.001) continue;
      const bar = {
        x: from,
        y: y + 4,
        width: Math.max(0.5, x(at) - from),
        height: ROW - 8,
        fill: part.fill,
        "fill-opacity": part.opacity,
      };
      svg.append(mark(h("rect", bar), part.tip(cell)));
    }
    if (text) svg.append(h("text", { x: width - right + 10, y: y + 16, class: "value" }, text(cell, narrow)));
  });
}
