import { expect, test } from '@jest/globals';
import type { ResourceRef, ScaleResult } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { createReconciler, type Reconciler } from './reconciler.ts';

const web = { namespace: 'default', name: 'web' };

function stage(
  reconcile: (refs: readonly ResourceRef[], reconciler: () => Reconciler) => Promise<readonly ScaleResult[]>,
) {
  const clock = createFakeClock();
  const stop = new AbortController();
  const calls: string[] = [];
  /** `namespace/name`s of the lines in the log. */
  const logged: string[] = [];
  const warn = (_message: string, fields: object = {}): void => {
    const { namespace, resource } = fields as { namespace?: string; resource?: string };
    logged.push(`${namespace}/${resource}`);
  };
  const reconciler: Reconciler = createReconciler({
    reconcile: async (refs) => {
      calls.push(refs.map(({ namespace, name }) => `${namespace}/${name}`).join() || '*');
      return reconcile(refs, () => reconciler);
    },
    isParking: () => false,
    clock,
    logger: { ...silentLogger, warn },
    limit: 4,
    retryMs: 500,
    signal: stop.signal,
  });
  return { reconciler, clock, calls, logged, stop };
}

const failing = (): Promise<never> => Promise.reject(new Error('it does not end'));

/** Lets time pass in small steps, so that whatever follows at once does. */
async function pass(clock: { advance(ms: number): Promise<void> }, ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 50) await clock.advance(50);
}

test('a resource that fails and changes each time is tried once a second at the most', async () => {
  const { reconciler, clock, calls } = stage(async (_refs, own) => {
    own().notify(web);
    return failing();
  });
  reconciler.notify(web);
  await pass(clock, 10_000);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.length).toBeLessThanOrEqual(12);
});

test('a resource that fails, and that others change all the time, has one timer, not one of each failure', async () => {
  const { reconciler, clock, calls } = stage(failing);
  for (let i = 0; i < 200; i++) {
    reconciler.notify(web);
    await pass(clock, 100);
  }
  expect(calls.length).toBeLessThanOrEqual(25);
  calls.length = 0;
  // Left alone it is tried as seldom as ever.
  await pass(clock, 60_000);
  expect(calls.length).toBeLessThanOrEqual(5);
});

test('a success makes all of it good', async () => {
  let fails = true;
  const { reconciler, clock, calls } = stage((refs) =>
    fails ? failing() : Promise.resolve(refs.map((resource) => ({ resource, ok: true }))),
  );
  reconciler.notify(web);
  await pass(clock, 5000);
  fails = false;
  reconciler.notify(web);
  await pass(clock, 1000);
  calls.length = 0;
  for (let i = 0; i < 3; i++) {
    reconciler.notify(web);
    await clock.advance(0);
  }
  expect(calls).toHaveLength(3);
});

test('resources of one namespace that do not end hold up none of another', async () => {
  const { reconciler, clock, calls } = stage(([ref]) =>
    ref?.namespace === 'evil' ? new Promise(() => {}) : Promise.resolve([]),
  );
  for (let i = 0; i < 20; i++) reconciler.notify({ namespace: 'evil', name: String(i) });
  await clock.advance(0);
  expect(calls).toHaveLength(2);
  for (let i = 0; i < 20; i++) reconciler.notify({ namespace: `tenant-${i}`, name: 'web' });
  for (let i = 0; i < 20; i++) await clock.advance(0);
  expect(calls.filter((key) => key.startsWith('tenant'))).toHaveLength(20);
});

test('a resource that fails again and again is logged less and less often', async () => {
  const { reconciler, clock, calls, logged } = stage(failing);
  for (let i = 0; i < 100; i++) {
    reconciler.notify(web);
    await pass(clock, 1_000);
  }
  expect(calls.length).toBeGreaterThan(60);
  expect(logged.length).toBeGreaterThanOrEqual(6);
  expect(logged.length).toBeLessThanOrEqual(8);
});

test('many resources that fail in one namespace leave the log to others', async () => {
  const { reconciler, clock, logged } = stage(failing);
  for (let i = 0; i < 500; i++) reconciler.notify({ namespace: 'evil', name: String(i) });
  await pass(clock, 2_000);
  reconciler.notify(web);
  await pass(clock, 500);
  expect(logged.filter((key) => key.startsWith('evil/')).length).toBeLessThanOrEqual(32);
  expect(logged).toContain('default/web');
});

test('a result that asks for it brings another call after its time, and a later result replaces the time', async () => {
  const asked: (number | undefined)[] = [400, 10_000, 200, undefined];
  const { reconciler, clock, calls, stop } = stage(async (refs) =>
    refs.map((resource): ScaleResult => {
      const againMs = asked.shift();
      return { resource, ok: true, ...(againMs === undefined ? {} : { againMs }) };
    }),
  );
  reconciler.notify(web);
  await pass(clock, 350);
  expect(calls).toHaveLength(1);
  await pass(clock, 100);
  expect(calls).toHaveLength(2);
  // A change comes sooner: of the ten seconds nothing is left.
  reconciler.notify(web);
  await pass(clock, 300);
  expect(calls).toHaveLength(4);
  await pass(clock, 20_000);
  expect(calls).toHaveLength(4);
  asked.push(400);
  reconciler.notify(web);
  await pass(clock, 50);
  stop.abort();
  await pass(clock, 1_000);
  expect(calls).toHaveLength(5);
});

test('a result that asks for another call at once gets one after a pause', async () => {
  const { reconciler, clock, calls } = stage(async (refs) =>
    refs.map((resource) => ({ resource, ok: true, againMs: 0 })),
  );
  reconciler.notify(web);
  await pass(clock, 1_000);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.length).toBeLessThanOrEqual(21);
});

test('a sweep that has nothing to ask for does not take away what a call asked for', async () => {
  const { reconciler, clock, calls } = stage(async (refs) =>
    refs.length > 0
      ? refs.map((resource) => ({ resource, ok: true, ...(calls.length === 1 && { againMs: 500 }) }))
      : [{ resource: web, ok: true }],
  );
  reconciler.notify(web);
  await pass(clock, 100);
  reconciler.sweep();
  await pass(clock, 1_000);
  expect(calls).toEqual(['default/web', '*', 'default/web']);
});
