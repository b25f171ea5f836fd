import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { endpoint, startHarness } from './testing/harness.ts';

test('a request to a sleeper is held, wakes it and is answered by it', async () => {
  const upstream = createServer((req, res) => {
    req.resume().on('end', () => res.end(`hello ${req.method} ${req.url}`));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answer = h.send({ method: 'POST', path: '/x?y', body: 'abc' });
  const call = await h.scaler.call(0);
  expect(h.held()).toBe(1);
  h.scaler.endpoints('web', [endpoint(port)]);
  call.ok();
  const { status, body } = await answer;
  expect([status, body]).toEqual([200, 'hello POST /x?y']);
  await h.end({ forwarded: 1 });
  upstream.close();
});
