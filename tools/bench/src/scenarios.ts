import { holdScenarios } from './hold/index.ts';
import type { Result } from './results.ts';
import type { Scenario } from './scenario.ts';
import { bodies } from './throughput/bodies.ts';
import { latency } from './throughput/latency.ts';
import { ramp } from './throughput/ramp.ts';
import { start } from './start/start.ts';
import { headers, small } from './throughput/small.ts';

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [small, headers, latency, bodies, ramp, ...holdScenarios, start];

/** The results that are kept, in that order. */
export function inOrder(results: ReadonlyMap<string, Result>): Result[] {
  return scenarios.map(({ name }) => results.get(name)).filter((result) => result !== undefined);
}
