import type { Scenario } from './scenario.ts';

/** All, in the order in which they run. */
export const scenarios: readonly Scenario[] = [];
