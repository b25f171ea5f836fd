import { expect, test } from '@jest/globals';
import type { Resource, ResourceRef, ScaleOptions, ScaleResult } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { type Harness, type HarnessOptions, startHarness } from '../testing/harness.ts';
import { ScriptedScaler } from '../testing/scripted-scaler.ts';
import { refusingEndpoint, startUpstream } from '../testing/upstream.ts';
import { WakePace } from './wake-limits.ts';

const limitMs = 2000;

/** A scaler whose `setScale` does what the test says at once. */
class HastyScaler extends ScriptedScaler {
  count = 0;
  readonly #wake: (scaler: HastyScaler) => Promise<void> | void;

  constructor(wake: (scaler: HastyScaler) => Promise<void> | void, endpoints = true) {
    super({ endpoints });
    this.#wake = wake;
  }

  override async setScale([resource]: readonly ResourceRef[], ..._: [number, ScaleOptions]): Promise<ScaleResult[]> {
    this.count += 1;
    if (resource === undefined) throw new Error('no resource');
    await this.#wake(this);
    return [{ resource, ok: true }];
  }
}

const phases =
  (...told: Resource['phase'][]) =>
  async (scaler: HastyScaler): Promise<void> => {
    for (const phase of told) {
      scaler.set({ name: 'web', ...(phase === undefined ? {} : { phase }) });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

const failing = async (): Promise<never> => Promise.reject(new Error('it does not start'));

function startHasty(scaler: ScriptedScaler, options: HarnessOptions = {}): Promise<Harness> {
  return startHarness({ settings: { holdTimeoutMs: limitMs }, ...options, scaler });
}

/** What a scaler can do wrong so that every call seems to be worth another one. */
const faults: Record<string, () => HastyScaler> = {
  'resolves, and the name it resolves leads nowhere': () => new HastyScaler(() => {}, false),
  'resolves, and its endpoint refuses': () => new HastyScaler(() => {}),
  'resolves, and every endpoint it tells is a new one': () =>
    new HastyScaler((scaler) => scaler.endpoints('web', [{ ...refusingEndpoint(), id: String(scaler.count) }])),
  'tells of an endpoint that refuses, and takes it back': () =>
    new HastyScaler((scaler) => {
      scaler.endpoints('web', [refusingEndpoint()]);
      setImmediate(() => scaler.endpoints('web', []));
    }),
  'tells waking and asleep, and fails': () =>
    new HastyScaler(async (scaler) => {
      await phases('waking', 'asleep')(scaler);
      await failing();
    }),
  'tells awake and asleep, and fails': () =>
    new HastyScaler(async (scaler) => {
      await phases('awake', 'asleep')(scaler);
      await failing();
    }),
  'resolves, and tells asleep': () => new HastyScaler(phases('waking', 'awake', 'asleep')),
  'resolves, and flips without an end': () =>
    new HastyScaler((scaler) => {
      const flip = async (): Promise<void> => {
        for (let i = 0; i < 200; i++) await phases('awake', 'asleep')(scaler);
      };
      if (scaler.count === 1) void flip();
    }),
};

test.each(Object.entries(faults))(
  'a scaler that %s is called a few times, and the request ends at its limit',
  async (_, make) => {
    const scaler = make();
    const h = await startHasty(scaler);
    scaler.set({ name: 'web' });
    scaler.endpoints('web', [refusingEndpoint()]);
    const startedMs = performance.now();
    const { status } = await h.send();
    const tookMs = performance.now() - startedMs;
    expect([502, 503, 504]).toContain(status);
    expect(tookMs).toBeLessThan(limitMs + 2000);
    expect(scaler.count).toBeGreaterThan(1);
    expect(scaler.count).toBeLessThanOrEqual(7);
  },
);

test('a flood of requests, each of which begins a wake of its own, calls it no more often', async () => {
  const scaler = new HastyScaler(() => {}, false);
  const h = await startHasty(scaler, { settings: { holdTimeoutMs: 20 } });
  scaler.set({ name: 'web' });
  scaler.endpoints('web', [refusingEndpoint()]);
  const endsMs = performance.now() + 1000;
  let requests = 0;
  for (; performance.now() < endsMs; requests++) await h.send();
  expect(requests).toBeGreaterThan(5);
  expect(scaler.count).toBeLessThanOrEqual(6);
});

test('quiet requests that look whether a fence is over call a failing scaler no more often', async () => {
  const scaler = new HastyScaler(failing);
  const h = await startHasty(scaler, { clock: createFakeClock() });
  const quietRules = [{ path: '/quiet' }];
  scaler.set({ name: 'web', phase: 'awake', quietRules });
  expect(h.dlx.resources.gates.get('default/web')?.raiseFence('e1').clear).toBe(true);
  scaler.set({ name: 'web', quietRules });
  scaler.set({ name: 'web', phase: 'awake', quietRules });
  for (let i = 0; i < 50; i++) await h.send({ path: '/quiet' });
  expect(scaler.count).toBeGreaterThan(0);
  expect(scaler.count).toBeLessThanOrEqual(4);
});

test('the first calls are made at once, the next after 1 s and 2 s each; an answer makes all of it good', async () => {
  const clock = createFakeClock();
  const pace = new WakePace(clock);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    waits.push(Math.round(pace.waitMs));
    await clock.advance(Math.ceil(pace.waitMs));
    pace.called();
  }
  expect(waits).toEqual([0, 0, 0, 0, 1000, 2000, 2000, 2000]);
  pace.served();
  expect(pace.waitMs).toBe(0);
});

test('a resource that serves is woken at once, however often', async () => {
  const app = await startUpstream();
  const scaler = new HastyScaler(phases('waking'));
  const h = await startHasty(scaler, { clock: createFakeClock() });
  scaler.endpoints('web', [app.endpoint]);
  for (let i = 0; i < 10; i++) {
    scaler.set({ name: 'web' });
    expect((await h.send()).status).toBe(200);
  }
  expect(scaler.count).toBe(10);
  await h.end({ forwarded: 10 });
});
