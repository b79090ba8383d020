// Figures as the pages write them, with the table of decimals that Python writes with (the first argument).

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";

import { clientsOf, compact, csv, formatters, listed, markdown, short } from "../../../bench/report/explore/write.js";

const { table, written } = JSON.parse(env.GILBENCH_WRITTEN);
const write = formatters(table);

test("formatters write as Python does", () => {
  for (const [kind, value, text] of written) assert.equal(write[kind](value), text, `${kind} of ${value}`);
});

test("compact writes thousands with three digits", () => {
  assert.deepEqual([12, 999, 1000, 12_345].map(compact), ["12", "999", "1k", "12.3k"]);
});

test("short keeps the end of a long name", () => {
  assert.equal(short("/usr/bin/python3.14", 8), "…hon3.14");
  assert.equal(short("3.14", 8), "3.14");
});

test("clientsOf and listed make words", () => {
  assert.deepEqual([1, 8].map(clientsOf), ["1 client", "8 clients"]);
  assert.deepEqual([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed), ["", "a", "a and b", "a, b and c"]);
});

test("csv quotes what needs it", () => {
  assert.equal(
    csv([
      ["a", 'b "c"'],
      [1, "d,e"],
    ]),
    'a,"b ""c"""\n1,"d,e"\n',
  );
});

test("markdown escapes what a table would take for markup", () => {
  const table = markdown(["model", "req/s"], [false, true], [["a|b <i>", "1"]]);
  assert.equal(table, "| model | req/s |\n|---|---:|\n| a\\|b \\<i\\> | 1 |\n");
});
