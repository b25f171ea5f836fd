import { noOwnerIntent, type Facts } from './facts.ts';
import { describe, expect, test } from '@jest/globals';
import type { Deployment, KubeObject } from '@scaler/kube';
import { trimDeployment } from '../testing/kinds.ts';
import type { Workload } from '../workload/workload.ts';
import { trimPod } from '../endpoints/pod-info.ts';
import { type ServiceInfo, trimService } from '../routing/service-info.ts';
import { parseOptions } from '../config/options.ts';
import { type BesideFacts, blockedReason, parkBlockers } from './blockers.ts';
import { appsRollout } from '../workload/kind.ts';
import { notDivertibleReason, routingMode } from './divertible.ts';
import { parseSettings, type Settings } from '../config/settings.ts';
import { trimIngress } from '../hosts/ingress.ts';
import { trimTargetGroup } from '../hosts/target-group.ts';

const options = parseOptions({});
const settingsOf = (annotations: Record<string, string> = {}) => parseSettings(annotations, options).settings;

function workload(name: string, containers: readonly string[] = ['app']): Workload {
  const object: Deployment = {
    metadata: { namespace: 'shop', name, uid: `uid-${name}` },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: containers.map((one) => ({ name: one })) } },
    },
  };
  return trimDeployment(object);
}

const pod = (name: string, labels: Record<string, string>, owner?: string) =>
  trimPod({
    metadata: {
      ...{ namespace: 'shop', name, uid: `uid-${name}`, labels },
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }],
          }),
    },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: 'Running' },
  });

const service = (spec: object = {}, managers: readonly string[] = []) =>
  trimService({
    metadata: {
      ...{ namespace: 'shop', name: 'web', uid: 'uid-service' },
      managedFields: managers.map((manager) => ({
        manager,
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:selector': {} } },
      })),
    },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  });

const facts = {
  workload: workload('web'),
  settings: settingsOf(),
  services: [service()],
  ingresses: [],
  targetGroups: [],
  pods: [],
  replicaSets: [],
  others: [],
};

describe('Services that cannot be diverted', () => {
  test('are none in the plain case', () => {
    expect(notDivertibleReason({ ...facts, pods: [pod('web-1', { app: 'web' }, 'set-web')] })).toBeUndefined();
  });

  test.each([
    [{ clusterIP: 'None' }, /headless/],
    [{ type: 'ExternalName' }, /ExternalName/],
    [{ ports: [{ port: 53, protocol: 'UDP' }] }, /only TCP/],
    [{ externalTrafficPolicy: 'Local' }, /externalTrafficPolicy Local/],
    [{ internalTrafficPolicy: 'Local' }, /internalTrafficPolicy Local/],
  ])('%j', (spec, why) => {
    expect(notDivertibleReason({ ...facts, services: [service(spec)] })).toMatch(why);
  });

  test('are shared ones: with a pod of another workload, or with a workload that sleeps', () => {
    expect(notDivertibleReason({ ...facts, pods: [pod('bare', { app: 'web' })] })).toMatch(/also selects the pod bare/);
    const foreign = {
      uid: 'set-x',
      ownerUid: 'uid-other',
      namespace: 'shop',
      name: 'x',
      resourceVersion: '1',
      generation: 1,
      observedGeneration: 1,
      replicas: 1,
      trouble: undefined,
    };
    expect(
      notDivertibleReason({ ...facts, pods: [pod('x-1', { app: 'web' }, 'set-x')], replicaSets: [foreign] }),
    ).toMatch(/pod x-1/);
    expect(notDivertibleReason({ ...facts, others: [workload('other')] })).toMatch(/pods of other/);
  });

  const sticky = 'nginx.ingress.kubernetes.io/affinity';
  const cookie = 'traefik.ingress.kubernetes.io/service.sticky.cookie';
  const ingressOf = (annotations: Record<string, string>) =>
    trimIngress({ metadata: { namespace: 'shop', name: 'front', annotations } });
  const serviceOf = (annotations: Record<string, string>) =>
    trimService({ metadata: { name: 'web', annotations }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
  const three = { ...workload('web'), replicas: 3 };

  test.each<[string, Partial<Parameters<typeof notDivertibleReason>[0]>, readonly string[]]>([
    ['sessionAffinity ClientIP', { services: [service({ sessionAffinity: 'ClientIP' })] }, ['selector', 'overlay']],
    [`${sticky}=cookie`, { ingresses: [ingressOf({ [sticky]: 'cookie' })] }, ['selector', 'overlay', 'always']],
    [`${cookie}=true`, { services: [serviceOf({ [cookie]: 'true' })] }, ['selector', 'overlay', 'always']],
  ])('are those of more than one replica that keep a client at one pod by %s, in %j', (what, more, modes) => {
    for (const mode of ['selector', 'overlay', 'always']) {
      const settings = settingsOf({ 'scaler/routing': mode });
      const why = notDivertibleReason({ ...facts, ...more, workload: three, settings });
      if (modes.includes(mode)) expect(why).toMatch(`${what}: a wake would spread each client over its 3 pods`);
      else expect(why).toBeUndefined();
      expect(notDivertibleReason({ ...facts, ...more, settings })).toBeUndefined();
    }
  });

  test('asleep it has as many replicas as a wake brings back', () => {
    const state = JSON.stringify({ epoch: 'e1', uid: 'uid-web', since: '2026-01-01T00:00:00Z', replicas: 3 });
    const labels = { 'scaler/enabled': 'true', 'scaler/phase': 'asleep', 'scaler/epoch': 'e1' };
    const one = { ...workload('web'), uid: 'uid-web', labels, annotations: { 'scaler/state': state }, replicas: 0 };
    const services = [service({ sessionAffinity: 'ClientIP' })];
    const settings = settingsOf({ 'scaler/routing': 'selector' });
    expect(notDivertibleReason({ ...facts, services, settings, workload: one })).toMatch(/its 3 pods/);
  });

  test('are behind an Ingress whose load balancer sends to pods', () => {
    const ingress = {
      namespace: 'shop',
      name: 'front',
      routes: [],
      services: ['web'],
      ...{ className: undefined, isServed: false, sticky: undefined },
      ipTargets: 'alb.ingress.kubernetes.io/target-type=ip',
    };
    expect(notDivertibleReason({ ...facts, ingresses: [ingress] })).toMatch(/Ingress front .*ignores the DLX/);
  });

  test.each([
    [{ annotations: { 'kubernetes.io/ingress.class': 'azure/application-gateway' } }, {}],
    [{}, { ingressClassName: 'azure-application-gateway' }],
    [{ annotations: { 'alb.ingress.kubernetes.io/target-type': 'ip' } }, { ingressClassName: 'alb' }],
  ])('are behind an Ingress of a load balancer that goes to pods: %j %j', (metadata, spec) => {
    const ingress = trimIngress({ metadata: { name: 'front', ...metadata }, spec });
    expect(notDivertibleReason({ ...facts, ingresses: [ingress] })).toMatch(/Ingress front has .*=.*ignores the DLX/);
    const plain = trimIngress({ metadata: { name: 'front' }, spec: { ingressClassName: 'traefik' } });
    expect(notDivertibleReason({ ...facts, ingresses: [plain] })).toBeUndefined();
  });

  test('are what a target group of AWS has as pods, whatever has declared it', () => {
    const group = (targetType: string) =>
      trimTargetGroup({ metadata: { name: 'k8s-web' }, spec: { targetType, serviceRef: { name: 'web' } } });
    expect(notDivertibleReason({ ...facts, targetGroups: [group('ip')] })).toMatch(
      /TargetGroupBinding k8s-web .*ignores the DLX/,
    );
    expect(notDivertibleReason({ ...facts, targetGroups: [group('instance')] })).toBeUndefined();
  });

  test('belong to a mesh that was not allowed', () => {
    const meshed = { ...facts, workload: workload('web', ['app', 'istio-proxy']) };
    expect(notDivertibleReason(meshed)).toMatch(/sidecar istio-proxy.*scaler\/mesh: allow/);
    expect(notDivertibleReason({ ...meshed, settings: settingsOf({ 'scaler/mesh': 'allow' }) })).toBeUndefined();
  });

  test('are named and do not exist', () => {
    expect(notDivertibleReason({ ...facts, settings: settingsOf({ 'scaler/services': 'web,api' }) })).toMatch(
      /Service api, named in scaler\/services/,
    );
  });
});

describe('a Service that the controller of a workload narrows to some of its pods', () => {
  const metric = { 'scaler/metrics': 'requests_per_5m<=0' };
  const rollout: Workload = { ...workload('web'), pods: 'selected' };
  const stable = service({ selector: { app: 'web', 'rollouts-pod-template-hash': '6846cc849f' } });
  const reason = (annotations: Record<string, string>) =>
    notDivertibleReason({ ...facts, workload: rollout, services: [stable], settings: settingsOf(annotations) });

  test('is overlaid, so that its selector is left alone', () => {
    expect(routingMode(settingsOf(metric), [service(), stable], rollout)).toBe('overlay');
    expect(reason(metric)).toBeUndefined();
  });

  test.each<Record<string, string>>([{}, { 'scaler/routing': 'selector', ...metric }, { 'scaler/routing': 'always' }])(
    'keeps it awake in another mode, with the reason: %j',
    (annotations) => {
      expect(reason(annotations)).toMatch(
        /controller of web keeps the selector of Service web by rollouts-pod-template-hash: it needs scaler\/routing: overlay/,
      );
    },
  );
});

describe('the mode', () => {
  const modeOf = (settings: Settings, services: readonly ServiceInfo[]) =>
    routingMode(settings, services, workload('web'));

  test('auto is always without a metric, overlay under GitOps, else selector', () => {
    const metric = settingsOf({ 'scaler/metrics': 'requests_per_5m<=0' });
    expect(modeOf(settingsOf(), [service()])).toBe('always');
    expect(modeOf(metric, [service()])).toBe('selector');
    expect(modeOf(metric, [service({}, ['argocd-controller'])])).toBe('overlay');
    expect(modeOf(metric, [service({}, ['kubectl', 'helm'])])).toBe('selector');
    const selector = settingsOf({ 'scaler/routing': 'selector' });
    expect(modeOf(selector, [service({}, ['argocd-controller'])])).toBe('selector');
  });
});

describe('a park', () => {
  const table: Facts = {
    workload: {
      phase: 'awake',
      epoch: 'e',
      phaseLabel: 'awake',
      marked: true,
      enabled: true,
      replicas: 2,
      followed: false,
      wanted: 2,
      portsLabelled: true,
    },
    mode: 'selector',
    followZero: true,
    ownerIntent: noOwnerIntent,
    settleMs: 5_000,
    notDivertible: undefined,
    contested: undefined,
    unseen: undefined,
    services: [
      {
        name: 'web',
        ours: true,
        slices: 'none',
        sliceEpoch: undefined,
        key: undefined,
        keyMayCome: false,
        touched: false,
        serves: true,
        stableForMs: 0,
      },
    ],
    dlx: 'ready',
    usable: true,
    reachable: undefined,
  };
  const clear: BesideFacts = { problems: [], services: 1, dlxNamed: true, notListening: [] };

  test('may begin when nothing stands in its way', () => {
    expect(parkBlockers(table, clear)).toEqual([]);
  });

  test.each<[string, BesideFacts, Partial<Facts>, RegExp]>([
    ['another phase', {}, { workload: { ...table.workload!, phase: 'waking' } }, /it is waking, not awake/],
    ['no phase', {}, { workload: { ...table.workload!, phase: undefined } }, /state is not known/],
    ['no replicas', {}, { workload: { ...table.workload!, replicas: 0 } }, /0 already/],
    ['no opt-in', {}, { workload: { ...table.workload!, enabled: false } }, /not opted in/],
    ['no port', {}, { workload: { ...table.workload!, portsLabelled: false } }, /no port of the DLX/],
    ['a wrong setting', { problems: [{ annotation: 'x', message: 'x is wrong', fatal: true }] }, {}, /x is wrong/],
    ['no Service', { services: 0 }, {}, /nothing could wake it/],
    ['a refusal', {}, { notDivertible: 'it is shared' }, /it is shared/],
    ['no DLX Service', { dlxNamed: false }, {}, /no DLX Service is named/],
    ['no DLX', {}, { dlx: 'none' }, /no DLX listens/],
    ['a DLX that does not listen', { notListening: ['10.0.0.1'] }, {}, /10\.0\.0\.1 does not listen/],
    ['a rollout', { rollout: 'a rollout of it is in progress' }, {}, /rollout/],
    ['a restore', {}, { services: [{ ...table.services[0]!, slices: 'whole' }] }, /handed back/],
    ['always, not entered', {}, { mode: 'always' }, /not in its path/],
    ['a conflict', { contested: 'not parked until noon' }, {}, /until noon/],
    ['a pause', {}, { ownerIntent: { ...noOwnerIntent, pause: 'awake' } }, /paused awake/],
    ['a workload that is gone', {}, { workload: undefined }, /does not exist/],
  ])('is refused by %s', (_, preflight, change, why) => {
    const blockers = parkBlockers({ ...table, ...change }, { ...clear, ...preflight });
    expect(blockers.map(({ text }) => text).join('; ')).toMatch(why);
  });

  test('that is blocked says so: all that its owner has to mend, and of the rest what comes first', () => {
    const problems = [{ annotation: 'scaler/cooldown', message: 'scaler/cooldown is "x"', fatal: true }];
    const workload = { ...table.workload!, enabled: false, portsLabelled: false };
    const blockers = parkBlockers({ ...table, workload, dlx: 'none' }, { problems, services: 0, contested: 'later' });
    expect(blockedReason(blockers)).toBe(
      'it is not opted in any more and is being handed back; scaler/cooldown is "x"; no Service selects its pods, so ' +
        'nothing could wake it; a port of its Services has no port of the DLX yet',
    );
    expect(blockedReason(parkBlockers(table, clear))).toBeUndefined();
  });

  test('is not blocked by what its owner wants for now, nor a dry run by what it does not write', () => {
    for (const ownerIntent of [
      { ...noOwnerIntent, pause: 'awake' as const },
      { ...noOwnerIntent, busy: true },
    ])
      expect(blockedReason(parkBlockers({ ...table, ownerIntent }))).toBeUndefined();
    const dry = { ...table, ownerIntent: { ...noOwnerIntent, dryRun: true } };
    const unwritten = { ...table.workload!, phase: undefined, portsLabelled: false };
    expect(blockedReason(parkBlockers({ ...dry, workload: unwritten }))).toBeUndefined();
    expect(blockedReason(parkBlockers({ ...table, workload: unwritten }))).toBe('its state is not known yet');
  });

  test('waits for rollouts of Deployments and StatefulSets', () => {
    const at = (status: object, replicas = 2) =>
      appsRollout({ metadata: { generation: 3 }, spec: { replicas }, status } as KubeObject);
    const done = { observedGeneration: 3, replicas: 2, updatedReplicas: 2 };
    expect(at(done)).toBeUndefined();
    expect(at({ ...done, observedGeneration: 2 })).toMatch(/not been seen/);
    expect(at({ ...done, updatedReplicas: 1 })).toMatch(/rollout/);
    expect(at({ ...done, replicas: 3 })).toMatch(/rollout/);
    expect(at({ ...done, currentRevision: 'a', updateRevision: 'b' })).toMatch(/rollout/);
  });
});
