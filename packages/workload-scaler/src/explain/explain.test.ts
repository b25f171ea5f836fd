import { describe, expect, test } from '@jest/globals';
import type { ContainerTrouble, PodTrouble, PodWait, PodInfo, ReplicaSetInfo } from '../endpoints/pod-info.ts';
import { type ExplainFacts, lookOut, sentenceOf, waitTextOf } from './explain.ts';

const pod = (change: Partial<PodInfo>): PodInfo =>
  ({
    ...{ name: 'web-1', uid: 'pod-1', phase: 'Pending', ip: undefined, ready: false, terminating: false },
    ...{ trouble: undefined, waitsFor: undefined },
    ...change,
  }) as PodInfo;
const set = (trouble: PodTrouble | undefined): ReplicaSetInfo =>
  ({ uid: 'set-1', generation: 3, trouble }) as ReplicaSetInfo;
const container = (change: Partial<ContainerTrouble> = {}): ContainerTrouble => ({
  ...{ name: 'app', init: false, restarts: 0, exit: undefined },
  ...change,
});
const pull: PodTrouble = { reason: 'ImagePullBackOff', message: 'not found', container: container() };
const look = (change: Partial<ExplainFacts>) =>
  lookOut('web-uid', { replicas: 1, pods: [], replicaSets: [], ...change });

describe('what stands in the way', () => {
  test('is what all pods have, the worst first', () => {
    const other: PodTrouble = { reason: 'Unschedulable', message: 'no' };
    expect(look({ pods: [pod({ uid: 'b', trouble: other }), pod({ trouble: pull })] })).toEqual({
      kind: 'obstacle',
      obstacle: { trouble: pull, total: true, subject: 'pod-1' },
    });
  });

  test('is not all where another pod may still come up', () => {
    expect(look({ pods: [pod({ trouble: pull }), pod({ uid: 'b' })] })).toMatchObject({ obstacle: { total: false } });
  });

  test('is said by the ReplicaSet, which gets no pod, anew at each start', () => {
    const trouble = { reason: 'FailedCreate', message: 'exceeded quota' };
    expect(look({ replicaSets: [set(undefined), set(trouble)] })).toEqual({
      kind: 'obstacle',
      obstacle: { trouble, total: true, subject: 'set-1/3' },
    });
    expect(look({ replicaSets: [set(trouble)], pods: [pod({})] }).kind).toBe('quiet');
  });

  test('is nothing of pods that end, have ended or were replaced', () => {
    const evicted = pod({ uid: 'old', phase: 'Failed', trouble: { reason: 'Evicted', message: '' } });
    expect(look({ pods: [evicted, pod({})] })).toMatchObject({ kind: 'quiet', subjects: ['pod-1'] });
    expect(look({ pods: [evicted] })).toMatchObject({ obstacle: { trouble: { reason: 'Evicted' } } });
    expect(look({ pods: [pod({ trouble: pull, terminating: true })] })).toMatchObject({ subjects: ['web-uid'] });
    expect(look({ pods: [pod({ trouble: pull, phase: 'Succeeded' })] }).kind).toBe('quiet');
  });

  test('is nothing once a pod is ready, or none is wanted', () => {
    expect(look({ pods: [pod({ trouble: pull }), pod({ ready: true })] })).toEqual({ kind: 'clear' });
    const replicaSets = [set({ reason: 'FailedCreate', message: '' })];
    expect(look({ replicas: 0, replicaSets })).toEqual({ kind: 'clear' });
  });

  test('is silence while pods are made and set up', () => {
    const waitsFor: PodWait = { container: 'app', for: 'readiness', restarts: 0, exit: undefined };
    expect(look({})).toEqual({ kind: 'quiet', subjects: ['web-uid'], waits: undefined });
    expect(look({ pods: [pod({ waitsFor })] })).toMatchObject({ kind: 'quiet', waits: { waitsFor } });
  });
});

test.each<[PodTrouble, string]>([
  [pull, 'Its image cannot be pulled: app: not found.'],
  [
    {
      reason: 'CrashLoopBackOff',
      message: 'back-off 20s restarting failed container',
      container: container({ restarts: 3, exit: 'exited with 1 (Error): no database' }),
    },
    'Its container ends again and again: app exited with 1 (Error): no database, 3 restarts.',
  ],
  [
    { reason: 'Error', message: '', container: container({ name: 'migrate', init: true, exit: 'exited with 2' }) },
    'Its init container failed: migrate exited with 2.',
  ],
  [
    { reason: 'Unschedulable', message: '0/1 nodes are available.' },
    'No node can take its pod: 0/1 nodes are available.',
  ],
  [{ reason: 'SomethingNew', message: 'said so' }, 'Its pod does not start: said so.'],
])('%j in a sentence', (trouble, text) => {
  expect(sentenceOf(trouble)).toBe(text);
});

test.each<[Partial<PodWait>, string]>([
  [{ for: 'init', container: 'migrate' }, 'Init container migrate of its pod web-1 has not finished yet.'],
  [{ for: 'startup' }, 'Its pod web-1 runs, and its startup check does not pass yet.'],
  [
    { for: 'readiness', restarts: 1, exit: 'exited with 1 (Error)' },
    'Its pod web-1 runs, and its readiness check does not pass yet; app exited with 1 (Error) before.',
  ],
])('a wait for %j in a sentence', (change, text) => {
  const wait: PodWait = { container: 'app', for: 'readiness', restarts: 0, exit: undefined, ...change };
  expect(waitTextOf(pod({}), wait)).toBe(text);
});
