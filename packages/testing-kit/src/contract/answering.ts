import assert from 'node:assert/strict';
import {
  parseResource,
  proposableSettings,
  type Resource,
  type ResourceRef,
  resourceKey,
  type ScalerMetric,
} from '@scaler/scaler-types';
import { type Cases, strangerOf } from './case.ts';

const isSame = (ref: ResourceRef) => (one: ResourceRef) => resourceKey(one) === resourceKey(ref);

/** Without fields that are undefined, which JSON leaves out. */
function definedOf(resource: Resource): object {
  return Object.fromEntries(Object.entries(resource).filter(([, value]) => value !== undefined));
}

/** The answers of a scaler's members. */
export const answeringCases: Cases = {
  getConfig: {
    async 'getConfig proposes settings that each app has, as plain values'({ autoscaler, dlx, within }) {
      for (const scaler of [autoscaler, dlx]) checkProposals(await within('getConfig', scaler.getConfig()));
    },
  },
  getResources: {
    async 'getResources returns each resource whole, once, and JSON-safe'({ autoscaler, ref, within }) {
      const all = await within('getResources', autoscaler.getResources());
      assert.ok(all.some(isSame(ref)), `getResources must return ${resourceKey(ref)}`);
      assert.equal(new Set(all.map(resourceKey)).size, all.length, 'getResources must return each resource once');
      for (const resource of all) {
        const carried = JSON.parse(JSON.stringify(resource)) as Resource;
        assert.deepEqual(carried, definedOf(resource), `${resourceKey(resource)} must survive JSON`);
        const scaleResources = carried.scaleResources.map((one) => ({ ...one, windowSize: `${one.windowSize}ms` }));
        assert.deepEqual(
          parseResource({ ...carried, scaleResources }),
          carried,
          `${resourceKey(resource)} must be whole`,
        );
      }
    },

    async 'getResources of a namespace returns its resources, and no others'({ autoscaler, ref, within }) {
      const own = await within('getResources', autoscaler.getResources(ref.namespace));
      assert.ok(own.some(isSame(ref)), `getResources(${ref.namespace}) must return ${resourceKey(ref)}`);
      const others = await within('getResources', autoscaler.getResources('there-is-no-such-namespace'));
      assert.deepEqual(others, [], 'getResources of another namespace must return none of its resources');
    },

    async 'getResources returns the changes of another process'({ dlx, ref, until, putToSleep, bringAwake }) {
      const phase = async (): Promise<string | undefined> => (await dlx.getResources()).find(isSame(ref))?.phase;
      await putToSleep();
      await until('getResources of the DLX returns it as asleep', async () => (await phase()) === 'asleep');
      await bringAwake();
      await until('getResources of the DLX returns it as awake', async () => (await phase()) === 'awake');
    },
  },
  resolveServiceName: {
    async 'resolveServiceName returns host:port of each target'({ dlx, ref, listed, within }) {
      const ports = (await listed())?.targets.map(({ port }) => port) ?? [];
      for (const port of [undefined, ...ports]) {
        const name = await within('resolveServiceName', Promise.resolve(dlx.resolveServiceName(ref, port)));
        assert.match(
          name,
          /^(?:[^\s:/]+|\[[0-9a-f:]+\]):\d{1,5}$/,
          `resolveServiceName must return host:port, not ${name}`,
        );
      }
    },
  },
  isStale: {
    async 'isStale answers for any resource, also an unknown one'(stage) {
      for (const ref of [stage.ref, strangerOf(stage)]) {
        const stale = stage.dlx.isStale?.(ref);
        assert.equal(typeof stale, 'boolean', `isStale(${resourceKey(ref)}) must be true or false`);
      }
      await stage.until('a resource that was just sent is not stale', () => stage.dlx.isStale?.(stage.ref) === false);
    },
  },
  explain: {
    async 'explain returns nothing for a resource that is awake'({ dlx, ref, bringAwake, within }) {
      await bringAwake();
      const explanation = await within('explain', dlx.explain?.(ref));
      assert.equal(explanation, undefined, 'explain must return undefined where there is no obstacle');
    },
  },
  tell: {
    async 'tell takes a notice about any resource, does not wait, and does not throw'(stage) {
      const notice = { type: 'normal', reason: 'IdlenessKnown', message: 'the contract is checked' } as const;
      for (const ref of [stage.ref, strangerOf(stage)]) {
        const answer: unknown = stage.autoscaler.tell?.(ref, notice);
        assert.equal(answer, undefined, 'tell must not return a promise');
      }
    },
  },
  metrics: {
    async 'metrics are gauges and counters with a bounded number of samples'({ autoscaler }) {
      const all = autoscaler.metrics?.() ?? [];
      for (const metric of all) checkMetric(metric);
      assert.equal(new Set(all.map(({ name }) => name)).size, all.length, 'a name can be used once');
    },
  },
};

function checkProposals(proposed: Readonly<Record<string, unknown>>): void {
  assert.equal(typeof proposed, 'object', 'getConfig must return an object');
  const known: Readonly<Record<string, readonly string[]>> = proposableSettings;
  for (const [app, settings = {}] of Object.entries(proposed)) {
    assert.ok(known[app], `getConfig must propose ${app} to an app: { autoscaler: {…}, dlx: {…} }`);
    for (const [name, value] of Object.entries(settings as object)) {
      assert.ok(known[app].includes(name), `${name} is no setting of ${app} that may be proposed`);
      const isPlain = ['string', 'boolean', 'undefined'].includes(typeof value) || Number.isFinite(value);
      assert.ok(isPlain, `the setting ${name} must be a text, a number or a boolean, not ${JSON.stringify(value)}`);
    }
  }
}

function checkMetric({ name, help, kind, samples }: ScalerMetric): void {
  assert.match(name, /^[a-z][a-z0-9_]*$/, `the metric ${name} must be named in lower-case letters, digits and _`);
  assert.ok(kind === 'gauge' || kind === 'counter', `${name} must be a gauge or a counter`);
  assert.equal(name.endsWith('_total'), kind === 'counter', `${name}: a counter, and nothing else, ends in _total`);
  assert.ok(help !== '', `${name} must have a help text`);
  assert.ok(samples.length <= 100, `${name} has ${samples.length} samples, 100 are allowed`);
  const names = samples.map(({ labels = {} }) => Object.keys(labels).sort().join());
  assert.ok(new Set(names).size <= 1, `the samples of ${name} must have the same labels`);
  for (const { value } of samples) assert.ok(Number.isFinite(value), `a value of ${name} is ${value}`);
}
