import { keys } from '../workload/keys.ts';
import { describe, expect, test } from '@jest/globals';
import { serviceAddresses } from '@scaler/kube';
import { buildSlices, resourceLabel, sameSlice, sliceName, trimSlice } from './slices.ts';
import { serviceProblems, trimService } from './service-info.ts';
import { foreignPods } from '../machine/divertible.ts';
import { mirrorAddresses, mirrorUrgency } from './mirror.ts';
import { addedKeys, routingOf, selects, selectsPodsOf } from './routing.ts';
import { pod, replicaSet, service, workload } from '../testing/objects.ts';

const diversion = {
  service: service({ ipFamilies: ['IPv4', 'IPv6'] }),
  resource: 'web',
  epoch: 'e1',
  addresses: ['10.0.0.2', 'fd00::1', '10.0.0.1', '10.0.0.1'],
  ports: [{ name: 'http', listenPort: 20_001 }],
};

describe('our slices', () => {
  test('are one for each family, sorted, with every condition written out', () => {
    const slices = buildSlices(diversion);
    expect(slices.map(({ metadata }) => metadata?.name)).toEqual(['web-scaler-ipv4', 'web-scaler-ipv6']);
    const conditions = { ready: true, serving: true, terminating: false };
    expect(slices[0]).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        namespace: 'shop',
        labels: {
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'scaler',
          'scaler/resource': 'web',
          'scaler/epoch': 'e1',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'uid-service' }],
      },
      ports: [{ name: 'http', port: 20_001, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['10.0.0.1'], conditions },
        { addresses: ['10.0.0.2'], conditions },
      ],
    });
    expect(slices[1]?.endpoints).toEqual([{ addresses: ['fd00::1'], conditions }]);
  });

  test('leave out families that the Service does not have', () => {
    expect(buildSlices({ ...diversion, service: service({ ipFamilies: ['IPv6'] }) })).toHaveLength(1);
    expect(buildSlices({ ...diversion, addresses: [] })).toEqual([]);
  });

  test('say how many replicas a wake brings back; another count is another slice', () => {
    const [first] = buildSlices({ ...diversion, replicas: 3 }).map(trimSlice);
    const [other] = buildSlices({ ...diversion, replicas: 4 }).map(trimSlice);
    const [silent] = buildSlices(diversion).map(trimSlice);
    if (!first || !other || !silent) throw new Error('no slices');
    expect([first.replicas, other.replicas, silent.replicas]).toEqual([3, 4, undefined]);
    expect(sameSlice(first, other)).toBe(false);
    for (const written of ['0', '-1', '1e3', '12345678901', 'x']) {
      const metadata = { labels: { 'scaler/replicas': written } };
      expect(trimSlice({ addressType: 'IPv4', endpoints: [], metadata }).replicas).toBeUndefined();
    }
  });

  test('have names and labels that the API allows, however long the names', () => {
    expect(sliceName('s'.repeat(253), 'IPv4')).toHaveLength(253);
    expect(resourceLabel('r'.repeat(100))).toMatch(/^r{54}-[0-9a-f]{8}$/);
    expect(resourceLabel(`${'r'.repeat(52)}-.${'x'.repeat(50)}`)).toMatch(/^r{52}-[0-9a-f]{8}$/);
  });

  test('are the same when they say the same, in whatever order', () => {
    const [first] = buildSlices(diversion).map(trimSlice);
    const [again] = buildSlices({ ...diversion, addresses: [...diversion.addresses].reverse() }).map(trimSlice);
    const [other] = buildSlices({ ...diversion, epoch: 'e2' }).map(trimSlice);
    if (!first || !again || !other) throw new Error('no slices');
    expect(sameSlice(first, { ...again, uid: 'x', resourceVersion: '7' })).toBe(true);
    expect(sameSlice(first, other)).toBe(false);
  });
});

describe('routing', () => {
  const slices = buildSlices(diversion).map(trimSlice);

  test('is read from the selector and from our slices alone', () => {
    const diverted = service({ selector: { app: 'web', 'scaler/asleep': 'e1' } });
    const foreign = slices.map((slice) => ({ ...slice, managedBy: 'endpointslice-controller.k8s.io' }));
    expect(routingOf(diverted, [...slices, ...foreign])).toEqual({
      key: 'e1',
      slices,
      slice: {
        epoch: 'e1',
        addresses: ['10.0.0.1', '10.0.0.2', 'fd00::1'],
        ports: [{ name: 'http', port: 20_001, protocol: 'TCP' }],
        owned: true,
      },
    });
    expect(routingOf(service(), foreign)).toEqual({ key: undefined, slices: [], slice: undefined });
  });

  test('says when slices disagree or belong to a Service that was deleted', () => {
    const [first, second] = slices;
    if (!first || !second) throw new Error('no slices');
    const mixed = routingOf(service(), [first, { ...second, epoch: 'e0' }]);
    expect(mixed.slice?.epoch).toBeUndefined();
    expect(routingOf(service({ uid: 'new' }), slices).slice?.owned).toBe(false);
  });

  test('a diverted Service selects what it selected before', () => {
    expect(selects(service({ selector: { app: 'web', 'scaler/asleep': 'e1' } }), { app: 'web', tier: 'x' })).toBe(true);
    expect(selects(service({ selector: { 'scaler/asleep': 'e1' } }), { app: 'web' })).toBe(false);
    expect(selects(service({ selector: undefined }), { app: 'web' })).toBe(false);
  });
});

describe('a Service that selects by more than a workload', () => {
  const selected = { pods: 'selected', selector: { app: 'web' }, templateLabels: { app: 'web', tier: 'x' } } as const;
  const narrowed = service({ selector: { app: 'web', hash: '1', 'scaler/asleep': 'e1' } });

  test('leads to it where the label is one that its template does not name', () => {
    expect(addedKeys(narrowed, selected)).toEqual(['hash']);
    expect(selectsPodsOf(narrowed, selected)).toBe(true);
    expect(addedKeys(service({ selector: { app: 'web', tier: 'x' } }), selected)).toEqual([]);
  });

  test.each<[string, Record<string, string>, Partial<typeof selected> | { pods: 'owned' }]>([
    ['its template says otherwise', { app: 'web', tier: 'y', hash: '1' }, {}],
    ['it leaves out what the workload selects by', { hash: '1' }, {}],
    ['another workload is meant', { app: 'db', hash: '1' }, {}],
    ['its pods are found by their owners', { app: 'web', hash: '1' }, { pods: 'owned' }],
  ])('does not where %s', (_why, selector, more) => {
    expect(selectsPodsOf(service({ selector }), { ...selected, ...more })).toBe(false);
  });
});

describe('a Service cannot be diverted when it', () => {
  const ports = [{ port: 80 }];
  const selector = { app: 'web' };
  const neg = { 'cloud.google.com/neg': '{"ingress": true}' };
  const negStatus = (port: number) => ({
    'cloud.google.com/neg-status': `{"network_endpoint_groups":{"${port}":"k8s1-a"},"zones":["z"]}`,
  });
  test.each([
    ['is headless', { spec: { clusterIP: 'None', ports, selector } }, 'headless'],
    ['is an ExternalName', { spec: { type: 'ExternalName', ports, selector } }, 'ExternalName'],
    ['has a UDP port', { spec: { ports: [{ port: 53, protocol: 'UDP' }], selector } }, '53/UDP'],
    ['has no selector', { spec: { ports } }, 'no selector'],
    ['has no ports', { spec: { selector } }, 'no ports'],
    ['keeps traffic on its node', { spec: { externalTrafficPolicy: 'Local', ports, selector } }, 'external'],
    ['keeps inner traffic on its node', { spec: { internalTrafficPolicy: 'Local', ports, selector } }, 'internal'],
    [
      'has NEGs',
      { metadata: { annotations: negStatus(80) }, spec: { ports, selector } },
      'cloud.google.com/neg-status',
    ],
    ['is a target of NEGs', { metadata: { annotations: neg }, spec: { ports, selector } }, 'cloud.google.com/neg'],
  ])('%s', (_, object, text) => {
    const [problem, ...more] = serviceProblems(
      trimService({ ...object, metadata: { name: 'web', ...('metadata' in object ? object.metadata : {}) } }),
    );
    expect(problem).toContain(text);
    expect(more).toEqual([]);
  });

  test('is not one whose network endpoint group is of nodes', () => {
    const metadata = { name: 'web', annotations: negStatus(0) };
    expect(serviceProblems(trimService({ metadata, spec: { ports, selector } }))).toEqual([]);
  });

  test('selects pods of another workload', () => {
    const own = [pod(), pod({ uid: 'direct', ownerUid: 'uid-web' })];
    const others = [
      pod({ uid: 'other-set', ownerUid: 'uid-other' }),
      pod({ uid: 'bare', ownerUid: undefined }),
      pod({ uid: 'ended', ownerUid: undefined, phase: 'Succeeded' }),
      pod({ uid: 'elsewhere', ownerUid: undefined, namespace: 'other' }),
      pod({ uid: 'unselected', ownerUid: undefined, labels: {} }),
    ];
    const foreign = foreignPods(service(), [...own, ...others], workload(), [replicaSet()]);
    expect(foreign.map(({ uid }) => uid)).toEqual(['other-set', 'bare']);
  });

  test('and otherwise can', () => {
    expect(serviceProblems(service())).toEqual([]);
  });
});

test('who owns the selector is read from the managed fields, server-side apply first', () => {
  const fieldsV1 = { 'f:spec': { 'f:selector': {} } };
  const managedFields = [
    { manager: 'kubectl-client-side-apply', operation: 'Update', fieldsV1 },
    { manager: 'argocd-controller', operation: 'Apply', fieldsV1 },
    { manager: 'cloud', operation: 'Update', fieldsV1: { 'f:status': {} } },
  ];
  expect(trimService({ metadata: { managedFields } }).managers).toEqual([
    'argocd-controller',
    'kubectl-client-side-apply',
  ]);
});

describe('the mirror', () => {
  const addresses = { listed: ['a', 'b'], draining: ['c'] };

  test('names ready addresses; draining ones only while there is nothing else', () => {
    expect(mirrorAddresses(['a', 'c'], addresses)).toEqual(['a', 'b']);
    expect(mirrorAddresses(['a', 'c'], { listed: [], draining: ['c', 'd'] })).toEqual(['c']);
    expect(mirrorAddresses(['a'], { listed: [], draining: [] })).toEqual([]);
  });

  test('takes each family for itself: a draining one stays where its family has no other', () => {
    const both = { listed: ['10.0.0.2'], draining: ['10.0.0.1', 'fd00::1'] };
    expect(mirrorAddresses(['10.0.0.1', 'fd00::1'], both)).toEqual(['10.0.0.2', 'fd00::1']);
    expect(mirrorUrgency(['10.0.0.2', 'fd00::1'], both)).toBe('none');
  });

  test('hurries only where an address is gone', () => {
    expect(mirrorUrgency(['a', 'b'], addresses)).toBe('none');
    expect(mirrorUrgency(['b'], addresses)).toBe('soon');
    expect(mirrorUrgency(['a', 'b', 'c'], addresses)).toBe('soon');
    expect(mirrorUrgency(['a', 'b', 'x'], addresses)).toBe('now');
  });
});

test('addresses of a Service: ready, draining, with their named ports; ours are left out', () => {
  const slice = trimSlice({
    addressType: 'IPv4',
    ports: [{ name: 'infra', port: 8081 }],
    endpoints: [
      { addresses: ['10.0.0.1'], conditions: { ready: true } },
      { addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ['10.0.0.3'], conditions: { ready: false, serving: false, terminating: true } },
      { addresses: ['10.0.0.4'], conditions: { ready: false } },
    ],
  });
  const ours = { ...slice, managedBy: 'scaler', endpoints: [{ ...slice.endpoints[0], address: '10.0.0.9' }] };
  const ports = { infra: 8081 };
  expect(serviceAddresses([slice, ours as typeof slice], { exceptManagedBy: keys.manager })).toEqual([
    { address: '10.0.0.1', id: '10.0.0.1', ready: true, draining: false, ports },
    { address: '10.0.0.2', id: '10.0.0.2', ready: false, draining: true, ports },
  ]);
});
