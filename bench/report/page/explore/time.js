// Where the serving threads' time went.

import { CELLS, DATA, THREAD_STATES, of, ranged, write } from "../../explore/data.js";
import { state } from "../../explore/state.js";
import { figure, nothing } from "../../explore/svg.js";
import { UNKNOWN, clientsOf, known } from "../../explore/write.js";
import { atClients } from "./choices.js";
import { figures, lines, stacked } from "./drawing.js";

export function drawTime(host) {
  const cells = CELLS.filter(atClients),
    divided = cells.filter((cell) => known(of("thread_cpu_share", cell)));
  if (!cells.length) return nothing(host, "This selection was not measured.");
  if (!divided.length)
    return nothing(
      host,
      "Time cannot be broken down for these cells: the windows were too short, or it is not available on this system.",
    );
  const box = figure(
    host,
    `Where the serving threads' time went, ${state.workload}, ${clientsOf(state.clients)}; ` +
      `right: effective cores of ${DATA.cpus ?? "?"} CPUs, range over passes`,
  );
  const error = (cell) =>
    known(of("thread_share_error", cell)) ? write.share(of("thread_share_error", cell)) : UNKNOWN;
  const parts = Object.entries(THREAD_STATES).map(([name, label]) => ({
    label,
    fill: `var(--state-${name})`,
    opacity: 1,
    share: (cell) => of(`thread_${name}_share`, cell) ?? 0,
    tip: (cell) =>
      lines(
        cell,
        `${label}: ${write.share(of(`thread_${name}_share`, cell) ?? 0)}, median over passes`,
        `standard error of the least certain share: ${error(cell)}`,
        of("thread_accounting_estimated", cell) ? "threads started or ended: estimated" : figures.cores(cell),
      ),
  }));
  stacked(box, divided, "Where the serving threads' time went", parts, (cell, narrow) =>
    narrow
      ? known(of("effective_cores", cell))
        ? write.ratio(of("effective_cores", cell))
        : UNKNOWN
      : ranged("effective_cores", cell, write.ratio),
  );
}
