import { matrix } from './matrix.ts';
import { chaos } from './chaos/chaos.ts';
import { cyclesInAlways, cyclesInOverlay, cyclesInSelector } from './cycles/cycles.ts';
import { databases } from './databases/databases.ts';
import { customKind } from './kinds/custom-kind.ts';
import { argoRollouts } from './kinds/argo-rollouts.ts';
import { edits } from './edits/edits.ts';
import { isolation } from './isolation.ts';
import { metricsStack } from './metrics-stack/metrics-stack.ts';
import { cut, drain, frozenProxy, restartNodes } from './nodes.ts';
import { quiet, strict, uninstall } from './quiet.ts';
import { deleteDlx, restartApi, upgradeAutoscaler, upgradeDlx } from './rollouts.ts';
import type { Scenario } from './scenario.ts';

/** In the order in which they run; one line for each. */
export const scenarios: readonly Scenario[] = [
  matrix,
  isolation,
  edits,
  upgradeDlx,
  upgradeAutoscaler,
  deleteDlx,
  restartApi,
  drain,
  frozenProxy,
  cut,
  restartNodes,
  quiet,
  strict,
  cyclesInSelector,
  cyclesInOverlay,
  cyclesInAlways,
  chaos,
  metricsStack,
  databases,
  customKind,
  // These take the product away.
  argoRollouts,
  uninstall,
];
