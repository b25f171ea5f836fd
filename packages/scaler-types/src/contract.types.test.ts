import { expect, test } from '@jest/globals';
import type { ProposedConfig } from './proposal.ts';
import type { ResourceRef } from './resource.ts';
import type { CreateResourceScaler, ResourceScaler, ScaleResult } from './scaler.ts';
import { scaleEvents } from './scale-event.ts';

// What counts here is that it compiles: each @ts-expect-error is an error of tsc when its line is accepted.

const done = (resources: readonly ResourceRef[]): readonly ScaleResult[] =>
  resources.map((resource) => ({ resource, ok: true }));

const least = {
  getConfig: () => ({ autoscaler: { scaleInterval: '10s' } }),
  getResources: () => Promise.resolve([]),
  setScale: (resources: readonly ResourceRef[]) => Promise.resolve(done(resources)),
  resolveServiceName: () => 'localhost:1',
};

test('a scaler has four methods that it must have; the abilities are optional', () => {
  const scaler: ResourceScaler = least;
  const create: CreateResourceScaler = () => scaler;
  const later: CreateResourceScaler = () => Promise.resolve(scaler);
  expect([create, later]).toHaveLength(2);
  const { watchResources, watchEndpoints, reconcile, explain, setBusy, tell, metrics, close } = scaler;
  expect([watchResources, watchEndpoints, reconcile, explain, setBusy, tell, metrics, close]).toEqual(
    Array.from({ length: 8 }, () => undefined),
  );
});

test('a scaler that lacks a method, or has it wrong, does not compile', () => {
  const { getConfig: _c, ...withoutConfig } = least;
  const { getResources: _r, ...withoutResources } = least;
  const { setScale: _s, ...withoutScale } = least;
  const { resolveServiceName: _n, ...withoutName } = least;
  // @ts-expect-error getConfig is missing
  const noConfig: ResourceScaler = withoutConfig;
  // @ts-expect-error getResources is missing
  const noResources: ResourceScaler = withoutResources;
  // @ts-expect-error setScale is missing
  const noScale: ResourceScaler = withoutScale;
  // @ts-expect-error resolveServiceName is missing
  const noName: ResourceScaler = withoutName;
  // @ts-expect-error a result names its resource
  const vague: ResourceScaler = { ...least, setScale: () => Promise.resolve([{ ok: true }]) };
  // @ts-expect-error a failure has an error
  const silent: ScaleResult = { resource: { namespace: 'n', name: 'x' }, ok: false };
  // @ts-expect-error a proposal is a plain value
  const nested: ResourceScaler = { ...least, getConfig: () => ({ autoscaler: { cooldown: { seconds: 10 } } }) };
  // @ts-expect-error an ability is a function, or absent
  const flagged: ResourceScaler = { ...least, watchResources: true };
  expect([noConfig, noResources, noScale, noName, vague, silent, nested, flagged]).toHaveLength(8);
});

test('a proposal to the wrong app, or to none, does not compile', () => {
  const both = { autoscaler: { lease: false, logLevel: 'debug' }, dlx: { holdTimeout: undefined, logLevel: 'debug' } };
  const right: ResourceScaler = { ...least, getConfig: () => both };
  // @ts-expect-error the settings are not for an app
  const flat: ResourceScaler = { ...least, getConfig: () => ({ scaleInterval: '10s' }) };
  // @ts-expect-error one of them is not for an app
  const mixed: ResourceScaler = { ...least, getConfig: () => ({ dlx: {}, scaleInterval: '10s' }) };
  // @ts-expect-error the DLX has no such setting
  const other: ResourceScaler = { ...least, getConfig: () => ({ dlx: { logLevel: 'debug', scaleInterval: '10s' } }) };
  // @ts-expect-error nor has the autoscaler
  const others: ResourceScaler = { ...least, getConfig: () => ({ autoscaler: { holdTimeout: '10s' } }) };
  // @ts-expect-error no app has it
  const none: ProposedConfig = { autoscaler: { lease: false, sleep: '10s' } };
  expect([right, flat, mixed, other, others, none]).toHaveLength(6);
});

test('a wake may report its steps, of a resource each, and no others', () => {
  const steps: unknown[] = [];
  const scaler: ResourceScaler = {
    ...least,
    setScale(resources, _scale, { progress }) {
      for (const resource of resources) progress?.(resource, 'written');
      // @ts-expect-error there is no such step
      const unknown = (resource: ResourceRef): void => progress?.(resource, 'ready');
      // @ts-expect-error a step is of a resource
      const vague = (): void => progress?.('scheduled');
      return Promise.resolve(done([unknown, vague].length === 2 ? resources : []));
    },
  };
  const options = { signal: new AbortController().signal, reason: { by: 'test', text: 'a test' } };
  const web = { namespace: 'n', name: 'web' };
  void scaler.setScale([web], 1, options);
  void scaler.setScale([web], 1, { ...options, progress: (...step) => steps.push(step) });
  expect(steps).toEqual([[web, 'written']]);
});

test('a scaler cannot change the arguments that it gets', () => {
  const scaler: ResourceScaler = {
    ...least,
    setScale(resources, _scale, options) {
      // @ts-expect-error the list is the caller's
      resources.push({ namespace: 'n', name: 'x' });
      const request = { resource: { namespace: 'n', name: 'x' }, epoch: 'e', addresses: [] };
      // @ts-expect-error confirm needs the signal
      void options.confirm?.(request);
      return Promise.resolve([]);
    },
  };
  // @ts-expect-error the events are fixed
  const change = (): number => scaleEvents.push('resourceUpdated');
  expect([typeof scaler.setScale, typeof change]).toEqual(['function', 'function']);
});
