import assert from 'node:assert/strict';
import { errorCode, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import type { Cases } from './case.ts';
import { calmly, type Stage } from './stage.ts';

function inMinutes({ clock }: Stage, minutes: number): string {
  return new Date(clock.now() + minutes * 60_000).toISOString();
}

async function reconciled({ autoscaler, ref, within }: Stage): Promise<void> {
  for (const refs of [[ref], []]) {
    const results = (await within('reconcile', autoscaler.reconcile?.(refs, calmly))) ?? [];
    for (const result of results) {
      assert.ok(result.ok, `reconcile must not fail for ${resourceKey(result.resource)}: ${JSON.stringify(result)}`);
      const { againMs = 0 } = result;
      assert.ok(
        againMs >= 0,
        `againMs of ${resourceKey(result.resource)} is ${againMs}, allowed is a time from now on`,
      );
    }
  }
}

/** Whether the DLX's process knows this end of the lease, by a change or by a list. */
async function isKnown({ dlx, changes, ref }: Stage, end: string | undefined): Promise<boolean> {
  const isIt = (one: ResourceRef): boolean => resourceKey(one) === resourceKey(ref);
  const sets = changes.flatMap((change) => (change.type === 'set' && isIt(change.resource) ? [change.resource] : []));
  const listed = [sets.at(-1), (await dlx.getResources()).find(isIt)].filter((one) => one !== undefined);
  return listed.some(({ busyUntil }) => Date.parse(busyUntil ?? '') === Date.parse(end ?? '') || busyUntil === end);
}

/** `reconcile` and `setBusy`. */
export const keepingCases: Cases = {
  reconcile: {
    async 'reconcile leaves a consistent resource alone, awake and asleep'(stage) {
      const { bringAwake, putToSleep, listed, place } = stage;
      await bringAwake();
      await reconciled(stage);
      assert.equal((await listed())?.phase, 'awake', 'reconcile must leave it awake');
      assert.ok(await place.serves(), 'reconcile must leave it serving');
      await putToSleep();
      await reconciled(stage);
      assert.equal((await listed())?.phase, 'asleep', 'reconcile must leave it asleep');
      assert.equal(await place.serves(), false, 'reconcile must not start it');
    },
  },
  setBusy: {
    async 'a busy lease is kept where every process sees it, is never shortened, and can be ended'(stage) {
      const { autoscaler, ref, until, within } = stage;
      const keep = (end: string | undefined) => within('setBusy', autoscaler.setBusy?.(ref, end, calmly));
      const [short, long] = [inMinutes(stage, 10), inMinutes(stage, 20)];
      try {
        for (const end of [long, short]) {
          const kept = await keep(end);
          assert.equal(Date.parse(kept ?? ''), Date.parse(long), 'setBusy must return the longer lease of both');
        }
        await until('the other process has the lease', () => isKnown(stage, long));
      } finally {
        assert.equal(await keep(undefined), undefined, 'a lease that is ended must be gone');
      }
      await until('the other process has the end of the lease', () => isKnown(stage, undefined));
    },

    async 'a busy lease that is given in the middle of a park ends the park'(stage) {
      const { autoscaler, ref, bringAwake, park, place, within } = stage;
      await bringAwake();
      let asked = false;
      const confirm = async () => {
        asked = true;
        await within('setBusy', autoscaler.setBusy?.(ref, inMinutes(stage, 10), calmly));
        return { ok: true as const };
      };
      try {
        const result = await park({ confirm });
        if (!asked) return 'left-out';
        assert.equal(
          result.ok ? 'ok' : errorCode(result.error),
          'park-cancelled',
          'a park must end with park-cancelled when a lease is kept before it has stopped the resource',
        );
        assert.ok(await place.serves(), 'it must serve');
      } finally {
        await within('setBusy', autoscaler.setBusy?.(ref, undefined, calmly));
      }
      return undefined;
    },
  },
};
