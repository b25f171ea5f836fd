import { run } from '@scaler/command';
import { annotationAttempts } from './annotation-attempts.ts';
import { account } from './attempt.ts';
import { kubectl } from '../kubectl.ts';
import type { Problems } from '../offline.ts';
import { serviceAttempts } from './service-attempts.ts';
import { appNamespace } from '../sleepers.ts';
import { movedSlice, sliceAttempts } from './slice-attempts.ts';
import { workloadAttempts } from './workload-attempts.ts';

/**
 * Tries both admission policies against the real API server: writes with the stolen tokens of the two accounts, and
 * annotations of people.
 */
export async function checkBounds(namespace: string, say: (line: string) => void): Promise<Problems> {
  const address = await kubectl([
    ...['-n', namespace, 'get', 'pods', '-l', 'app.kubernetes.io/component=dlx'],
    ...['-o', 'jsonpath={.items[0].status.podIP}'],
  ]);
  const autoscaler = account(`system:serviceaccount:${namespace}:scaler-autoscaler`);
  const accounts = { autoscaler, dlx: account(`system:serviceaccount:${namespace}:scaler-dlx`), person: account() };
  const all = [
    ...workloadAttempts(accounts, namespace),
    ...serviceAttempts(accounts, namespace),
    ...sliceAttempts(autoscaler, namespace, address),
    ...annotationAttempts(accounts.person),
    await movedSlice(autoscaler, address),
  ];
  const problems: Problems = [];
  let refusals = 0;
  for (const { what, as, args, input, refused } of all) {
    const who = as === undefined ? [] : ['--as', as];
    const { code, text } = await run('kubectl', [...who, ...args], { input: input && JSON.stringify(input) });
    if (refused === undefined) {
      if (code !== 0) problems.push(`${what}: refused: ${text}`);
      continue;
    }
    if (code === 0) problems.push(`${what}: allowed`);
    else if (!text.includes(refused)) problems.push(`${what}: refused without "${refused}": ${text}`);
    else refusals += 1;
  }
  await run('kubectl', ['-n', appNamespace, 'delete', 'endpointslice', 'moved', '--ignore-not-found']);
  say(`policies: ${refusals} writes refused, ${all.length - refusals} allowed`);
  return problems;
}
