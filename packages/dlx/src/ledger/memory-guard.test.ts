import { describe, expect, test } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { MemoryGuard, rssReader } from './memory-guard.ts';
import { startAwake, startHarness } from '../testing/harness.ts';
import { ask, connectHttp2 } from '../testing/http2.ts';
import { startUpstream } from '../testing/upstream.ts';

const marks = { limit: 1000, shed: 0.8, unready: 0.85, restart: 0.9 };

function start() {
  const clock = createFakeClock();
  const accounting = { held: 1, heldBytes: 10, inFlight: 0 };
  const core = { shedding: false, accounting, clock, logger: silentLogger };
  const calls = { idle: 0, collected: 0, ready: true, reason: '' };
  const memory = { bytes: 500 };
  const metrics = createMetrics();
  const guard = new MemoryGuard({
    core: core as never,
    server: { endIdle: () => void (calls.idle += 1) },
    marks,
    metrics,
    read: () => memory.bytes,
    collect: () => void (calls.collected += 1),
    ready: (ok, reason) => Object.assign(calls, { ready: ok, reason }),
  });
  const at = (bytes: number): string => {
    memory.bytes = bytes;
    return guard.look();
  };
  return { clock, core, calls, guard, at, metrics };
}

describe('memory of the process', () => {
  test('below its marks nothing is done', () => {
    const { at, core, calls } = start();
    expect(at(799)).toBe('normal');
    expect([core.shedding, calls]).toEqual([false, { idle: 0, collected: 0, ready: true, reason: '' }]);
  });

  test('past the first mark it sheds: no new requests, idle connections end, garbage is collected now and then', async () => {
    const { at, core, calls, metrics, clock } = start();
    expect(at(800)).toBe('shedding');
    expect(at(810)).toBe('shedding');
    expect([core.shedding, calls]).toEqual([true, { idle: 2, collected: 1, ready: true, reason: '' }]);
    expect(await metrics.text()).toContain('scaler_dlx_memory_stage 1');
    await clock.advance(5000);
    at(810);
    expect(calls.collected).toBe(2);
  });

  test('a stage is left only well below its mark', () => {
    const { at, core } = start();
    expect([at(800), at(771), at(769), at(790)]).toEqual(['shedding', 'shedding', 'normal', 'normal']);
    expect(core.shedding).toBe(false);
  });

  test('past the second it is not ready, and says why', () => {
    const { at, calls } = start();
    expect(at(850)).toBe('unready');
    expect(calls).toMatchObject({ ready: false, reason: 'memory is at 85 % of 0 MiB' });
    expect(at(700)).toBe('normal');
    expect(calls.ready).toBe(true);
  });

  test('it is started again only when it was past the third for 30 s without a break', async () => {
    const { at, clock } = start();
    expect(at(950)).toBe('unready');
    await clock.advance(29_000);
    expect(at(899)).toBe('unready');
    expect(at(950)).toBe('unready');
    await clock.advance(29_999);
    expect(at(950)).toBe('unready');
    await clock.advance(1);
    expect(at(950)).toBe('restarting');
  });

  test('the one that looks ends with an error then, and quietly when its signal aborts', async () => {
    const { guard, at, clock } = start();
    at(999);
    const stop = new AbortController();
    const ended = guard.run(stop.signal).catch((error: Error) => error.message);
    for (let i = 0; i < 62; i++) await clock.advance(500);
    expect(await ended).toBe('memory is at 100 % of 0 MiB for 30 s');
    const other = start();
    const running = other.guard.run(stop.signal);
    stop.abort();
    await other.clock.advance(500);
    await running;
  });

  test('with nothing under way it serves: what it has is not of what it would shed', () => {
    const { at, core } = start();
    core.accounting.held = 0;
    expect(at(990)).toBe('unready');
    expect(core.shedding).toBe(false);
  });
});

test('while it sheds, new requests of both protocols are refused and may come again; what is held is served', async () => {
  const app = await startUpstream((_req, res) => res.end('ok'));
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const held = h.send({ headers: { host: 'web' } });
  await h.until(() => h.held() === 1);
  h.dlx.core.shedding = true;
  const one = await h.send({ headers: { host: 'web' } });
  expect([one.status, one.problem.code, one.headers['retry-after']]).toEqual([503, 'overflow', '5']);
  const two = await ask(connectHttp2(h.port), {});
  expect([two.status, two.problem.code, two.fields['retry-after']]).toEqual([503, 'overflow', '5']);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await held).body).toBe('ok');
  h.dlx.core.shedding = false;
  expect((await h.send({ headers: { host: 'web' } })).body).toBe('ok');
  await h.end({ forwarded: 2, overflow: 2 });
});

test('connections without a request end', async () => {
  const app = await startUpstream((_req, res) => res.end('ok'));
  const h = await startAwake([app]);
  const socket = await h.raw('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
  let closed = false;
  socket.resume().on('close', () => (closed = true));
  await h.until(() => h.dlx.core.accounting.ended() === 1);
  h.dlx.server.endIdle();
  await h.until(() => closed, 'the idle connection ends');
  await h.end({ forwarded: 1 });
});

test('where the size of the process cannot be read it is what it was', () => {
  const sizes: (number | Error)[] = [100, new Error('EMFILE: too many open files'), 300];
  const read = rssReader(() => {
    const size = sizes.shift();
    if (typeof size !== 'number') throw size as Error;
    return size;
  });
  expect([read(), read(), read()]).toEqual([100, 100, 300]);
});
