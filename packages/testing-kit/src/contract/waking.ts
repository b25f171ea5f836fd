import assert from 'node:assert/strict';
import { errorCode, isTerminal, resourceKey, type ResourceScaler } from '@scaler/scaler-types';
import { type Cases, strangerOf, whileWatched } from './case.ts';
import { calmly, type Stage } from './stage.ts';

/** Ids of all endpoints now; undefined: the scaler has no `watchEndpoints`. */
async function instances(stage: Stage): Promise<readonly string[] | undefined> {
  if (!stage.dlx.watchEndpoints || !(await stage.listed())?.targets.length) return undefined;
  const lists = await whileWatched(stage, () => stage.pause());
  return (
    lists
      .at(-1)
      ?.map(({ id }) => id)
      .sort() ?? []
  );
}

async function errorOf(stage: Stage, scaler: ResourceScaler, scale: number, ref = strangerOf(stage)): Promise<unknown> {
  try {
    const [result] = await stage.within(`setScale to ${scale}`, scaler.setScale([ref], scale, calmly));
    return result?.ok === false ? result.error : undefined;
  } catch (error) {
    return error;
  }
}

/** `setScale` to 1 and more. */
export const wakingCases: Cases = {
  setScale: {
    async 'a wake resolves once the resource serves'({ putToSleep, wake, place }) {
      await putToSleep();
      const result = await wake();
      assert.ok(result.ok, 'a wake without an obstacle must succeed');
      assert.ok(await place.serves(), 'it must serve as soon as setScale has resolved');
    },

    async 'a wake of an awake resource succeeds, and starts nothing anew'(stage) {
      await stage.bringAwake();
      const before = await instances(stage);
      assert.deepEqual(await stage.wake(), { resource: stage.ref, ok: true }, 'setScale is idempotent: it is awake');
      assert.ok(await stage.place.serves(), 'it must serve');
      assert.deepEqual(await instances(stage), before, 'the instances must be the same as before');
    },

    async 'wakes of two processes at once both end well'({ putToSleep, autoscaler, dlx, ref, within, until, place }) {
      await putToSleep();
      const wakes = [autoscaler, dlx].map((scaler) => scaler.setScale([ref], 1, calmly));
      const results = await within('two wakes at once', Promise.all(wakes));
      assert.deepEqual(
        results.flat(),
        [ref, ref].map((resource) => ({ resource, ok: true })),
      );
      await until('it serves after two wakes at once', () => place.serves());
    },

    async 'an abort ends a wake soon, and the next one ends well'({
      putToSleep,
      dlx,
      ref,
      wake,
      within,
      until,
      place,
    }) {
      await putToSleep();
      const abort = new AbortController();
      const waking = dlx.setScale([ref], 1, { ...calmly, signal: abort.signal }).then(
        () => undefined,
        () => undefined,
      );
      abort.abort(new Error('the client has gone'));
      await within('a wake that was aborted', waking);
      assert.ok((await wake()).ok, 'a wake after an aborted one must end well');
      await until('it serves after the second wake', () => place.serves());
    },

    async 'failures come per resource, in order'(stage) {
      const { dlx, ref, within } = stage;
      const stranger = strangerOf(stage);
      const scaling = dlx.setScale([stranger, ref], 1, calmly);
      const results = await within('setScale of two resources', scaling);
      assert.deepEqual(
        results.map(({ resource, ok }) => [resourceKey(resource), ok]),
        [
          [resourceKey(stranger), false],
          [resourceKey(ref), true],
        ],
        'there must be one result for each resource, in order',
      );
      const [failed] = results;
      assert.ok(failed?.ok === false && failed.error instanceof Error, 'a failure must have an Error');
    },

    async 'calls for an unknown resource fail with unknown-resource'(stage) {
      const { autoscaler, dlx, within } = stage;
      const stranger = strangerOf(stage);
      const until = new Date(stage.clock.now() + 60_000).toISOString();
      const caught = async (work: () => unknown): Promise<unknown> => {
        try {
          await within('it', work());
          return undefined;
        } catch (error) {
          return error;
        }
      };
      const errors: Record<string, unknown> = {
        'setScale to 1': await errorOf(stage, dlx, 1),
        'setScale to 0': await errorOf(stage, autoscaler, 0),
        resolveServiceName: await caught(() => dlx.resolveServiceName(stranger)),
      };
      if (autoscaler.setBusy) errors['setBusy'] = await caught(() => autoscaler.setBusy?.(stranger, until, calmly));
      for (const [what, error] of Object.entries(errors)) {
        assert.equal(
          errorCode(error),
          'unknown-resource',
          `${what} of an unknown resource must fail with unknown-resource, not with ${error}`,
        );
      }
    },

    async 'an error of progress has no effect, and its steps are of the resource alone'({ putToSleep, wake, ref }) {
      await putToSleep();
      const reported: unknown[] = [];
      const result = await wake({
        progress: (resource, step) => {
          reported.push([resourceKey(resource), step]);
          throw new Error('progress fails');
        },
      });
      assert.ok(result.ok, 'a wake must not depend on progress');
      const known = ['written', 'scheduled'].map((step) => JSON.stringify([resourceKey(ref), step]));
      for (const one of reported)
        assert.ok(known.includes(JSON.stringify(one)), `there is no step ${JSON.stringify(one)}`);
    },

    async 'a resource that is paused asleep is not woken: paused, and terminal'(stage) {
      const { paused } = stage.place;
      if (paused === undefined) return 'left-out';
      const error = await errorOf(stage, stage.dlx, 1, paused);
      assert.equal(errorCode(error), 'paused', `a wake of a paused resource must fail with paused, not with ${error}`);
      assert.ok(isTerminal(error), 'the error must be terminal, so that no requests are held');
      return undefined;
    },
  },
};
