// The drawings: each view gets its host and draws what is chosen into it.

const lines = (cell, ...more) => [whole(cell), ...more, ...warned(cell).map(({ code }) => `caution: ${code}`)];
const told = {
  rate: (cell) => `${ranged("throughput_rps", cell, write.rate)} requests/s`,
  p99: (cell) => `p99 ${ranged("latency_p99_ns", cell, write.ms)} ms`,
  cores: (cell) => `${ranged("effective_cores", cell, write.ratio)} effective cores`,
};
const CLIENTS_AXIS = () => {
  const all = DATA.dims.clients;
  return { label: "clients (log)", domain: [all[0] / 1.15, all.at(-1) * 1.15], ticks: all, scale: scale.log, write: String };
};
const nothing = (host, why) => host.append(h("p", { class: "quiet" }, why));
const figure = (host, caption) => {
  const box = h("div", { class: "drawing" });
  host.append(h("p", { class: "caption" }, caption), box);
  return box;
};

function drawThroughput(host) {
  const cells = CELLS.filter(atClients).filter((cell) => known(of("throughput_rps", cell)));
  if (!cells.length) return nothing(host, "Nothing of this was measured.");
  ranking(figure(host, `Requests per second, ${state.workload}, ${clientsOf(state.clients)}; whiskers: range over passes`), cells);
  host.append(h("p", { class: "honest", id: "honest" }, honest(cells)));
  const all = CELLS.filter(inFocus);
  if (DATA.dims.clients.length > 1) overClients(figure(host, "Throughput over clients"), all);
}

// Bars in their order, the best first.
function ranking(host, cells) {
  const sorted = [...cells].sort((a, b) => of("throughput_rps", b) - of("throughput_rps", a));
  const row = 24, left = Math.min(230, 20 + 6.9 * Math.max(...sorted.map((cell) => short(title(cell), 30).length)));
  const [svg, width] = sheet(host, sorted.length * row + 34, `Requests per second, ${state.workload}, ${clientsOf(state.clients)}`);
  const most = Math.max(...sorted.map((cell) => Math.max(of("throughput_rps", cell), of("throughput_rps_high", cell) ?? 0)));
  const domain = [0, most], x = scale.linear(domain, [left, width - 84]);
  for (const tick of linearTicks(domain, width < 560 ? 3 : 6)) {
    svg.append(h("line", { x1: x(tick), x2: x(tick), y1: 0, y2: sorted.length * row, class: "grid" }));
    svg.append(h("text", { x: x(tick), y: sorted.length * row + 18, class: "tick middle" }, compact(tick)));
  }
  sorted.forEach((cell, index) => {
    const y = index * row, value = of("throughput_rps", cell), low = of("throughput_rps_low", cell), high = of("throughput_rps_high", cell);
    svg.append(h("text", { x: left - 8, y: y + 16, class: "label end" }, short(title(cell), 30)));
    const bar = { x: left, y: y + 4, width: Math.max(1, x(value) - left), height: row - 8, fill: model(cell), stroke: model(cell) };
    if (free(cell)) bar["fill-opacity"] = 0.3;
    svg.append(mark(h("rect", bar), lines(cell, told.rate(cell), `${ranged("speedup", cell, write.ratio)} × serial`, told.cores(cell), told.p99(cell))));
    if (known(low)) svg.append(whisker(x(low), y + row / 2, x(high), y + row / 2, "var(--ink)"));
    const text = write.rate(value) + (of("warnings", cell).length ? " !" : "");
    svg.append(h("text", { x: x(Math.max(value, high ?? 0)) + 7, y: y + 16, class: "value" }, text));
  });
}

// The honest sentence under a ranking: which of its differences are shown.
function honest(cells) {
  const ranks = DATA.rankings.find((one) => DATA.dims.workload[one.workload] === state.workload && String(one.clients) === state.clients);
  const order = ranks ? ranks.cells.filter((cell) => cells.includes(cell)) : [];
  if (order.length < 2) return "One only, so nothing is ranked.";
  if (DATA.passes < 2) return "One pass only, so no difference in this ranking is shown.";
  const place = new Map(ranks.cells.map((cell, index) => [cell, index])), n = ranks.cells.length;
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
    (level.length ? `Not told apart from the first, ${title(best)}: ${listed(few)}. ` : `${title(best)} is ahead of all others. `) +
    `Of the ${order.length - 1} steps from one to the next, ${next} ${next === 1 ? "is" : "are"} shown and ${order.length - 1 - next} not ` +
    `(paired over ${DATA.passes} passes, 95%, corrected for ${(n * (n - 1)) / 2} pairs). A ! marks a cell with cautions.`
  );
}

function series(cells) {
  const found = new Map();
  for (const cell of cells) found.set(of("model", cell), [...(found.get(of("model", cell)) ?? []), cell]);
  return [...found.values()].map((each) => each.sort((a, b) => of("clients", a) - of("clients", b)));
}

function path(svg, points, cell, dashed = free(cell)) {
  const d = points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  svg.append(h("path", { d, stroke: model(cell), class: "line", "stroke-dasharray": dashed ? "5 3" : null }));
}

function overClients(host, cells) {
  const told_ = cells.filter((cell) => of("throughput_rps", cell) > 0);
  const domain = extent(told_.flatMap((cell) => [of("throughput_rps", cell), of("throughput_rps_low", cell), of("throughput_rps_high", cell)]), 1.15);
  const y = { label: "requests/s (log)", domain, ticks: logTicks(domain), scale: scale.log, write: compact };
  panels(host, shownTargets(told_), `Throughput of ${state.workload} over clients`, CLIENTS_AXIS(), y, (target, box, at, svg) => {
    cores(svg, box, at);
    const ends = [];
    for (const each of series(told_.filter((cell) => of("target", cell) === target))) {
      path(svg, each.map((cell) => [at.x(of("clients", cell)), at.y(of("throughput_rps", cell))]), each[0]);
      for (const cell of each) {
        const x = at.x(of("clients", cell));
        if (of("throughput_rps_low", cell) > 0) svg.append(whisker(x, at.y(of("throughput_rps_low", cell)), x, at.y(of("throughput_rps_high", cell)), model(cell)));
        svg.append(dot(cell, x, at.y(of("throughput_rps", cell)), lines(cell, told.rate(cell))));
      }
      ends.push({ cell: each.at(-1), x: at.x(of("clients", each.at(-1))), y: at.y(of("throughput_rps", each.at(-1))) });
    }
    endLabels(svg, box, ends);
  }, 104);
}

function cores(svg, box, at) {
  const [low, high] = [DATA.dims.clients[0], DATA.dims.clients.at(-1)];
  if (!DATA.cpus || DATA.cpus <= low || DATA.cpus >= high) return;
  const x = at.x(DATA.cpus);
  svg.append(h("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "cpus" }));
  svg.append(h("text", { x: x + 4, y: box.top + 11, class: "tick" }, `${DATA.cpus} CPUs`));
}

function drawLatency(host) {
  const cells = CELLS.filter(atClients).filter((cell) => DATA.latency_ns[cell]);
  if (!cells.length) return nothing(host, "Nothing of this was measured.");
  percentiles(figure(host, `Latency by percentile, ${state.workload}, ${clientsOf(state.clients)}: all requests of all passes`), cells);
  const all = CELLS.filter(inFocus).filter((cell) => of("throughput_rps", cell) > 0 && known(of("latency_p99_ns", cell)));
  againstRate(figure(host, "Latency against throughput: p99 at each number of clients; whiskers: ranges over passes"), all);
}

function percentiles(host, cells) {
  const nines = (percent) => -Math.log10(1 - Math.min(percent, 99.995) / 100);
  const last = Math.max(...DATA.percents.filter((_, index) => cells.some((cell) => known(DATA.latency_ns[cell][index]))));
  const domain = extent(cells.flatMap((cell) => DATA.latency_ns[cell]), 1.15);
  const x = { label: "percentile (scale of nines)", domain: [0, nines(last)], ticks: [0, 50, 90, 99, 99.9, 99.99].filter((tick) => tick <= last).map(nines), scale: scale.linear, write: (n) => String(Number((100 * (1 - 10 ** -n)).toFixed(2))) };
  const y = { label: "latency, ms (log)", domain, ticks: logTicks(domain.map((ns) => ns / 1e6)).map((ms) => ms * 1e6), scale: scale.log, write: (ns) => String(Number((ns / 1e6).toPrecision(2))) };
  panels(host, shownTargets(cells), `Latency of ${state.workload} by percentile`, x, y, (target, box, at, svg) => {
    const ends = [];
    for (const cell of cells.filter((one) => of("target", one) === target)) {
      const points = DATA.percents.map((percent, index) => [at.x(nines(percent)), at.y(DATA.latency_ns[cell][index]), percent, DATA.latency_ns[cell][index]]).filter(([, y_]) => Number.isFinite(y_));
      path(svg, points, cell);
      for (const [px, py, percent, ns] of points) svg.append(dot(cell, px, py, lines(cell, `p${percent}: ${write.ms(ns)} ms`), 3));
      if (points.length) ends.push({ cell, x: points.at(-1)[0], y: points.at(-1)[1] });
    }
    endLabels(svg, box, ends);
  }, 104);
}

function againstRate(host, cells) {
  const both = (column) => cells.flatMap((cell) => [of(column, cell), of(column + "_low", cell), of(column + "_high", cell)]);
  const dx = extent(both("throughput_rps"), 1.2), dy = extent(both("latency_p99_ns"), 1.2);
  const x = { label: "requests/s (log)", domain: dx, ticks: logTicks(dx), scale: scale.log, write: compact };
  const y = { label: "p99, ms (log)", domain: dy, ticks: logTicks(dy.map((ns) => ns / 1e6)).map((ms) => ms * 1e6), scale: scale.log, write: (ns) => String(Number((ns / 1e6).toPrecision(2))) };
  panels(host, shownTargets(cells), `Latency of ${state.workload} against throughput`, x, y, (target, box, at, svg) => {
    const ends = [];
    for (const each of series(cells.filter((cell) => of("target", cell) === target))) {
      const where = (cell) => [at.x(of("throughput_rps", cell)), at.y(of("latency_p99_ns", cell))];
      path(svg, each.map(where), each[0]);
      for (const cell of each) {
        const [px, py] = where(cell);
        if (of("throughput_rps_low", cell) > 0) svg.append(whisker(at.x(of("throughput_rps_low", cell)), py, at.x(of("throughput_rps_high", cell)), py, model(cell)));
        if (of("latency_p99_ns_low", cell) > 0) svg.append(whisker(px, at.y(of("latency_p99_ns_low", cell)), px, at.y(of("latency_p99_ns_high", cell)), model(cell)));
        svg.append(dot(cell, px, py, lines(cell, told.rate(cell), told.p99(cell), `p50 ${ranged("latency_p50_ns", cell, write.ms)} ms`)));
      }
      ends.push({ cell: each.at(-1), x: where(each.at(-1))[0], y: where(each.at(-1))[1] });
    }
    endLabels(svg, box, ends);
  }, 104);
}

function drawTime(host) {
  const cells = CELLS.filter(atClients);
  const split = cells.filter((cell) => known(of("split_cpu_share", cell)));
  if (!cells.length) return nothing(host, "Nothing of this was measured.");
  if (!split.length) return nothing(host, "Where the time went is not known of these: the windows were too short, or the system does not tell.");
  const box = figure(host, `Where the serving threads' time went, ${state.workload}, ${clientsOf(state.clients)}; right: effective cores of ${DATA.cpus ?? "?"} CPUs, range over passes`);
  box.append(h("p", { class: "key" }, ...Object.entries(SPLIT).map(([name, label]) => h("span", {}, h("span", { class: "swatch", style: `background: var(--split-${name})` }), label))));
  const row = 24, left = Math.min(230, 20 + 6.9 * Math.max(...split.map((cell) => short(title(cell), 30).length)));
  const [svg, width] = sheet(box, split.length * row + 30, "Where the serving threads' time went");
  const right = width < 560 ? 64 : 150, x = scale.linear([0, 1], [left, width - right]);
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) svg.append(h("text", { x: x(tick), y: split.length * row + 18, class: "tick middle" }, `${tick * 100}%`));
  split.forEach((cell, index) => {
    const y = index * row;
    const shares = Object.keys(SPLIT).map((name) => of(`split_${name}_share`, cell) ?? 0);
    const sum = shares.reduce((a, b) => a + b, 0) || 1; // medians need not sum to 1
    let at = 0;
    svg.append(h("text", { x: left - 8, y: y + 16, class: "label end" }, short(title(cell), 30)));
    for (const [name, label] of Object.entries(SPLIT)) {
      const share = (of(`split_${name}_share`, cell) ?? 0) / sum;
      if (share >= 0.001) svg.append(mark(h("rect", { x: x(at), y: y + 4, width: Math.max(0.5, x(at + share) - x(at)), height: row - 8, fill: `var(--split-${name})` }),
        lines(cell, `${label}: ${write.share(share * sum)}, median over passes`, `standard error of the least certain share: ${known(of("split_error_share", cell)) ? write.share(of("split_error_share", cell)) : UNKNOWN}`, of("split_estimated", cell) ? "threads came and went: estimated" : told.cores(cell))));
      at += share;
    }
    const text = width < 560 ? (known(of("effective_cores", cell)) ? write.ratio(of("effective_cores", cell)) : UNKNOWN) : ranged("effective_cores", cell, write.ratio);
    svg.append(h("text", { x: width - right + 10, y: y + 16, class: "value" }, text));
  });
}

function drawInterpreters(host) {
  const rows = DATA.ratios.filter(({ cell }) => inFocus(cell));
  if (!rows.length) return nothing(host, "There is nothing to compare: one interpreter, or none beside the baseline is chosen.");
  const kept = rows.filter(({ cell }) => String(of("clients", cell)) === state.clients);
  for (const [metric, name] of Object.entries(DATA.metrics)) {
    const here = kept.filter((one) => one.metric === metric);
    if (here.length) forest(figure(host, `${name[0].toUpperCase()}${name.slice(1)} over ${DATA.baseline}'s, ${state.workload}, ${clientsOf(state.clients)}; 95% confidence intervals`), here, name);
  }
}

function forest(host, rows, name) {
  const row = 24, left = Math.min(230, 20 + 6.9 * Math.max(...rows.map(({ cell }) => short(title(cell), 30).length)));
  const [svg, width] = sheet(host, rows.length * row + 44, `${name} over ${DATA.baseline}'s`);
  const domain = extent([1, ...rows.flatMap(({ ratio, low, high }) => [ratio, low, high])], 1.05).map((end, index) => (index ? Math.min(end, 30) : Math.max(end, 1 / 30)));
  const right = width < 560 ? 78 : 210, x = scale.log(domain, [left, width - right]);
  const inside = (value) => x(Math.min(Math.max(value, domain[0]), domain[1]));
  for (const tick of logTicks(domain)) {
    svg.append(h("line", { x1: x(tick), x2: x(tick), y1: 0, y2: rows.length * row, class: tick === 1 ? "one" : "grid" }));
    svg.append(h("text", { x: x(tick), y: rows.length * row + 18, class: "tick middle" }, `${Number(tick.toPrecision(3))}×`));
  }
  svg.append(h("text", { x: left, y: rows.length * row + 38, class: "axis" }, "ratio (log)"));
  rows.forEach(({ cell, ratio, low, high, verdict, p }, index) => {
    const y = index * row + row / 2, colour = `var(--verdict-${verdict})`;
    svg.append(h("text", { x: left - 8, y: y + 4, class: "label end" }, short(title(cell), 30)));
    if (known(low)) svg.append(whisker(inside(low), y, inside(high), y, colour));
    const interval = known(low) ? ` [${low.toFixed(3)}, ${high.toFixed(3)}]` : " (one start)";
    const look = { cx: inside(ratio), cy: y, r: 4.5, stroke: colour, fill: verdict === "undecided" ? "var(--card)" : colour };
    svg.append(mark(h("circle", look), lines(cell, `${ratio.toFixed(3)}${interval} × ${DATA.baseline}`, `${DATA.verdicts[verdict]}${known(p) ? `; corrected p ${p}` : ""}`)));
    const text = width < 560 ? `${DATA.marks[verdict]} ${ratio.toFixed(2)}` : `${DATA.marks[verdict]} ${ratio.toFixed(3)}${interval}`;
    svg.append(h("text", { x: width - right + 12, y: y + 4, class: "value" }, text));
  });
}

function drawWindows(host) {
  const cells = CELLS.filter(atClients);
  if (!cells.length) return nothing(host, "Nothing of this was measured.");
  const all = cells.flatMap((cell) => DATA.windows[cell].map(([at, rate, p99]) => ({ cell, at: at / 60, rate, p99 })));
  const most = Math.max(...DATA.windows.flatMap((each) => each.map(([at]) => at / 60)), 0.1);
  const x = { label: "minutes since the first window", domain: [0, most], ticks: linearTicks([0, most]), scale: scale.linear, write: compact };
  for (const [caption, pick, label, unit] of [
    [`Every window in the order of time: throughput, ${state.workload}, ${clientsOf(state.clients)}`, (one) => one.rate, "requests/s (log)", (v) => `${write.rate(v)} requests/s`],
    ["The same: 99th percentile of latency", (one) => one.p99, "p99, ms (log)", (v) => `p99 ${digits(v, 2)} ms`],
  ]) {
    const seen = all.filter((one) => pick(one) > 0), domain = extent(seen.map(pick), 1.15);
    if (!seen.length) continue;
    const y = { label, domain, ticks: logTicks(domain), scale: scale.log, write: compact };
    panels(figure(host, caption), shownTargets(cells), caption, x, y, (target, box, at, svg) => {
      const ends = [];
      for (const cell of cells.filter((one) => of("target", one) === target)) {
        const mine = seen.filter((one) => one.cell === cell).sort((a, b) => a.at - b.at);
        path(svg, mine.map((one) => [at.x(one.at), at.y(pick(one))]), cell);
        for (const one of mine) svg.append(dot(cell, at.x(one.at), at.y(pick(one)), lines(cell, `${unit(pick(one))}, ${one.at.toFixed(1)} min after the first window`)));
        if (mine.length) ends.push({ cell, x: at.x(mine.at(-1).at), y: at.y(pick(mine.at(-1))) });
      }
      endLabels(svg, box, ends);
    }, 104);
  }
}

const DRAW = { throughput: drawThroughput, latency: drawLatency, time: drawTime, interpreters: drawInterpreters, windows: drawWindows };
