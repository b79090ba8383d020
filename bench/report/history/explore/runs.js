// A panel for each interpreter, a line for each model, the runs in order along x; dashed lines mark changes.

import { CELLS, DATA, named, of, title } from "../../explore/data.js";
import { extent, linearTicks, logTicks, scale } from "../../explore/scale.js";
import { shownInterpreters, state } from "../../explore/state.js";
import { dot, endLabels, figure, h, ink, mark, model, nothing, panels, path, whisker } from "../../explore/svg.js";
import { clientsOf, compact, csv, known } from "../../explore/write.js";
import { FIGURES, inFocus } from "./choices.js";

export const points = (cell) =>
  of("points", cell).map(([run, value, low, high, version]) => ({ run, value, low, high, version }));

export function drawRuns(host) {
  const cells = CELLS.filter(inFocus);
  if (!cells.length) return nothing(host, "This selection was not measured.");
  const { title: what, unit, write: how } = FIGURES[state.figure];
  const all = cells.flatMap(points),
    runs = [...new Set(all.map(({ run }) => run))].sort((a, b) => a - b);
  const place = new Map(runs.map((run, index) => [run, index]));
  const domain = extent(
    all.flatMap(({ value, low, high }) => [value, low, high]),
    1.05,
  );
  const written = ({ value, low, high }) =>
    `${how(value)}${known(low) ? ` [${how(low)}, ${how(high)}]` : " (one launch)"}`;
  const some = linearTicks([0, Math.max(1, runs.length - 1)], host.clientWidth < 480 ? 2 : 3).filter(Number.isInteger);
  const x = {
    label: "runs, oldest first",
    domain: [-0.5, runs.length - 0.5],
    ticks: some,
    scale: scale.linear,
    write: (tick) => DATA.runs[runs[tick]]?.day ?? "",
  };
  const y = { label: `${unit(cells[0])} (log)`, domain, ticks: logTicks(domain), scale: scale.log, write: compact };
  const caption =
    `${what}, ${state.workload}, ${clientsOf(state.clients)}; ` +
    "bars: 95% confidence interval over launches; dashed: a change";
  panels(
    figure(host, caption),
    shownInterpreters(cells),
    caption,
    x,
    y,
    (interpreter, box, at, svg) => {
      const ends = [];
      for (const cell of cells.filter((one) => of("interpreter", one) === interpreter)) {
        const mine = points(cell),
          where = ({ run, value }) => [at.x(place.get(run)), at.y(value)];
        for (const [run, ratio, low, high, differs] of of("changes", cell)) {
          const x1 = at.x(place.get(run) - 0.5) + 3 * ends.length,
            says = `${how(ratio)}${known(low) ? ` [${how(low)}, ${how(high)}]` : ""} times the value before`;
          const line = h("line", { x1, x2: x1, y1: box.top, y2: box.bottom, stroke: ink(cell), class: "came" });
          svg.append(
            mark(line, [
              title(cell),
              `change in ${DATA.runs[run].name}: ${says}`,
              `interpreters: ${differs || "same"}`,
            ]),
          );
        }
        path(svg, mine.map(where), cell);
        for (const one of mine) {
          const [cx, cy] = where(one),
            { name, at: when } = DATA.runs[one.run];
          if (known(one.low)) svg.append(whisker(cx, at.y(one.low), cx, at.y(one.high), model(cell)));
          svg.append(
            dot(
              cell,
              cx,
              cy,
              [title(cell), `${written(one)} ${unit(cell)}`, `${name}, ${when}`, `CPython ${one.version}`],
              3.5,
            ),
          );
        }
        ends.push({ cell, x: where(mine.at(-1))[0], y: where(mine.at(-1))[1] });
      }
      endLabels(svg, box, ends);
    },
    104,
  );
}

// The current view, one line for each run and cell.
export function asCsv() {
  const rows = CELLS.filter(inFocus).flatMap((cell) =>
    points(cell).map(({ run, value, low, high, version }) => [
      DATA.runs[run].name,
      DATA.runs[run].at,
      named("model", cell),
      named("workload", cell),
      of("clients", cell),
      named("interpreter", cell),
      version,
      of("figure", cell),
      value,
      low ?? "",
      high ?? "",
    ]),
  );
  return csv([
    ["run", "at", "model", "workload", "clients", "interpreter", "version", "figure", "value", "low", "high"],
    ...rows,
  ]);
}
