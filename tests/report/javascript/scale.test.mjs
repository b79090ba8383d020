// Scales and ticks of the pages' drawings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { extent, linearTicks, logTicks, scale } from "../../../bench/report/explore/scale.js";

test("scale maps the ends of a domain to the ends of a range", () => {
  for (const kind of [scale.linear, scale.log]) {
    const at = kind([1, 100], [10, 210]);
    assert.deepEqual([at(1), at(100)].map(Math.round), [10, 210]);
  }
  assert.equal(Math.round(scale.log([1, 100], [0, 200])(10)), 100);
});

test("ticks lie within the domain, ascending, and are round", () => {
  for (const [low, high] of [
    [0.3, 0.5],
    [1, 9],
    [3, 700],
    [1, 1e6],
  ]) {
    for (const ticks of [logTicks([low, high]), linearTicks([low, high])]) {
      assert.ok(ticks.length > 0, `${low} to ${high}`);
      assert.deepEqual(
        ticks,
        ticks.toSorted((a, b) => a - b),
      );
      assert.ok(ticks.every((tick) => tick >= low && tick <= high * 1.0001));
    }
  }
  assert.deepEqual(linearTicks([0, 10]), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(logTicks([1, 1000]), [1, 10, 100, 1000]);
});

test("extent leaves out what is unknown or not positive", () => {
  assert.deepEqual(extent([2, null, 0, 8, undefined], 2), [1, 16]);
  assert.deepEqual(extent([], 2), [1, 10]);
});
