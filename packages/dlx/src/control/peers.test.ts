// What was seen in other scale-to-zero proxies, one test each. Left out is what concerns an autoscaler: averages that are
// rounded to zero, how many replicas a wake starts, cooldowns, leaders and API budgets.
import { Agent } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createShutdown, type InfraReply, type InfraRequest } from '@scaler/runtime';
import { systemClock, terminal } from '@scaler/scaler-types';
import { parseActivity } from '@scaler/scaler-types/dlx-api';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { peerRoutes } from './peer.ts';
import { drainTimes, type Harness, startHarness } from '../testing/harness.ts';
import { type Recorder, startRecorder } from '../testing/recorder.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { endOf } from '../testing/stream.ts';
import { refusingEndpoint, startUpstream } from '../testing/upstream.ts';

let app: Recorder;
beforeEach(async () => {
  app = await startRecorder();
});
afterEach(() => app.close());

const get = 'GET / HTTP/1.1\r\nhost: web\r\n\r\n';

function shutdown(h: Harness, drainTimeoutMs: number): Promise<unknown> {
  const steps = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
  h.dlx.addDrainSteps(steps, drainTimes(drainTimeoutMs));
  return steps.run();
}

interface Activity {
  readonly arrivals: number;
  readonly lastArrivalAgeMs: number;
  readonly lastEndAgeMs?: number;
  readonly inFlight: number;
}

async function activity(h: Harness): Promise<Activity> {
  const route = peerRoutes(h.dlx).find(({ path }) => path === '/activity');
  const request = { query: new URLSearchParams(), headers: {}, body: undefined, signal: new AbortController().signal };
  const { body } = (await route?.handle(request as InfraRequest)) as InfraReply;
  // As it comes over the wire.
  expect(parseActivity(JSON.parse(JSON.stringify(body))).resources.has('default/web')).toBe(true);
  return (body as { resources: Record<string, never> }).resources['default/web'] as never;
}

test.each([
  ['tells of it', (call: { fail(error: Error): void }) => call.fail(terminal(new Error('no such image')))],
  ['throws', undefined],
])(
  'two wakes at once, one fails in no time, the other does not: both are answered, and the process lives (%s)',
  async (_, fail) => {
    class Throwing extends ScriptedScaler {
      override setScale(...args: Parameters<ScriptedScaler['setScale']>): ReturnType<ScriptedScaler['setScale']> {
        const call = super.setScale(...args);
        if (fail === undefined && args[0][0]?.name === 'broken') throw terminal(new Error('no such image'));
        return call;
      }
    }
    const h = await startHarness({ scaler: new Throwing() });
    for (const name of ['broken', 'web']) h.scaler.set({ name });
    h.scaler.endpoints('web', [app.endpoint]);
    const answers = [h.send({ headers: { host: 'broken' } }), h.send()];
    await h.scaler.call(1);
    for (const call of h.scaler.calls) {
      if (call.key === 'default/web') call.ok();
      else fail?.(call);
    }
    const [broken, web] = await Promise.all(answers);
    expect([broken?.status, broken?.problem.code, web?.status]).toEqual([503, 'wake-failed', 200]);
    await h.end({ 'wake-failed': 1, forwarded: 1 });
  },
);

test('a wake that failed is not answered from memory: the next request wakes anew, with no time passed', async () => {
  const h = await startHarness({ clock: createFakeClock() });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const first = h.send();
  (await h.scaler.call(0)).fail(terminal(new Error('quota')));
  expect((await first).problem.code).toBe('wake-failed');
  const second = h.send();
  (await h.scaler.call(1)).ok();
  expect((await second).status).toBe(200);
  await h.end({ 'wake-failed': 1, forwarded: 1 });
});

test('of 100 clients that left, each with an unread body of 5 bytes, no slot is kept and none is sent to the app', async () => {
  const h = await startHarness({ settings: { holdLimit: 100 } });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const text = 'POST /left HTTP/1.1\r\nhost: web\r\ncontent-length: 5\r\n\r\nhello';
  const sockets = await Promise.all(Array.from({ length: 100 }, () => h.raw(text)));
  await h.until(() => h.held() === 100);
  for (const socket of sockets) socket.destroy();
  await h.until(() => h.held() === 0, 'every slot is free');
  const stays = h.send({ path: '/stays' });
  await h.until(() => h.held() === 1);
  h.scaler.calls.at(-1)?.ok();
  expect((await stays).status).toBe(200);
  expect(app.requests.map(({ target }) => target)).toEqual(['/stays']);
  await h.end({ 'client-gone': 100, forwarded: 1 });
});

test('SIGTERM with 100 held, and the app is ready after it: all 100 are answered by it', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answers = Array.from({ length: 100 }, () => h.send());
  await h.until(() => h.held() === 100);
  const down = shutdown(h, 8000);
  await h.until(() => h.dlx.core.draining);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(100);
  await down;
  await h.end({ forwarded: 100 });
});

test('SIGTERM with 100 held, and the app is never ready: none is dropped without a word', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answers = Array.from({ length: 100 }, () => h.send());
  await h.until(() => h.held() === 100);
  await shutdown(h, 50);
  const told = (await Promise.all(answers)).map(({ status, problem, headers }) =>
    [status, problem.code, headers['retry-after']].join(' '),
  );
  expect(new Set(told)).toEqual(new Set(['503 draining 5']));
  expect(told).toHaveLength(100);
  await h.end({ draining: 100 });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// The wake that is given up and the hold that ends take a few turns together; so the arrival is put into each of them.
test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'a request that comes as the wake before it expires does not wait for ever: %i turns after',
  async (turns) => {
    const clock = createFakeClock();
    const h = await startHarness({ clock, settings: { holdTimeoutMs: 1000 } });
    h.scaler.endpoints('web', [app.endpoint]);
    const rounds = 10;
    for (let round = 0; round < rounds; round++) {
      h.scaler.set({ name: 'web', phase: 'asleep' });
      const calls = h.scaler.calls.length;
      const first = h.send();
      const { signal } = (await h.scaler.call(calls)).options;
      const late = endOf(await h.raw(''));
      signal.addEventListener('abort', async () => {
        for (let i = 0; i < turns; i++) await turn();
        late.socket.write(get);
      });
      await clock.advance(1000);
      expect((await first).problem.code).toBe('wake-timeout');
      await h.until(() => h.held() === 1, 'the late one is held');
      // A call may still come after the pause that follows one that failed.
      for (let i = 0; i < 20 && h.scaler.calls.length === calls + 1; i++) await clock.advance(100).then(turn);
      expect(h.scaler.calls).toHaveLength(calls + 2);
      h.scaler.calls.at(-1)?.ok();
      await late.hears('HTTP/1.1 200 OK');
      late.socket.destroy();
    }
    await h.end({ 'wake-timeout': rounds, forwarded: rounds });
  },
);

test.each(['App.Example.com', 'app.example.com.', 'app.example.com:8080', 'APP.EXAMPLE.COM.:80'])(
  'Host: %s is app.example.com, neither 400 nor 404, asleep and awake',
  async (host) => {
    const h = await startHarness();
    const targets = [{ service: 'web', port: 80, routes: [{ host: 'app.example.com' }] }];
    h.scaler.set({ name: 'web', targets });
    h.scaler.endpoints('web', [app.endpoint]);
    const held = h.send({ headers: { host } });
    (await h.scaler.call(0)).ok();
    expect([(await held).status, (await h.send({ headers: { host } })).status]).toEqual([200, 200]);
    await h.end({ forwarded: 2 });
  },
);

test('a Ready endpoint that refuses connections: another is tried, and no client sees it', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [refusingEndpoint(), app.endpoint]);
  const answers = Array.from({ length: 20 }, () => h.send({ method: 'POST', body: 'kept' }));
  await h.until(() => h.held() === 20);
  h.scaler.calls[0]?.ok();
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
  expect((await h.send()).status).toBe(200);
  expect(app.requests.slice(0, 20).every(({ body }) => body === 'kept')).toBe(true);
  await h.end({ forwarded: 21 });
});

test('a hold has a bound: beyond it the answer comes at once, and says when to come again', async () => {
  const h = await startHarness({ settings: { holdLimit: 50 } });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const answers = Array.from({ length: 200 }, () => h.send());
  await h.until(() => h.dlx.core.accounting.accepted === 200);
  expect([h.held(), h.dlx.core.accounting.outcomes.overflow]).toEqual([50, 150]);
  h.scaler.calls[0]?.ok();
  const told = await Promise.all(answers);
  expect(told.filter(({ status, headers }) => status === 503 && headers['retry-after'] === '5')).toHaveLength(150);
  await h.end({ overflow: 150, forwarded: 50 });
});

test('64 clients at once: at least 95 % of requests go over a connection to the app that was there', async () => {
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const [clients, each] = [64, 40];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < each; i++) await h.send({ agent });
      agent.destroy();
    }),
  );
  expect(app.requests).toHaveLength(clients * each);
  expect(app.connections).toBeLessThanOrEqual(clients * each * 0.05);
  await h.end({ forwarded: clients * each });
});

test('an app that is called for a moment every 10 s is seen to be used, whenever one looks', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  for (let i = 1; i <= 6; i++) {
    expect((await h.send()).status).toBe(200);
    await clock.advance(9_900);
    // Nothing is under way whenever it looks; the age is the last request's, not the last look's.
    expect(await activity(h)).toMatchObject({ arrivals: i, inFlight: 0, lastArrivalAgeMs: 9_900 });
    await clock.advance(100);
  }
  await h.end({ forwarded: 6 });
});

test('use ends with the answer of a request that took long, not with its arrival; a quiet one is none', async () => {
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 60_000 } });
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  await h.until(() => h.held() === 1);
  expect((await activity(h)).lastEndAgeMs).toBeUndefined();
  await clock.advance(30_000);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect((await answer).status).toBe(200);
  await clock.advance(4_000);
  await h.send({ headers: { host: 'web', 'user-agent': 'kube-probe/1.35' } });
  await clock.advance(1_000);
  expect(await activity(h)).toMatchObject({ arrivals: 1, inFlight: 0, lastArrivalAgeMs: 35_000, lastEndAgeMs: 5_000 });
  await h.end({ forwarded: 2 });
});

test('what is held for a resource that is deleted does not keep waiting', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answers = Array.from({ length: 10 }, () => h.send());
  await h.until(() => h.held() === 10);
  h.scaler.remove('web');
  const told = await Promise.all(answers);
  expect(new Set(told.map(({ status, problem }) => `${status} ${problem.code}`))).toEqual(new Set(['404 no-route']));
  await h.end({ 'no-route': 10 });
});

test('100 are woken at once: none waits for another’s wake', async () => {
  const h = await startHarness();
  const names = Array.from({ length: 100 }, (_, i) => `web-${i}`);
  for (const name of names) {
    h.scaler.set({ name });
    h.scaler.endpoints(name, [app.endpoint]);
  }
  const answers = names.map((host) => h.send({ headers: { host } }));
  // None of these was answered yet.
  await h.scaler.call(99);
  expect(new Set(h.scaler.calls.map(({ key }) => key)).size).toBe(100);
  for (const call of h.scaler.calls) call.ok();
  expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(100);
  await h.end({ forwarded: 100 });
});

test('many more than a hundred requests go through one wake, and after it is handed back none is refused', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const held = Array.from({ length: 300 }, () => h.send());
  await h.until(() => h.held() === 300);
  h.scaler.calls[0]?.ok();
  for (const phase of ['waking', 'awake'] as const) {
    h.scaler.set({ name: 'web', phase });
    held.push(h.send(), h.send());
  }
  expect((await Promise.all(held)).filter(({ status }) => status === 200)).toHaveLength(304);
  await h.end({ forwarded: 304 });
});

test('readiness is not polled for: the answer comes as soon as the scaler lists the endpoint, with no time passed', async () => {
  const h = await startHarness({ clock: createFakeClock(), scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  await h.until(() => h.held() === 1 && h.scaler.watched.has('web'));
  h.scaler.endpoints('web', [app.endpoint]);
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('a GET that the app answers 503 is sent once, and a client’s Keep-Alive field is no error', async () => {
  const busy = await startUpstream((_req, res) => res.writeHead(503).end());
  const h = await startHarness();
  h.scaler.endpoints('web', [busy.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const { status } = await h.send({ headers: { host: 'web', 'keep-alive': 'timeout=5' } });
  expect([status, busy.seen]).toEqual([503, ['GET /']]);
  await h.end({ forwarded: 1 });
});
