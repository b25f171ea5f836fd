import { afterEach, describe, expect, test } from '@jest/globals';
import type { HttpRoute, Ingress, Store } from '@scaler/kube';
import { type ClassInfo, createClasses } from './classes.ts';
import { hostedRoute, trimGateway, trimHttpRoute } from './http-route.ts';
import { trimIngress } from './ingress.ts';
import { namespace, type Rig, startRig } from '../testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

function storeOf(names: readonly string[], code?: string): Store<ClassInfo> {
  const all = names.map((name) => ({ name: name.replace('!', ''), isDefault: name.endsWith('!') }));
  return {
    get: (_: undefined, name: string) => all.find((one) => one.name === name),
    list: () => all,
    size: all.length,
    failures: code === undefined ? [] : [{ error: { code } }],
  } as unknown as Store<ClassInfo>;
}

describe('an Ingress counts', () => {
  const served: Ingress['status'] = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  const annotated = { annotations: { 'kubernetes.io/ingress.class': 'nginx' } };

  test.each<[string, boolean, readonly string[], readonly string[], Ingress]>([
    ['of a class that the cluster has', true, ['nginx'], [], { spec: { ingressClassName: 'nginx' } }],
    ['of such a class by the annotation of old', true, ['nginx'], [], { metadata: annotated }],
    ['not of a class that it does not have', false, ['nginx'], [], { spec: { ingressClassName: 'nobody' } }],
    ['not of one by the annotation of old', false, ['traefik'], [], { metadata: annotated }],
    ['not of one where the cluster has none at all', false, [], [], { spec: { ingressClassName: 'nobody' } }],
    [
      'where a controller has taken it, whatever its class',
      true,
      [],
      [],
      { spec: { ingressClassName: 'x' }, status: served },
    ],
    ['without a class where there is a default', true, ['nginx!'], [], {}],
    ['not without a class where there is none', false, ['nginx'], [], {}],
    ['without a class where the cluster has no classes', true, [], [], {}],
    ['of a class that an admin names', true, [], ['haproxy'], { spec: { ingressClassName: 'haproxy' } }],
    ['of no other class then', false, ['nginx'], ['haproxy'], { spec: { ingressClassName: 'nginx' }, status: served }],
    ['not without a class then, unless the named one is the default', false, ['nginx!'], ['haproxy'], {}],
    ['of any class where an admin says so', true, [], ['*'], { spec: { ingressClassName: 'x' } }],
  ])('%s', (_, counts, classes, accepted, ingress) => {
    const parts = { ingressClasses: storeOf(classes), gatewayClasses: storeOf([]), accepted };
    const problem = createClasses(parts).ingressProblem(trimIngress(ingress));
    expect(problem === undefined).toBe(counts);
  });
});

describe('an HTTPRoute hangs on a Gateway', () => {
  const gateway = (className: string) =>
    trimGateway({
      metadata: { namespace, name: 'public' },
      spec: { gatewayClassName: className, listeners: [{ name: 'http', port: 80 }] },
    });
  const route = (status?: string): HttpRoute => ({
    metadata: { namespace, name: 'front' },
    spec: { parentRefs: [{ name: 'public' }], hostnames: ['a.example.com'] },
    status:
      status === undefined
        ? {}
        : { parents: [{ parentRef: { name: 'public' }, conditions: [{ type: 'Accepted', status }] }] },
  });

  test.each([
    ['that its controller accepted it for', ['a.example.com'], ['envoy'], undefined, 'True'],
    ['of a class that the cluster has', ['a.example.com'], ['envoy'], gateway('envoy'), undefined],
    ['but not of a class that it does not have', [], ['envoy'], gateway('nobody'), undefined],
    ['but not on one that is not there', [], ['envoy'], undefined, undefined],
    ['but not on one that is not there and has said nothing yet', [], ['envoy'], undefined, 'Unknown'],
  ])('%s', (_, hosts, classes, found, status) => {
    const { isParent } = createClasses({ ingressClasses: storeOf([]), gatewayClasses: storeOf(classes), accepted: [] });
    const told = hostedRoute(trimHttpRoute(route(status)), () => found, isParent);
    expect(told.hosts).toEqual(hosts);
    expect(told.problems).toHaveLength(hosts.length === 0 ? 1 : 0);
  });

  test('only if it is accepted, where the classes must not be read', () => {
    const { isParent } = createClasses({
      ...{ ingressClasses: storeOf([]), gatewayClasses: storeOf([], 'forbidden'), accepted: [] },
    });
    const hostsOf = (status?: string) => hostedRoute(trimHttpRoute(route(status)), () => undefined, isParent).hosts;
    expect([hostsOf(), hostsOf('True')]).toEqual([[], ['a.example.com']]);
  });
});

test('an Ingress of a class that no controller runs takes no path, its owner gets an Event, and with the class it counts', async () => {
  rig = await startRig();
  await rig.workload('thief');
  const { cluster, dlx, until } = rig;
  const http = {
    paths: [{ path: '/login', pathType: 'Prefix', backend: { service: { name: 'thief', port: { number: 80 } } } }],
  };
  await cluster.apply({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { namespace, name: 'front' } },
    spec: { ingressClassName: 'of-nobody', rules: [{ host: 'bank.example.com', http }] },
  });
  const one = rig;
  await until(() => one.told('thief', 'NoEffect')?.includes('of the class of-nobody') === true);
  expect(dlx.known.get(`${namespace}/thief`)?.targets[0]).not.toHaveProperty('routes');
  await cluster.apply({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'of-nobody' } },
    spec: { controller: 'example.com/somebody' },
  });
  await until(() => dlx.known.get(`${namespace}/thief`)?.targets[0]?.routes?.[0]?.path === '/login');
});
