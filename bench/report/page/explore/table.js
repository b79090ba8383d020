// The table of the selection: sorting, searching, copying.

import { CELLS, DATA, THREAD_STATES, named, of, warned, write } from "../../explore/data.js";
import { change, chosen, state } from "../../explore/state.js";
import { h } from "../../explore/svg.js";
import { UNKNOWN, csv, known, markdown } from "../../explore/write.js";
import { atClients } from "./choices.js";

export const column = (head, unit, name, how) => ({
  head,
  unit,
  key: name,
  value: (cell) => of(name, cell),
  text: (cell) => (known(of(name, cell)) ? how(of(name, cell)) : UNKNOWN),
});
export const range = (name, how, head = "range", unit = "over passes") => ({
  head,
  unit,
  quiet: true,
  key: name + "_low",
  value: (cell) => of(name + "_low", cell),
  text: (cell) =>
    known(of(name + "_low", cell)) ? `${how(of(name + "_low", cell))}–${how(of(name + "_high", cell))}` : UNKNOWN,
});
export const ORDER = {
  workload: (cell) => of("workload", cell),
  model: (cell) => of("model", cell),
  interpreter: (cell) => of("interpreter", cell),
};
export const NAMES = ["workload", "clients", "model", "interpreter"].map((dim) => ({
  head: dim,
  key: dim,
  name: dim !== "clients",
  value: ORDER[dim] ?? ((cell) => of(dim, cell)),
  text: (cell) => String(named(dim, cell)),
}));
export const WARNINGS = {
  head: "warnings",
  key: "warnings",
  name: true,
  warnings: true,
  value: (cell) => of("warnings", cell).length,
  text: (cell) =>
    warned(cell)
      .map(({ code }) => code)
      .join(", "),
};
export const COLUMNS = {
  figures: [
    column("throughput", "requests/s", "throughput_rps", write.rate),
    range("throughput_rps", write.rate),
    column("speed-up", "× serial", "speedup", write.ratio),
    range("speedup", write.ratio, "interval", "95%"),
    column("p50", "ms", "latency_p50_ns", write.ms),
    range("latency_p50_ns", write.ms),
    column("p99", "ms", "latency_p99_ns", write.ms),
    range("latency_p99_ns", write.ms),
    column("cores", "effective", "effective_cores", write.ratio),
    range("effective_cores", write.ratio),
    column("failed", "requests", "errors", write.count),
  ],
  time: [
    ...Object.entries(THREAD_STATES).map(([name, label]) =>
      column(label, "of the time", `thread_${name}_share`, write.share),
    ),
    column("±", "standard error", "thread_share_error", write.share),
    column("cores", "effective", "effective_cores", write.ratio),
  ],
  costs: [
    column("throughput", "requests/s", "throughput_rps", write.rate),
    column("p99", "ms", "latency_p99_ns", write.ms),
    column("CPU", "µs per request", "cpu_s_per_request", write.us),
    range("cpu_s_per_request", write.us),
    column("memory", "MiB, peak", "peak_rss_bytes", write.mib),
    range("peak_rss_bytes", write.mib),
    column("PSS", "MiB, at the end", "pss_bytes", write.mib),
    range("pss_bytes", write.mib),
    column("p99.9", "ms", "latency_p999_ns", write.ms),
    range("latency_p999_ns", write.ms),
    column("connect p99", "ms", "connect_p99_ns", write.ms),
    range("connect_p99_ns", write.ms),
    column("requests", "per window", "requests", write.count),
    column("generator", "busy", "generator_utilisation", write.share),
  ],
};

export const tableHost = document.getElementById("cells-table");
export const columns = () => [...NAMES, ...COLUMNS[state.columns], WARNINGS];
// On the page without what the controls above it already say.
export const shownColumns = (found) =>
  columns().filter(({ key, value, name }) => {
    if (["workload", "clients"].includes(key)) return state.every;
    return name || key !== "errors" || found.some((cell) => value(cell));
  });

export const WHOLE = new Set(DATA.dims.interpreter.map((name) => name.toLowerCase())); // 3.13 is not 3.13t

export function rows() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const found = CELLS.filter(chosen)
    .filter((cell) => state.every || atClients(cell))
    .filter((cell) => {
      const text = [...NAMES, WARNINGS]
        .map((one) => one.text(cell))
        .join(" ")
        .toLowerCase()
        .split(/[\s,]+/);
      return words.every((word) => text.some((part) => (WHOLE.has(word) ? part === word : part.startsWith(word))));
    });
  const down = state.sort.startsWith("-"),
    by = columns().find(({ key }) => key === state.sort.replace(/^-/, ""));
  if (!by) return found;
  return found.sort((a, b) => {
    const [one, other] = [by.value(a), by.value(b)];
    if (!known(one) || !known(other)) return known(one) ? -1 : known(other) ? 1 : 0;
    return (one - other) * (down ? -1 : 1);
  });
}

export function heading(one) {
  const sorted =
    state.sort.replace(/^-/, "") === one.key ? (state.sort.startsWith("-") ? "descending" : "ascending") : null;
  const button = h(
    "button",
    { type: "button", class: "sort", "data-key": one.key },
    one.head,
    h("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (sorted === "ascending" ? "▲" : "▼") : ""),
  );
  button.addEventListener("click", () => {
    // Figures start with the largest, names with a.
    const [first, second] = one.name ? [one.key, "-" + one.key] : ["-" + one.key, one.key];
    change({ sort: { [first]: second, [second]: "" }[state.sort] ?? first });
    tableHost.querySelector(`[data-key="${one.key}"]`)?.focus();
  });
  const head = h("th", { scope: "col", class: one.name ? "" : "n", "aria-sort": sorted }, button);
  if (one.unit) head.append(h("small", {}, one.unit));
  return head;
}

export function drawTable() {
  const found = rows(),
    shown = shownColumns(found);
  let before = null;
  const body = found.map((cell) => {
    const begins =
      before !== null &&
      !state.sort &&
      (of("clients", before) !== of("clients", cell) || of("workload", before) !== of("workload", cell));
    before = cell;
    return h(
      "tr",
      { class: begins ? "begins" : "" },
      ...shown.map((one) =>
        h(
          "td",
          { class: one.warnings ? "notes" : `${one.name ? "" : "n"} ${one.quiet ? "range" : ""}` },
          inside(one, cell),
        ),
      ),
    );
  });
  tableHost.replaceChildren(
    h("table", { class: "cells" }, h("thead", {}, h("tr", {}, ...shown.map(heading))), h("tbody", {}, ...body)),
  );
  if (!found.length)
    tableHost.append(h("p", { class: "quiet" }, "No cell matches: try fewer words, or all workloads and clients."));
  document.getElementById("shown").textContent = `${found.length} of ${CELLS.length} cells`;
}

export function inside(one, cell) {
  const text = one.text(cell),
    profile = of("profile", cell);
  if (one.key === "throughput_rps" && profile)
    return h("a", { href: `#profile-${profile}`, title: "see its profile" }, text);
  if (!one.warnings || !text) return text;
  const links = h("span", {});
  warned(cell).forEach(({ code, says }, index) =>
    links.append(...(index ? [", "] : []), h("a", { href: `#warning-${code}`, title: says }, code)),
  );
  return links;
}

export const heads = () => columns().map(({ head, unit }) => (unit ? `${head} (${unit})` : head));
export const FORMATS = {
  Markdown: () => {
    const shown = columns();
    return markdown(
      heads(),
      shown.map((one) => !one.name),
      rows().map((cell) => shown.map((one) => one.text(cell))),
    );
  },
  CSV: () => {
    const plain = (value) => (known(value) ? String(value) : "");
    const ends = (one) => (one.quiet ? [one.key, one.key.replace(/_low$/, "_high")] : [one.key]);
    const cells = (cell) =>
      columns().flatMap((one) => (one.name ? [one.text(cell)] : ends(one).map((key) => plain(of(key, cell)))));
    return csv([columns().flatMap(ends), ...rows().map(cells)]);
  },
};
