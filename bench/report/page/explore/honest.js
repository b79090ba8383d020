// The sentence under a ranking: which of its differences are significant.

import { DATA, title } from "../../explore/data.js";
import { state } from "../../explore/state.js";
import { listed } from "../../explore/write.js";

export function honest(cells) {
  const ranks = DATA.rankings.find(
    (one) => DATA.dims.workload[one.workload] === state.workload && String(one.clients) === state.clients,
  );
  const disturbed = ranks ? ranks.left_out.filter((cell) => cells.includes(cell)).map(title) : [];
  const without = disturbed.length ? `Not ranked because disturbed: ${listed(disturbed)}. ` : "";
  const order = ranks ? ranks.cells.filter((cell) => cells.includes(cell)) : [];
  if (order.length < 2) return `${without}Fewer than two cells, so nothing is ranked.`;
  if (DATA.passes < 2) return "Only one pass, so no difference in this ranking is significant.";
  const place = new Map(ranks.cells.map((cell, index) => [cell, index])),
    n = ranks.cells.length;
  const shown = (a, b) => {
    const [i, j] = [place.get(a), place.get(b)];
    return ranks.shown[(i * (2 * n - i - 1)) / 2 + (j - i - 1)] === "1";
  };
  const [best, ...others] = order;
  const level = others.filter((cell) => !shown(best, cell));
  const next = order.slice(1).filter((cell, index) => shown(order[index], cell)).length;
  const few = level.slice(0, 4).map(title);
  if (level.length > 4) few.push(`${level.length - 4} more`);
  return (
    without +
    (level.length
      ? `Tied with the first, ${title(best)}: ${listed(few)}. `
      : `${title(best)} is ahead of all others. `) +
    `Of the ${order.length - 1} steps from one to the next, ${next} ${next === 1 ? "is" : "are"} significant ` +
    `(paired over ${DATA.passes} passes, 95%, corrected for ${(n * (n - 1)) / 2} pairs). ` +
    "A ! marks a cell with warnings."
  );
}
