import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createResourceScaler } from './scaler.ts';
import { type Ground, prepareGround } from './testing/ground.ts';

const ref = { namespace: 'local', name: 'broken' };
const signal = new AbortController().signal;
const options = { signal, reason: { by: 'test', text: 'because' } };

let ground: Ground;
let scaler: ResourceScaler;
beforeAll(async () => {
  ground = await prepareGround({}, (port) => [{ name: 'broken', port: port + 1, command: ['/bin/false'] }]);
  scaler = await createResourceScaler({
    ...{ role: 'dlx', identity: 'dlx', namespaces: undefined, dlxService: undefined },
    options: { file: ground.file },
    logger: silentLogger,
    clock: systemClock,
  });
});
afterAll(() => ground.remove());

test('a process that does not start is tried a few times a second, and sent as waking no more often', async () => {
  const stop = new AbortController();
  let flips = 0;
  const synced = Promise.withResolvers<void>();
  const watching = scaler.watchResources?.((change) => {
    if (change.type === 'synced') synced.resolve();
    if (change.type === 'set' && change.resource.phase === 'waking') flips += 1;
  }, stop.signal);
  await synced.promise;
  const endsMs = performance.now() + 2000;
  let calls = 0;
  for (; performance.now() < endsMs; calls++) {
    const [result] = await scaler.setScale([ref], 1, options);
    expect(result).toMatchObject({ ok: false, error: { message: expect.stringContaining('it does not start') } });
  }
  stop.abort();
  await watching;
  expect(calls).toBeGreaterThan(10);
  expect(flips).toBeGreaterThan(1);
  expect(flips).toBeLessThanOrEqual(5);
});
