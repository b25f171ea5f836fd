import { describe, expect, test } from '@jest/globals';
import type { Pod } from '@scaler/kube';
import { podShape } from './pod-shape.ts';

type Container = NonNullable<Pod['spec']>['containers'][number];

const ports = [{ name: 'http', containerPort: 8080 }];

function shapeOf(container: Partial<Container>, spec: Partial<NonNullable<Pod['spec']>> = {}) {
  return podShape({ containers: [{ name: 'app', ports, ...container }], ...spec });
}

describe('probes', () => {
  test('an httpGet probe has its named port resolved and its time limited to a second', () => {
    const readinessProbe = { httpGet: { path: '/ready', port: 'http', httpHeaders: [{ name: 'X-A', value: '1' }] } };
    expect(shapeOf({ readinessProbe: { ...readinessProbe, timeoutSeconds: 30, successThreshold: 2 } }).probes).toEqual([
      {
        type: 'http',
        port: 8080,
        path: '/ready',
        tls: false,
        headers: [['X-A', '1']],
        timeoutMs: 1_000,
        successThreshold: 2,
      },
    ]);
  });

  test('tcp and grpc probes', () => {
    const common = { timeoutMs: 1_000, successThreshold: 1 };
    expect(shapeOf({ readinessProbe: { tcpSocket: { port: 6379 } } }).probes).toEqual([
      { type: 'tcp', port: 6379, ...common },
    ]);
    expect(shapeOf({ readinessProbe: { grpc: { port: 9000, service: 'a.B' } } }).probes).toEqual([
      { type: 'grpc', port: 9000, service: 'a.B', ...common },
    ]);
  });

  test('without any, the list is empty; a sidecar counts, an ordinary init container does not', () => {
    expect(shapeOf({}).probes).toEqual([]);
    const readinessProbe = { tcpSocket: { port: 15021 } };
    const sidecar = { name: 'mesh', restartPolicy: 'Always', readinessProbe };
    expect(shapeOf({}, { initContainers: [sidecar] }).probes).toHaveLength(1);
    expect(shapeOf({}, { initContainers: [{ name: 'init', readinessProbe }] }).probes).toEqual([]);
  });

  test.each<[string, Partial<Container>]>([
    ['an exec probe', { readinessProbe: { exec: { command: ['true'] } } }],
    ['a startup probe', { readinessProbe: { tcpSocket: { port: 1 } }, startupProbe: { tcpSocket: { port: 1 } } }],
    ['a port that does not exist', { readinessProbe: { tcpSocket: { port: 'none' } } }],
    ['another host', { readinessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } }],
  ])('%s leaves it to the kubelet', (_, container) => {
    expect(shapeOf(container).probes).toBeUndefined();
  });

  test('readiness gates leave it to the kubelet', () => {
    expect(shapeOf({}, { readinessGates: [{ conditionType: 'x' }] }).probes).toBeUndefined();
  });
});

test('a preStop is there only if each container with ports has one', () => {
  const lifecycle = { preStop: { sleep: { seconds: 5 } } };
  const other = { name: 'b', ports: [{ containerPort: 1 }] };
  expect(shapeOf({ lifecycle }).preStop).toBe(true);
  expect(shapeOf({ lifecycle }, { containers: [{ name: 'app', ports, lifecycle }, other] }).preStop).toBe(false);
  expect(shapeOf({}).preStop).toBe(false);
});

test.each<[string, Parameters<typeof podShape>[0], boolean]>([
  ['the only container declares no ports', { containers: [{ name: 'app', lifecycle: delay(5) }] }, true],
  ['so does a helper beside it', { containers: [{ name: 'app', lifecycle: delay(5) }, { name: 'log' }] }, true],
  ['none has one', { containers: [{ name: 'app' }, { name: 'log' }] }, false],
  [
    'a helper declares ports of UDP alone',
    {
      containers: [
        { name: 'app', lifecycle: delay(5) },
        { name: 'dns', ports: [{ containerPort: 53, protocol: 'UDP' }] },
      ],
    },
    true,
  ],
  ['it sleeps for no time', { containers: [{ name: 'app', ports, lifecycle: delay(0) }] }, false],
  [
    'there is no grace period to wait in',
    { containers: [{ name: 'app', ports, lifecycle: delay(5) }], terminationGracePeriodSeconds: 0 },
    false,
  ],
])('ports need not be declared, and a preStop has to wait: where %s', (_, spec, preStop) => {
  expect(podShape(spec).preStop).toBe(preStop);
});

function delay(seconds: number): NonNullable<Container['lifecycle']> {
  return { preStop: { sleep: { seconds } } };
}

test('pods that look alike share one shape', () => {
  expect(shapeOf({})).toBe(shapeOf({}));
  expect(shapeOf({})).not.toBe(shapeOf({ ports: [] }));
});
