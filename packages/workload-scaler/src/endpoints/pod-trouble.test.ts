import { expect, test } from '@jest/globals';
import type { Pod } from '@scaler/kube';
import { trimPod } from './pod-info.ts';

const pod = (status: object, spec: object = {}): Pod =>
  ({ metadata: { name: 'web-1' }, spec, status }) as unknown as Pod;
const trouble = (status: object): unknown => trimPod(pod(status)).trouble;
const container = (change: object): object => ({ name: 'app', ready: false, restartCount: 0, ...change });

test('a pod without a node says why', () => {
  const message = '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.';
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  expect(trouble({ phase: 'Pending', conditions })).toEqual({ reason: 'Unschedulable', message });
});

test('a container that waits for anything but the normal course is shown with its name', () => {
  const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nowhere:1"' };
  expect(trouble({ phase: 'Pending', containerStatuses: [container({ state: { waiting } })] })).toEqual({
    ...waiting,
    container: { name: 'app', init: false, restarts: 0, exit: undefined },
  });
  for (const reason of ['ContainerCreating', 'PodInitializing']) {
    expect(trouble({ containerStatuses: [container({ state: { waiting: { reason } } })] })).toBeUndefined();
  }
});

test('a crash loop is shown with how it ended, of an init container as of any', () => {
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' };
  const terminated = { exitCode: 3, reason: 'Error', message: 'many lines\noh no\n' };
  const crashing = container({ name: 'migrate', restartCount: 2, state: { waiting }, lastState: { terminated } });
  const normal = container({ state: { waiting: { reason: 'PodInitializing' } } });
  expect(trouble({ initContainerStatuses: [crashing], containerStatuses: [normal] })).toMatchObject({
    reason: 'CrashLoopBackOff',
    container: { name: 'migrate', init: true, restarts: 2, exit: 'exited with 3 (Error): oh no' },
  });
});

test('a container that has just ended is shown, but an init container only if it failed', () => {
  const ended = (exitCode: number, reason: string): object =>
    container({ state: { terminated: { exitCode, reason } } });
  expect(trouble({ containerStatuses: [ended(137, 'OOMKilled')] })).toMatchObject({
    reason: 'OOMKilled',
    container: { exit: 'exited with 137 (OOMKilled)' },
  });
  expect(trouble({ containerStatuses: [ended(0, 'Completed')] })).toMatchObject({ reason: 'Completed' });
  expect(trouble({ initContainerStatuses: [ended(0, 'Completed')] })).toBeUndefined();
  expect(trouble({ initContainerStatuses: [ended(1, 'Error')] })).toMatchObject({ container: { init: true } });
  expect(trouble({ phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] })).toBeUndefined();
});

test('a failed pod says why, and long words are cut', () => {
  const { message } = trouble({ phase: 'Failed', reason: 'Evicted', message: 'x'.repeat(5000) }) as { message: string };
  expect(message).toHaveLength(401);
  expect(trouble({ phase: 'Failed' })).toEqual({ reason: 'Failed', message: '' });
});

test('a pod that runs and is not ready tells what it waits for', () => {
  const waitsFor = (status: object, spec?: object): unknown => trimPod(pod(status, spec)).waitsFor;
  const running = (change: object): object => container({ state: { running: {} }, ...change });
  expect(waitsFor({ containerStatuses: [running({ started: false })] })).toMatchObject({ for: 'startup' });
  expect(waitsFor({ containerStatuses: [running({ started: true, restartCount: 1 })] })).toEqual({
    ...{ container: 'app', for: 'readiness', restarts: 1, exit: undefined },
  });
  const initContainerStatuses = [running({ name: 'first', started: true })];
  expect(waitsFor({ initContainerStatuses })).toMatchObject({ container: 'first', for: 'init' });
  const sidecar = { initContainers: [{ name: 'first', restartPolicy: 'Always' }] };
  expect(waitsFor({ initContainerStatuses }, sidecar)).toBeUndefined();
  const conditions = [{ type: 'Ready', status: 'True' }];
  expect(waitsFor({ conditions, containerStatuses: [running({})] })).toBeUndefined();
  expect(waitsFor({})).toBeUndefined();
});
