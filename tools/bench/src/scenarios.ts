import { held, heldBodies } from './hold/held.ts';
import { oneAtATime } from './hold/one-at-a-time.ts';
import { overload } from './hold/overload.ts';
import { sigterm } from './hold/sigterm.ts';
import { sleepers } from './hold/sleepers.ts';
import { wakeMany } from './hold/wake-many.ts';
import type { Result } from './results.ts';
import type { Scenario } from './scenario.ts';
import { bodies } from './throughput/bodies.ts';
import { latency } from './throughput/latency.ts';
import { ramp } from './throughput/ramp.ts';
import { start } from './start/start.ts';
import { headers, small } from './throughput/small.ts';

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  ...[small, headers, latency, bodies, ramp],
  ...[held, heldBodies, oneAtATime, sleepers, wakeMany, sigterm, overload],
  start,
];

/** The results that are kept, in that order. */
export function inOrder(results: ReadonlyMap<string, Result>): Result[] {
  return scenarios.map(({ name }) => results.get(name)).filter((result) => result !== undefined);
}
