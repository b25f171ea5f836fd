import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { resourceScalerContract } from '@scaler/testing-kit';
import { createResourceScaler } from './scaler.ts';
import { type Ground, prepareGround } from './testing/ground.ts';

let ground: Ground;

const contract = resourceScalerContract({
  resource: { namespace: 'local', name: 'web' },
  paused: { namespace: 'local', name: 'paused' },
  create: (context) => createResourceScaler({ ...context, options: { file: ground.file } }),
  serves: () =>
    fetch(`http://127.0.0.1:${ground.port}`, { headers: { connection: 'close' } }).then(
      ({ ok }) => ok,
      () => false,
    ),
});

beforeAll(async () => {
  ground = await prepareGround({}, (port) => [{ name: 'paused', port, command: ['none'], pause: { mode: 'asleep' } }]);
});
afterAll(async () => {
  await contract.close();
  await ground.remove();
});

/** Cases of abilities that this scaler lacks. */
const lacks = new Set([
  'explain returns nothing for a resource that is awake',
  'tell takes a notice about any resource, does not wait, and does not throw',
  'metrics are gauges and counters with a bounded number of samples',
  'close may be called twice, and ends all watches',
]);

test.each(contract.cases.map((one) => [one.name, one] as const))('%s', async (name, { run }) => {
  expect([await run(), name]).toEqual([lacks.has(name) ? 'left-out' : 'kept', name]);
});
