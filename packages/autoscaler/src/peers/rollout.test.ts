// An autoscaler of this version and a DLX of before its control port, and what a replica may answer at all.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { createFence } from '../act/fence.ts';
import { preflight } from '../act/preflight.ts';
import { createActivitySource } from '../collect/activity.ts';
import type { PeerDirectory } from './peer.ts';
import { createPeerClient, type PeerClient } from './peer-client.ts';

const signal = new AbortController().signal;
const resource = { namespace: 'default', name: 'web' };
const servers: Server[] = [];
let client: PeerClient;
beforeEach(() => {
  client = createPeerClient({ clock: systemClock, token: { first: () => Promise.resolve('secret') } });
});
afterEach(async () => {
  client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listens(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function refusedPort(): Promise<number> {
  const port = await listens(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

/** As a DLX before the control port answers, byte for byte. */
function before(seen: string[]): RequestListener {
  const answers: Record<string, string> = {
    'GET /activity':
      '{"replica":"dlx-1","startedAt":1000,"now":3601000,"draining":false,"resources":{"default/web":{"held":0,"inFlight":0,"openStreams":0,"arrivals":2,"lastArrivalAgeMs":900000,"lastEndAgeMs":899000}}}',
    'POST /fence': '{"replica":"dlx-1","epoch":"e1","clear":true,"held":0,"inFlight":0}',
    'POST /preflight': '{"replica":"dlx-1","ok":true,"reasons":[]}',
  };
  return (request, response) => {
    const what = `${request.method} ${request.url}`;
    seen.push(`${what} ${request.headers.authorization ?? 'no token'}`);
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end(answers[what]);
  };
}

function directory(port: number, control: number): PeerDirectory {
  return { live: () => Promise.resolve([{ host: '127.0.0.1', port, control }]) };
}

async function park(peers: PeerDirectory) {
  const timeoutMs = 10_000;
  const activity = createActivitySource({ peers, client, clock: systemClock, timeoutMs, listTimeoutMs: timeoutMs });
  const { failures } = await activity.collect([], { signal } as never);
  const reasons = await preflight({ peers, client, timeoutMs }, resource, signal);
  const judgeAgain = () => Promise.resolve({ verdict: 'idle' as const, reasons: [] });
  const fence = createFence({ peers, client, infraPort: 1, timeoutMs, judgeAgain });
  return { failures, reasons, fence: await fence({ resource, epoch: 'e1', addresses: ['127.0.0.1'] }, signal) };
}

test('a DLX of before refuses the control port: it is asked as before, and never sees the token', async () => {
  const seen: string[] = [];
  const peers = directory(await listens(before(seen)), await refusedPort());
  expect(await park(peers)).toEqual({ failures: [], reasons: [], fence: { ok: true } });
  expect(seen).toEqual(['GET /activity no token', 'POST /preflight no token', 'POST /fence no token']);
});

test('a DLX with a control port is asked there alone, with the token', async () => {
  const [infra, control]: string[][] = [[], []];
  const peers = directory(await listens(before(infra ?? [])), await listens(before(control ?? [])));
  expect(await park(peers)).toEqual({ failures: [], reasons: [], fence: { ok: true } });
  expect(infra).toEqual([]);
  expect(control).toEqual(['GET /activity', 'POST /preflight', 'POST /fence'].map((what) => `${what} Bearer secret`));
});

test('a control port that refuses the token is not got round: nothing is parked, and the sentence has the reason', async () => {
  const seen: string[] = [];
  const refuses: RequestListener = (_request, response) => void response.writeHead(401).end('{}');
  const { failures, reasons, fence } = await park(directory(await listens(before(seen)), await listens(refuses)));
  expect(seen).toEqual([]);
  for (const text of [failures[0], reasons[0], (fence as { reason: string }).reason])
    expect(text).toMatch(/status 401: give both apps the same --control-token-file$/);
});

test('an address that only slices of a workload name gets no token', async () => {
  const seen: string[] = [];
  const infraPort = await listens(before(seen));
  const judgeAgain = () => Promise.resolve({ verdict: 'idle' as const, reasons: [] });
  const peers = { live: () => Promise.resolve([]) };
  const fence = createFence({ peers, client, infraPort, timeoutMs: 10_000, judgeAgain });
  await fence({ resource, epoch: 'e1', addresses: ['127.0.0.1'] }, signal);
  expect(seen).toEqual(['POST /fence no token']);
});

test('an answer of 64 MB is not read to its end, and no answer is quoted whole', async () => {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const endless: RequestListener = (request, response) => {
    request.resume();
    response.writeHead(200);
    const more = (): void => {
      while (sent < 64 * 1024 * 1024) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  const { failures, reasons, fence } = await park(directory(await refusedPort(), await listens(endless)));
  const texts = [failures[0] ?? '', reasons[0] ?? '', (fence as { reason: string }).reason];
  expect(texts.map((text) => text.replace(/^.*answered/, ''))).toEqual([
    ' /activity with more than 8388608 bytes',
    ' /preflight with more than 65536 bytes',
    ' /fence with more than 65536 bytes',
  ]);
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});

test.each([
  ['a name', { replica: 'x'.repeat(50_000), clear: false, held: 1, inFlight: 0, epoch: 'e1' }],
  [
    'a reason',
    { replica: 'a', clear: false, held: 1, inFlight: 0, epoch: 'e1', reason: `\u0007${'x'.repeat(50_000)}` },
  ],
  ['an epoch', { replica: 'a', clear: true, held: 0, inFlight: 0, epoch: 'x'.repeat(50_000) }],
  ['a text in place of a number', { replica: 'a', clear: true, held: 'x'.repeat(50_000), inFlight: 0, epoch: 'e1' }],
  ['a list in place of a text', { replica: Array(10_000).fill(1), clear: true, held: 0, inFlight: 0, epoch: 'e1' }],
])('%s of 50,000 characters is cut where it is quoted', async (_, answer) => {
  const port = await listens(
    (request, response) => void request.resume().once('end', () => response.end(JSON.stringify(answer))),
  );
  const { fence } = await park(directory(port, port));
  const { reason } = fence as { reason: string };
  expect(reason.length).toBeLessThan(400);
  expect(reason).not.toMatch(/\p{Cc}/u);
});

test.each(['"held":1e999', '"lastEndAgeMs":1e999', '"held":-1', '"held":null'])(
  'an activity with %s is none',
  async (field) => {
    const counts = `{"held":0,"inFlight":0,"openStreams":0,"lastArrivalAgeMs":1,"lastEndAgeMs":1,${field}}`;
    const text = `{"replica":"a","startedAt":1,"now":2,"resources":{"default/web":${counts}}}`;
    const port = await listens((request, response) => void request.resume().once('end', () => response.end(text)));
    const { failures } = await park(directory(port, port));
    expect(failures[0]).toMatch(/answered with (held|lastEndAgeMs) /);
  },
);

test('ten thousand reasons are eight, and how many more', async () => {
  const reasons = Array.from({ length: 10_000 }, (_, i) => `no ${i}`);
  const port = await listens((request, response) => {
    request
      .resume()
      .once('end', () => response.end(JSON.stringify({ replica: 'a', ok: false, reasons: reasons.slice(0, 5_000) })));
  });
  const objections = await preflight({ peers: directory(port, port), client, timeoutMs: 10_000 }, resource, signal);
  expect(objections[0]).toMatch(/: no 0; .* no 7; 4992 more$/);
});
