import { expect, test } from '@jest/globals';
import type { PodInfo, PodTrouble, ReplicaSetInfo } from '@scaler/kube';
import { type ExplainFacts, explainPods, lastExitOf } from './explain.ts';

const pod = (change: Partial<PodInfo> & { trouble?: PodTrouble | undefined }): PodInfo =>
  ({
    name: 'web-1',
    phase: 'Pending',
    ip: undefined,
    ready: false,
    terminating: false,
    trouble: undefined,
    ...change,
  }) as PodInfo;
const set = (trouble: PodTrouble | undefined): ReplicaSetInfo => ({ trouble }) as ReplicaSetInfo;
const explain = (change: Partial<ExplainFacts>) =>
  explainPods({ replicas: 1, pods: [], replicaSets: [], lastExit: undefined, ...change });

test.each([
  ['ImagePullBackOff', true, /image cannot be pulled/],
  ['ErrImagePull', false, /image cannot be pulled/],
  ['CreateContainerConfigError', true, /ConfigMap, Secret or key/],
  ['Unschedulable', false, /no node/i],
  ['SomethingNew', false, /does not start/],
])('%s is told, hopeless: %s', (reason, hopeless, text) => {
  const explanation = explain({ pods: [pod({ trouble: { reason, message: 'said so' } })] });
  expect(explanation).toEqual({ hopeless, reason, text: expect.stringMatching(text) });
  expect(explanation?.text).toMatch(/said so\.$/);
});

test('a crash loop tells how the container ended last', () => {
  const lastExit = lastExitOf({
    status: { containerStatuses: [{ name: 'app', lastState: { terminated: { exitCode: 1, reason: 'Error' } } }] },
  });
  const pods = [pod({ trouble: { reason: 'CrashLoopBackOff', message: '' } })];
  expect(explain({ pods, lastExit })).toEqual({
    hopeless: false,
    reason: 'CrashLoopBackOff',
    text: 'Its container ends again and again: app exited with 1 (Error).',
  });
});

test('a quota is told from the ReplicaSet, which gets no pod', () => {
  const trouble = { reason: 'FailedCreate', message: 'exceeded quota' };
  expect(explain({ replicaSets: [set(trouble)] })).toMatchObject({ hopeless: true, reason: 'FailedCreate' });
});

test('a pod that runs and is not ready is told without despair', () => {
  expect(explain({ pods: [pod({ phase: 'Running', ip: '10.0.0.1' })] })).toMatchObject({
    hopeless: false,
    reason: 'NotReady',
  });
});

test('nothing is told when nothing stands in the way', () => {
  expect(explain({})).toBeUndefined();
  expect(explain({ pods: [pod({})] })).toBeUndefined();
  expect(explain({ replicas: 0, replicaSets: [set({ reason: 'FailedCreate', message: '' })] })).toBeUndefined();
  const trouble = { reason: 'ImagePullBackOff', message: '' };
  expect(explain({ pods: [pod({ trouble }), pod({ ready: true })] })).toBeUndefined();
  expect(explain({ pods: [pod({ trouble }), pod({})] })).toBeUndefined();
  expect(explain({ pods: [pod({ trouble, terminating: true })] })).toBeUndefined();
});
