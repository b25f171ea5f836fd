import { expect, test } from '@jest/globals';
import type { KubeClient } from '@scaler/kube';
import type { Clock, ScalerContext, Target } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { assemble } from '../assemble.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Dependencies } from '../dependencies.ts';
import { createWatching } from '../endpoints/watching.ts';
import { trimService } from '../routing/service-info.ts';
import { trimSlice } from '../routing/slices.ts';
import { observeStatus } from '../status/status.ts';
import { bothKinds, workloadKinds } from '../testing/kinds.ts';
import { workload } from '../testing/objects.ts';
import type { Workload } from '../workload/workload.ts';
import { look, observe } from './observe.ts';

const ref = { namespace: 'shop', name: 'web' };

/** Everything that observing could do beside reading is counted. */
function observed() {
  const done: string[] = [];
  const inner = createFakeClock();
  const count = <A extends unknown[], B>(name: string, call: (...args: A) => B): ((...args: A) => B) => {
    return (...args) => (done.push(name), call(...args));
  };
  const clock: Clock = {
    ...{ now: () => inner.now(), monotonic: () => inner.monotonic() },
    ...{ after: count('timer', inner.after.bind(inner)), sleep: count('timer', inner.sleep.bind(inner)) },
  };
  const client = new Proxy({} as KubeClient, { get: (_, name) => count(`API ${String(name)}`, () => undefined) });
  const context: ScalerContext = {
    ...{ role: 'autoscaler', identity: 'test', options: {}, namespaces: undefined, logger: silentLogger, clock },
    dlxService: undefined,
  };
  const { deps } = assemble(client, context, bothKinds, AbortSignal.abort());
  const watched: Target[] = [];
  const endpoints = { ...deps.endpoints, watch: count('watch', (target: Target) => void watched.push(target)) };
  const listed = { synced: true, silent: false, starting: false, families: new Set(['IPv4']), draining: [] };
  const sources = {
    ...deps,
    ...{
      endpoints,
      watching: createWatching(
        endpoints,
        count('enqueue', () => undefined),
      ),
    },
    enqueue: count('enqueue', () => undefined),
    dlx: { ...listed, ready: ['10.0.0.1'], listed: () => [], findListening: count('listen check', () => undefined) },
    conflicts: { ...deps.conflicts, of: () => ({ text: 'not parked until noon', what: 'zero', leftMs: 9_000 }) },
  } as unknown as Dependencies;
  done.length = 0;
  return { deps: sources, done, watched, clock: inner };
}

/** Waking, with a pod asked for and a Service that is still diverted. */
function snapshotOf({ lookup }: Dependencies, more: Partial<Workload> = {}): Snapshot {
  const portLabels = [{ label: 'scaler/port-web-80', value: '20017' }];
  const state = { epoch: 'e', uid: 'uid-web', since: '2026-01-01T00:00:00Z', replicas: 1, by: 'x', reason: 'idle' };
  const one = workload({
    ...{ portLabels, annotations: { 'scaler/state': JSON.stringify(state) } },
    labels: { 'scaler/enabled': 'true', 'scaler/phase': 'waking', 'scaler/epoch': 'e' },
    ...more,
  });
  const service = trimService({
    metadata: { ...ref, uid: 'uid-service', resourceVersion: '1' },
    spec: { selector: { app: 'web', 'scaler/asleep': 'e' }, ports: [{ port: 80 }] },
  });
  const slice = trimSlice({
    metadata: { ...ref, labels: { 'endpointslice.kubernetes.io/managed-by': 'scaler', 'scaler/epoch': 'e' } },
    ...{ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 20017 }] },
  });
  const services = [{ name: 'web', service, leads: true, ours: true, slices: [slice] }];
  return { ref, managed: lookup.describe(workloadKinds.deployment, one), services, live: true };
}

test('observing twice says the same twice, and does nothing but read', () => {
  const { deps, done } = observed();
  const snapshot = snapshotOf(deps);
  const first = observe(deps, snapshot);
  expect(observe(deps, snapshot)).toEqual(first);
  expect(observeStatus(deps, ref)).toEqual(observeStatus(deps, ref));
  expect(done).toEqual([]);
  expect(first.facts).toMatchObject({ workload: { phase: 'waking' }, usable: false, services: [{ stableForMs: 0 }] });
  expect(first.wanted).toMatchObject({
    ...{ againMs: 9_000, listen: new Set([20017]) },
    watch: [{ resource: ref, service: 'web', port: 80 }],
    seen: expect.arrayContaining([[expect.stringMatching(/^routing shop\/web/), expect.anything()]]),
  });
});

test('a look does what observing asks for, once', async () => {
  const { deps, done, watched, clock } = observed();
  const snapshot = snapshotOf(deps);
  look(deps, snapshot);
  expect(done).toEqual(['listen check', 'enqueue', 'watch']);
  expect(watched).toEqual([{ resource: ref, service: 'web', port: 80 }]);
  await clock.advance(700);
  expect(look(deps, snapshot)).toMatchObject({ services: [{ stableForMs: 700 }] });
  expect(done).toEqual(['listen check', 'enqueue', 'watch', 'listen check', 'enqueue']);
});

test('how long a controller has not seen what is asked for is counted anew for each change, and for each touch', async () => {
  const { deps, clock } = observed();
  const state = (touched?: number): Partial<Workload> => ({
    annotations: {
      'scaler/state': JSON.stringify({ epoch: 'e', uid: 'uid-web', since: '2026-01-01', replicas: 1, touched }),
    },
  });
  const unseen = (more: Partial<Workload>) => look(deps, snapshotOf(deps, { observedGeneration: 1, ...more })).unseen;
  expect(unseen({ generation: 2, ...state() })).toEqual({ forMs: 0, touched: 0 });
  await clock.advance(5_000);
  expect(unseen({ generation: 2, ...state() })).toEqual({ forMs: 5_000, touched: 0 });
  expect(unseen({ generation: 2, ...state(1) })).toEqual({ forMs: 0, touched: 1 });
  expect(unseen({ generation: 3, ...state(1) })).toEqual({ forMs: 0, touched: 1 });
  expect(unseen({ generation: 3, observedGeneration: 3, ...state(1) })).toBeUndefined();
});
