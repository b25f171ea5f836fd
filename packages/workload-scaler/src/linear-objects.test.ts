import { afterAll, expect, test } from '@jest/globals';
import { costProblems, createFakeClock, recordingLogger, startStepCounter } from '@scaler/testing-kit';

// What is imported from here on is counted block by block.
const counter = startStepCounter();
afterAll(() => counter.stop());
const { serviceAddresses } = await import('@scaler/kube');
const { ResourceEndpoints } = await import('./endpoints/resource-endpoints.ts');
const { trimPod } = await import('./endpoints/pod-info.ts');
const { serviceProblems, trimService } = await import('./routing/service-info.ts');
const { trimSlice } = await import('./routing/slices.ts');
const { trimDeployment } = await import('./testing/kinds.ts');
const { readToken } = await import('./workload/token.ts');
const { otherWriter } = await import('./conflict/who.ts');

const sizes = [250, 500, 1_000];
const numbers = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
const clock = createFakeClock();

function endpointsOf(ports: number, pods: number): () => unknown {
  const service = trimService({
    metadata: { namespace: 'n', name: 'web', uid: 's' },
    spec: { selector: { app: 'web' }, ports: numbers(ports).map((i) => ({ name: `p${i}`, port: i + 1 })) },
  });
  const all = numbers(pods).map((i) =>
    trimPod({
      metadata: { namespace: 'n', name: `w${i}`, uid: `u${i}`, labels: { app: 'web' } },
      spec: { containers: [{ name: 'a', readinessProbe: { exec: {} } }] },
      status: { podIP: `10.0.${i >> 8}.${i & 255}`, conditions: [{ type: 'Ready', status: 'True' }] },
    } as never),
  );
  const workload = {
    namespace: 'n',
    name: 'web',
    uid: 'w',
    replicas: 1,
    generation: 1,
    observedGeneration: 1,
    resourceVersion: '1',
  };
  const own = all.map((pod) => ({ ...pod, ownerUid: 'w', resourceVersion: '2' }));
  const options = {
    ...{ clock, logger: recordingLogger(), byOwner: new Map(), services: { get: () => service } },
    views: { latest: () => workload, kindOf: () => undefined, observe: () => undefined },
    replicaSets: { byIndex: () => [], lastResourceVersion: '2' },
    pods: { byIndex: () => own, lastResourceVersion: '2' },
  } as never;
  return () => {
    const endpoints = new ResourceEndpoints({ namespace: 'n', name: 'web' }, options);
    for (const i of numbers(ports)) endpoints.target('web', i + 1);
    endpoints.refresh();
    endpoints.stop();
  };
}

test('endpoints take no more than there are ports that are watched, or pods', () => {
  const largest = { size: 4_000, steps: 4_000_000 };
  const byPorts = costProblems(counter, { of: (size) => endpointsOf(size, 1), sizes, largest });
  const byPods = costProblems(counter, { of: (size) => endpointsOf(1, size), sizes, largest });
  expect([byPorts, byPods]).toEqual([[], []]);
});

test('slices and Services take no more than they have endpoints and ports', () => {
  const of = (size: number): (() => unknown) => {
    const ports = numbers(size).map((i) => ({ name: `p${i}`, port: i + 1, protocol: i % 2 === 0 ? 'TCP' : 'UDP' }));
    const endpoints = numbers(size).map((i) => ({ addresses: [`10.0.${i >> 8}.${i & 255}`] }));
    return () => {
      serviceAddresses([
        trimSlice({ metadata: {}, addressType: 'IPv4', ports, endpoints: [...endpoints, ...endpoints] } as never),
      ]);
      serviceProblems(trimService({ metadata: {}, spec: { ports } } as never));
    };
  };
  expect(costProblems(counter, { of, sizes, largest: { size: 20_000, steps: 4_000_000 } })).toEqual([]);
});

test('a workload takes no more than its length', () => {
  const of = (size: number): (() => unknown) => {
    const labels = Object.fromEntries(numbers(size).map((i) => [i % 2 === 0 ? `scaler/port-a-${i}` : `l${i}`, 'x']));
    const annotations = {
      ...Object.fromEntries(numbers(size).map((i) => [`scaler/x${i}`, 'y'])),
      'scaler/state': '['.repeat(size),
    };
    const managedFields = numbers(size).map((i) => ({ manager: `m${i}`, time: '2026-01-01T00:00:00Z', fieldsV1: {} }));
    const metadata = { namespace: 'n', name: 'w', uid: 'u', labels, annotations, managedFields };
    return () => {
      const workload = trimDeployment({ metadata, spec: {} } as never);
      readToken({ ...workload, labels: { 'scaler/phase': 'asleep', 'scaler/epoch': 'e' } });
      otherWriter({ managedFields }, ['f:spec', 'f:replicas'], 0);
    };
  };
  expect(costProblems(counter, { of, sizes, largest: { size: 8_000, steps: 2_000_000 } })).toEqual([]);
});
