// Latency: by percentile, by range, and against throughput.

import { CELLS, DATA, of, ranged, write } from "../../explore/data.js";
import { extent, logTicks, scale } from "../../explore/scale.js";
import { shownInterpreters, state } from "../../explore/state.js";
import { dot, endLabels, figure, model, nothing, panels, path, whisker } from "../../explore/svg.js";
import { clientsOf, compact, known } from "../../explore/write.js";
import { atClients, inFocus } from "./choices.js";
import { figures, lines, series, stacked } from "./drawing.js";

export function drawLatency(host) {
  const cells = CELLS.filter(atClients).filter((cell) => DATA.latency[cell]);
  if (!cells.length) return nothing(host, "This selection was not measured.");
  percentiles(
    figure(
      host,
      `Latency by percentile, ${state.workload}, ${clientsOf(state.clients)}: ` +
        "medians over passes; whiskers: their range",
    ),
    cells,
  );
  shares(figure(host, "Requests by range of latency, all passes together"), cells);
  const all = CELLS.filter(inFocus).filter(
    (cell) => of("throughput_rps", cell) > 0 && known(of("latency_p99_ns", cell)),
  );
  againstRate(
    figure(host, "Latency against throughput: p99 at each number of clients; whiskers: ranges over passes"),
    all,
  );
}

export function percentiles(host, cells) {
  const nines = (percent) => -Math.log10(1 - Math.min(percent, 99.995) / 100);
  const last = Math.max(
    ...DATA.percents.filter((_, index) => cells.some((cell) => known(DATA.latency[cell].ns[index]))),
  );
  const domain = extent(
    cells.flatMap((cell) => Object.values(DATA.latency[cell]).slice(0, 3).flat()),
    1.15,
  );
  const x = {
    label: "percentile (scale of nines)",
    domain: [0, nines(last)],
    ticks: [0, 50, 90, 99, 99.9, 99.99].filter((tick) => tick <= last).map(nines),
    scale: scale.linear,
    write: (n) => String(Number((100 * (1 - 10 ** -n)).toFixed(2))),
  };
  const y = {
    label: "latency, ms (log)",
    domain,
    ticks: logTicks(domain.map((ns) => ns / 1e6)).map((ms) => ms * 1e6),
    scale: scale.log,
    write: (ns) => String(Number((ns / 1e6).toPrecision(2))),
  };
  panels(
    host,
    shownInterpreters(cells),
    `Latency of ${state.workload} by percentile`,
    x,
    y,
    (interpreter, box, at, svg) => {
      const ends = [];
      for (const cell of cells.filter((one) => of("interpreter", one) === interpreter)) {
        const { ns, low, high } = DATA.latency[cell];
        const points = DATA.percents
          .map((percent, index) => [at.x(nines(percent)), at.y(ns[index]), index])
          .filter(([, py]) => Number.isFinite(py));
        path(svg, points, cell);
        for (const [px, py, index] of points) {
          const ends = low && known(low[index]) ? [low[index], high[index]] : null;
          if (ends) svg.append(whisker(px, at.y(ends[0]), px, at.y(ends[1]), model(cell)));
          const range = ends ? ` (${ends.map(write.ms).join("–")})` : "";
          const text = `p${DATA.percents[index]}: ${write.ms(ns[index])}${range} ms`;
          svg.append(dot(cell, px, py, lines(cell, text), 3));
        }
        if (points.length) ends.push({ cell, x: points.at(-1)[0], y: points.at(-1)[1] });
      }
      endLabels(svg, box, ends);
    },
    104,
  );
}

export function againstRate(host, cells) {
  const both = (column) =>
    cells.flatMap((cell) => [of(column, cell), of(column + "_low", cell), of(column + "_high", cell)]);
  const dx = extent(both("throughput_rps"), 1.2),
    dy = extent(both("latency_p99_ns"), 1.2);
  const x = { label: "requests/s (log)", domain: dx, ticks: logTicks(dx), scale: scale.log, write: compact };
  const y = {
    label: "p99, ms (log)",
    domain: dy,
    ticks: logTicks(dy.map((ns) => ns / 1e6)).map((ms) => ms * 1e6),
    scale: scale.log,
    write: (ns) => String(Number((ns / 1e6).toPrecision(2))),
  };
  panels(
    host,
    shownInterpreters(cells),
    `Latency of ${state.workload} against throughput`,
    x,
    y,
    (interpreter, box, at, svg) => {
      const ends = [];
      for (const each of series(cells.filter((cell) => of("interpreter", cell) === interpreter))) {
        const where = (cell) => [at.x(of("throughput_rps", cell)), at.y(of("latency_p99_ns", cell))];
        path(svg, each.map(where), each[0]);
        for (const cell of each) {
          const [px, py] = where(cell);
          if (of("throughput_rps_low", cell) > 0)
            svg.append(
              whisker(at.x(of("throughput_rps_low", cell)), py, at.x(of("throughput_rps_high", cell)), py, model(cell)),
            );
          if (of("latency_p99_ns_low", cell) > 0)
            svg.append(
              whisker(px, at.y(of("latency_p99_ns_low", cell)), px, at.y(of("latency_p99_ns_high", cell)), model(cell)),
            );
          svg.append(
            dot(
              cell,
              px,
              py,
              lines(cell, figures.rate(cell), figures.p99(cell), `p50 ${ranged("latency_p50_ns", cell, write.ms)} ms`),
            ),
          );
        }
        ends.push({ cell: each.at(-1), x: where(each.at(-1))[0], y: where(each.at(-1))[1] });
      }
      endLabels(svg, box, ends);
    },
    104,
  );
}

// Shares of all requests by range of latency.
export function shares(host, cells) {
  const bounds = DATA.bounds_ms,
    names = [
      `below ${bounds[0]} ms`,
      ...bounds.slice(1).map((bound, index) => `${bounds[index]} to ${bound} ms`),
      `${bounds.at(-1)} ms or more`,
    ];
  stacked(
    host,
    cells,
    "Requests by range of latency",
    names.map((label, index) => ({
      label,
      fill: "var(--label-asyncio)",
      opacity: 0.15 + (0.85 * index) / (names.length - 1),
      share: (cell) => DATA.latency[cell].shares[index],
      tip: (cell) =>
        lines(
          cell,
          `${label}: ${write.share(DATA.latency[cell].shares[index])} of ${write.count(of("requests", cell))} ` +
            "requests per window",
        ),
    })),
  );
}
