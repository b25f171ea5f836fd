/**
 * On a real Kubernetes: npm run e2e [-- --all [SCENARIO...]]
 *
 *   KUBECONFIG=... E2E_IMAGE=... npm run e2e     the main job. CYCLES per mode (default 10), WORKLOADS per mode (default 2),
 *                                                SETTLE_MS (default 2000), KEEP=1 leaves all in place
 *   npm run e2e -- --all                         every scenario, or those named: README.md
 */
import { parseArgs } from 'node:util';
import { runCore } from './core.ts';
import { runScenarios } from './scenarios/run.ts';

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
});

if (values.all) {
  process.exitCode = await runScenarios(positionals);
} else if (process.env['E2E_IMAGE'] && process.env['KUBECONFIG']) {
  process.exitCode = await runCore();
} else {
  console.error('Set KUBECONFIG, and E2E_IMAGE to an image made of what `npm run e2e:stage` leaves in dist/e2e-image.');
  process.exitCode = 2;
}
