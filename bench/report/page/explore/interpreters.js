// Comparison of interpreters.

import { DATA, of } from "../../explore/data.js";
import { extent, logTicks, scale } from "../../explore/scale.js";
import { state } from "../../explore/state.js";
import { figure, h, mark, nothing, sheet, whisker } from "../../explore/svg.js";
import { clientsOf, known } from "../../explore/write.js";
import { inFocus } from "./choices.js";
import { ROW, lines, namesWidth, rowName } from "./drawing.js";

// The columns of the comparison as rows.
export const compared = () =>
  DATA.ratios.cell.map((_, index) => ({
    ...Object.fromEntries(Object.entries(DATA.ratios).map(([name, column]) => [name, column[index]])),
    verdict: Object.keys(DATA.verdicts)[DATA.ratios.verdict[index]],
  }));

export function drawInterpreters(host) {
  const rows = compared().filter(({ cell }) => inFocus(cell));
  if (!rows.length)
    return nothing(host, "Nothing to compare: only one interpreter, or only the baseline, is selected.");
  const kept = rows.filter(({ cell }) => String(of("clients", cell)) === state.clients);
  if (!kept.length)
    return nothing(host, `With ${clientsOf(state.clients)}, this selection was not measured under both.`);
  const legend = Object.entries(DATA.verdicts).map(([verdict, says]) =>
    h("span", {}, `${DATA.marks[verdict]} ${says}`),
  );
  host.append(h("p", { class: "key" }, ...legend, "significant after correction for the number of cells"));
  for (const [metric, name] of Object.entries(DATA.metrics)) {
    const here = kept.filter((one) => one.metric === metric);
    if (here.length)
      forest(
        figure(
          host,
          `${name[0].toUpperCase()}${name.slice(1)} relative to ${DATA.baseline}, ${state.workload}, ` +
            `${clientsOf(state.clients)}; 95% confidence intervals`,
        ),
        here,
        name,
      );
  }
}

export function forest(host, rows, name) {
  const row = ROW,
    left = namesWidth(rows.map(({ cell }) => cell));
  const [svg, width] = sheet(host, rows.length * row + 44, `${name} relative to ${DATA.baseline}`);
  const domain = extent([1, ...rows.flatMap(({ ratio, low, high }) => [ratio, low, high])], 1.05).map((end, index) =>
    index ? Math.min(end, 30) : Math.max(end, 1 / 30),
  );
  const right = width < 560 ? 78 : 210,
    x = scale.log(domain, [left, width - right]);
  const inside = (value) => x(Math.min(Math.max(value, domain[0]), domain[1]));
  for (const tick of logTicks(domain)) {
    svg.append(
      h("line", { x1: x(tick), x2: x(tick), y1: 0, y2: rows.length * row, class: tick === 1 ? "one" : "grid" }),
    );
    svg.append(
      h("text", { x: x(tick), y: rows.length * row + 18, class: "tick middle" }, `${Number(tick.toPrecision(3))}×`),
    );
  }
  svg.append(h("text", { x: left, y: rows.length * row + 38, class: "axis" }, "ratio (log)"));
  rows.forEach(({ cell, ratio, low, high, verdict, p }, index) => {
    const y = index * row + row / 2,
      colour = `var(--verdict-${verdict})`;
    svg.append(rowName(cell, left, index * row));
    if (known(low)) svg.append(whisker(inside(low), y, inside(high), y, colour));
    const interval = known(low) ? ` [${low.toFixed(3)}, ${high.toFixed(3)}]` : " (one launch)";
    const shape = {
      cx: inside(ratio),
      cy: y,
      r: 4.5,
      stroke: colour,
      fill: verdict === "undecided" ? "var(--card)" : colour,
    };
    svg.append(
      mark(
        h("circle", shape),
        lines(
          cell,
          `${ratio.toFixed(3)}${interval} × ${DATA.baseline}`,
          `${DATA.verdicts[verdict]}${known(p) ? `; corrected p ${p}` : ""}`,
        ),
      ),
    );
    const text =
      width < 560
        ? `${DATA.marks[verdict]} ${ratio.toFixed(2)}`
        : `${DATA.marks[verdict]} ${ratio.toFixed(3)}${interval}`;
    svg.append(h("text", { x: width - right + 12, y: y + 4, class: "value" }, text));
  });
}
