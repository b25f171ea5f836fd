import { matrix } from './matrix.ts';
import { databases } from './databases/databases.ts';
import { metricsStack } from './metrics-stack/metrics-stack.ts';
import type { Scenario } from './scenario.ts';

/** In the order in which they run; one line for each. */
export const scenarios: readonly Scenario[] = [matrix, metricsStack, databases];
