// Scales and their ticks; pure functions.

import { known } from "./write.js";

export const scale = {
  linear:
    (domain, [from, to]) =>
    (value) =>
      from + ((value - domain[0]) / (domain[1] - domain[0] || 1)) * (to - from),
  log: (domain, range) => {
    const inner = scale.linear(domain.map(Math.log), range);
    return (value) => inner(Math.log(value));
  },
};

export const STEPS = [
  [4, [1, 1.5, 2, 3, 4, 5, 6, 8]],
  [12, [1, 2, 3, 5]],
  [200, [1, 2, 5]],
  [Infinity, [1]],
];
export function logTicks([low, high]) {
  if (high / low < 2) return linearTicks([low, high]);
  const steps = STEPS.find(([span]) => high / low <= span)[1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of steps) ticks.push(step * 10 ** power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}
export function linearTicks([low, high], most = 5) {
  const rough = (high - low) / most,
    power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) || 1;
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high * 1.0001; tick += step) ticks.push(tick);
  return ticks;
}
export function extent(values, margin) {
  const positive = values.filter((value) => known(value) && value > 0);
  return positive.length ? [Math.min(...positive) / margin, Math.max(...positive) * margin] : [1, 10];
}
