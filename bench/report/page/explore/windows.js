// Every window in chronological order.

import { CELLS, DATA, of, write } from "../../explore/data.js";
import { extent, linearTicks, logTicks, scale } from "../../explore/scale.js";
import { shownInterpreters, state } from "../../explore/state.js";
import { dot, endLabels, figure, nothing, panels, path } from "../../explore/svg.js";
import { clientsOf, compact, digits } from "../../explore/write.js";
import { atClients } from "./choices.js";
import { lines } from "./drawing.js";

export function drawWindows(host) {
  const cells = CELLS.filter(atClients);
  if (!cells.length) return nothing(host, "This selection was not measured.");
  const all = cells.flatMap((cell) =>
    DATA.windows[cell].map(([at, rate, p50, p99]) => ({ cell, at: at / 60, rate, p50, p99 })),
  );
  const most = Math.max(...DATA.windows.flatMap((each) => each.map(([at]) => at / 60)), 0.1);
  const x = {
    label: "minutes since the first window",
    domain: [0, most],
    ticks: linearTicks([0, most]),
    scale: scale.linear,
    write: compact,
  };
  for (const [caption, pick, label, unit] of [
    [
      `Every window in chronological order: throughput, ${state.workload}, ${clientsOf(state.clients)}`,
      (one) => one.rate,
      "requests/s (log)",
      (v) => `${write.rate(v)} requests/s`,
    ],
    ["The same: median latency", (one) => one.p50, "p50, ms (log)", (v) => `p50 ${digits(v, 2)} ms`],
    ["The same: 99th percentile of latency", (one) => one.p99, "p99, ms (log)", (v) => `p99 ${digits(v, 2)} ms`],
  ]) {
    const seen = all.filter((one) => pick(one) > 0),
      domain = extent(seen.map(pick), 1.15);
    if (!seen.length) continue;
    const y = { label, domain, ticks: logTicks(domain), scale: scale.log, write: compact };
    panels(
      figure(host, caption),
      shownInterpreters(cells),
      caption,
      x,
      y,
      (interpreter, box, at, svg) => {
        const ends = [];
        for (const cell of cells.filter((one) => of("interpreter", one) === interpreter)) {
          const mine = seen.filter((one) => one.cell === cell).sort((a, b) => a.at - b.at);
          path(
            svg,
            mine.map((one) => [at.x(one.at), at.y(pick(one))]),
            cell,
          );
          for (const one of mine)
            svg.append(
              dot(
                cell,
                at.x(one.at),
                at.y(pick(one)),
                lines(cell, `${unit(pick(one))}, ${one.at.toFixed(1)} min after the first window`),
              ),
            );
          if (mine.length) ends.push({ cell, x: at.x(mine.at(-1).at), y: at.y(pick(mine.at(-1))) });
        }
        endLabels(svg, box, ends);
      },
      104,
    );
  }
}
