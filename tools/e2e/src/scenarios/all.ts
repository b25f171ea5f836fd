import type { Scenario } from './scenario.ts';

/** In the order in which they run; one line for each. */
export const scenarios: readonly Scenario[] = [];
