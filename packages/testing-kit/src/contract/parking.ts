import assert from 'node:assert/strict';
import { type ConfirmRequest, errorCode, resourceKey, type ScaleResult } from '@scaler/scaler-types';
import type { Cases } from './case.ts';
import { calmly, type Stage } from './stage.ts';

/** Demands that the resource is awake and serving after a park that did not end in sleep. @throws when it is not. */
async function demandAwake({ listed, reconcile, until, place }: Stage, after: string): Promise<void> {
  assert.ok(await place.serves(), `it must serve after ${after}`);
  await until(`it is awake, and serves, after ${after}`, async () => {
    await reconcile();
    return (await listed())?.phase === 'awake' && place.serves();
  });
}

function codeOf(result: ScaleResult): string | undefined {
  return result.ok ? 'ok' : errorCode(result.error);
}

/** `setScale` to 0. */
export const parkingCases: Cases = {
  setScale: {
    async 'a park stops the resource, which is then asleep with no replicas'({
      bringAwake,
      park,
      listed,
      place,
      until,
    }) {
      await bringAwake();
      const result = await park();
      assert.equal(codeOf(result), 'ok', 'a park without an obstacle must succeed');
      await until('it does not serve any more after a park', async () => !(await place.serves()));
      await until('it is listed as asleep, with 0 replicas or none', async () => {
        const resource = await listed();
        return resource?.phase === 'asleep' && (resource.replicas ?? 0) === 0;
      });
    },

    async 'a park of a sleeping resource succeeds, and leaves it asleep'({
      putToSleep,
      autoscaler,
      ref,
      listed,
      place,
      within,
    }) {
      await putToSleep();
      const confirm = () => Promise.resolve({ ok: true as const });
      const [result] = await within('setScale to 0', autoscaler.setScale([ref], 0, { ...calmly, confirm }));
      assert.deepEqual(result, { resource: ref, ok: true }, 'setScale is idempotent: it is at 0 already');
      assert.equal((await listed())?.phase, 'asleep');
      assert.equal(await place.serves(), false, 'it must not serve');
    },

    async 'confirm is asked once, with the resource and an epoch of its own, while it still serves'({
      bringAwake,
      park,
      place,
      ref,
      epochs,
    }) {
      await bringAwake();
      const asked: { request: ConfirmRequest; signal: AbortSignal; serves: boolean }[] = [];
      await park({
        confirm: async (request, signal) => {
          asked.push({ request, signal, serves: await place.serves() });
          return { ok: true };
        },
      });
      assert.equal(asked.length, 1, `confirm must be asked once for each park, and was asked ${asked.length} times`);
      const [one] = asked;
      assert.ok(one);
      const { request, signal, serves } = one;
      assert.equal(resourceKey(request.resource), resourceKey(ref), 'confirm must be asked about the resource');
      assert.ok(typeof request.epoch === 'string' && request.epoch !== '', 'confirm must name an epoch');
      assert.equal(new Set(epochs).size, epochs.length, 'each park must have an epoch of its own');
      assert.ok(Array.isArray(request.addresses), 'confirm must list the addresses that its traffic goes to');
      assert.ok(signal instanceof AbortSignal, 'confirm must get a signal');
      assert.ok(serves, 'confirm must be asked before the resource is stopped');
    },

    async 'a confirm that says no leaves it awake, and is the reason of park-cancelled'(stage) {
      await stage.bringAwake();
      let asked = false;
      const result = await stage.park({
        confirm: () => {
          asked = true;
          return Promise.resolve({ ok: false, reason: 'dlx-1 has 1 held' });
        },
      });
      if (!asked) return 'left-out';
      assert.equal(codeOf(result), 'park-cancelled', 'a park that is not confirmed must end with park-cancelled');
      assert.match(result.ok ? '' : result.error.message, /dlx-1 has 1 held/, 'the error must have the reason');
      await demandAwake(stage, 'a confirm that said no');
      return undefined;
    },

    async 'a confirm that fails leaves it awake'(stage) {
      await stage.bringAwake();
      let asked = false;
      const confirm = () => {
        asked = true;
        return Promise.reject(new Error('the fence fell over'));
      };
      const code = await stage.park({ confirm }).then(codeOf, () => 'rejected');
      if (!asked) return 'left-out';
      assert.notEqual(code, 'ok', 'a park whose confirm failed must not end well');
      await demandAwake(stage, 'a confirm that failed');
      return undefined;
    },

    async 'a preflight with a reason refuses the park before anything is touched'(stage) {
      await stage.bringAwake();
      let confirms = 0;
      let preflights = 0;
      const result = await stage.park({
        preflight: () => Promise.resolve(preflights++ === 0 ? ['dlx-1 does not listen for it'] : []),
        confirm: () => Promise.resolve(confirms++ === 0 ? { ok: false, reason: 'not asked for' } : { ok: true }),
      });
      assert.equal(preflights, 1, `preflight must be asked once, and was asked ${preflights} times`);
      assert.equal(codeOf(result), 'park-refused', 'a park that preflight refuses must end with park-refused');
      assert.equal(confirms, 0, 'confirm must not be asked after a refusal');
      assert.equal((await stage.listed())?.phase, 'awake', 'the resource must not be touched');
      assert.ok(await stage.place.serves(), 'it must serve');
    },

    async 'a wake by another process in the middle of a park wins'(stage) {
      await stage.bringAwake();
      let woken: ScaleResult | undefined;
      const confirm = async () => {
        woken = await stage.wake();
        return { ok: true as const };
      };
      const result = await stage.park({ confirm });
      if (woken === undefined) return 'left-out';
      assert.ok(woken.ok, 'a wake in the middle of a park must end well');
      assert.equal(codeOf(result), 'park-cancelled', 'a park that a wake overtook must end with park-cancelled');
      await demandAwake(stage, 'a wake in the middle of a park');
      return undefined;
    },

    async 'an abort ends a park soon, and its steps are undone'(stage) {
      await stage.bringAwake();
      const abort = new AbortController();
      let asked = false;
      const confirm = (_: ConfirmRequest, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) => {
          asked = true;
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          abort.abort(new Error('the Lease was lost'));
        });
      const code = await stage.park({ confirm, signal: abort.signal }).then(codeOf, (error: Error) => {
        if (error.message.includes('has not ended within')) throw error;
        return 'rejected';
      });
      if (!asked) return 'left-out';
      assert.notEqual(code, 'ok', 'a park that was aborted must not end well');
      // Without reconcile, the next setScale does all of it.
      if (!stage.autoscaler.reconcile) await stage.wake();
      await demandAwake(stage, 'an abort');
      return undefined;
    },
  },
};
