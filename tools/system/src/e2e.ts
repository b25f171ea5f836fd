import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commandLine, flag } from '@scaler/command';
import { scenarios } from './suites/cluster/all.ts';
import { runMainJob, runScenarios } from './suites/cluster/run.ts';

const { values, names } = commandLine({
  name: 'npm run e2e',
  doc: 'scaler on the Kubernetes of KUBECONFIG: the main job, or scenarios. What they need: tools/system/README.md.',
  options: { all: flag('the scenarios that are named, or every one, and not the main job') },
  names: {
    what: 'scenario',
    doc: 'with --all: the scenarios to run; default: all',
    known: scenarios.map(({ name }) => name),
  },
  variables: {
    KUBECONFIG: 'an administrator of the cluster; default: ~/.kube/config',
    E2E_IMAGE: 'the image that `npm run e2e:image` made, which the nodes have',
    KEEP: '1: all stays in place at the end',
    CYCLES: 'parks and wakes of each mode; default 10 in the main job, 200 in the scenarios',
    WORKLOADS: 'workloads of each mode in the main job; default 2',
    SETTLE_MS: 'the settle time of the main job; default 2000',
  },
  examples: { '': 'the main job', '--all': 'every scenario', '--all drain cut': 'these two' },
});

if (values.all) {
  process.exitCode = await runScenarios(names);
} else if (names.length > 0) {
  console.error(`Scenarios run with --all: npm run e2e -- --all ${names.join(' ')}`);
  process.exitCode = 2;
} else if (process.env['E2E_IMAGE'] && (process.env['KUBECONFIG'] || existsSync(join(homedir(), '.kube/config')))) {
  process.exitCode = await runMainJob(process.env['E2E_IMAGE']);
} else {
  console.error(
    'The main job needs E2E_IMAGE, an image of what `npm run e2e:stage` made, and KUBECONFIG or ~/.kube/config.',
  );
  process.exitCode = 2;
}
