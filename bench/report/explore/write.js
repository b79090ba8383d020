// Formatting of figures and names; pure functions.

export const UNKNOWN = "–";
export const known = (value) => value !== null && value !== undefined;

export const digits = (value, decimals) =>
  value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

// Formatters from a table of decimals, the same that Python uses: [below, decimals] for each kind of figure.
export function formatters(table) {
  const decimals = (kind, value) => table[kind].find(([below]) => below === null || value < below)[1];
  const by = (kind) => (value) => digits(value, decimals(kind, value));
  return {
    rate: (value) => (value < table.whole_rate_from ? String(Number(value.toPrecision(3))) : digits(value, 0)),
    ratio: by("ratio"),
    ms: (ns) => by("ms")(ns / 1e6),
    share: (value) => (value < table.no_share_below ? "0%" : digits(value * 100, decimals("share", value)) + "%"),
    us: (s) => by("us")(s * 1e6),
    mib: (bytes) => digits(bytes / 2 ** 20, 1),
    count: (value) => digits(value, 0),
  };
}

export const compact = (value) =>
  value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3)));
export const short = (text, most) => (text.length > most ? "…" + text.slice(1 - most) : text);
export const clientsOf = (n) => `${n} client${Number(n) === 1 ? "" : "s"}`;
export const listed = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

export function csv(rows) {
  const safe = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map((one) => safe(String(one))).join(",")).join("\n") + "\n";
}

export function markdown(heads, numeric, rows) {
  const safe = (text) =>
    text
      .replace(/\s+/g, " ")
      .replace(/[\\`*_~[\]<>|&$#@!]/g, "\\$&")
      .replaceAll("://", "\\://");
  const line = (cells) => `| ${cells.map(safe).join(" | ")} |`;
  const rule = `|${numeric.map((number) => (number ? "---:" : "---")).join("|")}|`;
  return [line(heads), rule, ...rows.map(line)].join("\n") + "\n";
}
