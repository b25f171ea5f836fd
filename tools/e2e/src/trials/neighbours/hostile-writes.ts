import type { EmbeddedSystem } from '@scaler/demo';
import type { KubeObject } from '@scaler/testing-kit';
import type { Workload } from '../workload.ts';
import { hostOf } from './tenants.ts';

export interface HostileWrite {
  readonly name: string;
  readonly object: object;
}

type Texts = Readonly<Record<string, string>>;

/** Annotations of one object take 256 KiB together, which the API server itself bounds. */
const annotationBytes = 250_000;

/**
 * One round of what a tenant with `edit` in its namespace may write: the worst of texts, of shares, and of our own state.
 *
 * @param round makes each round's texts other than the last one's.
 */
export function hostileWrites(
  system: EmbeddedSystem,
  namespace: string,
  victims: readonly Workload[],
  round: number,
): readonly HostileWrite[] {
  const workload = (name: string, annotations: Texts, labels: Texts = {}): HostileWrite => ({
    name,
    object: deployment(namespace, name, annotations, labels),
  });
  return [
    ...texts(round).map(([name, annotations]) => workload(name, annotations)),
    ...largeServices(namespace, round),
    ...['shares', 'ports', 'texts'].map((name) =>
      workload(name, { 'scaler/idle-after': '1s', 'scaler/routing': 'always' }),
    ),
    ...[1, 2, 3, 4].flatMap((i) => [
      workload(`settles-${i}`, { 'scaler/settle': '1000h', 'scaler/idle-after': '1s', 'scaler/routing': 'always' }),
      { name: `settles-${i}`, object: service(namespace, `settles-${i}`, 1) },
    ]),
    ...victims.flatMap((victim, i) => claims(system, namespace, victim, i)),
  ];
}

/**
 * Services of more ports than can be diverted, and of nearly as many as there are: each time another object.
 */
export function largeServices(namespace: string, round: number): readonly HostileWrite[] {
  return [
    { name: 'texts', object: service(namespace, 'texts', 10_000, round) },
    { name: 'shares', object: service(namespace, 'shares', 90, round) },
    { name: 'shares', object: service(namespace, 'ports', 990, round) },
  ];
}

/** Texts that cost more than they weigh. */
function texts(round: number): readonly (readonly [name: string, annotations: Texts])[] {
  const many = (count: number, item: (i: number) => string, between = ','): string =>
    Array.from({ length: count }, (_, i) => item(i))
      .join(between)
      .slice(0, annotationBytes);
  return [
    ['digits', { 'scaler/metrics': `requests_per_1s<=${round}${'9'.repeat(240_000)}` }],
    ['tcp-ports', { 'scaler/tcp-ports': many(50_000, (i) => i.toString(36)) }],
    ['quiet', { 'scaler/quiet': `[${many(10_000, (i) => `{"path":"/${i}"}`)}]` }],
    ['hosts', { 'scaler/hosts': many(15_000, (i) => `h${i}.test`) }],
    ['nested', { 'scaler/metrics': `${'['.repeat(120_000)}` }],
    ['wording', { 'scaler/pause': `${round}${'x'.repeat(200_000)}`, 'scaler/veto': `${round}`.repeat(8_000) }],
    ['unknown', Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`scaler/u${round}-${i}`, 'x']))],
    ['times', { 'scaler/hold-timeout': '99999999h', 'scaler/idle-timeout': '0', 'scaler/cooldown': '1e9h' }],
  ];
}

/** What another tenant has, claimed: its ports, its phase, its host, its path. */
function claims(system: EmbeddedSystem, namespace: string, victim: Workload, index: number): readonly HostileWrite[] {
  const original = system.api.store.find('apps/v1/deployments', victim.namespace, victim.name) as
    KubeObject | undefined;
  const { labels = {}, annotations = {} } = original?.metadata ?? {};
  const ours = (all: Texts): Texts =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('scaler/')));
  const name = `copy-${index}`;
  const backend = { service: { name, port: { number: 80 } } };
  const host = hostOf(victim);
  return [
    {
      name: 'copied labels',
      object: deployment(namespace, name, { ...ours(annotations), 'scaler/hosts': host }, ours(labels)),
    },
    { name: 'copied labels', object: service(namespace, name, 1) },
    {
      name: 'an Ingress of no class',
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { namespace, name },
        spec: {
          ingressClassName: 'of-nobody',
          rules: [{ host, http: { paths: [{ path: '/login', pathType: 'Exact', backend }] } }],
        },
      },
    },
  ];
}

function deployment(namespace: string, name: string, annotations: Texts, labels: Texts): object {
  const app = { app: name };
  const container = { name: 'app', image: 'app', ports: [{ name: 'http', containerPort: 8080 }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { 'scaler/enabled': 'true', ...labels }, annotations },
    spec: {
      replicas: 0,
      selector: { matchLabels: app },
      template: { metadata: { labels: app }, spec: { containers: [container] } },
    },
  };
}

function service(namespace: string, name: string, ports: number, round = 0): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, annotations: { round: String(round) } },
    spec: {
      selector: { app: name },
      ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i, targetPort: 8080 })),
    },
  };
}
