// What the API answers, or what is behind it: a metrics adapter, a proxy, objects that tenants made large.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { kinds } from '../index.ts';
import { type ScriptedApi, sendJson, startScriptedApi } from '../testing/scripted-api.ts';

let api: ScriptedApi;
afterEach(() => api.close());

const piece = Buffer.alloc(64 * 1024, 'x');

/** Sends 64 MB, as long as it is read; resolves with how many bytes were taken. */
async function flood(response: ServerResponse, status: number): Promise<number> {
  response.writeHead(status, { 'content-type': 'application/json' });
  let sent = 0;
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  while (!closed.signal.aborted && sent < 64 * 1024 * 1024) {
    sent += piece.length;
    if (!response.write(piece)) await once(response, 'drain', { signal: closed.signal }).catch(() => {});
  }
  response.end();
  return sent;
}

test.each([
  [200, 'GET', 'bad-answer', 16],
  [500, 'GET', 'bad-answer', 4],
  [200, 'PATCH', 'write-outcome-unknown', 16],
] as const)('an answer %i of 64 MB to a %s is not read to its end: %s', async (status, method, code, mib) => {
  let sent: Promise<number> | undefined;
  api = await startScriptedApi((_request, response) => (sent = flood(response, status)));
  const error: unknown = await api.client.request(method, '/apis/custom.metrics.k8s.io/x').catch((e: unknown) => e);
  expect(error).toMatchObject({ code, message: expect.stringContaining(`more than ${mib * 1024 * 1024} bytes`) });
  expect((error as Error).message.length).toBeLessThan(300);
  expect(await sent).toBeLessThan((mib + 16) * 1024 * 1024);
});

test('objects that their owners made large make more pages of a list, not longer ones', async () => {
  const note = 'x'.repeat(500_000);
  const all = Array.from({ length: 70 }, (_, i) => ({ metadata: { name: `d${i}`, annotations: { note } } }));
  api = await startScriptedApi(({ query }, response) => {
    const from = Number(query.get('continue') ?? 0);
    const to = from + Number(query.get('limit'));
    const metadata = { resourceVersion: '7', ...(to < all.length && { continue: String(to) }) };
    sendJson(response, 200, { metadata, items: all.slice(from, to) });
  });
  const { items } = await api.client.list(kinds.deployment, { trim: ({ metadata }) => metadata?.name });
  expect(items).toEqual(all.map(({ metadata }) => metadata.name));
  expect(api.requests.map(({ query }) => query.get('limit'))).toEqual(['500', '62', '7', ...Array(9).fill('7')]);
});

test('the answer that refuses a watch is read to a bound too', async () => {
  let sent: Promise<number> | undefined;
  api = await startScriptedApi((_request, response) => (sent = flood(response, 403)));
  const watch = { resourceVersion: '1', timeoutSeconds: 60, signal: new AbortController().signal };
  await expect(api.client.openWatch(kinds.deployment, watch)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await sent).toBeLessThan(20 * 1024 * 1024);
});
