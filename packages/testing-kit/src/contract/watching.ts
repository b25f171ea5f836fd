import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { type ResourceChange, resourceKey, type ResourceScaler } from '@scaler/scaler-types';
import { type Cases, whileWatched } from './case.ts';
import type { Stage } from './stage.ts';

function isSet({ ref }: Stage, phase?: string): (change: ResourceChange) => boolean {
  return (change) =>
    change.type === 'set' &&
    resourceKey(change.resource) === resourceKey(ref) &&
    (phase === undefined || change.resource.phase === phase);
}

async function isEnded(
  scaler: ResourceScaler,
  stage: Stage,
  end: (abort: AbortController) => unknown,
): Promise<number> {
  const abort = new AbortController();
  let sent = 0;
  const watching = scaler.watchResources?.(() => (sent += 1), abort.signal);
  await stage.until('a watch sends a change', () => sent > 0);
  await end(abort);
  await stage.within(
    'a watch whose signal was aborted',
    watching?.catch(() => undefined),
  );
  const before = sent;
  const { phase } = (await stage.listed()) ?? {};
  await (phase === 'asleep' ? stage.bringAwake() : stage.putToSleep()).catch(() => undefined);
  await stage.pause();
  return sent - before;
}

/** `watchResources`, `watchEndpoints`, and how they end. */
export const watchingCases: Cases = {
  watchResources: {
    async 'watchResources sends every resource, then synced, once'(stage) {
      const { changes, until } = stage;
      await until('watchResources sends synced', () => changes.some(({ type }) => type === 'synced'));
      const at = changes.findIndex(({ type }) => type === 'synced');
      assert.ok(changes.slice(0, at).some(isSet(stage)), 'every resource must be sent before synced');
      assert.equal(changes.filter(({ type }) => type === 'synced').length, 1, 'synced must be sent once');
    },

    async 'watchResources sends the changes of another process'(stage) {
      await stage.bringAwake();
      const from = stage.changes.length;
      await stage.putToSleep();
      const since = () => stage.changes.slice(from);
      await stage.until('watchResources sends that it is asleep', () => since().some(isSet(stage, 'asleep')));
    },

    async 'watchResources sends little about a resource that does not change'(stage) {
      await stage.bringAwake();
      await stage.pause();
      const from = stage.changes.length;
      for (let i = 0; i < 5; i++) await stage.pause();
      const since = stage.changes.slice(from).filter(isSet(stage));
      assert.ok(since.length <= 5, `a resource that stays awake was sent ${since.length} times, 5 are allowed`);
    },

    async 'watchResources ends with its signal, and sends nothing after it'(stage) {
      const scaler = await stage.fresh('dlx');
      const late = await isEnded(scaler, stage, (abort) => abort.abort(new Error('watched enough')));
      assert.equal(late, 0, 'nothing must be sent after the signal');
    },
  },
  watchEndpoints: {
    async 'watchEndpoints sends the IP address, port and id of an awake resource, with a check that passes'(stage) {
      await stage.bringAwake();
      await whileWatched(stage, async (lists) => {
        const found = (): boolean => (lists.at(-1)?.length ?? 0) > 0;
        await stage.until('watchEndpoints sends an endpoint of an awake resource', found);
        for (const { address, port, id, check } of lists.at(-1) ?? []) {
          assert.ok(isIP(address) !== 0, `the address of an endpoint must be an IP address, and is ${address}`);
          assert.ok(Number.isInteger(port) && port > 0 && port < 65_536, `the port of an endpoint is ${port}`);
          assert.ok(typeof id === 'string' && id !== '', 'an endpoint must have an id');
          await stage.within('check', check?.(AbortSignal.timeout(10_000)));
        }
      });
    },

    async 'watchEndpoints sends an empty list at once for a sleeping resource, and endpoints after its wake'(stage) {
      await stage.putToSleep();
      await whileWatched(stage, async (lists) => {
        const none = (): boolean => lists.at(-1)?.length === 0;
        await stage.until('watchEndpoints sends that a sleeping resource has no endpoint', none);
        await stage.bringAwake();
        await stage.until('watchEndpoints sends the endpoints of a wake', () => (lists.at(-1)?.length ?? 0) > 0);
      });
    },

    async 'watchEndpoints sends nothing after its signal'(stage) {
      await stage.putToSleep();
      const lists = await whileWatched(stage, () => stage.pause());
      const before = lists.length;
      await stage.bringAwake();
      await stage.pause();
      assert.equal(lists.length, before, 'nothing must be sent after the signal');
    },
  },
  close: {
    async 'close may be called twice, and ends all watches'(stage) {
      const scaler = await stage.fresh('dlx');
      const close = () => stage.within('close', scaler.close?.());
      if (!scaler.watchResources) return void (await close().then(close));
      const late = await isEnded(scaler, stage, () => close().then(close));
      assert.equal(late, 0, 'nothing must be sent after close');
    },
  },
};
