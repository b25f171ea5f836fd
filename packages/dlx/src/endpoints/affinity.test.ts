import { expect, test } from '@jest/globals';
import { type Harness, startHarness } from '../testing/harness.ts';
import { freePort, startUpstream } from '../testing/upstream.ts';
import { closeness, firstAddress } from './affinity.ts';
import { EndpointSet } from './endpoint-set.ts';

const clients = Array.from({ length: 3_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
const pods = ['10.1.0.1:8080', '10.1.0.2:8080', '10.1.0.3:8080'];
const closest = (client: string, among = pods): string =>
  [...among].sort((a, b) => closeness(client, b) - closeness(client, a))[0] as string;

test('clients are spread evenly, and those of a pod that leaves are the only ones that move', () => {
  const counts = pods.map((pod) => clients.filter((client) => closest(client) === pod).length);
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  const left = pods.slice(0, 2);
  const moved = clients.filter((client) => closest(client, left) !== closest(client));
  expect(moved.every((client) => closest(client) === pods[2])).toBe(true);
});

test("a client's address is the first that proxies wrote, however long the field is", () => {
  expect(firstAddress('10.0.0.1, 10.0.0.2')).toBe('10.0.0.1');
  expect(firstAddress('x'.repeat(60_000))).toHaveLength(64);
});

test('one that failed is gone round, for the client comes back to it later', () => {
  const set = new EndpointSet({} as never);
  set.replace(pods.map((address, i) => ({ address, port: i + 1, id: address })));
  const own = set.pick(0, undefined, 'client');
  expect(set.pick(0, undefined, 'client')).toBe(own);
  own?.refused(0, false);
  expect(set.pick(1, undefined, 'client')).not.toBe(own);
  expect(set.pickForRelease(1, 'client')).toBe(set.pick(1, undefined, 'client'));
  expect(set.pick(20, undefined, 'client')).toBe(own);
  expect(set.pickUsable(20, own, 'client')).not.toBe(own);
});

test('where its Service keeps a client at one pod each DLX sends it to the same, held or not', async () => {
  const apps = await Promise.all([1, 2, 3].map(() => startUpstream()));
  const endpoints = apps.map((app) => app.endpoint);
  const start = async (order: typeof endpoints): Promise<[Harness, number]> => {
    const h = await startHarness();
    const listenPort = await freePort();
    const targets = [{ service: 'web', port: 80, listenPort, clientAffinity: true }];
    h.scaler.set({ name: 'web', targets });
    await h.until(() => h.dlx.listeners.isListening(listenPort));
    const held = h.send({ port: listenPort });
    const call = await h.scaler.call(0);
    h.scaler.endpoints('web', order);
    call.ok();
    await held;
    h.scaler.set({ name: 'web', targets, phase: 'awake' });
    return [h, listenPort];
  };
  const both = [await start(endpoints), await start([...endpoints].reverse())];
  const seen = (): number[] => apps.map((app) => app.seen.length);
  expect(seen().sort()).toEqual([0, 0, 2]);
  for (const [h, port] of both) for (let i = 0; i < 5; i++) await h.send({ port });
  expect(seen().sort()).toEqual([0, 0, 12]);
  for (let i = 0; i < 40; i++) {
    const headers = { host: 'web', 'x-forwarded-for': `10.0.0.${i}` };
    const before = seen();
    for (const [h, port] of both) await h.send({ port, headers });
    expect(
      seen()
        .map((count, at) => count - (before[at] ?? 0))
        .sort(),
    ).toEqual([0, 0, 2]);
  }
  expect(Math.min(...seen())).toBeGreaterThan(0);
  for (const [h] of both) await h.end({ forwarded: 46 });
});
