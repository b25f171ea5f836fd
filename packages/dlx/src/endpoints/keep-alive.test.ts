import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@scaler/scaler-types';
import { createFakeClock, type FakeClock } from '@scaler/testing-kit';
import type { Settings } from '../settings.ts';
import { silenceLookMs } from '../sockets/silence.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { type End, endOf, type RawApp, startRawApp } from '../testing/stream.ts';
import { KeepAlive, keptMsOf } from './keep-alive.ts';

interface Ground {
  readonly h: Harness;
  readonly clock: FakeClock;
  readonly app: RawApp;
  /** Has a request answered by the app's connection of that number, with these fields. */
  ask(request: string, index: number, fields?: string): Promise<End>;
  /** Lets time pass in which the DLX looks at what is silent as often as it does. */
  pass(ms: number): Promise<void>;
}

const get = 'GET / HTTP/1.1\r\nhost: web\r\n';
const post = 'POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 2\r\n';

async function start(own: Partial<Resource> = {}, settings: Partial<Settings> = {}): Promise<Ground> {
  const app = await startRawApp();
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings, scaler: new ScriptedScaler({ auto: true }) });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake', ...own });
  let asked = 0;
  return {
    h,
    clock,
    app,
    async ask(request, index, fields = '') {
      const id = `x-id: ${++asked};`;
      const near = endOf(await h.raw(`${request}${id}\r\n\r\n${request === post ? 'hi' : ''}`));
      await h.until(() => app.ends[index]?.heard().includes(id) === true, `${id} comes by connection ${index}`);
      const far = app.ends[index] as End;
      far.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${fields}\r\nok`);
      await near.hears('\r\n\r\nok');
      near.socket.destroy();
      await h.until(() => h.dlx.core.accounting.inFlight === 0, 'it is answered');
      return far;
    },
    async pass(ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += silenceLookMs) await clock.advance(silenceLookMs);
    },
  };
}

describe('an idle connection to an endpoint', () => {
  test('is used again, also for what may not be sent twice, while none closes one so soon', async () => {
    const { h, ask, clock } = await start();
    await ask(post, 0);
    await clock.advance(200);
    await ask(post, 0);
    await clock.advance(3000);
    await ask(get, 0);
    await h.end({ forwarded: 3 });
  });

  test('is not risked for what may not be sent twice at a time at which its app may close it', async () => {
    const { h, ask, clock, app } = await start();
    await ask(post, 0);
    await clock.advance(1990);
    await ask(post, 1);
    await clock.advance(1990);
    // It may be sent again.
    await ask(get, 1);
    expect(app.ends).toHaveLength(2);
    await h.end({ forwarded: 3 });
  });

  test('is, once one has served after twice as long', async () => {
    const { h, ask, clock } = await start();
    await ask(get, 0);
    await clock.advance(3000);
    await ask(get, 0);
    await clock.advance(1500);
    await ask(post, 0);
    await clock.advance(1510);
    await ask(post, 1);
    await h.end({ forwarded: 4 });
  });

  test('is, as long as its endpoint says, less a second', async () => {
    const { h, ask, clock } = await start();
    await ask(get, 0, 'keep-alive: timeout=5, max=100\r\n');
    await clock.advance(3990);
    await ask(post, 0);
    await clock.advance(4010);
    await ask(get, 1);
    await h.end({ forwarded: 3 });
  });

  test('is closed at once where its endpoint keeps it for no more than two seconds', async () => {
    const { h, ask } = await start();
    const far = await ask(get, 0, 'keep-alive: timeout=2\r\n');
    await far.saw('end');
    await ask(get, 1);
    await h.end({ forwarded: 2 });
  });

  test.each([
    ['the DLX’s limit', {}, { upstreamKeepAliveMs: 2000 }],
    ['its own', { upstreamKeepAliveMs: 2000 }, {}],
  ])('is closed after %s, and not used behind that', async (_, own, settings) => {
    const { h, ask, clock, pass } = await start(own, settings);
    const far = await ask(get, 0);
    await clock.advance(2001);
    await ask(get, 1);
    expect(far.events).toEqual([]);
    await pass(500);
    await far.saw('end');
    expect(h.dlx.core.accounting.ledger.kept).toBeGreaterThan(0);
    await h.end({ forwarded: 2 });
  });

  test.each([
    ['the DLX', {}, { upstreamKeepAliveMs: 0 }],
    ['its resource', { upstreamKeepAliveMs: 0 }, {}],
  ])('is not kept where %s says 0, and its endpoint is told', async (_, own, settings) => {
    const { h, ask } = await start(own, settings);
    for (const [index, request] of [get, post].entries()) {
      const far = await ask(request, index);
      expect(far.heard().toLowerCase()).toContain('connection: close');
      await far.saw('end');
    }
    expect(h.dlx.core.upstreams.size).toBe(0);
    await h.end({ forwarded: 2 });
  });
});

describe('an app that closes what is idle', () => {
  test('after two seconds has it closed a second earlier from then on, for five minutes', async () => {
    const { h, ask, pass, clock } = await start();
    const first = await ask(get, 0);
    await clock.advance(2000);
    first.socket.end();
    await first.saw('end');
    await h.until(() => h.dlx.core.upstreams.size === 0, 'it is gone');
    const second = await ask(get, 1);
    await clock.advance(990);
    await ask(get, 1);
    await pass(1250);
    await second.saw('end');
    await clock.advance(300_000);
    await ask(get, 2);
    await clock.advance(3000);
    await ask(get, 2);
    await h.end({ forwarded: 5 });
  });

  test('just as a request is sent on it is known by that, too', async () => {
    const { h, ask, clock, app } = await start();
    await ask(get, 0);
    await clock.advance(2000);
    const near = endOf(await h.raw(`${get}x-id: race\r\n\r\n`));
    await app.ends[0]?.hears('race');
    app.ends[0]?.socket.resetAndDestroy();
    await h.until(() => app.ends[1]?.heard().includes('race') === true, 'it is sent once more');
    app.ends[1]?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    await near.hears('ok');
    await clock.advance(1010);
    await ask(get, 2);
    await h.end({ forwarded: 3 });
  });
});

test('an endpoint that closes sooner than it says is known by what it does', () => {
  const learnt = new KeepAlive();
  learnt.closed(100, 1000);
  expect(learnt.keepMs(4000, 1000)).toBe(50);
  learnt.announced(60_000);
  expect(learnt.mayReuse(45, 4000, false, 1000)).toBe(true);
  expect(learnt.mayReuse(55, 4000, true, 1000)).toBe(false);
});

describe('an app that serves one connection at a time', () => {
  test('is given room: none is kept idle beside one that hears nothing', async () => {
    const { h, app, ask, pass } = await start();
    const first = endOf(await h.raw(`${get}x-id: one\r\n\r\n`));
    await h.until(() => app.ends[0]?.heard().includes('one') === true);
    const second = endOf(await h.raw(`${get}x-id: two\r\n\r\n`));
    await h.until(() => app.ends[1]?.heard().includes('two') === true);
    app.ends[0]?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    await first.hears('ok');
    expect(app.ends[0]?.events).toEqual([]);
    await pass(1000);
    await app.ends[0]?.saw('end');
    app.ends[1]?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    await second.hears('ok');
    await pass(1000);
    await ask(get, 1);
    await h.end({ forwarded: 3 });
  });

  test('gets one request by each connection once it was seen twice that another has to end first, for five minutes', () => {
    const learnt = new KeepAlive();
    let nowMs = 1000;
    for (const alone of [false, false, true]) {
      expect(learnt.isAlone(nowMs)).toBe(alone);
      // One has served, and stands; another hears nothing until it is gone.
      learnt.standing = 1;
      expect(learnt.isFull).toBe(true);
      learnt.crowded(nowMs + 300);
      learnt.left(nowMs + 310);
      learnt.answered(340, nowMs + 340);
      nowMs += 10_000;
    }
    expect(learnt.isAlone(nowMs + 270_000)).toBe(true);
    expect(learnt.isAlone(nowMs + 300_000)).toBe(false);
  });

  test('is another than one that is slow, or serves two', () => {
    const slow = new KeepAlive();
    for (let nowMs = 0; nowMs < 100_000; nowMs += 10_000) {
      slow.standing = 1;
      slow.crowded(nowMs + 300);
      slow.left(nowMs + 310);
      slow.answered(5000, nowMs + 5000);
    }
    expect(slow.isAlone(100_000)).toBe(false);
    const two = new KeepAlive();
    two.standing = 1;
    two.answered(10, 10);
    expect(two.isFull).toBe(false);
    two.standing = 2;
    expect(two.isFull).toBe(true);
  });
});

test.each([
  [['Keep-Alive', 'timeout=5, max=100'], 5000],
  [['keep-alive', 'max=100; Timeout = "15"'], 15_000],
  [['keep-alive', 'max=100'], undefined],
  [['keep-alive', 'xtimeout=5'], undefined],
  [['keep-alive', 'timeout=99999999'], 999_999_000],
  [['date', 'now'], undefined],
])('of %j is known that it is kept for %s ms', (raw, ms) => {
  expect(keptMsOf(raw)).toBe(ms);
  expect(keptMsOf(raw.map((text) => Buffer.from(text)))).toBe(ms);
});
