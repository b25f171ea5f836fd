import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createMetrics, guardScaler, type Metrics } from '@scaler/runtime';
import { type Resource, ScalerError, systemClock, terminal } from '@scaler/scaler-types';
import { createFakeClock, type FakeClock, silentLogger } from '@scaler/testing-kit';
import { createObserver } from '../observe/metrics.ts';
import { lead } from './lead.ts';
import { createPeerClient } from '../peers/peer-client.ts';
import { peerDirectory } from '../peers/peer.ts';
import { createRing, type Ring } from '../observe/history.ts';
import type { Source } from '../collect/collect.ts';
import { type FakeDlx, type PeerScript, quietDlx, startFakeDlx } from '../testing/dlx-peer.ts';
import { aResource, wantSettings } from '../testing/facts.ts';
import { type ScriptedScaler, scriptedScaler } from '../testing/scripted-scaler.ts';
import { createResourceView, type ResourceView } from '../observe/resource-view.ts';

const intervalMs = 10_000;
const windowSize = 10_000;

interface Scene {
  scaler: ScriptedScaler;
  view: ResourceView;
  ring: Ring;
  clock: FakeClock;
  dlx: FakeDlx;
  metrics: Metrics;
  /** Messages of level info and warn. */
  logged: string[];
  /** Failures of a source. */
  failures: { now: readonly string[] };
  /** What the metric of every resource is; a text makes it unknown. */
  value: { now: number | string };
  leader: { lose(reason: Error): void; ended: Promise<unknown> };
  /** One tick later. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

interface SceneOptions {
  script?: PeerScript;
  maxParks?: number;
  dryRun?: boolean;
  reconcileGate?: ScriptedScaler['reconcileGate'];
}

let scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes) await scene.stop();
  scenes = [];
});

async function start(
  resources: readonly Resource[],
  { script = quietDlx('dlx-1'), maxParks = 8, dryRun = false, reconcileGate }: SceneOptions = {},
): Promise<Scene> {
  const clock = createFakeClock();
  const dlx = await startFakeDlx(script);
  const client = createPeerClient({ clock: systemClock });
  const scaler = scriptedScaler(resources);
  scaler.tell = () => undefined;
  const guarded = guardScaler(scaler, { packageName: 'scripted', clock, logger: silentLogger });
  if (reconcileGate) scaler.reconcileGate = reconcileGate;
  const [ring, metrics, peers] = [createRing(), createMetrics(), peerDirectory([dlx])];
  const view = createResourceView({ scaler: guarded, clock, logger: silentLogger, retryMs: 1_000 });
  const value: Scene['value'] = { now: 0 };
  const logged: string[] = [];
  const failures: Scene['failures'] = { now: [] };
  const [stop, lose] = [new AbortController(), new AbortController()];
  const watching = view.run(stop.signal);
  const ended = lead(
    {
      scaler: guarded,
      view,
      ring,
      sources: [sourceOf('custom-metrics', value, failures), sourceOf('dlx-activity', { now: 0 })],
      fence: { peers, client, infraPort: 1, timeoutMs: 1_000 },
      preflight: { peers, client, timeoutMs: 1_000 },
      observer: createObserver(metrics),
      settings: { ...wantSettings, intervalMs, cooldownMs: 0, dryRun, parksPerTick: 5, maxParks, maxReconciles: 2 },
      clock,
      logger: {
        ...silentLogger,
        info: (message) => void logged.push(message),
        warn: (message) => void logged.push(message),
      },
      identity: 'a-1',
      isSuccessor: false,
    },
    lose.signal,
  ).catch((error: unknown) => error);
  const scene: Scene = {
    ...{ scaler, view, ring, clock, dlx, metrics, logged, value, failures },
    leader: { lose: (reason) => lose.abort(reason), ended },
    tick: () => clock.advance(intervalMs),
    async stop() {
      lose.abort(new Error('the test is over'));
      await ended;
      stop.abort();
      await watching;
      client.close();
      await dlx.close();
    },
  };
  scenes.push(scene);
  await turn();
  return scene;
}

function sourceOf(name: Source['name'], value: Scene['value'], failures: Scene['failures'] = { now: [] }): Source {
  const sample = () =>
    typeof value.now === 'string'
      ? ({ known: false, reason: value.now } as const)
      : ({ known: true, value: value.now, ageMs: 0 } as const);
  return {
    name,
    collect: (wants) =>
      Promise.resolve({ samples: new Map(wants.map(({ key }) => [key, sample()])), failures: failures.now }),
  };
}

const metric = { metricName: 'requests', windowSize, threshold: 0 };
const web = aResource({ scaleResources: [metric] });
const named = (name: string, changes: Partial<Resource> = {}): Resource => ({ ...web, name, ...changes });
const signal = new AbortController().signal;
const entries = (scene: Scene, ref = web) => scene.ring.of(ref).map(({ what }) => what);

/** Lets everything that is under way over real sockets come to `condition`. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

describe('parking', () => {
  test('an idle resource is parked after a preflight, with its reasons, and with a fence as its last question', async () => {
    const scene = await start([web]);
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    expect(scene.dlx.asked).toEqual(['POST /preflight']);
    expect(park).toMatchObject({
      resource: { namespace: 'default', name: 'web' },
      options: { reason: { by: 'autoscaler/a-1', text: expect.stringContaining('requests_per_10s is 0') } },
    });
    const question = { resource: web, epoch: 'e1', addresses: ['127.0.0.1'] };
    await expect(park?.options.confirm?.(question, signal)).resolves.toEqual({ ok: true });
    expect(scene.dlx.asked).toEqual(['POST /preflight', 'POST /fence']);
    scene.value.now = 2;
    await expect(park?.options.confirm?.(question, signal)).resolves.toMatchObject({ ok: false });
    park?.end();
    await until(() => entries(scene)[0] === 'parked');
    expect(entries(scene)).toEqual(['parked', 'park', 'stay']);
    expect(await scene.metrics.text()).toContain('scaler_autoscaler_parks_total{end="parked"} 1');
  });

  test('a preflight that fails refuses the park, which is tried again later and later', async () => {
    const reasons = ['does not listen on 20017'];
    const script = quietDlx('dlx-1', {
      '/preflight': () => ({ text: JSON.stringify({ replica: 'dlx-1', ok: false, reasons }) }),
    });
    const scene = await start([web], { script });
    await scene.tick();
    await until(() => entries(scene)[0] === 'refused');
    expect(scene.scaler.parks).toEqual([]);
    expect(scene.ring.of(web)[0]?.reasons[0]).toContain('does not listen on 20017');
    await scene.tick();
    await until(() => scene.dlx.asked.length === 2);
    await until(() => entries(scene)[0] === 'refused');
    await scene.tick();
    expect(entries(scene)[0]).toBe('stay');
    expect(scene.ring.of(web)[0]?.reasons[0]).toContain('2 times in a row, refused: DLX dlx-1');
  });

  test.each<[string, Error, string, RegExp]>([
    ['cancelled', new ScalerError('park-cancelled', 'dlx-1 has 1 held'), 'cancelled', /cancelled: dlx-1 has 1 held/],
    ['refused', new ScalerError('park-refused', 'two workloads, one Service'), 'refused', /two workloads/],
    ['failed', new Error('500'), 'failed', /failed: 500/],
    ['failed for good', terminal(new Error('gone')), 'failed', /until 2026-01-01T01:00:10Z: failed: gone/],
  ])('a park that is %s is written down and not repeated at once', async (_name, error, what, why) => {
    const scene = await start([web]);
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    park?.end(error);
    await until(() => entries(scene)[0] === what);
    await scene.clock.advance(intervalMs - 1);
    expect(scene.scaler.parks).toEqual([]);
    if (what === 'failed' && why.source.includes('until')) await scene.tick();
    const texts = scene.ring.of(web).flatMap(({ reasons }) => reasons);
    expect(texts.join('\n')).toMatch(why);
  });

  test('no more than the limit run at once; the next begins as soon as one ends, and one that failed holds up none', async () => {
    const scene = await start(
      ['a', 'b', 'c'].map((name) => named(name)),
      // Half of them, since it is one namespace.
      { maxParks: 4 },
    );
    await scene.tick();
    const [first] = await scene.scaler.whenParks(2);
    first?.end(new Error('broken'));
    const parks = await scene.scaler.whenParks(2);
    expect(parks.map(({ resource }) => resource.name)).toEqual(['b', 'c']);
  });

  test('a park that waits is dropped when the next tick no longer wants it', async () => {
    const scene = await start([named('a'), named('b')], { maxParks: 1 });
    await scene.tick();
    const [first] = await scene.scaler.whenParks(1);
    scene.value.now = 'no-sample';
    await scene.tick();
    first?.end();
    await until(() => entries(scene, named('a'))[0] === 'parked');
    await turn();
    expect(scene.scaler.parks).toEqual([]);
    expect(scene.ring.of(named('b'))[0]?.reasons[0]).toContain('no-sample');
  });

  test('the same resource is never parked twice at once', async () => {
    const scene = await start([web]);
    await scene.tick();
    await scene.scaler.whenParks(1);
    await scene.tick();
    await scene.tick();
    expect(scene.scaler.parks).toHaveLength(1);
    expect(scene.ring.of(web)[0]?.reasons).toEqual(['a park is under way']);
  });

  test('losing the Lease aborts a running park, with the reason, and ends only when it has wound down', async () => {
    const scene = await start([web]);
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    const lost = new Error('the Lease was lost');
    scene.leader.lose(lost);
    await expect(scene.leader.ended).resolves.toBe(lost);
    expect(park?.options.signal.reason).toBe(lost);
    expect(entries(scene)[0]).toBe('aborted');
    await scene.tick();
    expect(scene.scaler.parks).toEqual([]);
  });
});

describe("the owner's intent", () => {
  const question = { resource: web, epoch: 'e1', addresses: ['127.0.0.1'] };
  const begun = async (changes: Partial<Resource> = {}) => {
    const scene = await start([named('web', changes)]);
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    const change = (later: Partial<Resource>) =>
      scene.scaler.change({ type: 'set', resource: named('web', { phase: 'parking', ...later }) });
    return { scene, change, confirm: () => park?.options.confirm?.(question, signal) };
  };

  test.each<[string, Partial<Resource>, string]>([
    ['a busy lease', { busyUntil: '2026-01-01T01:00:00Z' }, 'busy until 2026-01-01T01:00:00Z'],
    ['a pause awake', { pause: { mode: 'awake' } }, 'paused awake'],
    ['a pause as it is', { pause: { mode: 'as-is' } }, 'paused as-is'],
    ['a dry run', { dryRun: true }, 'a dry run has begun'],
  ])('%s that arrives in the middle of a park cancels it', async (_name, changes, why) => {
    const { change, confirm } = await begun();
    expect(await confirm()).toEqual({ ok: true });
    change(changes);
    expect(await confirm()).toEqual({ ok: false, reason: `no longer idle when asked again: ${why}` });
  });

  test('a pause asleep is parked although it is used, behind the fence as ever', async () => {
    const scene = await start([named('web', { pause: { mode: 'asleep' } })]);
    scene.value.now = 5;
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    expect(park?.options.reason.text).toBe('paused asleep');
    expect(await park?.options.confirm?.(question, signal)).toEqual({ ok: true });
    expect(scene.dlx.asked).toContain('POST /fence');
  });

  test('a pause ends by itself, within a tick', async () => {
    const scene = await start([named('web', { pause: { mode: 'awake', until: '2026-01-01T00:00:25Z' } })]);
    for (let ticks = 0; ticks < 2; ticks++) await scene.tick();
    expect(entries(scene)).toEqual(['stay', 'stay']);
    expect(scene.ring.of(web)[0]?.reasons).toEqual(['paused awake until 2026-01-01T00:00:25Z']);
    await scene.tick();
    await scene.scaler.whenParks(1);
  });

  test('a dry run parks nothing, and reports and counts what it would park, logged once in a row', async () => {
    const scene = await start([web], { dryRun: true });
    for (let ticks = 0; ticks < 3; ticks++) await scene.tick();
    expect(scene.scaler.parks).toEqual([]);
    expect(scene.dlx.asked).toEqual([]);
    expect(scene.ring.of(web)[0]).toMatchObject({ what: 'would-park', times: 3 });
    expect(scene.logged.filter((message) => message === 'would park')).toHaveLength(1);
    expect(await scene.metrics.text()).toContain('scaler_autoscaler_decisions_total{action="would-park"} 3');
  });
});

describe('notices', () => {
  test('that it stays awake since nothing is known, once after two windows, and once that it is known again', async () => {
    const scene = await start([web, named('busy', { scaleResources: [{ ...metric, threshold: -1 }] })]);
    const notices: unknown[] = [];
    scene.scaler.tell = (ref, notice) => notices.push([ref.name, notice]);
    scene.value.now = 'no-api: the group is absent';
    for (let ticks = 0; ticks < 2; ticks++) await scene.tick();
    expect(notices).toEqual([]);
    for (let ticks = 0; ticks < 3; ticks++) await scene.tick();
    const message =
      'it stays awake, since its idleness has not been known for 30s: unknown: requests_per_10s: no-api: the group is absent';
    const unknown = ['web', { type: 'warning', reason: 'IdlenessUnknown', message }];
    expect(notices.filter((one) => (one as string[])[0] === 'web')).toEqual([unknown]);
    expect(await scene.metrics.text()).toContain('scaler_autoscaler_idleness_unknown 2');
    scene.value.now = 0;
    // Its value is known, but not for a whole window.
    await scene.tick();
    expect(notices).toHaveLength(3);
    await scene.tick();
    const known = { type: 'normal', reason: 'IdlenessKnown', message: 'its idleness is known again' };
    expect(notices.slice(2)).toEqual(
      expect.arrayContaining([
        ['web', known],
        ['busy', known],
      ]),
    );
    expect(await scene.metrics.text()).toContain('scaler_autoscaler_idleness_unknown 0');
  });
});

describe('reconciling', () => {
  test('begins with a sweep, then follows changes, and sweeps at each tick', async () => {
    const scene = await start([named('a'), named('b')]);
    scene.value.now = 1;
    await until(() => scene.scaler.reconciled.length === 1);
    scene.scaler.change({ type: 'set', resource: named('a') });
    await until(() => scene.scaler.reconciled.length === 2);
    await scene.tick();
    await until(() => scene.scaler.reconciled.length === 3);
    expect(scene.scaler.reconciled).toEqual(['*', 'default/a', '*']);
  });

  test('any number of changes while one runs become one more, never two at once', async () => {
    const scene = await start([web]);
    scene.value.now = 1;
    await until(() => scene.scaler.reconciled.length === 1);
    await turn();
    const gate = Promise.withResolvers<void>();
    scene.scaler.reconcileGate = () => gate.promise;
    for (let i = 0; i < 5; i++) scene.scaler.change({ type: 'set', resource: web });
    await turn();
    for (let i = 0; i < 5; i++) scene.scaler.change({ type: 'set', resource: web });
    await turn();
    expect(scene.scaler.reconciled).toEqual(['*', 'default/web']);
    gate.resolve();
    await until(() => scene.scaler.reconciled.length === 3);
    await turn();
    expect(scene.scaler.reconciled).toEqual(['*', 'default/web', 'default/web']);
  });

  test('a change during a sweep is looked at again after it', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = await start([web], { reconcileGate: (key) => (key === '*' ? gate.promise : Promise.resolve()) });
    scene.value.now = 1;
    await until(() => scene.scaler.reconciled.length === 1);
    scene.scaler.change({ type: 'set', resource: web });
    await until(() => scene.scaler.reconciled.length === 2);
    gate.resolve();
    await until(() => scene.scaler.reconciled.length === 3);
    expect(scene.scaler.reconciled).toEqual(['*', 'default/web', 'default/web']);
  });

  test('a reconcile that fails, in a sweep too, is tried again by itself, and the others go on', async () => {
    const scene = await start([named('a'), named('b')]);
    scene.value.now = 1;
    await until(() => scene.scaler.reconciled.length === 1);
    await turn();
    scene.scaler.reconcileGate = (key) => (key === 'default/a' ? Promise.reject(new Error('409')) : Promise.resolve());
    scene.scaler.sweepResults = [{ resource: named('a'), ok: false, error: new Error('409') }];
    await scene.tick();
    await until(() => scene.scaler.reconciled.length === 2);
    await turn();
    scene.scaler.change({ type: 'set', resource: named('b') });
    await until(() => scene.scaler.reconciled.length === 3);
    await scene.clock.advance(500);
    await until(() => scene.scaler.reconciled.length === 4);
    await turn();
    await scene.clock.advance(1_000);
    await until(() => scene.scaler.reconciled.length === 5);
    expect(scene.scaler.reconciled).toEqual(['*', '*', 'default/b', 'default/a', 'default/a']);
  });

  test('not while the resource is being parked, but right after', async () => {
    const scene = await start([web]);
    await scene.tick();
    const [park] = await scene.scaler.whenParks(1);
    scene.scaler.reconciled.length = 0;
    scene.scaler.change({ type: 'set', resource: named('web', { phase: 'parking' }) });
    await turn();
    expect(scene.scaler.reconciled).toEqual([]);
    park?.end();
    await until(() => scene.scaler.reconciled.length === 1);
    expect(scene.scaler.reconciled).toEqual(['default/web']);
  });
});

test('a change that is no resource is left out, and one that goes is forgotten', async () => {
  const scene = await start([web]);
  scene.scaler.change({ type: 'set', resource: { namespace: 'x' } as never });
  scene.scaler.change({ type: 'removed', resource: web });
  await scene.tick();
  expect(scene.view.list()).toEqual([]);
  expect(scene.ring.of(web)).toEqual([]);
});

test('a source that fails is logged when it begins and when it has ended, not at each tick', async () => {
  const scene = await start([web]);
  scene.value.now = 5;
  const about = () => scene.logged.filter((message) => message.startsWith('source'));
  await scene.tick();
  scene.failures.now = ['it answered 503'];
  for (let i = 0; i < 5; i++) await scene.tick();
  expect(about()).toEqual(['source failed']);
  scene.failures.now = [];
  for (let i = 0; i < 5; i++) await scene.tick();
  expect(about()).toEqual(['source failed', 'source works again']);
  scene.failures.now = ['it answered 503 again'];
  await scene.tick();
  expect(about()).toEqual(['source failed', 'source works again', 'source failed']);
});
