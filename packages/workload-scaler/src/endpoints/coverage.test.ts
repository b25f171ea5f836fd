import { beforeEach, expect, test } from '@jest/globals';
import { pod, replicaSet, workload } from '../testing/objects.ts';
import { type Coverage, type CoverageFacts, createCoverage } from './coverage.ts';

let coverage: Coverage;

beforeEach(() => {
  coverage = createCoverage();
});

function isCleared(facts: Partial<CoverageFacts>): boolean {
  coverage.take({
    workload: workload(),
    replicaSets: [replicaSet()],
    pods: [pod()],
    replicaSetsAt: undefined,
    podsAt: undefined,
    ...facts,
  });
  return coverage.has('uid-pod');
}

// Generation 1 awake, 2 asleep, 3 woken.
const asleep = workload({ replicas: 0, generation: 2, observedGeneration: 1, resourceVersion: '200' });
const woken = workload({ generation: 3, observedGeneration: 1, resourceVersion: '210' });
const seen = workload({ generation: 3, observedGeneration: 3, resourceVersion: '220' });

function sleepAndWake(): void {
  expect(isCleared({})).toBe(true);
  expect(isCleared({ workload: asleep })).toBe(false);
  expect(isCleared({ workload: woken })).toBe(false);
}

test('a pod from before sleep gets nothing while the Deployment controller has not seen the wake', () => {
  sleepAndWake();
  expect(isCleared({ workload: woken, replicaSetsAt: '900', podsAt: '900' })).toBe(false);
});

test('nor while the ReplicaSets were not read as far as that', () => {
  sleepAndWake();
  expect(isCleared({ workload: seen, replicaSetsAt: '219', podsAt: '900' })).toBe(false);
});

test('nor while its ReplicaSet is at zero, or its controller has not seen the last change', () => {
  sleepAndWake();
  const zero = replicaSet({ replicas: 0, generation: 2, observedGeneration: 2, resourceVersion: '230' });
  expect(isCleared({ workload: seen, replicaSets: [zero], podsAt: '900' })).toBe(false);
  const scaled = replicaSet({ generation: 3, observedGeneration: 2, resourceVersion: '240' });
  expect(isCleared({ workload: seen, replicaSets: [scaled], podsAt: '900' })).toBe(false);
});

test('nor while the pods were not read as far as that; then it does', () => {
  sleepAndWake();
  const done = replicaSet({ generation: 3, observedGeneration: 3, resourceVersion: '250' });
  expect(isCleared({ workload: seen, replicaSets: [done], podsAt: '249' })).toBe(false);
  expect(isCleared({ workload: seen, replicaSets: [done], podsAt: '250' })).toBe(true);
});

test('a later status of the ReplicaSet does not move the goal', () => {
  sleepAndWake();
  const done = replicaSet({ generation: 3, observedGeneration: 3, resourceVersion: '250' });
  isCleared({ workload: seen, replicaSets: [done], podsAt: '249' });
  const later = { ...done, resourceVersion: '900' };
  expect(isCleared({ workload: { ...seen, resourceVersion: '910' }, replicaSets: [later], podsAt: '250' })).toBe(true);
});

test('a new pod is cleared by its own events, without positions of the watches', () => {
  sleepAndWake();
  const done = replicaSet({ generation: 3, observedGeneration: 3, resourceVersion: '250' });
  expect(isCleared({ workload: seen, replicaSets: [done], pods: [pod({ resourceVersion: '260' })] })).toBe(true);
});

test('a terminating pod is never cleared', () => {
  expect(isCleared({ pods: [pod({ terminating: true })] })).toBe(false);
});

test('scaling and labelling while awake take nothing back', () => {
  expect(isCleared({})).toBe(true);
  const more = workload({ replicas: 3, generation: 2, observedGeneration: 1, resourceVersion: '300' });
  expect(isCleared({ workload: more })).toBe(true);
  expect(isCleared({ workload: { ...more, labels: { 'scaler/epoch': 'new' } } })).toBe(true);
});

test('a zero that no watch showed is suspected when the generation jumps', () => {
  expect(isCleared({})).toBe(true);
  const { round } = coverage;
  expect(isCleared({ workload: woken })).toBe(false);
  expect(coverage.round).toBe(round + 1);
});

test('another workload of the same name starts from nothing', () => {
  expect(isCleared({})).toBe(true);
  expect(isCleared({ workload: workload({ uid: 'other', observedGeneration: 0 }) })).toBe(false);
});

test('pods of a StatefulSet are its own: no ReplicaSet is waited for', () => {
  const own = pod({ ownerUid: 'uid-web', resourceVersion: '90' });
  expect(isCleared({ replicaSets: [], pods: [own] })).toBe(false);
  expect(isCleared({ replicaSets: [], pods: [own], podsAt: '100' })).toBe(true);
});

test('what was read live clears, until the next zero', () => {
  sleepAndWake();
  coverage.clear(['uid-pod']);
  expect(isCleared({ workload: woken })).toBe(true);
  expect(isCleared({ workload: { ...asleep, generation: 4, resourceVersion: '300' } })).toBe(false);
});
