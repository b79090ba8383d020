// Throughput: bars in order, and lines over the number of clients.

import { CELLS, DATA, of, ranged, write } from "../../explore/data.js";
import { extent, linearTicks, logTicks, scale } from "../../explore/scale.js";
import { shownInterpreters, state } from "../../explore/state.js";
import {
  dot,
  endLabels,
  figure,
  free,
  h,
  mark,
  model,
  nothing,
  panels,
  path,
  sheet,
  whisker,
} from "../../explore/svg.js";
import { clientsOf, compact, known } from "../../explore/write.js";
import { atClients, inFocus } from "./choices.js";
import { CLIENTS_AXIS, ROW, cores, figures, lines, namesWidth, rowName, series } from "./drawing.js";
import { honest } from "./honest.js";

export function drawThroughput(host) {
  const cells = CELLS.filter(atClients).filter((cell) => known(of("throughput_rps", cell)));
  if (!cells.length) return nothing(host, "This selection was not measured.");
  ranking(
    figure(host, `Requests per second, ${state.workload}, ${clientsOf(state.clients)}; whiskers: range over passes`),
    cells,
  );
  host.append(h("p", { class: "honest", id: "honest" }, honest(cells)));
  const all = CELLS.filter(inFocus);
  if (DATA.dims.clients.length > 1) overClients(figure(host, "Throughput over clients"), all);
}

// Bars in order, the best first.
export function ranking(host, cells) {
  const sorted = [...cells].sort((a, b) => of("throughput_rps", b) - of("throughput_rps", a));
  const row = ROW,
    left = namesWidth(sorted);
  const [svg, width] = sheet(
    host,
    sorted.length * row + 34,
    `Requests per second, ${state.workload}, ${clientsOf(state.clients)}`,
  );
  const most = Math.max(
    ...sorted.map((cell) => Math.max(of("throughput_rps", cell), of("throughput_rps_high", cell) ?? 0)),
  );
  const domain = [0, most],
    x = scale.linear(domain, [left, width - 84]);
  for (const tick of linearTicks(domain, width < 560 ? 3 : 6)) {
    svg.append(h("line", { x1: x(tick), x2: x(tick), y1: 0, y2: sorted.length * row, class: "grid" }));
    svg.append(h("text", { x: x(tick), y: sorted.length * row + 18, class: "tick middle" }, compact(tick)));
  }
  sorted.forEach((cell, index) => {
    const y = index * row,
      value = of("throughput_rps", cell),
      low = of("throughput_rps_low", cell),
      high = of("throughput_rps_high", cell);
    svg.append(rowName(cell, left, y));
    const bar = {
      x: left,
      y: y + 4,
      width: Math.max(1, x(value) - left),
      height: row - 8,
      fill: model(cell),
      stroke: model(cell),
    };
    if (free(cell)) bar["fill-opacity"] = 0.3;
    svg.append(
      mark(
        h("rect", bar),
        lines(
          cell,
          figures.rate(cell),
          `${ranged("speedup", cell, write.ratio)} × serial`,
          figures.cores(cell),
          figures.p99(cell),
        ),
      ),
    );
    if (known(low)) svg.append(whisker(x(low), y + row / 2, x(high), y + row / 2, "var(--ink)"));
    const text = write.rate(value) + (of("warnings", cell).length ? " !" : "");
    svg.append(h("text", { x: x(Math.max(value, high ?? 0)) + 7, y: y + 16, class: "value" }, text));
  });
}

export function overClients(host, cells) {
  const answered = cells.filter((cell) => of("throughput_rps", cell) > 0);
  const domain = extent(
    answered.flatMap((cell) => [
      of("throughput_rps", cell),
      of("throughput_rps_low", cell),
      of("throughput_rps_high", cell),
    ]),
    1.15,
  );
  const y = { label: "requests/s (log)", domain, ticks: logTicks(domain), scale: scale.log, write: compact };
  panels(
    host,
    shownInterpreters(answered),
    `Throughput of ${state.workload} over clients`,
    CLIENTS_AXIS(),
    y,
    (interpreter, box, at, svg) => {
      cores(svg, box, at);
      const ends = [];
      for (const each of series(answered.filter((cell) => of("interpreter", cell) === interpreter))) {
        path(
          svg,
          each.map((cell) => [at.x(of("clients", cell)), at.y(of("throughput_rps", cell))]),
          each[0],
        );
        for (const cell of each) {
          const x = at.x(of("clients", cell));
          if (of("throughput_rps_low", cell) > 0)
            svg.append(
              whisker(x, at.y(of("throughput_rps_low", cell)), x, at.y(of("throughput_rps_high", cell)), model(cell)),
            );
          svg.append(dot(cell, x, at.y(of("throughput_rps", cell)), lines(cell, figures.rate(cell))));
        }
        ends.push({
          cell: each.at(-1),
          x: at.x(of("clients", each.at(-1))),
          y: at.y(of("throughput_rps", each.at(-1))),
        });
      }
      endLabels(svg, box, ends);
    },
    104,
  );
}
