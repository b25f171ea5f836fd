import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silentLogger, createFastClock } from '@scaler/testing-kit';
import type { Lease } from '../objects/kinds.ts';
import type { ElectionOptions } from './election.ts';
import type { Leadership } from './reign.ts';
import { createElection } from '../index.ts';
import {
  type Script,
  type ScriptedApi,
  type ScriptedRequest,
  sendJson,
  sendStatus,
  startScriptedApi,
  until,
} from '../testing/scripted-api.ts';

// The default times, twenty times as fast.
const factor = 20;
const clock = createFastClock(factor);

let api: ScriptedApi;
let lease: Lease | undefined;
let version: number;
let intercept: ((request: ScriptedRequest, response: ServerResponse) => boolean) | undefined;
let stops: AbortController[];
let runs: Promise<unknown>[];

/** A Lease with the optimistic locking of the API. */
const script: Script = (request, response) => {
  if (intercept?.(request, response)) return;
  serve(request, response);
};

function serve({ method, body }: ScriptedRequest, response: ServerResponse): void {
  if (method === 'GET')
    return lease ? sendJson(response, 200, lease) : sendStatus(response, 404, 'NotFound', 'no lease');
  const next = body as Lease;
  if (method === 'POST' && lease) return sendStatus(response, 409, 'AlreadyExists', 'exists');
  if (method === 'PUT' && next.metadata?.resourceVersion !== lease?.metadata?.resourceVersion) {
    return sendStatus(response, 409, 'Conflict', 'the object has been modified');
  }
  lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(++version) } };
  sendJson(response, 200, lease);
}

beforeEach(async () => {
  lease = undefined;
  version = 0;
  intercept = undefined;
  stops = [];
  runs = [];
  api = await startScriptedApi(script, { clock });
});

afterEach(async () => {
  for (const stop of stops) stop.abort();
  await Promise.allSettled(runs);
  await api.close();
});

interface Candidate {
  readonly stop: AbortController;
  readonly run: Promise<void>;
  readonly led: Leadership[];
}

function compete(
  identity: string,
  options: Partial<ElectionOptions> = {},
  work?: (l: Leadership) => Promise<void>,
): Candidate {
  const election = createElection({
    client: api.client,
    namespace: 'scaler',
    name: 'autoscaler',
    identity,
    clock,
    logger: silentLogger,
    ...options,
  });
  const stop = new AbortController();
  const led: Leadership[] = [];
  const run = election.run(stop.signal, async (leadership) => {
    led.push(leadership);
    await (work ?? untilAborted)(leadership);
  });
  stops.push(stop);
  runs.push(run.catch(() => undefined));
  return { stop, run, led };
}

function untilAborted({ signal }: Leadership): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const leads = ({ led }: Candidate): boolean => led.at(-1)?.signal.aborted === false;

const holder = (): string | undefined => lease?.spec?.holderIdentity;

test('one of several leads, and it goes on renewing', async () => {
  const a = compete('a');
  await until(() => leads(a));
  const asked = api.requests.length;
  const b = compete('b');
  await until(() => api.requests.slice(asked).some(({ method }) => method === 'GET'));
  const renewed = lease?.spec?.renewTime;
  await until(() => lease?.spec?.renewTime !== renewed);
  expect(leads(b)).toBe(false);
  expect(lease?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect(lease?.spec?.renewTime).toMatch(/\.\d{6}Z$/);
  expect(a.led).toHaveLength(1);
});

test('a holder that shuts down releases the Lease after its work ended, and another takes it within about a retry period', async () => {
  let finish = (): void => undefined;
  const a = compete('a', {}, async (leadership) => {
    await untilAborted(leadership);
    await new Promise<void>((resolve) => (finish = resolve));
  });
  await until(() => leads(a));
  const asked = api.requests.length;
  const b = compete('b');
  await until(() => api.requests.slice(asked).some(({ method }) => method === 'GET'));
  a.stop.abort();
  await until(() => a.led[0]?.signal.aborted === true);
  // Still winding down, and still renewing meanwhile.
  const renewed = lease?.spec?.renewTime;
  await until(() => lease?.spec?.renewTime !== renewed);
  expect(holder()).toBe('a');
  finish();
  await a.run;
  const releasedMs = clock.monotonic();
  await until(() => leads(b));
  expect(clock.monotonic() - releasedMs).toBeLessThan(6_000);
  expect(b.led[0]?.transitions).toBe(1);
});

test('a holder that dies is replaced after the lease duration, however wrong the clocks are', async () => {
  const renewTime = new Date(Date.now() + 3_600_000).toISOString().replace('Z', '000Z');
  lease = {
    metadata: { namespace: 'scaler', name: 'autoscaler', resourceVersion: '1' },
    spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime, acquireTime: renewTime, leaseTransitions: 4 },
  };
  version = 1;
  const startMs = clock.monotonic();
  const b = compete('b', { clock: createFastClock(factor, -7_200_000) });
  await until(() => leads(b));
  expect(clock.monotonic() - startMs).toBeGreaterThan(15_000);
  expect(b.led[0]?.transitions).toBe(5);
});

test('a holder whose clock is an hour slow is left alone', async () => {
  const a = compete('a', { clock: createFastClock(factor, -3_600_000) });
  await until(() => leads(a));
  const b = compete('b');
  const startMs = clock.monotonic();
  await until(() => clock.monotonic() - startMs > 20_000);
  expect(b.led).toHaveLength(0);
  expect(a.led).toHaveLength(1);
});

test('a holder that cannot renew stops before another process can begin', async () => {
  const order: string[] = [];
  const a = compete('a', {}, async (leadership) => {
    await untilAborted(leadership);
    order.push('a ended');
  });
  await until(() => leads(a));
  intercept = ({ method, body }, response) => {
    if (method === 'GET' || (body as Lease).spec?.holderIdentity === 'b') return false;
    response.socket?.destroy();
    return true;
  };
  compete('b', {}, async (leadership) => {
    order.push('b began');
    await untilAborted(leadership);
  });
  await until(() => order.length === 2);
  expect(order).toEqual(['a ended', 'b began']);
  expect(leads(a)).toBe(false);
});

test('a holder that is deposed stops at its next renewal, and waits for its work before it competes again', async () => {
  let finish = (): void => undefined;
  const a = compete('a', {}, async (leadership) => {
    await untilAborted(leadership);
    if (leadership.transitions === 0) await new Promise<void>((resolve) => (finish = resolve));
  });
  await until(() => leads(a));
  lease = {
    ...lease,
    metadata: { ...lease?.metadata, resourceVersion: String(++version) },
    spec: { ...lease?.spec, holderIdentity: 'thief' },
  };
  await until(() => a.led[0]?.signal.aborted === true);
  lease = { ...lease, spec: { ...lease.spec, holderIdentity: '' } };
  const asked = api.requests.length;
  const startMs = clock.monotonic();
  await until(() => clock.monotonic() - startMs > 5_000);
  expect(api.requests).toHaveLength(asked);
  finish();
  await until(() => a.led.length === 2);
});

test('a renewal whose answer is lost does not cost the Lease', async () => {
  const a = compete('a');
  await until(() => leads(a));
  let lost = 0;
  intercept = (request, response) => {
    if (request.method !== 'PUT' || lost > 2) return false;
    lost += 1;
    serve(request, { writeHead: () => ({ end: () => response.socket?.destroy() }) } as unknown as ServerResponse);
    return true;
  };
  await until(() => lost === 3);
  const renewed = lease?.spec?.renewTime;
  await until(() => lease?.spec?.renewTime !== renewed);
  expect(a.led).toHaveLength(1);
  expect(a.led[0]?.signal.aborted).toBe(false);
});

test('a Lease in our name that we did not take belongs to another process until it expires', async () => {
  const a = compete('same');
  await until(() => leads(a));
  const b = compete('same');
  const startMs = clock.monotonic();
  await until(() => clock.monotonic() - startMs > 18_000);
  expect(b.led).toHaveLength(0);
});

test('an error of the leader ends the run, after the Lease was released', async () => {
  const a = compete('a', {}, () => Promise.reject(new Error('broken')));
  await expect(a.run).rejects.toThrow('broken');
  expect(holder()).toBe('');
});

test('a leader that ends by itself gives the Lease back and competes again', async () => {
  const a = compete('a', {}, () => Promise.resolve());
  await until(() => a.led.length >= 2);
  expect(a.led[1]?.transitions).toBeGreaterThan(a.led[0]?.transitions ?? 0);
});

test('times that would let two lead at once are refused', () => {
  const options = { client: api.client, namespace: 'n', name: 'l', identity: 'a', clock, logger: silentLogger };
  expect(() => createElection({ ...options, renewDeadlineMs: 15_000 })).toThrow(
    'retry period < renew deadline < lease duration',
  );
});
